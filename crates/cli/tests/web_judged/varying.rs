//! Sites whose answers vary by themselves are compared with all that they answered before.

use stopgap_model::WebKind;
use stopgap_testkit::servers::{Setup, free_ports};

use crate::application::Application;
use crate::scene::{Scene, scene};

/// nginx with these in the http block, and a site with these, five times over.
fn nginx(http: &str, site: &str) -> Option<Scene> {
    let sites: String = ["shop", "a", "b", "c", "d"]
        .iter()
        .map(|name| {
            format!(
                "  server {{\n    listen 127.0.0.1:{{port0}};\n    server_name {name}.test;\n    \
                 {site}\n  }}\n"
            )
        })
        .collect();
    let config = format!(
        "{{basics}}http {{\n  access_log off;\n  client_body_temp_path {{dir}}/body;\n  \
         proxy_temp_path {{dir}}/proxy;\n  {http}\n{sites}}}\n"
    );
    scene(&Setup::new(WebKind::Nginx, &config))
}

#[track_caller]
fn is_applied_once(scene: &Scene) {
    let run = scene.stopgap(&["check"]);
    assert_eq!((run.code, run.state("WEB").as_str()), (0, "applied"), "{}{}", run.out, run.err);
    assert!(scene.get_blocked("/stopgap-probe"));
    assert_eq!(scene.stopgap(&["check"]).json()["changed"], false);
}

#[test]
fn a_site_that_answers_at_random_is_protected() {
    let split = "split_clients $request_id $variant { 50% 200; * 302; }";
    let Some(scene) = nginx(split, "if ($variant = 302) { return 302 /new; }\n    return 200;")
    else {
        return;
    };
    is_applied_once(&scene);
}

#[test]
fn a_site_of_which_one_of_two_applications_is_broken_is_protected() {
    let application = Application::content();
    let upstream = format!(
        "upstream both {{ server 127.0.0.1:{} max_fails=0; server 127.0.0.1:{} max_fails=0; }}",
        application.port,
        free_ports(1)[0]
    );
    let pass = "proxy_next_upstream off;\n    location / { proxy_pass http://both; }";
    let Some(scene) = nginx(&upstream, pass) else { return };
    is_applied_once(&scene);
}

#[test]
fn a_site_of_which_one_of_two_applications_answers_otherwise_is_protected() {
    let (content, login) = (Application::content(), Application::new(|_, _| 302));
    let upstream = format!(
        "upstream both {{ server 127.0.0.1:{}; server 127.0.0.1:{}; }}",
        content.port, login.port
    );
    let pass = "location / { proxy_pass http://both; }";
    let Some(scene) = nginx(&upstream, pass) else { return };
    is_applied_once(&scene);
    for application in [content, login] {
        // The check asked each of them before the rules were there, and for `/` alone since.
        assert!(application.was_reached_by("/"));
    }
}

#[test]
fn a_site_whose_answers_vary_and_that_only_fails_afterwards_has_everything_put_back() {
    // Before the change it is asked five times for `/`, and for two probes.
    let application = Application::new(|_, before| match before {
        0..7 if before % 2 == 0 => 200,
        0..7 => 302,
        _ => 500,
    });
    let config = format!(
        "{{basics}}http {{\n  access_log off;\n  client_body_temp_path {{dir}}/body;\n  \
         proxy_temp_path {{dir}}/proxy;\n  server {{\n    listen 127.0.0.1:{{port0}};\n    \
         server_name shop.test;\n    location / {{ proxy_pass http://127.0.0.1:{}; }}\n  }}\n}}\n",
        application.port
    );
    let Some(scene) = scene(&Setup::new(WebKind::Nginx, &config)) else { return };
    let before = scene.files();
    let run = scene.stopgap(&["check"]);
    assert_eq!((run.code, run.state("WEB").as_str()), (1, "failed"), "{}", run.out);
    assert!(
        run.out.contains("answered with 200 or with 302 before and now with 500"),
        "{}",
        run.out
    );
    assert_eq!(scene.files(), before);
}
