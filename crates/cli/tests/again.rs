//! What is tried again and what is not, how a server is reloaded, and which servers count: on a throwaway
//! host, with the packaged units.
#![cfg(unix)] // servers of Unix in a throwaway host
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says plainly what it expects")]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;

use serde_json::Value;
use stopgap_testkit::denying;
use stopgap_testkit::throwaway::{Said, ThrowawayHost};

const HAPROXY_CFG: &str = "/etc/haproxy/haproxy.cfg";

/// What HAProxy is to serve, and what it refuses.
const SITE: &str = "frontend x\n  mode http\n  bind :8082\n  http-request return status 200\n";
const NONSENSE: &str = "frontend x\n  mode http\n  bind :8082\n  nonsense\n";

/// Adds to the package's configuration of HAProxy.
fn configure_haproxy(host: &ThrowawayHost, site: &str) {
    let packaged = std::fs::read_to_string(HAPROXY_CFG).unwrap();
    host.write(HAPROXY_CFG, packaged + site, 0o644);
}

/// A throwaway host with the program and a mitigation; `None` where there can be none, or a server is not
/// installed.
fn boot(servers: &[&str]) -> Option<ThrowawayHost> {
    if let Some(name) = servers.iter().find(|name| !Path::new("/usr/sbin").join(name).exists()) {
        println!("skipped: {name} is not installed");
        return None;
    }
    let host = ThrowawayHost::boot()?;
    host.install(Path::new(env!("CARGO_BIN_EXE_stopgap")), "/usr/bin/stopgap");
    host.write("/srv/catalog/WEB.toml", denying("{ status = 403 }", "/"), 0o644);
    Some(host)
}

fn stopgap(host: &ThrowawayHost, arguments: &str) -> Said {
    host.shell(&format!("stopgap {arguments} --catalog /srv/catalog --unsigned --json"))
}

fn json(said: &Said) -> Value {
    serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {said:?}"))
}

/// The mitigation, by a command.
fn web(host: &ThrowawayHost, arguments: &str) -> Value {
    json(&stopgap(host, arguments))["mitigations"][0].clone()
}

/// The state, the reason and the notes of the mitigation.
fn told(web: &Value) -> (String, String, String) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (text(&web["state"]), text(&web["reason"]), web["actions"][0]["notes"].to_string())
}

#[test]
fn a_server_that_was_never_started_and_that_nothing_starts_hides_nothing_of_what_is_in_place() {
    let Some(host) = boot(&["nginx", "apache2", "haproxy"]) else { return };
    host.shell("systemctl disable haproxy apache2; systemctl start nginx").expect_success();
    configure_haproxy(&host, NONSENSE);
    let before = host.read(HAPROXY_CFG);
    let (state, reason, notes) = told(&web(&host, "check"));
    assert_eq!(state, "applied", "{reason} {notes}");
    assert!(notes.contains("nothing starts it (haproxy.service is disabled)"), "{notes}");
    assert!(notes.contains("does not count: conflict: "), "{notes}");
    assert_eq!((host.get(80, "/stopgap-probe"), host.read(HAPROXY_CFG)), (403, before));
    assert_eq!(stopgap(&host, "check").code, 0);
    let facts = json(&stopgap(&host, "facts"));
    let servers = facts["server"]["facts"]["web"].as_array().unwrap().clone();
    let haproxy = servers.iter().find(|server| server["kind"] == "haproxy").unwrap();
    assert_eq!(haproxy["dormant"], "haproxy.service is disabled", "{haproxy}");

    // What may be started at any time counts, also while it is down.
    host.shell("systemctl enable haproxy").expect_success();
    let (state, reason, _) = told(&web(&host, "check"));
    assert_eq!(state, "partial", "{reason}");
    assert!(reason.contains("haproxy:/etc/haproxy/haproxy.cfg: conflict: "), "{reason}");
    host.shell("systemctl disable haproxy; systemctl mask haproxy").expect_success();
    assert_eq!(told(&web(&host, "check")).0, "applied");

    // What is started is seen by the next check, whatever its unit says.
    host.shell("systemctl unmask haproxy").expect_success();
    configure_haproxy(&host, SITE);
    host.shell("systemctl start haproxy").expect_success();
    let (state, reason, notes) = told(&web(&host, "check"));
    assert_eq!(state, "applied", "{reason} {notes}");
    assert_eq!((host.get(8082, "/stopgap-probe"), host.get(8082, "/")), (403, 200));
}

#[test]
fn where_no_server_serves_an_unused_one_is_as_good_as_none() {
    let Some(host) = boot(&["haproxy"]) else { return };
    let others = "rm -rf /etc/nginx/nginx.conf /etc/apache2/apache2.conf";
    host.shell(&format!("{others}; systemctl disable haproxy")).expect_success();
    configure_haproxy(&host, NONSENSE);
    let (state, reason, _) = told(&web(&host, "check"));
    assert_eq!(state, "unsupported", "{reason}");
    assert!(reason.starts_with("no web server serves here: haproxy:"), "{reason}");
}

#[test]
fn a_server_that_is_stopped_for_a_minute_keeps_its_rules() {
    let Some(host) = boot(&["nginx", "haproxy"]) else { return };
    host.shell("systemctl disable haproxy apache2; systemctl start nginx").expect_success();
    assert_eq!(told(&web(&host, "check")).0, "applied");
    let protected = host.read("/etc/nginx/nginx.conf");
    host.shell("systemctl disable nginx; systemctl stop nginx").expect_success();
    let (state, _, notes) = told(&web(&host, "check"));
    assert_eq!(state, "applied", "{notes}");
    assert!(notes.contains("nginx:/etc/nginx/nginx.conf does not run"), "{notes}");
    assert_eq!(host.read("/etc/nginx/nginx.conf"), protected);
    host.shell("systemctl start nginx").expect_success();
    assert_eq!(host.get(80, "/stopgap-probe"), 403);
}

/// A mitigation that turns every visitor away.
const BLUNT: &str = r#"
schema = 1
id = "BLUNT"
revision = 1
title = "A test of what breaks every site"
severity = "high"
impact = "None."

[[action]]
id = "BLUNT.1"
kind = "block-request"
deny = { status = 403 }
when = [{ field = "uri", contains = "/" }]

[[probe]]
name = "marker"
live = true
request = "GET /any"
expect = "blocked"
"#;

const UPLOADS: &str = "server { listen 8083; location / { proxy_pass http://127.0.0.1:9; } }\n";

/// The processes of nginx, as text.
fn processes(host: &ThrowawayHost) -> String {
    host.shell("pgrep nginx | sort -n").out
}

/// The mitigation of this id, by a command; with the exit code.
fn of_id(host: &ThrowawayHost, id: &str, arguments: &str) -> (i32, String, String) {
    let said = stopgap(host, arguments);
    let all = json(&said)["mitigations"].as_array().cloned().unwrap_or_default();
    let found = all.iter().find(|it| it["id"] == id).unwrap_or_else(|| panic!("no {id}: {said:?}"));
    let text = |name: &str| found[name].as_str().unwrap_or_default().to_owned();
    (said.code, text("state"), text("reason"))
}

#[test]
fn a_mitigation_that_fails_leaves_no_more_old_workers_at_each_check_while_a_connection_is_open() {
    let Some(host) = boot(&["nginx"]) else { return };
    host.shell("rm /etc/apache2/apache2.conf").expect_success();
    host.write("/srv/catalog/BLUNT.toml", BLUNT, 0o644);
    host.write("/etc/nginx/conf.d/uploads.conf", UPLOADS, 0o644);
    host.shell("systemctl start nginx").expect_success();
    // An upload that takes its time, as a WebSocket does, keeps its worker.
    let _open = host.in_network(|| {
        let mut stream = TcpStream::connect(("127.0.0.1", 8083)).unwrap();
        let request = "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nbegin";
        stream.write_all(request.as_bytes()).unwrap();
        stream
    });
    let (code, state, reason) = of_id(&host, "BLUNT", "check");
    assert_eq!((code, state.as_str()), (1, "failed"), "{reason}");
    assert_eq!(of_id(&host, "WEB", "status").1, "applied");
    let after = processes(&host);
    let configuration = "find /etc/nginx -type f | sort | xargs sha256sum";
    let files = host.shell(configuration).out;
    for arguments in ["check", "check", "status", "list", "check WEB", "check --dry-run"] {
        let (code, state, reason) = of_id(&host, "BLUNT", arguments);
        assert_eq!((code, state.as_str()), (1, "failed"), "{arguments}: {reason}");
        // A check of another mitigation would try nothing of this one anyhow.
        let reason = match arguments {
            "check WEB" => of_id(&host, "BLUNT", "list").2,
            _ => reason,
        };
        assert!(reason.contains("last tried "), "{arguments}: {reason}");
        assert!(reason.contains("to try again: stopgap reapply BLUNT"), "{arguments}: {reason}");
        assert_eq!(processes(&host), after, "{arguments}");
        assert_eq!(host.shell(configuration).out, files, "{arguments}");
    }
    // Who asks by name has it tried, and so has who changes the configuration.
    let (_, state, reason) = of_id(&host, "BLUNT", "check BLUNT");
    assert_eq!(state, "failed", "{reason}");
    let asked = processes(&host);
    assert_ne!(asked, after, "it was tried");
    host.shell("echo '# mine' >> /etc/nginx/conf.d/uploads.conf").expect_success();
    assert_eq!(of_id(&host, "BLUNT", "check").1, "failed");
    let changed = processes(&host);
    assert_ne!(changed, asked, "it was tried");
    assert_eq!(of_id(&host, "BLUNT", "check").1, "failed");
    assert_eq!(processes(&host), changed);
    assert_eq!((host.get(80, "/"), host.get(80, "/stopgap-probe")), (200, 403));
}

#[test]
fn a_unit_that_says_nothing_of_reloads_is_told_as_the_servers_documents_say() {
    let Some(host) = boot(&["nginx", "apache2", "haproxy"]) else { return };
    // Debian's nginx and Apache both want port 80.
    host.shell("sed -i 's/80/8081/' /etc/apache2/ports.conf /etc/apache2/sites-enabled/*")
        .expect_success();
    configure_haproxy(&host, SITE);
    for unit in ["nginx", "apache2", "haproxy"] {
        let text = "[Service]\nExecReload=\n";
        host.write(&format!("/etc/systemd/system/{unit}.service.d/plain.conf"), text, 0o644);
    }
    host.shell("systemctl daemon-reload && systemctl start nginx apache2 haproxy").expect_success();
    host.shell("systemctl reload nginx").expect_failure();
    let (state, reason, notes) = told(&web(&host, "check"));
    assert_eq!(state, "applied", "{reason} {notes}");
    for port in [80, 8081, 8082] {
        assert_eq!((host.get(port, "/stopgap-probe"), host.get(port, "/")), (403, 200), "{port}");
    }
    assert_eq!(told(&web(&host, "remove WEB")).0, "withdrawn");
    for port in [80, 8081, 8082] {
        assert_ne!(host.get(port, "/stopgap-probe"), 403, "{port}");
    }
    host.shell("systemctl is-active nginx apache2 haproxy").expect_success();
}

#[test]
fn a_reload_that_nginx_refuses_though_its_test_passes_is_told_in_its_words_and_not_repeated() {
    let Some(host) = boot(&["nginx"]) else { return };
    let zone = "/etc/nginx/conf.d/zone.conf";
    let of = |key: &str| format!("limit_req_zone {key} zone=shop:1m rate=100r/s;\n");
    host.write(zone, of("$binary_remote_addr"), 0o644);
    host.shell("rm /etc/apache2/apache2.conf; systemctl start nginx").expect_success();
    host.write(zone, of("$server_name"), 0o644);
    host.shell("nginx -t").expect_success();
    let configuration = "find /etc/nginx -type f | sort | xargs sha256sum";
    let before = host.shell(configuration).out;
    let (code, state, reason) = of_id(&host, "WEB", "check");
    assert_eq!((code, state.as_str()), (1, "failed"), "{reason}");
    assert!(reason.contains("nginx does not take its configuration: limit_req"), "{reason}");
    assert!(reason.contains("uses the \"$server_name\" key while previously it used"), "{reason}");
    assert_eq!(host.shell(configuration).out, before);
    // Debian's log is the workers' user's: who is that could have written it.
    assert!(reason.contains("its workers' user may write into this log too"), "{reason}");
    let (_, state, reason) = of_id(&host, "WEB", "check");
    assert_eq!(state, "failed", "{reason}");
    assert!(reason.contains(" or until something changes"), "{reason}");
    // In a log of root's the same words are nginx's.
    host.shell("chown root: /var/log/nginx/error.log").expect_success();
    let (_, state, reason) = of_id(&host, "WEB", "check WEB");
    assert_eq!(state, "failed", "{reason}");
    assert!(reason.contains("nginx does not take its configuration: limit_req"), "{reason}");
    assert!(!reason.contains("its workers' user"), "{reason}");
    assert_eq!(host.shell(configuration).out, before);
    let log = host.read("/var/log/nginx/error.log");
    let (code, state, reason) = of_id(&host, "WEB", "check");
    assert_eq!((code, state.as_str()), (1, "failed"), "{reason}");
    assert!(reason.contains(", and not again until something changes"), "{reason}");
    assert_eq!(host.read("/var/log/nginx/error.log"), log, "it was told nothing");
    assert_eq!((host.shell(configuration).out, host.get(80, "/")), (before, 200));
    // What was wrong is over once it is started anew.
    host.shell("systemctl restart nginx").expect_success();
    let (code, state, reason) = of_id(&host, "WEB", "check");
    assert_eq!((code, state.as_str()), (0, "applied"), "{reason}");
    assert_eq!(host.get(80, "/stopgap-probe"), 403);
}

/// An nginx that puts what is uploaded into a folder of its own user's.
const OWN: &str = "pid /srv/own/pid; error_log /srv/own/log; events {}\n\
    http { access_log off; client_body_temp_path /srv/own/body; proxy_temp_path /srv/own/proxy;\n\
    fastcgi_temp_path /srv/own/f; uwsgi_temp_path /srv/own/u; scgi_temp_path /srv/own/s;\n\
    server { listen 127.0.0.1:9301; location / { proxy_pass http://127.0.0.1:9302; } }\n\
    server { listen 127.0.0.1:9302; location / { return 200 ok; } } }\n";

#[test]
fn uploads_to_an_nginx_of_an_ordinary_user_still_work_after_a_check() {
    let Some(host) = boot(&["nginx"]) else { return };
    host.write("/srv/own/nginx.conf", OWN, 0o644);
    host.shell("chown -R mallory: /srv/own; systemctl disable apache2 haproxy nginx")
        .expect_success();
    let unit = "[Service]\nUser=mallory\n\
                ExecStart=/usr/sbin/nginx -c /srv/own/nginx.conf -e /srv/own/log -g 'daemon off;'\n";
    host.write("/etc/systemd/system/own.service", unit, 0o644);
    host.shell("systemctl daemon-reload && systemctl start own").expect_success();
    let up = "for i in $(seq 100); do ss -ltn | grep -q ':9301 ' && exit; sleep 0.1; done; exit 1";
    host.shell(up).expect_success();
    let upload = || {
        let size = 500_000;
        host.in_network(|| {
            let mut stream = TcpStream::connect(("127.0.0.1", 9301)).unwrap();
            let head = format!(
                "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {size}\r\n\r\n"
            );
            stream.write_all(head.as_bytes()).unwrap();
            stream.write_all(&vec![b'x'; size]).unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            answer.lines().next().unwrap_or_default().to_owned()
        })
    };
    let owners = || host.shell("stat -c '%n %U %a' /srv/own /srv/own/*").expect_success().out;
    assert_eq!(upload(), "HTTP/1.1 200 OK");
    let before = owners();
    assert!(before.contains("/srv/own/body mallory 700"), "{before}");
    let (code, state, reason) = of_id(&host, "WEB", "check");
    assert_eq!((code, state.as_str()), (0, "applied"), "{reason}");
    assert_eq!(upload(), "HTTP/1.1 200 OK");
    let after = owners();
    for line in before.lines() {
        assert!(after.contains(line), "{line} in {after}");
    }
    assert_eq!(of_id(&host, "WEB", "remove WEB").1, "withdrawn");
    assert_eq!((upload().as_str(), owners()), ("HTTP/1.1 200 OK", before));
}
