//! What is tried again and what is not, how a server is reloaded, and which servers count: on a throwaway
//! host, with the packaged units.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says plainly what it expects")]

use std::path::Path;

use serde_json::Value;
use stopgap_testkit::throwaway::{Said, ThrowawayHost};

const DOCUMENT: &str = r#"
schema = 1
id = "WEB"
revision = 1
title = "A test of what is tried again"
severity = "high"
impact = "None."

[[action]]
id = "WEB.1"
kind = "block-request"
deny = { status = 403 }
when = [{ field = "uri", decode = ["url"], contains = "stopgap-probe" }]

[[probe]]
name = "marker"
live = true
request = "GET /stopgap-%70robe"
expect = "blocked"

[[probe]]
name = "ordinary"
live = true
request = "GET /"
expect = "allowed"
"#;

const HAPROXY_CFG: &str = "/etc/haproxy/haproxy.cfg";

/// A throwaway host with the program and a mitigation; `None` where there can be none, or a server is not
/// installed.
fn boot(servers: &[&str]) -> Option<ThrowawayHost> {
    if let Some(name) = servers.iter().find(|name| !Path::new("/usr/sbin").join(name).exists()) {
        println!("skipped: {name} is not installed");
        return None;
    }
    let host = ThrowawayHost::boot()?;
    host.install(Path::new(env!("CARGO_BIN_EXE_stopgap")), "/usr/bin/stopgap");
    host.write("/srv/catalog/WEB.toml", DOCUMENT, 0o644);
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
    assert_eq!(told(&web(&host, "check")).0, "conflict");
    host.shell("systemctl disable haproxy; systemctl mask haproxy").expect_success();
    assert_eq!(told(&web(&host, "check")).0, "applied");

    // What is started is seen by the next check, whatever its unit says.
    host.shell("systemctl unmask haproxy").expect_success();
    let site = "frontend x\n  mode http\n  bind :8082\n  http-request return status 200\n";
    let text = String::from_utf8(host.read(HAPROXY_CFG).unwrap()).unwrap() + site;
    host.write(HAPROXY_CFG, text, 0o644);
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
