//! Many names on one listener over TLS: each is asked, and none is left unjudged for want of time.

use stopgap_model::WebKind;
use stopgap_testkit::servers::Setup;

use crate::certificate;
use crate::scene::scene;

const NAMES: usize = 100;

#[test]
fn a_hundred_names_on_one_listener_over_tls_are_judged_and_protected() {
    let Some(certificate) = certificate() else { return };
    let sites: String = (0..NAMES)
        .map(|number| {
            format!(
                "  server {{\n    listen 127.0.0.1:{{port0}} ssl;\n    server_name n{number}.test;\n    \
                 return 200;\n  }}\n"
            )
        })
        .collect();
    let config = format!(
        "{{basics}}http {{\n  access_log off;\n  server_names_hash_max_size 1024;\n  \
         ssl_certificate {{dir}}/both.pem;\n  ssl_certificate_key {{dir}}/both.pem;\n{sites}}}\n"
    );
    let files = [("both.pem", certificate.as_str())];
    let setup = Setup { files: &files, ..Setup::new(WebKind::Nginx, &config) };
    let Some(scene) = scene(&setup) else { return };
    let run = scene.stopgap(&["check"]);
    assert_eq!((run.code, run.state("WEB").as_str()), (0, "applied"), "{}{}", run.out, run.err);
    assert!(!run.out.contains("not judged") && !run.out.contains("not probed"), "{}", run.out);
    let evidence = scene.stopgap(&["show", "WEB"]).json()["evidence"].clone();
    for (count, wanted) in
        [("attacks", NAMES), ("blocked", NAMES), ("passed", NAMES), ("not_judged", 0)]
    {
        assert_eq!(evidence[count], wanted, "{count}: {evidence}");
    }
    assert_eq!(evidence["missing"], serde_json::json!([]), "{evidence}");
}
