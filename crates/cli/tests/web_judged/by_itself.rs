//! Sites that answer a probe by themselves, before any rule is asked: the mitigation is put in, the other
//! sites are protected, and what the site does is told. An application that answers the same is no such
//! site.

use std::sync::atomic::{AtomicUsize, Ordering};

use stopgap_model::WebKind;
use stopgap_testkit::servers::Setup;

use crate::application::Application;
use crate::certificate;
use crate::common::Run;
use crate::scene::{DOCUMENT, Scene, scene};

fn notes(run: &Run) -> String {
    run.mitigation("WEB")["actions"][0]["notes"].to_string()
}

/// It is put in, this is told, and a second check does nothing.
#[track_caller]
fn is_applied_once(scene: &Scene, told: &str) {
    let run = scene.stopgap(&["check"]);
    assert_eq!((run.code, run.state("WEB").as_str()), (0, "applied"), "{}{}", run.out, run.err);
    assert!(notes(&run).contains(told), "{told}: {}", notes(&run));
    let run = scene.stopgap(&["check"]);
    assert_eq!((run.code, &run.json()["changed"]), (0, &false.into()), "{}", run.out);
}

fn haproxy(text: &str) -> Option<Scene> {
    scene(&Setup::new(WebKind::HaProxy, &haproxy_config(text)))
}

fn haproxy_config(text: &str) -> String {
    format!(
        "global\n  maxconn 100\ndefaults plain\n  mode http\n  timeout client 5s\n  timeout server 5s\n  \
         timeout connect 5s\nfrontend shop from plain\n  bind 127.0.0.1:{{port0}}\n  \
         http-request return status 200 content-type text/plain string ok\n{text}"
    )
}

#[test]
fn a_redirect_in_named_defaults_of_haproxy_is_not_reached_and_the_other_frontend_is_protected() {
    for (rule, told) in [
        ("http-request redirect scheme https code 301", "with 301 by the redirect in"),
        ("http-request deny deny_status 404", "with 404 by the rule in"),
        ("http-request use-service prometheus-exporter", "with 200 by the service in"),
    ] {
        let text = format!(
            "defaults tls\n  mode http\n  timeout client 5s\n  timeout server 5s\n  timeout connect 5s\n  \
             {rule}\nfrontend other from tls\n  bind 127.0.0.1:{{port1}}\n  default_backend b\n\
             backend b from plain\n  server s 127.0.0.1:1\n"
        );
        let Some(scene) = haproxy(&text) else { return };
        is_applied_once(&scene, told);
        assert!(scene.get_blocked("/stopgap-probe"));
    }
}

#[test]
fn a_probe_to_the_address_that_haproxy_answers_for_its_monitor_is_not_reached() {
    let document = DOCUMENT.replace(
        "request = \"GET /stopgap-%70robe\"",
        "request = \"GET /alive\"\nheaders = [\"Cookie: stopgap_marker=1\"]",
    );
    let config = "global\n  maxconn 100\ndefaults\n  mode http\n  timeout client 5s\n  timeout server 5s\n  \
                  timeout connect 5s\nfrontend shop\n  bind 127.0.0.1:{port0}\n  monitor-uri /alive\n  \
                  http-request return status 200 content-type text/plain string ok\n";
    let Some(scene) = scene(&Setup::new(WebKind::HaProxy, config)) else { return };
    scene.publish(&document);
    is_applied_once(&scene, "200 by monitor-uri in");
    assert!(scene.get_blocked("/stopgap-probe"));
}

#[test]
fn a_frontend_whose_every_visitor_of_the_start_page_is_its_monitor_is_protected() {
    let config = "global\n  maxconn 100\ndefaults\n  mode http\n  timeout client 5s\n  timeout server 5s\n  \
                  timeout connect 5s\nfrontend shop\n  bind 127.0.0.1:{port0}\n  monitor-uri /\n  \
                  http-request return status 200 content-type text/plain string ok\n";
    let Some(scene) = scene(&Setup::new(WebKind::HaProxy, config)) else { return };
    // One attack at the address of the monitor, and one at another.
    let at_the_start_page = "\n[[probe]]\nname = \"start page\"\nlive = true\nrequest = \"GET /\"\n\
                             headers = [\"Cookie: stopgap_marker=1\"]\nexpect = \"blocked\"\n";
    scene.publish(&format!("{DOCUMENT}{at_the_start_page}"));
    is_applied_once(&scene, "200 by monitor-uri in");
    assert!(scene.get_blocked("/stopgap-probe"));
    assert!(scene.get_blocked("/stopgap-%70robe"));
    assert_eq!(scene.get("/"), 200);
}

#[test]
fn a_page_of_haproxy_in_a_file_that_stands_for_our_deny_is_seen_to_be_it() {
    // A file is sent as it is, with whatever status it says.
    for (status, page) in [
        (403, "HTTP/1.0 403 Forbidden\r\nConnection: close\r\n\r\nno\n"),
        (200, "HTTP/1.0 200 OK\r\nConnection: close\r\n\r\nwe are sorry\n"),
    ] {
        let config = "global\n  maxconn 100\ndefaults\n  mode http\n  timeout client 5s\n  timeout server 5s\n  \
                      timeout connect 5s\n  errorfile 403 {dir}/403.http\nfrontend shop\n  \
                      bind 127.0.0.1:{port0}\n  default_backend application\nbackend application\n  \
                      server a 127.0.0.1:APPLICATION\n";
        let application = Application::new(|_, _| 302);
        let config = config.replace("APPLICATION", &application.port.to_string());
        let files = [("403.http", page)];
        let setup = Setup { files: &files, ..Setup::new(WebKind::HaProxy, &config) };
        let Some(scene) = scene(&setup) else { return };
        scene.publish(&crate::denied::forbids());
        is_applied_once(&scene, "");
        let _ = application.was_reached_by("");
        assert_eq!(scene.get("/stopgap-probe"), status);
        assert!(!application.was_reached_by("stopgap-probe"), "{page}");
        assert_eq!(scene.get("/shop"), 302);
    }
}

#[test]
fn a_page_of_haproxy_that_stands_for_our_deny_is_seen_to_be_it() {
    let config = "global\n  maxconn 100\ndefaults\n  mode http\n  timeout client 5s\n  timeout server 5s\n  \
                  timeout connect 5s\n  errorloc302 403 https://other.test/denied\nfrontend shop\n  \
                  bind 127.0.0.1:{port0}\n  http-request return status 200 content-type text/plain string ok\n";
    let Some(scene) = scene(&Setup::new(WebKind::HaProxy, config)) else { return };
    scene.publish(&crate::denied::forbids());
    is_applied_once(&scene, "");
    assert_eq!(scene.get("/stopgap-probe"), 302);
}

fn apache(second: &str) -> Option<Scene> {
    let config = format!(
        "{{basics}}Listen 127.0.0.1:{{port0}}\nIncludeOptional {{dir}}/conf-enabled/*.conf\n\
         DocumentRoot {{dir}}/www\n<VirtualHost 127.0.0.1:{{port0}}>\n  ServerName shop.test\n  \
         FallbackResource /index.html\n</VirtualHost>\n<VirtualHost 127.0.0.1:{{port0}}>\n  \
         ServerName parked.test\n{second}\n</VirtualHost>\n"
    );
    let files = [("www/index.html", "ok\n"), ("conf-enabled/own.conf", "# the administrator's\n")];
    scene(&Setup { files: &files, ..Setup::new(WebKind::Apache, &config) })
}

#[test]
fn a_parked_host_of_apache_keeps_nobody_from_being_protected() {
    for (parked, told) in [
        // This one may come before a rule or behind it, as the version has it.
        ("  Redirect 404 /", ""),
        ("  RewriteEngine On\n  RewriteRule ^ - [R=404,L]", "with 404 by the redirect in"),
        ("  RewriteEngine On\n  RewriteRule ^ - [G]", "with 410 by the redirect in"),
        (
            "  RewriteEngine On\n  RewriteRule ^ https://shop.test/ [L]",
            "with 302 by the redirect in",
        ),
    ] {
        let Some(scene) = apache(parked) else { return };
        is_applied_once(&scene, told);
        assert!(scene.get_blocked("/stopgap-probe"), "{parked}");
    }
}

#[test]
fn a_redirect_by_the_application_is_not_taken_for_one_by_the_server() {
    // What allows every request in front of our rules has the attack reach the application, which leads
    // everybody to its login, as it did before.
    let application = Application::new(|_, _| 302);
    let text = format!(
        "defaults open\n  mode http\n  timeout client 5s\n  timeout server 5s\n  timeout connect 5s\n  \
         http-request redirect location /old if {{ path /older }}\n  http-request allow\n\
         frontend other from open\n  bind 127.0.0.1:{{port1}}\n  default_backend application\n\
         backend application from plain\n  server a 127.0.0.1:{}\n",
        application.port
    );
    let Some(scene) = haproxy(&text) else { return };
    // The other frontend is protected all the same, and what is not is told, each time.
    for changed in [true, false] {
        let run = scene.stopgap(&["check"]);
        assert_eq!((run.code, run.state("WEB").as_str()), (1, "partial"), "{}", run.out);
        let port = format!("(no name):{}", scene.port(1));
        let told = "\"marker\" is not blocked by";
        assert!(
            run.reason("WEB").contains(told) && run.reason("WEB").contains(&port),
            "{}",
            run.out
        );
        assert_eq!(run.json()["changed"], changed, "{}", run.out);
        assert!(scene.get_blocked("/stopgap-probe"));
    }
    assert_eq!(scene.stopgap(&["status"]).state("WEB"), "partial");
}

#[test]
fn an_application_that_answers_otherwise_is_not_taken_for_a_page_of_haproxy() {
    for (page, state) in [
        // What this page says is not known; the other one is a redirect.
        ("errorfile 403 {dir}/403.http", "applied"),
        ("errorloc303 403 /denied", "partial"),
    ] {
        let attacks = AtomicUsize::new(0);
        let application = Application::new(move |target, _| {
            match target.contains("robe") && attacks.fetch_add(1, Ordering::Relaxed) > 0 {
                true => 404,
                false => 200,
            }
        });
        let text = format!(
            "defaults open\n  mode http\n  timeout client 5s\n  timeout server 5s\n  timeout connect 5s\n  \
             {page}\n  http-request allow\nfrontend other from open\n  bind 127.0.0.1:{{port1}}\n  \
             default_backend application\nbackend application from plain\n  server a 127.0.0.1:{}\n",
            application.port
        );
        let file = "HTTP/1.0 403 Forbidden\r\nContent-Length: 0\r\n\r\n";
        let config = haproxy_config(&text);
        let files = [("403.http", file)];
        let setup = Setup { files: &files, ..Setup::new(WebKind::HaProxy, &config) };
        let Some(scene) = scene(&setup) else { return };
        scene.publish(&crate::denied::forbids());
        let run = scene.stopgap(&["check"]);
        assert_eq!(run.state("WEB"), state, "{page}: {}{}", run.out, run.err);
        let told = if state == "applied" { "may be its page" } else { "is not blocked by" };
        assert!(run.out.contains(told), "{page}: {}", run.out);
    }
}

#[test]
fn a_rule_that_has_no_effect_on_any_site_fails_and_all_goes_back() {
    let config = "global\n  maxconn 100\ndefaults\n  mode http\n  timeout client 5s\n  timeout server 5s\n  \
                  timeout connect 5s\n  http-request allow\nfrontend shop\n  bind 127.0.0.1:{port0}\n  \
                  default_backend none\nbackend none\n  http-request return status 302\n";
    // Debian's HAProxy refuses rules in defaults without a name.
    let config =
        config.replace("defaults\n", "defaults open\n").replace("shop\n", "shop from open\n");
    let config = config.replace("backend none\n  http-", "backend none from plain\n  http-");
    let plain = "defaults plain\n  mode http\n  timeout server 5s\n  timeout connect 5s\n";
    let config = config.replace("frontend shop", &format!("{plain}frontend shop"));
    let Some(scene) = scene(&Setup::new(WebKind::HaProxy, &config)) else { return };
    let before = scene.files();
    let run = scene.stopgap(&["check"]);
    assert_eq!((run.code, run.state("WEB").as_str()), (1, "failed"), "{}", run.out);
    assert!(run.reason("WEB").contains("is not blocked by"), "{}", run.out);
    assert_eq!(scene.files(), before);
}

#[test]
fn what_nginx_cannot_read_never_reaches_the_application_behind_it() {
    let application = Application::content();
    let config = format!(
        "{{basics}}http {{\n  access_log off;\n  client_body_temp_path {{dir}}/body;\n  \
         proxy_temp_path {{dir}}/proxy;\n  server {{\n    listen 127.0.0.1:{{port0}};\n    \
         server_name shop.test;\n    location / {{ proxy_pass http://127.0.0.1:{}; }}\n  }}\n}}\n",
        application.port
    );
    let Some(scene) = scene(&Setup::new(WebKind::Nginx, &config)) else { return };
    // The encoding of the attack on Apache 2.4.50 (CVE-2021-42013).
    let document = DOCUMENT.replace("GET /stopgap-%70robe", "GET /cgi-bin/.%%32%65/stopgap-probe");
    scene.publish(&document);
    let run = scene.stopgap(&["check"]);
    assert_eq!((run.code, run.state("WEB").as_str()), (0, "applied"), "{}", run.out);
    assert!(notes(&run).contains("refuses such a request by itself, with 400"), "{}", notes(&run));
    assert!(!application.was_reached_by("cgi-bin"));
}

#[test]
fn a_probe_for_a_host_of_its_own_is_misdirected_at_the_other_sites_of_a_listener() {
    let Some(certificate) = certificate() else { return };
    let host = |name: &str, ciphers: &str| {
        format!(
            "<VirtualHost 127.0.0.1:{{port1}}>\n  ServerName {name}.test\n  SSLEngine on\n  \
             SSLCertificateFile {{dir}}/both.pem\n  SSLCipherSuite {ciphers}\n  \
             FallbackResource /index.html\n</VirtualHost>\n"
        )
    };
    let config = format!(
        "{{basics}}Listen 127.0.0.1:{{port0}}\nListen 127.0.0.1:{{port1}}\n\
         IncludeOptional {{dir}}/conf-enabled/*.conf\nDocumentRoot {{dir}}/www\n\
         FallbackResource /index.html\n{}{}",
        host("a", "HIGH"),
        host("other", "ECDHE-RSA-AES256-GCM-SHA384")
    );
    let files = [
        ("www/index.html", "ok\n"),
        ("conf-enabled/own.conf", "# the administrator's\n"),
        ("both.pem", certificate.as_str()),
    ];
    let setup = Setup { files: &files, ..Setup::new(WebKind::Apache, &config) };
    let Some(scene) = scene(&setup) else { return };
    let request = "request = \"GET /stopgap-%70robe\"\nheaders = [\"Host: other.test\"]";
    scene.publish(&DOCUMENT.replace("request = \"GET /stopgap-%70robe\"", request));
    is_applied_once(&scene, "with 421: the probe is for another host");
    assert!(scene.get_blocked("/stopgap-probe"));
}
