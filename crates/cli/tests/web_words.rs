//! Words of a configuration that are read otherwise than they look, on the real servers: what a server
//! wants before another thing, what it makes of a macro, what it passes on unread.
#![cfg(unix)] // nginx, Apache httpd and HAProxy of Unix
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says plainly what it expects"
)]

mod common;
#[path = "web_servers/scene.rs"]
mod scene;

use std::fs;
use std::io::Read as _;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use scene::{ALL, APACHE, HAPROXY, NGINX, Scene, scene};
use stopgap_testkit::servers::Setup;

/// The mitigation is put in, blocks, is left alone by a second check, and goes to the byte.
#[track_caller]
fn applied_and_given_back(scene: &Scene) {
    let before = scene.files();
    applied(scene);
    let again = scene.stopgap(&["check"]);
    assert_eq!(again.json()["changed"], false, "{}", again.out);
    let gone = scene.stopgap(&["remove", "--once", "WEB"]);
    assert_eq!(gone.state("WEB"), "withdrawn", "{}", gone.out);
    assert_eq!(scene.files(), before);
    assert!(!scene.get_blocked("/stopgap-probe"));
}

#[track_caller]
fn applied(scene: &Scene) {
    let run = scene.stopgap(&["check"]);
    assert_eq!((run.code, run.state("WEB").as_str()), (0, "applied"), "{}", run.out);
    assert!(scene.get_blocked("/stopgap-probe"));
    assert_eq!(scene.get("/shop"), 200);
}

/// Whether nginx takes its configuration as it stands.
fn nginx_takes(scene: &Scene) -> bool {
    let config = scene.config().display().to_string();
    Command::new("nginx").args(["-t", "-q", "-c", &config]).status().unwrap().success()
}

const SIZES: &str = "  map_hash_bucket_size 128;\n  map_hash_max_size 4096;\n";

#[test]
fn sizes_of_maps_that_nginx_wants_before_any_map_keep_nobody_from_being_protected() {
    let first = NGINX.config.replace("  access_log off;\n", &format!("  access_log off;\n{SIZES}"));
    let last =
        NGINX.config.replace("  include {dir}/sites", &format!("{SIZES}  include {{dir}}/sites"));
    let included = NGINX.config.replace("http {\n", "http {\n  include {dir}/sizes;\n");
    for config in [first, last, included] {
        let files = [NGINX.files, &[("sizes", SIZES)]].concat();
        let setup = Setup { config: &config, files: &files, ..NGINX };
        let Some(scene) = scene(&setup) else { return };
        applied_and_given_back(&scene);
    }
}

#[test]
fn sizes_of_maps_that_somebody_writes_while_rules_are_in_place_are_taken_by_nginx() {
    let Some(scene) = scene(&NGINX) else { return };
    applied(&scene);
    fs::write(scene.dir().join("sites/z.conf"), SIZES).unwrap();
    assert!(nginx_takes(&scene), "an administrator's own line is refused because of ours");
    assert_eq!(scene.stopgap(&["check"]).json()["changed"], false);
}

#[test]
fn an_include_where_an_older_version_put_it_is_no_drift_and_is_moved_by_the_next_check() {
    let Some(scene) = scene(&NGINX) else { return };
    let before = scene.files();
    applied(&scene);
    let now = scene.files();
    // As an older version wrote it, with the digest that it wrote down.
    let line = scene.filled("  include {dir}/stopgap-http.rule[s];\n");
    let config = fs::read_to_string(scene.config()).unwrap();
    let old = config.replace(&line, "").replace("http {\n", &format!("http {{\n{line}"));
    assert_ne!(old, config);
    fs::write(scene.config(), old).unwrap();
    let changes = fs::read_dir(scene.dir().join("state/changes")).unwrap();
    let record = changes.map(|entry| entry.unwrap().path()).max().unwrap().join("change.json");
    let mut change: serde_json::Value =
        serde_json::from_slice(&fs::read(&record).unwrap()).unwrap();
    change["steps"][0]["text"] = "0".repeat(64).into();
    fs::write(&record, change.to_string()).unwrap();
    let status = scene.stopgap(&["status"]);
    assert_eq!(status.state("WEB"), "applied", "{}", status.out);
    assert!(status.out.contains("another version of Stopgap wrote it"), "{}", status.out);
    applied(&scene);
    assert_eq!(scene.files(), now);
    assert_eq!(scene.stopgap(&["remove", "WEB"]).state("WEB"), "withdrawn");
    assert_eq!(scene.files(), before);
}

/// The names of the sites that are known.
fn sites(scene: &Scene) -> String {
    scene.stopgap(&["status"]).json()["server"]["facts"]["web"][0]["sites"].to_string()
}

#[test]
fn a_host_that_a_macro_of_apache_makes_is_asked_and_protected() {
    let module = "/usr/lib/apache2/modules/mod_macro.so";
    if !Path::new(module).is_file() {
        println!("skipped: mod_macro is not installed");
        return;
    }
    let (head, host) = APACHE.config.split_once("<VirtualHost").unwrap();
    let host = format!("<VirtualHost{host}").replace("shop.test", "$name.test");
    let made = format!(
        "{head}LoadModule macro_module {module}\n<Macro Site $name>\n{host}</Macro>\n\
         Use Site shop\nUse Site other\n"
    );
    let setup = Setup { config: &made, ..APACHE };
    let Some(scene) = scene(&setup) else { return };
    let sites = sites(&scene);
    assert!(sites.contains("shop.test") && sites.contains("other.test"), "{sites}");
    applied_and_given_back(&scene);
}

#[test]
fn two_ends_of_sections_in_one_line_are_read_as_apache_reads_them() {
    let config = APACHE.config.replacen("<VirtualHost", "<IfModule mod_alias.c>\n<VirtualHost", 1);
    let config = config.replacen("</VirtualHost>", "</VirtualHost> </IfModule>", 1);
    let setup = Setup { config: &config, ..APACHE };
    let Some(scene) = scene(&setup) else { return };
    applied_and_given_back(&scene);
}

#[test]
fn a_configuration_that_cannot_be_read_says_nothing_of_modules() {
    let Some(scene) = scene(&APACHE) else { return };
    scene.publish(WITHOUT_HEADER);
    fs::write(scene.dir().join("conf-enabled/own.conf"), "<Location />\n").unwrap();
    let run = scene.stopgap(&["check"]);
    assert_eq!((run.code, run.state("WEB").as_str()), (1, "unknown"), "{}", run.out);
    let reason = run.reason("WEB");
    assert!(reason.contains("own.conf, line 1") && !reason.contains("headers_module"), "{reason}");
}

#[test]
fn a_mitigation_of_a_web_server_that_its_source_has_no_more_is_removed_by_name() {
    for setup in ALL {
        let Some(scene) = scene(setup) else { continue };
        let before = scene.files();
        applied(&scene);
        scene.publish(
            "schema = 1\nid = \"OTHER\"\nrevision = 1\ntitle = \"A test\"\nseverity = \"low\"\n\
             impact = \"None.\"\n[[action]]\nid = \"OTHER.1\"\nkind = \"do-nothing\"\n",
        );
        let run = scene.stopgap(&["check"]);
        assert_eq!(run.state("WEB"), "applied", "absence withdraws nothing: {}", run.out);
        let gone = scene.stopgap(&["remove", "--once", "WEB"]);
        assert_eq!(gone.state("WEB"), "withdrawn", "{}", gone.out);
        assert_eq!(scene.files(), before);
    }
}

#[test]
fn rules_that_are_in_place_are_ours_also_after_the_state_folder_was_lost() {
    for setup in ALL {
        let Some(scene) = scene(setup) else { continue };
        let before = scene.files();
        applied(&scene);
        let protected = scene.files();
        let lose = || fs::remove_dir_all(scene.dir().join("state")).unwrap();
        lose();
        let told = scene.stopgap(&["status"]).mitigation("WEB")["reason"].to_string();
        assert!(told.contains("recognised by its text"), "{told}");
        applied(&scene);
        assert_eq!(scene.files(), protected);
        let told = scene.stopgap(&["status"]).mitigation("WEB")["reason"].to_string();
        assert!(!told.contains("recognised by its text"), "{told}");
        let gone = scene.stopgap(&["remove", "--once", "WEB"]);
        assert_eq!(gone.state("WEB"), "withdrawn", "{}", gone.out);
        assert_eq!(scene.files(), before);
        // Also where nothing was checked since.
        applied(&scene);
        lose();
        let gone = scene.stopgap(&["remove", "--once", "WEB"]);
        assert_eq!(gone.state("WEB"), "withdrawn", "{}", gone.out);
        assert_eq!(scene.files(), before);
        assert!(!scene.get_blocked("/stopgap-probe"));
    }
}

#[test]
fn a_server_block_that_came_after_the_state_folder_was_lost_is_put_right() {
    let Some(scene) = scene(&NGINX) else { return };
    applied(&scene);
    fs::remove_dir_all(scene.dir().join("state")).unwrap();
    let site =
        scene.filled("server { listen 127.0.0.1:{port0}; server_name c.test; return 200; }\n");
    fs::write(scene.dir().join("sites/c.conf"), &site).unwrap();
    applied(&scene);
    assert!(
        fs::read_to_string(scene.dir().join("sites/c.conf")).unwrap().contains("stopgap-server")
    );
    assert_eq!(scene.stopgap(&["remove", "WEB"]).state("WEB"), "withdrawn");
    assert_eq!(fs::read_to_string(scene.dir().join("sites/c.conf")).unwrap(), site);
}

/// What the check, the status and the list say, and with which exit code.
#[track_caller]
fn partial_with(scene: &Scene, told: &str) {
    for arguments in [["check"].as_slice(), &["status"], &["list"]] {
        let run = scene.stopgap(arguments);
        assert_eq!((run.code, run.state("WEB").as_str()), (1, "partial"), "{}", run.out);
        assert!(run.reason("WEB").contains(told), "{arguments:?}: {}", run.reason("WEB"));
    }
    assert_eq!(scene.stopgap(&["check"]).json()["changed"], false);
}

#[test]
fn a_backend_of_haproxy_that_alone_reads_requests_is_a_gap_that_is_told() {
    let config = format!(
        "{}\nfrontend raw\n  mode tcp\n  bind 127.0.0.1:{{port1}}\n  default_backend app\n\
         backend app\n  http-request return status 200 content-type text/plain string app\n",
        HAPROXY.config
    );
    let setup = Setup { config: &config, ..HAPROXY };
    let Some(scene) = scene(&setup) else { return };
    partial_with(&scene, "passes connections on to app, which alone reads their requests");
    assert!(scene.get_blocked("/stopgap-probe"));
    // It is a gap indeed.
    assert_eq!(scene.get_at(1, "/stopgap-probe"), 200);
}

#[test]
fn a_frontend_of_haproxy_that_carries_something_else_is_no_gap() {
    let config = format!(
        "{}\nlisten sql\n  mode tcp\n  bind 127.0.0.1:{{port1}}\n  server one 192.0.2.1:3306\n",
        HAPROXY.config
    );
    let setup = Setup { config: &config, ..HAPROXY };
    let Some(scene) = scene(&setup) else { return };
    applied_and_given_back(&scene);
}

/// A mitigation that takes a header from every request.
const WITHOUT_HEADER: &str = "schema = 1\nid = \"WEB\"\nrevision = 1\ntitle = \"A test\"\n\
    severity = \"low\"\nimpact = \"None.\"\nno_live_probe = \"a test\"\n[[action]]\n\
    id = \"WEB.1\"\nkind = \"request-header\"\nremove = \"x-test\"\n";

/// What an application is sent that is asked for `/` through nginx, whatever the protocol.
fn passed_on(scene: &Scene, application: &TcpListener, path: &str) -> String {
    thread::scope(|threads| {
        let asking = threads.spawn(|| scene.ask("GET", path, "X-Test: evil\r\nX-Other: good\r\n"));
        let (mut connection, _) = application.accept().unwrap();
        let mut got = Vec::new();
        let deadline = Instant::now() + Duration::from_secs(20);
        connection.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        while !got.windows(4).any(|part| part == b"good") && Instant::now() < deadline {
            let mut part = [0; 4096];
            if let Ok(length) = connection.read(&mut part) {
                got.extend_from_slice(&part[..length]);
            }
        }
        // The rest of it, which has no end that every protocol knows.
        let mut part = [0; 4096];
        if let Ok(length) = connection.read(&mut part) {
            got.extend_from_slice(&part[..length]);
        }
        drop(connection);
        asking.join().unwrap();
        String::from_utf8_lossy(&got).into_owned()
    })
}

#[test]
fn a_header_is_taken_from_requests_however_nginx_passes_them_on() {
    let application = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = application.local_addr().unwrap().port();
    let mut locations = String::new();
    for way in ["fastcgi", "uwsgi", "scgi"] {
        // One has parameters of its own, and one has none.
        locations += &format!(
            "location /{way} {{ {way}_pass 127.0.0.1:{port}; }}\n\
             location /own/{way} {{ {way}_param A b; {way}_pass 127.0.0.1:{port}; }}\n"
        );
    }
    locations += &format!("location /proxy {{ proxy_pass http://127.0.0.1:{port}; }}\n");
    let config =
        NGINX.config.replace("    location / {", &format!("    {locations}    location / {{"));
    let setup = Setup { config: &config, ..NGINX };
    let Some(scene) = scene(&setup) else { return };
    let before = scene.files();
    let paths =
        ["/fastcgi", "/own/fastcgi", "/uwsgi", "/own/uwsgi", "/scgi", "/own/scgi", "/proxy"];
    let evil = |path| passed_on(&scene, &application, path).contains("evil");
    assert!(paths.into_iter().all(evil));
    scene.publish(WITHOUT_HEADER);
    let run = scene.stopgap(&["check"]);
    assert_eq!((run.code, run.state("WEB").as_str()), (0, "applied"), "{}", run.out);
    for path in paths {
        let got = passed_on(&scene, &application, path);
        assert!(got.contains("good") && !got.contains("evil"), "{path}: {got:?}");
    }
    let gone = scene.stopgap(&["remove", "WEB"]);
    assert_eq!(gone.state("WEB"), "withdrawn", "{}", gone.out);
    assert_eq!(scene.files(), before);
}

#[test]
fn a_parameter_of_the_administrators_that_passes_the_header_on_is_a_gap_that_is_told() {
    let location =
        "location /app { uwsgi_param HTTP_X_TEST $http_x_test; uwsgi_pass 127.0.0.1:1; }\n";
    let config =
        NGINX.config.replace("    location / {", &format!("    {location}    location / {{"));
    let setup = Setup { config: &config, ..NGINX };
    let Some(scene) = scene(&setup) else { return };
    scene.publish(WITHOUT_HEADER);
    partial_with(&scene, "itself passes a request header on that a rule is about");
}

#[test]
fn a_file_of_haproxys_data_plane_api_is_told_to_have_a_stale_digest() {
    let config = format!("# _md5hash=0cc175b9c0f1b6a831c399e269772661\n{}", HAPROXY.config);
    let setup = Setup { config: &config, ..HAPROXY };
    let Some(scene) = scene(&setup) else { return };
    let run = scene.stopgap(&["check"]);
    assert_eq!((run.code, run.state("WEB").as_str()), (0, "applied"), "{}", run.out);
    let notes = run.mitigation("WEB")["actions"][0]["notes"].to_string();
    assert!(notes.contains("the digest is stale"), "{notes}");
}

#[test]
fn what_only_looks_odd_is_read_as_the_server_reads_it() {
    let nginx = "{basics}include {dir}/sites/http;\n";
    let http = "http {\n  access_log off;\n  # server {\n  #   listen 127.0.0.1:{port0};\n  # }\n  \
                log_format odd 'a { b\n  } c';\n  map $uri $x { default \"server {\"; '~^/a{2}\\}' 1; }\n  \
                server {\n    listen 127.0.0.1:{port0}; server_name shop.test;\n    \
                location ~ \"^/b{2,3}$\" { return 200 \"}\"; }\n    \
                location / { return 200 \"o\nk\"; } # }\n  }\n}\n";
    let nginx = Setup { config: nginx, files: &[("sites/http", http)], ..NGINX };
    let odd = "RewriteEngine On\n  RewriteMap low int:tolower\n  \
               RewriteRule ^/map/(.*)$ /${low:$1|x} [PT]\n  # a comment that goes on \\\n  </VirtualHost>\n";
    let apache =
        APACHE.config.replace("  ServerName b.test\n", &format!("  ServerName b.test\n  {odd}"));
    let apache = Setup { config: &apache, ..APACHE };
    let haproxy = HAPROXY
        .config
        .replace("global\n", "global\n  zero-warning\n")
        .replace("  http-request return", "  tcp-request connection accept\n  http-request return");
    let haproxy = Setup { config: &haproxy, ..HAPROXY };
    for setup in [nginx, apache, haproxy] {
        let Some(scene) = scene(&setup) else { continue };
        applied_and_given_back(&scene);
    }
}

#[test]
fn a_frontend_of_haproxy_whose_file_cannot_be_changed_is_told_and_the_others_are_protected() {
    let more = "frontend more\n  mode http\n  timeout client 5s\n  bind 127.0.0.1:{port1}\n  \
                http-request return status 200\n";
    let setup =
        Setup { files: &[("more.cfg", more)], arguments: &["-f", "{dir}/more.cfg"], ..HAPROXY };
    let Some(scene) = scene(&setup) else { return };
    let second = scene.dir().join("more.cfg");
    scene.declare_configs(&["haproxy.cfg", "more.cfg"]);
    fs::hard_link(&second, scene.dir().join("second-name")).unwrap();
    let before = fs::read(&second).unwrap();
    partial_with(&scene, "more.cfg, line 1 is not reached");
    assert!(scene.get_blocked("/stopgap-probe"));
    assert_eq!(scene.get_at(1, "/stopgap-probe"), 200);
    assert_eq!(fs::read(&second).unwrap(), before);
    fs::remove_file(scene.dir().join("second-name")).unwrap();
    applied(&scene);
    assert_eq!(scene.get_at(1, "/stopgap-probe"), 0);
    assert_eq!(scene.stopgap(&["remove", "WEB"]).state("WEB"), "withdrawn");
    assert_eq!(fs::read(&second).unwrap(), before);
}
