//! The whole program on real web servers of this machine: each runs in a folder and on ports of its
//! own, is protected, probed, and given back to the byte.
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

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use scene::{ALL, APACHE, HAPROXY, NGINX, blocked, scene};
use stopgap_model::WebKind;

#[test]
fn each_server_is_protected_probed_and_given_back_to_the_byte() {
    for setup in ALL {
        let Some(scene) = scene(setup) else { continue };
        let kind = setup.kind;
        let before = scene.files();
        assert_eq!(scene.get("/shop?x"), 200, "{kind}");
        let run = scene.stopgap(&["check"]);
        assert_eq!(run.state("WEB"), "applied", "{kind}: {}", run.out);
        assert!(scene.get_blocked("/x/%73topgap-probe"), "{kind}");
        assert!(scene.get_blocked("/?q=stopgap%2dPROBE"), "{kind}");
        let cookie = "Cookie: a=1; stopgap_marker=1\r\n";
        assert!(blocked(kind, scene.ask("GET", "/", cookie)), "{kind}");
        assert!(
            blocked(kind, scene.ask("POST", "/setup/stopgap", "Content-Length: 0\r\n")),
            "{kind}"
        );
        assert_eq!(scene.get("/setup/stopgap"), 200, "{kind}");
        assert_eq!(scene.get("/shop?x"), 200, "{kind}");
        // Nothing is left to do, and looking changes nothing.
        let after = scene.files();
        assert_eq!(scene.stopgap(&["check"]).json()["changed"], false, "{kind}");
        assert_eq!(scene.files(), after, "{kind}");
        let place = scene.stopgap(&["list"]).mitigation("WEB")["actions"][0]["where"].clone();
        assert!(place.as_str().unwrap().contains(&scene.dir_text()), "{kind}: {place}");
        let run = scene.stopgap(&["remove", "WEB"]);
        assert_eq!(run.state("WEB"), "withdrawn", "{kind}: {}", run.out);
        assert_eq!(scene.files(), before, "{kind}");
        assert_eq!(scene.get("/x/stopgap-probe"), 200, "{kind}");
    }
}

#[test]
fn a_dry_run_shows_every_line_and_touches_nothing() {
    for setup in ALL {
        let Some(scene) = scene(setup) else { continue };
        let before = scene.files();
        let run = scene.stopgap(&["check", "--dry-run"]);
        let files = run.json()["files"].as_array().unwrap().clone();
        assert!(!files.is_empty(), "{}", run.out);
        let all: String = files.iter().map(|file| file["diff"].as_str().unwrap()).collect();
        assert!(all.contains("WEB.1"), "{all}");
        assert_eq!(scene.files(), before);
        assert_eq!(scene.get("/x/stopgap-probe"), 200);
    }
}

#[test]
fn an_open_connection_stays_open_while_rules_come_and_go() {
    for setup in ALL {
        let Some(scene) = scene(setup) else { continue };
        let kind = setup.kind;
        let mut open = TcpStream::connect(scene.address()).unwrap();
        let half = "GET /slow HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n";
        open.write_all(half.as_bytes()).unwrap();
        assert_eq!(scene.stopgap(&["check"]).state("WEB"), "applied", "{kind}");
        // The request that was begun before the reload is answered by whom it was begun with.
        open.write_all(b"X-Late: 1\r\n\r\n").unwrap();
        let mut answer = String::new();
        open.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{kind}: {answer}");
    }
}

#[test]
fn two_web_servers_on_one_machine_are_protected_and_the_broken_one_is_told() {
    let (Some(nginx), Some(haproxy)) = (scene(&NGINX), scene(&HAPROXY)) else { return };
    nginx.also(&haproxy);
    let run = nginx.stopgap(&["check"]);
    assert_eq!(run.state("WEB"), "applied", "{}", run.out);
    assert!(nginx.get_blocked("/stopgap-probe") && haproxy.get_blocked("/stopgap-probe"));
    assert_eq!(nginx.stopgap(&["remove", "--once", "WEB"]).state("WEB"), "withdrawn");
    // One of them is broken by its administrator meanwhile.
    let config = std::fs::read_to_string(haproxy.config()).unwrap();
    std::fs::write(haproxy.config(), format!("{config}\nnonsense here\n")).unwrap();
    let run = nginx.stopgap(&["check"]);
    assert_eq!(run.code, 1);
    assert_eq!(run.state("WEB"), "partial", "{}", run.out);
    assert!(run.reason("WEB").contains("conflict: left alone"), "{}", run.reason("WEB"));
    assert!(nginx.get_blocked("/stopgap-probe"));
    assert_eq!(haproxy.get("/stopgap-probe"), 200);
    assert!(std::fs::read_to_string(haproxy.config()).unwrap().ends_with("nonsense here\n"));
}

#[test]
fn a_configuration_of_mode_444_is_changed_where_only_root_may_write_and_keeps_its_mode() {
    use std::os::unix::fs::PermissionsExt as _;
    if !rustix::process::geteuid().is_root() {
        println!("skipped: only root may write whatever the mode is");
        return;
    }
    let Some(scene) = scene(&NGINX) else { return };
    let mode = std::fs::Permissions::from_mode(0o444);
    std::fs::set_permissions(scene.config(), mode.clone()).unwrap();
    let before = scene.files();
    let run = scene.stopgap(&["check"]);
    assert_eq!((run.code, run.state("WEB").as_str()), (0, "applied"), "{}", run.out);
    let now = std::fs::metadata(scene.config()).unwrap().permissions().mode() & 0o7777;
    assert_eq!(now, 0o444);
    assert_eq!(scene.stopgap(&["remove", "WEB"]).state("WEB"), "withdrawn");
    assert_eq!(scene.files(), before);
}

#[test]
fn a_server_block_that_was_added_since_is_drift_and_is_put_right() {
    let Some(scene) = scene(&NGINX) else { return };
    assert_eq!(scene.stopgap(&["check"]).state("WEB"), "applied");
    let config = std::fs::read_to_string(scene.config()).unwrap();
    let end = config.rfind('}').unwrap();
    let more =
        scene.filled("server { listen 127.0.0.1:{port0}; server_name new.test; return 200; }\n");
    std::fs::write(scene.config(), format!("{}{more}{}", &config[..end], &config[end..])).unwrap();
    let run = scene.stopgap(&["status"]);
    assert_eq!(run.state("WEB"), "drifted", "{}", run.out);
    assert_eq!(scene.stopgap(&["check"]).state("WEB"), "applied");
    let _ = scene.stopgap(&["remove", "WEB"]);
    let left = std::fs::read_to_string(scene.config()).unwrap();
    assert!(left.contains("new.test") && !left.contains("rules;"), "{left}");
}

#[test]
fn a_site_whose_port_is_taken_by_another_keeps_what_it_had() {
    let Some(scene) = scene(&NGINX) else { return };
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let config = std::fs::read_to_string(scene.config()).unwrap();
    let end = config.rfind('}').unwrap();
    let more = format!("server {{ listen 127.0.0.1:{port}; return 200; }}\n");
    let changed = format!("{}{more}{}", &config[..end], &config[end..]);
    std::fs::write(scene.config(), &changed).unwrap();
    let run = scene.stopgap(&["check"]);
    assert!(matches!(run.state("WEB").as_str(), "failed" | "conflict"), "{}", run.out);
    assert_eq!(std::fs::read_to_string(scene.config()).unwrap(), changed);
    assert_eq!(scene.get("/shop"), 200);
}

#[test]
fn a_name_that_tries_to_leave_its_quoting_is_blocked_text_and_nothing_else() {
    for setup in ALL {
        let Some(scene) = scene(setup) else { continue };
        let texts = [
            r#"\"; } evil { \""#,
            "'; evil",
            "$request_uri",
            "%{THE_REQUEST}",
            "${evil}",
            "#evil",
            "</If>",
            "a b",
            "\\\\z",
        ];
        for (at, text) in texts.iter().enumerate() {
            scene.publish(&scene::contains(text));
            let run = scene.stopgap(&["check"]);
            let state = run.state("QUOTE");
            assert!(matches!(state.as_str(), "applied" | "unsupported"), "{at}: {}", run.out);
            assert_eq!(scene.get("/shop?x"), 200, "{at}");
        }
    }
}

#[test]
fn try_status_and_list_say_what_is_in_place_on_which_server() {
    let Some(scene) = scene(&APACHE) else { return };
    assert_eq!(scene.stopgap(&["check"]).state("WEB"), "applied");
    let run = scene.stopgap(&["try", "--site", "apache", "--request", "GET /stopgap-probe"]);
    assert_eq!(run.json()["verdict"], "blocked", "{}", run.out);
    let run = scene.stopgap(&["try", "--site", "apache", "--request", "GET /shop"]);
    assert_eq!(run.json()["verdict"], "allowed", "{}", run.out);
    let status = scene.stopgap(&["status"]).json();
    let web = &status["server"]["facts"]["web"][0];
    assert_eq!(web["kind"], WebKind::Apache.as_str());
    assert_eq!(web["running"], true, "{web}");
}

#[test]
fn rules_that_stand_in_a_file_already_count_only_when_the_server_has_taken_them() {
    let Some(scene) = scene(&HAPROXY) else { return };
    assert_eq!(scene.stopgap(&["check"]).state("WEB"), "applied");
    let with_rules = std::fs::read(scene.config()).unwrap();
    assert_eq!(scene.stopgap(&["remove", "--once", "WEB"]).state("WEB"), "withdrawn");
    // A backup puts the file with our lines back; the server runs without them.
    std::fs::write(scene.config(), with_rules).unwrap();
    assert_eq!(scene.get("/stopgap-probe"), 200);
    assert_eq!(scene.stopgap(&["check"]).state("WEB"), "applied");
    assert!(scene.get_blocked("/stopgap-probe"));
}

#[test]
fn a_virtual_host_of_apache_that_redirects_by_rewriting_keeps_nobody_from_being_protected() {
    let redirect = "RewriteEngine On\n  RewriteRule ^ https://%{SERVER_NAME}%{REQUEST_URI} \
                    [END,NE,R=permanent]\n";
    let config =
        APACHE.config.replace("ServerName b.test\n", &format!("ServerName b.test\n  {redirect}"));
    let setup = stopgap_testkit::servers::Setup { config: &config, ..APACHE.clone() };
    let Some(scene) = scene(&setup) else { return };
    let run = scene.stopgap(&["check"]);
    assert_eq!(run.state("WEB"), "applied", "{}", run.out);
    assert!(scene.get_blocked("/stopgap-probe"));
    let notes = run.mitigation("WEB")["actions"][0]["notes"].to_string();
    assert!(notes.contains("not reached on b.test"), "{notes}");
}

#[test]
fn two_servers_that_take_in_one_file_are_left_alone_and_told() {
    let Some(scene) = scene(&NGINX) else { return };
    let dir = scene.dir_text();
    let other = format!("events {{}}\nhttp {{\n  include {dir}/sites/*.conf;\n}}\n");
    std::fs::create_dir(scene.dir().join("other")).unwrap();
    std::fs::write(scene.dir().join("other/nginx.conf"), other).unwrap();
    scene.declare("other/nginx.conf");
    let before = scene.files();
    let run = scene.stopgap(&["check"]);
    assert_eq!((run.code, run.state("WEB").as_str()), (1, "conflict"), "{}", run.out);
    assert!(run.reason("WEB").contains("takes in"), "{}", run.reason("WEB"));
    assert_eq!(scene.files(), before);
}

#[test]
fn two_nginx_whose_main_files_are_in_one_folder_are_both_protected() {
    let Some(scene) = scene(&NGINX) else { return };
    let site = "server { listen 127.0.0.1:1; server_name other.test; return 200; }";
    let other = format!("events {{}}\nhttp {{\n  {site}\n}}\n");
    std::fs::write(scene.dir().join("other.conf"), &other).unwrap();
    scene.declare("other.conf");
    let run = scene.stopgap(&["check"]);
    assert_eq!(run.state("WEB"), "applied", "{}", run.out);
    assert!(scene.get_blocked("/stopgap-probe"));
    let written = std::fs::read_to_string(scene.dir().join("other.conf")).unwrap();
    assert!(written.contains("stopgap-server.other.conf.rule[s]"), "{written}");
    assert_eq!(scene.stopgap(&["remove", "WEB"]).state("WEB"), "withdrawn");
    assert_eq!(std::fs::read_to_string(scene.dir().join("other.conf")).unwrap(), other);
}
