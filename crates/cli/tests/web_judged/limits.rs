//! Servers that limit how often they are asked: our questions are few and have pauses, so that they
//! neither reach the limit for long nor take it for harm.

use std::fmt::Write as _;

use stopgap_model::WebKind;
use stopgap_testkit::servers::Setup;

use crate::application::Application;
use crate::scene::{DOCUMENT, Scene, scene};

#[track_caller]
fn is_applied_once(scene: &Scene) {
    let run = scene.stopgap(&["check"]);
    assert_eq!((run.code, run.state("WEB").as_str()), (0, "applied"), "{}{}", run.out, run.err);
    let run = scene.stopgap(&["check"]);
    assert_eq!((run.code, &run.json()["changed"]), (0, &false.into()), "{}", run.out);
}

/// A mitigation with so many more attack probes.
fn with_attacks(count: usize) -> String {
    let mut text = DOCUMENT.to_owned();
    for number in 0..count {
        let _ = write!(
            text,
            "\n[[probe]]\nname = \"marker {number}\"\nlive = true\n\
             request = \"GET /{number}/stopgap-probe\"\nexpect = \"blocked\"\n"
        );
    }
    text
}

fn nginx(http: &str, server: &str, location: &str, application: &Application) -> Option<Scene> {
    let sites: String = ["shop", "a", "b", "c"]
        .iter()
        .map(|name| {
            format!(
                "  server {{\n    listen 127.0.0.1:{{port0}};\n    server_name {name}.test;\n    \
                 {server}\n    location / {{ {location} proxy_pass http://127.0.0.1:{}; }}\n  }}\n",
                application.port
            )
        })
        .collect();
    let config = format!(
        "{{basics}}http {{\n  access_log off;\n  client_body_temp_path {{dir}}/body;\n  \
         proxy_temp_path {{dir}}/proxy;\n  {http}\n{sites}}}\n"
    );
    scene(&Setup::new(WebKind::Nginx, &config))
}

/// Protects sites that limit requests so; what limits them is in the http, server or location blocks.
#[track_caller]
fn is_protected_despite(http: &str, server: &str, location: &str) {
    let application = Application::content();
    let http = format!("limit_req_zone $binary_remote_addr zone=all:1m rate=5r/s; {http}");
    let Some(scene) = nginx(&http, server, location, &application) else { return };
    is_applied_once(&scene);
    assert!(scene.get_blocked("/stopgap-probe"));
}

#[test]
fn a_limit_of_requests_of_nginx_keeps_no_site_from_being_protected() {
    is_protected_despite("limit_req zone=all burst=5 nodelay;", "", "");
}

#[test]
fn a_limit_of_requests_that_says_429_keeps_no_site_from_being_protected() {
    is_protected_despite("limit_req zone=all burst=5 nodelay; limit_req_status 429;", "", "");
}

#[test]
fn a_limit_of_requests_in_a_server_block_keeps_no_site_from_being_protected() {
    is_protected_despite("", "limit_req zone=all burst=10 nodelay;", "");
}

#[test]
fn a_limit_of_requests_in_a_location_keeps_no_site_from_being_protected() {
    is_protected_despite("", "", "limit_req zone=all burst=5 nodelay;");
}

#[test]
fn a_limit_of_connections_of_nginx_keeps_no_site_from_being_protected() {
    let application = Application::content();
    let zone = "limit_conn_zone $binary_remote_addr zone=one:1m; limit_conn one 1;";
    let Some(scene) = nginx(zone, "", "", &application) else { return };
    let run = scene.stopgap(&["check"]);
    assert_eq!((run.code, run.state("WEB").as_str()), (0, "applied"), "{}{}", run.out, run.err);
    assert!(scene.get_blocked("/stopgap-probe"));
}

#[test]
fn a_site_that_is_well_is_asked_a_few_times_and_no_more() {
    let application = Application::content();
    let Some(scene) = nginx("", "", "", &application) else { return };
    is_applied_once(&scene);
    // Of each site: `/` twice and both probes before; `/` and the benign one after.
    assert!(application.count() <= 4 * 6, "{} questions", application.count());
}

fn haproxy(limits: &str) -> Option<Scene> {
    let config = format!(
        "global\n  maxconn 100\ndefaults\n  mode http\n  timeout client 5s\n  timeout server 5s\n  \
         timeout connect 5s\nfrontend shop\n  bind 127.0.0.1:{{port0}}\n{limits}  \
         http-request return status 200 content-type text/plain string ok\n"
    );
    let scene = scene(&Setup::new(WebKind::HaProxy, &config))?;
    scene.publish(&with_attacks(12));
    Some(scene)
}

#[test]
fn a_frontend_that_refuses_whoever_connects_too_often_is_protected_and_told() {
    let limits = "  stick-table type ip size 1k expire 10s store conn_rate(3s)\n  \
                  tcp-request connection track-sc0 src\n  \
                  tcp-request connection reject if { sc0_conn_rate gt 10 }\n";
    let Some(scene) = haproxy(limits) else { return };
    std::thread::sleep(std::time::Duration::from_secs(3));
    let run = scene.stopgap(&["check"]);
    assert_eq!((run.code, run.state("WEB").as_str()), (0, "applied"), "{}{}", run.out, run.err);
    let notes = run.mitigation("WEB")["actions"][0]["notes"].to_string();
    assert!(notes.contains("closes the connection of whoever connects too often"), "{notes}");
    // A visitor from this machine is not refused by what the check took.
    assert_eq!(scene.get("/shop"), 200);
    assert!(scene.get_blocked("/stopgap-probe"));
}

#[test]
fn a_frontend_that_limits_requests_is_protected() {
    let limits = "  stick-table type ip size 1k expire 10s store http_req_rate(2s)\n  \
                  http-request track-sc0 src\n  \
                  http-request deny deny_status 429 if { sc_http_req_rate(0) gt 8 }\n";
    let Some(scene) = haproxy(limits) else { return };
    is_applied_once(&scene);
    assert!(scene.get_blocked("/stopgap-probe"));
}
