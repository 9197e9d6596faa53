//! What every kind of web server has in common, and what each says of itself.
//!
//! [`Software`] is answered by `nginx.rs`, `apache.rs` and `haproxy.rs`, one file for each: where its packages
//! put it, what its command line says, how it is tested, reloaded and started. Nothing here looks at a
//! machine.

use std::collections::BTreeMap;
use std::time::Duration;

use stopgap_model::reason::ProgramReason;
use stopgap_model::web::{WebKind, WebServer};
use stopgap_model::{Fact, Reasons, ServerPath, Version};

/// Environment variables by their names.
pub(crate) type Variables = BTreeMap<String, String>;

/// Runs a program with one argument and answers its output.
pub(crate) type Run<'a> = dyn Fn(&str) -> Result<String, Reasons> + 'a;

/// What is particular to one kind of web server.
pub(crate) trait Software: Sync {
    /// The file names of its program.
    fn program_names(&self) -> &'static [&'static str];

    /// Where the packages of the distributions put it.
    fn packages(&self) -> &'static [Packaged];

    /// What its program says of itself; `run` runs the program with one argument and answers its output.
    ///
    /// # Errors
    /// Those of `run`.
    fn build_info(&self, run: &Run<'_>) -> Result<BuildInfo, Reasons>;

    /// Reads arguments that are known one by one, without the name of the program. `None` if what is
    /// started with them does not serve.
    fn command_line(&self, arguments: &[String]) -> Option<CommandLine>;

    /// Reads the arguments of a process that executes `program`, its name first. `None` if it is none that
    /// serves by itself: a worker that outlived its master, a test, a signal to another one.
    ///
    /// # Errors
    /// They can be read in more than one way.
    fn process_command_line(
        &self,
        _program: &str,
        arguments: &[String],
    ) -> Result<Option<CommandLine>, Reasons> {
        Ok(arguments.split_first().and_then(|(_, others)| self.command_line(others)))
    }

    /// What its processes write over their arguments begins with this, if they do so.
    fn title_prefix(&self) -> Option<&'static str> {
        None
    }

    /// The option that names a configuration file.
    fn config_option(&self) -> &'static str;

    /// The arguments of its own test of the configuration files `config`.
    fn test_arguments(&self, server: &WebServer, config: &[String]) -> Vec<String>;

    /// The arguments of a start, where it was never seen running.
    fn start_arguments(&self, server: &WebServer) -> Vec<String>;

    /// The signal by which it takes its configuration, as its documentation says.
    fn reload_signal(&self) -> ReloadSignal;

    /// The arguments beside those of its start by which a new process takes over from the process
    /// `pid`; `None` if it cannot.
    fn takeover_arguments(&self, _pid: i32) -> Option<[String; 2]> {
        None
    }

    /// How long the new processes have to be the same after a reload until it has taken its
    /// configuration.
    fn stable_time(&self) -> Duration {
        Duration::ZERO
    }

    /// Whether it may pass its own test, not take its configuration, and say so in its error log alone.
    fn refuses_in_error_log(&self) -> bool {
        false
    }

    /// Whether its configuration may name variables of its environment.
    fn reads_environment(&self) -> bool {
        true
    }

    /// Whether relative paths begin with the folder that it was started in.
    fn is_relative_to_working_folder(&self) -> bool {
        false
    }

    /// Whether what it includes is relative to the folder of the name that its configuration has.
    fn includes_beside_config(&self) -> bool {
        true
    }

    /// The file of variables that its start script reads, where its folder is `base`.
    fn variables_file(&self, _base: &ServerPath) -> Option<ServerPath> {
        None
    }

    /// What that file makes of `before`.
    fn variables(&self, _script: &str, _base: &ServerPath, before: Variables) -> Variables {
        before
    }
}

/// A web server as a package installs it.
#[derive(Debug)]
pub(crate) struct Packaged {
    pub(crate) kind: WebKind,
    pub(crate) program: &'static str,
    pub(crate) config: &'static str,
    /// What relative paths begin with, where the program does not say it.
    pub(crate) base: &'static str,
    /// Debian's package with the program in it.
    pub(crate) package: &'static str,
}

impl Packaged {
    /// The service by which the package starts the server: it has the name of the program.
    pub(crate) fn service(&self) -> String {
        let name = self.program.rsplit('/').next().unwrap_or(self.program);
        format!("{name}.service")
    }
}

/// What a program says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BuildInfo {
    pub(crate) version: Fact<Version>,
    /// The modules that are compiled in, as the program names them.
    pub(crate) modules: Fact<Vec<String>>,
    /// The folder that relative paths begin with, unless an argument names another one.
    pub(crate) base: Option<String>,
    /// The configuration that is read unless an argument names another one; relative to `base`.
    pub(crate) config: Option<String>,
}

/// Nothing was asked of it.
impl Default for BuildInfo {
    fn default() -> Self {
        Self { version: Fact::Absent, modules: Fact::Absent, base: None, config: None }
    }
}

impl BuildInfo {
    /// Nothing is known, for these reasons.
    pub(crate) fn unknown(why: &Reasons) -> Self {
        let (version, modules) = (Fact::Unknown(why.clone()), Fact::Unknown(why.clone()));
        Self { version, modules, base: None, config: None }
    }
}

/// What a command line says of a server's configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct CommandLine {
    /// The configuration, in the order read.
    pub(crate) config: Vec<String>,
    /// What relative paths begin with.
    pub(crate) base: Option<String>,
    /// Apache's `-D` names.
    pub(crate) defines: Vec<String>,
    /// Further arguments that the server's own test of its configuration needs.
    pub(crate) settings: Vec<String>,
    /// The arguments of a new start: all but those that count for one start only.
    pub(crate) start: Vec<String>,
}

/// A signal by which a server takes its configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReloadSignal {
    Hup,
    Usr1,
    Usr2,
}

/// An option of one letter and its value.
type Opt = (char, Option<String>);

/// The options of arguments in the manner of `getopt`: `-tc file`, `-cfile`, `-c file`.
pub(crate) fn options(arguments: &[String], with_value: &str) -> Vec<Opt> {
    let mut found = Vec::new();
    let mut left = arguments.iter();
    while let Some(argument) = left.next() {
        let Some(letters) = argument.strip_prefix('-') else { continue };
        for (at, letter) in letters.char_indices() {
            if !with_value.contains(letter) {
                found.push((letter, None));
                continue;
            }
            let rest = letters.get(at + letter.len_utf8()..).unwrap_or_default();
            let value = if rest.is_empty() { left.next().cloned() } else { Some(rest.to_owned()) };
            found.push((letter, value));
            break;
        }
    }
    found
}

/// Each value behind the option `name`.
pub(crate) fn each_with(name: &str, values: &[String]) -> Vec<String> {
    values.iter().flat_map(|value| [name.to_owned(), value.clone()]).collect()
}

/// The texts of paths.
pub(crate) fn texts(paths: &[ServerPath]) -> Vec<String> {
    paths.iter().map(|path| path.as_str().to_owned()).collect()
}

/// The version that follows `mark`.
pub(crate) fn version_after(said: &str, mark: &str) -> Fact<Version> {
    let version = said.split_once(mark).and_then(|(_, after)| leading_version(after));
    version.map_or_else(|| Fact::unknown(does_not_say("the program", "its version")), Fact::Known)
}

/// The reason that a program leaves out what is asked.
pub(crate) fn does_not_say(program: &str, what: &str) -> ProgramReason {
    ProgramReason::DoesNotSay { program: program.to_owned(), what: what.to_owned() }
}

/// The version at the beginning of a text: `2.6.12` of `2.6.12-1+deb12u4`.
pub(crate) fn leading_version(text: &str) -> Option<Version> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    text.get(..end)?.trim_end_matches('.').parse().ok()
}

/// Whether a text is the name of an environment variable.
pub(crate) fn is_variable_name(text: &str) -> bool {
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    !text.starts_with(|first: char| first.is_ascii_digit())
        && !text.is_empty()
        && text.bytes().all(letters)
}
