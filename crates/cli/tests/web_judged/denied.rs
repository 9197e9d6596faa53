//! Whatever a site does with pages for errors, a request that is denied does not reach the application.

use std::fs;

use stopgap_model::{Digest, WebKind};
use stopgap_testkit::servers::Setup;

use crate::application::Application;
use crate::common::Run;
use crate::scene::{Scene, scene};

/// A mitigation that answers an attack with 403.
pub(crate) fn forbids() -> String {
    stopgap_testkit::denying("{ status = 403 }", "/shop")
}

#[track_caller]
fn is_applied(run: &Run) {
    assert_eq!((run.code, run.state("WEB").as_str()), (0, "applied"), "{}{}", run.out, run.err);
}

/// nginx before an application, with this said in the server block and in the http block.
fn nginx(application: &Application, http: &str, server: &str, location: &str) -> Option<Scene> {
    let pass = format!("proxy_pass http://127.0.0.1:{};", application.port);
    let config = format!(
        "{{basics}}http {{\n  access_log off;\n  client_body_temp_path {{dir}}/body;\n  \
         proxy_temp_path {{dir}}/proxy;\n  {http}\n  server {{\n    listen 127.0.0.1:{{port0}};\n    \
         server_name shop.test;\n    {server}\n    location / {{ {location} {pass} }}\n    \
         location @app {{ {pass} }}\n  }}\n}}\n"
    );
    let scene = scene(&Setup::new(WebKind::Nginx, &config))?;
    scene.publish(&forbids());
    Some(scene)
}

#[test]
fn a_denied_request_does_not_reach_the_application_by_way_of_a_page_for_errors() {
    for (http, server, location) in [
        ("", "error_page 403 @app;", ""),
        ("", "error_page 403 =200 @app;", ""),
        ("error_page 403 /denied.php;", "", ""),
        ("error_page 403 =302 https://other.test/;", "", ""),
        ("proxy_intercept_errors on; recursive_error_pages on;", "error_page 403 404 @app;", ""),
        ("", "", "error_page 403 @app;"),
    ] {
        let application = Application::content();
        let Some(scene) = nginx(&application, http, server, location) else { return };
        let told = format!("{http} {server} {location}");
        is_applied(&scene.stopgap(&["check"]));
        // The check itself asked it before the rules were there.
        let _ = application.was_reached_by("");
        assert_eq!(scene.get("/x/stopgap-probe"), 403, "{told}");
        assert!(!application.was_reached_by("stopgap-probe"), "{told}");
        assert_eq!(scene.get("/shop"), 200, "{told}");
    }
}

#[test]
fn a_page_for_errors_of_apache_neither_hides_a_deny_nor_gets_the_request() {
    for page in ["http://other.test/denied", "/denied-by-the-application"] {
        let application = Application::content();
        let config = format!(
            "{{basics}}Listen 127.0.0.1:{{port0}}\nIncludeOptional {{dir}}/conf-enabled/*.conf\n\
             <VirtualHost 127.0.0.1:{{port0}}>\n  ServerName shop.test\n  ErrorDocument 403 {page}\n  \
             <Location \"/\">\n    ErrorDocument 403 {page}\n    Require all granted\n  </Location>\n  \
             ProxyPass / http://127.0.0.1:{}/\n</VirtualHost>\n",
            application.port
        );
        let files = [("conf-enabled/own.conf", "# the administrator's\n")];
        let setup = Setup { files: &files, ..Setup::new(WebKind::Apache, &config) };
        let Some(scene) = scene(&setup) else { return };
        is_applied(&scene.stopgap(&["check"]));
        let _ = application.was_reached_by("");
        assert_eq!(scene.get("/x/stopgap-probe"), 403, "{page}");
        assert!(!application.was_reached_by("denied"), "{page}");
        assert_eq!(scene.get("/shop"), 200, "{page}");
    }
}

/// Makes rules of ours those that an earlier version wrote, whose deny was a bare status, and the record
/// tells of them.
fn as_an_earlier_version_wrote_them(scene: &Scene) {
    let rules = scene.dir().join("stopgap-server.rules");
    let server = fs::read_to_string(&rules).unwrap();
    let older = server.replace("return 403 \"This request is blocked.\\n\";", "return 403;");
    assert_ne!(older, server);
    fs::write(&rules, &older).unwrap();
    let record = fs::read_dir(scene.dir().join("state/changes")).unwrap().next().unwrap();
    let record = record.unwrap().path().join("change.json");
    let text = fs::read_to_string(&record).unwrap();
    let (before, rest) = text.split_once("\"text\": \"").unwrap();
    let (_, behind) = rest.split_once('"').unwrap();
    let digest = Digest::of(b"what an earlier version wrote");
    fs::write(&record, format!("{before}\"text\": \"{digest}\"{behind}")).unwrap();
}

#[test]
fn a_deny_that_an_earlier_version_wrote_is_written_anew_by_one_reload() {
    let application = Application::content();
    let Some(scene) = nginx(&application, "", "error_page 403 @app;", "") else { return };
    let before = scene.files();
    is_applied(&scene.stopgap(&["check"]));
    as_an_earlier_version_wrote_them(&scene);
    rustix::process::kill_process(
        rustix::process::Pid::from_raw(scene.pid().cast_signed()).unwrap(),
        rustix::process::Signal::HUP,
    )
    .unwrap();
    let run = scene.stopgap(&["check"]);
    is_applied(&run);
    assert_eq!(run.json()["changed"], true, "{}", run.out);
    let _ = application.was_reached_by("");
    assert_eq!(scene.get("/x/stopgap-probe"), 403);
    assert!(!application.was_reached_by("stopgap-probe"));
    assert_eq!(scene.stopgap(&["check"]).json()["changed"], false);
    assert_eq!(scene.stopgap(&["remove", "WEB"]).state("WEB"), "withdrawn");
    assert_eq!(scene.files(), before);
}
