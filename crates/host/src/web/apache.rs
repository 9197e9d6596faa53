//! Apache httpd: where it is, what it says of itself and on its command line, how it is tested, reloaded
//! and started. What Debian's scripts around it do stands in `apache_scripts.rs`.

use std::time::Duration;

use stopgap_model::web::{WebKind, WebServer};
use stopgap_model::{Fact, Reasons, ServerPath};

use super::apache_scripts;
use super::software::{
    BuildInfo, CommandLine, Packaged, ReloadSignal, Run, Software, Variables, does_not_say,
    each_with, options, texts, version_after,
};

/// Apache httpd.
pub(crate) struct Apache;

/// The options that have a value.
const WITH_VALUE: &str = "DCcdfekR";
/// The options with which it only says something, or tests.
const ONCE: &str = "vVlLtSMh?";

/// Debian's and its descendants' (`apache2`), Red Hat's, SUSE's and Alpine's (`httpd`).
const PACKAGES: [Packaged; 2] = [
    Packaged {
        kind: WebKind::Apache,
        program: "/usr/sbin/apache2",
        config: "/etc/apache2/apache2.conf",
        base: "/etc/apache2",
        package: "apache2",
    },
    Packaged {
        kind: WebKind::Apache,
        program: "/usr/sbin/httpd",
        config: "/etc/httpd/conf/httpd.conf",
        base: "/etc/httpd",
        package: "httpd",
    },
];

impl Software for Apache {
    fn program_names(&self) -> &'static [&'static str] {
        &["apache2", "httpd"]
    }

    fn packages(&self) -> &'static [Packaged] {
        &PACKAGES
    }

    fn build_info(&self, run: &Run<'_>) -> Result<BuildInfo, Reasons> {
        Ok(build_info_of(&run("-V")?, &run("-l")?))
    }

    fn command_line(&self, arguments: &[String]) -> Option<CommandLine> {
        let mut line = CommandLine::default();
        for (letter, value) in options(arguments, WITH_VALUE) {
            if ONCE.contains(letter) {
                return None;
            }
            let Some(value) = value else { continue };
            let told = [format!("-{letter}"), value.clone()];
            match letter {
                'f' => line.config = vec![value],
                'd' => line.base = Some(value),
                'D' => line.defines.push(value),
                'C' | 'c' => line.settings.extend(told.clone()),
                'k' if value == "start" => continue,
                'k' => return None,
                _ => {}
            }
            line.start.extend(told);
        }
        Some(line)
    }

    fn config_option(&self) -> &'static str {
        "-f"
    }

    fn test_arguments(&self, server: &WebServer, config: &[String]) -> Vec<String> {
        let base = [server.base.as_str().to_owned()];
        let defines = each_with("-D", &server.defines);
        [vec!["-t".into()], each_with("-d", &base), each_with("-f", config), defines].concat()
    }

    fn start_arguments(&self, server: &WebServer) -> Vec<String> {
        let base = [server.base.as_str().to_owned()];
        let defines = each_with("-D", &server.defines);
        [each_with("-d", &base), each_with("-f", &texts(&server.config)), defines].concat()
    }

    fn reload_signal(&self) -> ReloadSignal {
        ReloadSignal::Usr1
    }

    /// Apache starts processes whenever it is busy: one that it started just before it was told has the
    /// old configuration, and ends with the others.
    fn stable_time(&self) -> Duration {
        Duration::from_millis(100)
    }

    /// What it includes is relative to its `ServerRoot`.
    fn includes_beside_config(&self) -> bool {
        false
    }

    fn variables_file(&self, base: &ServerPath) -> Option<ServerPath> {
        Some(base.join("envvars"))
    }

    fn variables(&self, script: &str, base: &ServerPath, before: Variables) -> Variables {
        apache_scripts::variables(script, base.as_str(), before)
    }
}

/// What the outputs of `apache2 -V` and `apache2 -l` say.
fn build_info_of(settings: &str, list: &str) -> BuildInfo {
    let value = |name: &str| {
        let (_, after) = settings.split_once(&format!("-D {name}=\""))?;
        after.split_once('"').map(|(value, _)| value.to_owned())
    };
    let names = list.lines().map(str::trim).filter(|line| line.ends_with(".c"));
    let names: Vec<String> = names.map(str::to_owned).collect();
    let modules = match names.is_empty() {
        true => Fact::unknown(does_not_say("the program", "which modules it has")),
        false => Fact::Known(names),
    };
    let version = version_after(settings, "Apache/");
    BuildInfo { version, modules, base: value("HTTPD_ROOT"), config: value("SERVER_CONFIG_FILE") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &[&str]) -> Option<CommandLine> {
        let arguments: Vec<String> = arguments.iter().map(|&text| text.to_owned()).collect();
        Apache.process_command_line("/usr/sbin/apache2", &arguments).expect("no doubt")
    }

    #[test]
    fn apache_bundles_its_options() {
        let arguments = [
            "httpd",
            "-DFOREGROUND",
            "-d",
            "/r",
            "-fconf/x.conf",
            "-D",
            "A",
            "-k",
            "start",
            "-C",
            "Listen 1",
        ];
        let line = read(&arguments).expect("a master");
        assert_eq!(line.config, ["conf/x.conf"]);
        assert_eq!(line.base.as_deref(), Some("/r"));
        assert_eq!(line.defines, ["FOREGROUND", "A"]);
        assert_eq!(line.settings, ["-C", "Listen 1"]);
        assert!(!line.start.iter().any(|argument| argument == "-k"));
    }

    #[test]
    fn a_program_that_only_says_something_does_not_serve() {
        assert_eq!(read(&["apache2", "-t", "-f", "/x"]), None);
        assert_eq!(read(&["apache2", "-k", "graceful", ""]), None);
        assert_eq!(read(&["apache2", "-DX", "-MS", ""]), None);
        let started = read(&["apache2", "-k", "start"]);
        assert_eq!(started, Some(CommandLine::default()));
    }

    #[test]
    fn a_command_line_that_breaks_off_is_no_trouble() {
        for last in ["-f", "-c", "-g", "-sf", "-C", "-", "--", "", "-é"] {
            let _ = read(&["x", last]);
        }
    }

    #[test]
    fn apache_says_its_root_even_where_it_cannot_read_its_configuration() {
        let settings = "Server version: Apache/2.4.71 (Debian)\nServer MPM:     \n \
             -D HTTPD_ROOT=\"/etc/apache2\"\n -D SERVER_CONFIG_FILE=\"apache2.conf\"\n";
        let info = build_info_of(settings, "Compiled in modules:\n  core.c\n  mod_so.c\n");
        assert_eq!(info.version, Fact::Known("2.4.71".parse().expect("a version")));
        assert_eq!(info.base.as_deref(), Some("/etc/apache2"));
        assert_eq!(info.config.as_deref(), Some("apache2.conf"));
        let modules = ["core.c", "mod_so.c"];
        assert_eq!(info.modules, Fact::Known(modules.map(str::to_owned).to_vec()));
    }

    #[test]
    fn a_program_that_says_something_else_is_unknown() {
        for said in ["", "Apache/x"] {
            assert!(matches!(build_info_of(said, "").version, Fact::Unknown(_)), "{said}");
        }
    }
}
