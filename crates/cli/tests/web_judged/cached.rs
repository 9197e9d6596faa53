//! A cache of Apache that answers before access is asked.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use stopgap_model::WebKind;
use stopgap_testkit::servers::Setup;

use crate::application::Application;
use crate::scene::scene;

const MODULES: &str = "/usr/lib/apache2/modules";

#[test]
fn what_apache_has_in_its_cache_is_told_and_a_probe_is_never_put_there() {
    let module = |name: &str| format!("{MODULES}/mod_{name}.so");
    if !["cache", "cache_disk"].iter().all(|name| fs::metadata(module(name)).is_ok()) {
        println!("skipped: mod_cache_disk is not installed");
        return;
    }
    for (stubborn, told) in [("Off", ""), ("On", "before any rule is asked")] {
        let application = Application::content();
        let config = format!(
            "{{basics}}LoadModule cache_module {}\nLoadModule cache_disk_module {}\n\
             Listen 127.0.0.1:{{port0}}\nIncludeOptional {{dir}}/conf-enabled/*.conf\n\
             <VirtualHost 127.0.0.1:{{port0}}>\n  ServerName shop.test\n  CacheEnable disk /\n  \
             CacheRoot {{dir}}/cache\n  CacheDefaultExpire 600\n  CacheIgnoreNoLastMod On\n  \
             CacheIgnoreCacheControl {stubborn}\n  ProxyPass / http://127.0.0.1:{}/\n</VirtualHost>\n",
            module("cache"),
            module("cache_disk"),
            application.port
        );
        let files = [("conf-enabled/own.conf", "# the administrator's\n"), ("cache/empty", "")];
        let setup = Setup { files: &files, ..Setup::new(WebKind::Apache, &config) };
        let Some(scene) = scene(&setup) else { return };
        let everybody = fs::Permissions::from_mode(0o777);
        fs::set_permissions(scene.dir().join("cache"), everybody).unwrap();
        // An attack of before the rule.
        assert_eq!(scene.get("/before/stopgap-probe"), 200);
        let run = scene.stopgap(&["check"]);
        assert_eq!((run.code, run.state("WEB").as_str()), (0, "applied"), "{}{}", run.out, run.err);
        let notes = run.mitigation("WEB")["actions"][0]["notes"].to_string();
        assert!(notes.contains("what an attack put there can be read until it expires"), "{notes}");
        assert!(notes.contains(told), "{notes}");
        assert!(scene.get_blocked("/other/stopgap-probe"));
        if stubborn == "Off" {
            assert!(scene.get_blocked("/stopgap-%70robe"), "our own question is in the cache");
        }
    }
}
