//! HAProxy: where it is, what it says of itself and on its command line, how it is tested, reloaded and
//! started.

use stopgap_model::web::{WebKind, WebServer};
use stopgap_model::{Fact, Reasons};

use super::software::{
    BuildInfo, CommandLine, Packaged, ReloadSignal, Run, Software, does_not_say, each_with, texts,
    version_after,
};

/// HAProxy.
pub(crate) struct HaProxy;

/// The arguments with which it only says something, or tests.
const ONCE: [&str; 4] = ["-c", "-cc", "-v", "-vv"];
/// The options that have a value in an argument of its own.
const WITH_VALUE: [&str; 9] = ["-f", "-C", "-p", "-n", "-N", "-m", "-L", "-x", "-S"];

const PACKAGES: [Packaged; 1] = [Packaged {
    kind: WebKind::HaProxy,
    program: "/usr/sbin/haproxy",
    config: "/etc/haproxy/haproxy.cfg",
    base: "/",
    package: "haproxy",
}];

impl Software for HaProxy {
    fn program_names(&self) -> &'static [&'static str] {
        &["haproxy"]
    }

    fn packages(&self) -> &'static [Packaged] {
        &PACKAGES
    }

    fn build_info(&self, run: &Run<'_>) -> Result<BuildInfo, Reasons> {
        run("-vv").map(|said| build_info_of(&said))
    }

    fn command_line(&self, arguments: &[String]) -> Option<CommandLine> {
        let mut line = CommandLine::default();
        let mut left = arguments.iter().peekable();
        while let Some(argument) = left.next() {
            let value = match WITH_VALUE.contains(&argument.as_str()) {
                true => left.next(),
                false => None,
            };
            match (argument.as_str(), value) {
                (once, _) if ONCE.contains(&once) => return None,
                ("--", _) => {
                    line.start.push(argument.clone());
                    line.start.extend(left.clone().cloned());
                    line.config.extend(left.by_ref().cloned());
                    break;
                }
                // The processes that it took over from, and how.
                ("-sf" | "-st", _) => {
                    while left.next_if(|pid| !pid.starts_with('-')).is_some() {}
                    continue;
                }
                ("-x", _) => continue,
                ("-f", Some(file)) => line.config.push(file.clone()),
                ("-C", Some(folder)) => line.base = Some(folder.clone()),
                ("-L", Some(name)) => line.settings.extend([argument.clone(), name.clone()]),
                _ => {}
            }
            line.start.push(argument.clone());
            line.start.extend(value.cloned());
        }
        Some(line)
    }

    fn config_option(&self) -> &'static str {
        "-f"
    }

    fn test_arguments(&self, _: &WebServer, config: &[String]) -> Vec<String> {
        [vec!["-c".into()], each_with("-f", config)].concat()
    }

    /// In the background, with a master: only with one does it take a configuration by itself.
    fn start_arguments(&self, server: &WebServer) -> Vec<String> {
        [vec!["-W".to_owned(), "-D".to_owned()], each_with("-f", &texts(&server.config))].concat()
    }

    fn reload_signal(&self) -> ReloadSignal {
        ReloadSignal::Usr2
    }

    fn takeover_arguments(&self, pid: i32) -> Option<[String; 2]> {
        Some(["-sf".to_owned(), pid.to_string()])
    }

    fn is_relative_to_working_folder(&self) -> bool {
        true
    }
}

/// What the output of `haproxy -vv` says. What it calls features are its modules.
fn build_info_of(said: &str) -> BuildInfo {
    let version = match version_after(said, "HAProxy version ") {
        Fact::Unknown(_) => version_after(said, "HA-Proxy version "),
        version => version,
    };
    let features = said.lines().find_map(|line| line.strip_prefix("Feature list :"));
    let modules = match features {
        Some(features) => {
            let there = features.split_whitespace().filter_map(|word| word.strip_prefix('+'));
            Fact::Known(there.map(str::to_owned).collect())
        }
        None => Fact::unknown(does_not_say("the program", "which features it has")),
    };
    BuildInfo { version, modules, base: None, config: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &[&str]) -> Option<CommandLine> {
        let arguments: Vec<String> = arguments.iter().map(|&text| text.to_owned()).collect();
        HaProxy.process_command_line("/usr/sbin/haproxy", &arguments).expect("no doubt")
    }

    #[test]
    fn haproxy_forgets_whom_it_took_over_from() {
        let arguments = [
            "haproxy", "-sf", "12", "13", "-x", "/s", "-Ws", "-f", "/a", "-p", "/pid", "-f", "/b",
            "-S", "/master", "--", "/c", "/d",
        ];
        let line = read(&arguments).expect("a master");
        assert_eq!(line.config, ["/a", "/b", "/c", "/d"]);
        let start =
            ["-Ws", "-f", "/a", "-p", "/pid", "-f", "/b", "-S", "/master", "--", "/c", "/d"];
        assert_eq!(line.start, start);
    }

    #[test]
    fn a_program_that_only_says_something_does_not_serve() {
        assert_eq!(read(&["haproxy", "-c", "-f", "/x"]), None);
        assert_eq!(read(&["haproxy", "-vv", "", ""]), None);
    }

    #[test]
    fn a_command_line_that_breaks_off_is_no_trouble() {
        for last in ["-f", "-c", "-g", "-sf", "-C", "-", "--", "", "-é"] {
            let _ = read(&["x", last]);
        }
    }

    #[test]
    fn haproxy_says_its_features() {
        let said = "HAProxy version 2.6.12-1+deb12u4 2026/10/17 - https://haproxy.org/\n\
            Feature list : +EPOLL -KQUEUE +PCRE2\n";
        let info = build_info_of(said);
        assert_eq!(info.version, Fact::Known("2.6.12".parse().expect("a version")));
        let modules = ["EPOLL", "PCRE2"];
        assert_eq!(info.modules, Fact::Known(modules.map(str::to_owned).to_vec()));
        let old = build_info_of("HA-Proxy version 1.8.27 2020/11/06\n");
        assert_eq!(old.version, Fact::Known("1.8.27".parse().expect("a version")));
        assert!(matches!(old.modules, Fact::Unknown(_)));
    }

    #[test]
    fn a_program_that_says_something_else_is_unknown() {
        for said in ["", "HAProxy version "] {
            assert!(matches!(build_info_of(said).version, Fact::Unknown(_)), "{said}");
        }
    }
}
