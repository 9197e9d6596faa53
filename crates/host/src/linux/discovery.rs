//! Which web servers there are: those that run, those that packages installed, those that the
//! administrator names.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path};

use stopgap_model::web::{DeclaredServer, ServerId, WebKind, WebServer};
use stopgap_model::{Fact, ServerPath};

use super::about::About;
use super::command_line::CommandLine;
use super::envvars::apache_variables;
use super::packaged::{PACKAGED, Packaged, installed};
use super::process::{Process, ProcessId, Processes};
use super::run::Run;
use super::service::service_of;
use super::{LinuxHost, locked};

/// What one server is known by, however its configuration's path is spelled.
pub(crate) type Key = (WebKind, Vec<ServerPath>);

/// The variables by which HAProxy's master passes on its state, and the service manager its own:
/// what is started with them takes itself for the one that they are for.
const PASSED_ON: [&str; 9] = [
    "HAPROXY_CLI",
    "HAPROXY_STARTUP_VERSION",
    "HAPROXY_MWORKER",
    "HAPROXY_PROCESSES",
    "HAPROXY_CFGFILES",
    "NOTIFY_SOCKET",
    "LISTEN_",
    "MAINPID",
    "WATCHDOG_",
];

/// How a server was started, and can be again.
#[derive(Debug, Clone)]
pub(crate) struct Start {
    pub(crate) run: Run,
    /// The service of the service manager that it is.
    pub(crate) service: Option<String>,
}

/// A server that runs.
#[derive(Debug)]
pub(crate) struct Master {
    pub(crate) id: ProcessId,
    pub(crate) key: Key,
    pub(crate) line: CommandLine,
    pub(crate) server: WebServer,
    /// How it can be started again.
    pub(crate) start: Start,
}

/// What tells a program from the one that a package put in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stamp(Option<(u64, u64, i64)>);

impl Stamp {
    fn of(program: &ServerPath) -> Self {
        let facts = std::fs::metadata(program.as_str()).ok();
        Self(facts.map(|facts| (facts.dev(), facts.ino(), facts.mtime())))
    }
}

impl LinuxHost {
    /// Every server there is, in the order of their ids.
    pub(super) fn discover(&self) -> Vec<WebServer> {
        let masters = Processes::now().map(|processes| self.masters(&processes));
        let otherwise = match &masters {
            Ok(_) if rustix::process::geteuid().is_root() => Fact::Known(false),
            Ok(_) => Fact::Unknown("only root sees which programs other users run".to_owned()),
            Err(why) => Fact::Unknown(why.clone()),
        };
        let mut found: BTreeMap<Key, WebServer> = BTreeMap::new();
        // The youngest is last and wins: an older one of the same configuration is on its way out.
        for master in masters.unwrap_or_default() {
            locked(&self.starts).insert(master.key.clone(), master.start);
            found.insert(master.key, master.server);
        }
        if self.settings.find {
            for packaged in installed(&self.files) {
                let server = self.packaged(packaged, otherwise.clone());
                found.entry(self.key(&server)).or_insert(server);
            }
        }
        let mut chosen = BTreeMap::new();
        for declared in &self.settings.servers {
            let key = self.key_of(declared.kind, &declared.config);
            let server = self.declared(declared, found.remove(&key), otherwise.clone());
            chosen.insert(key, server);
        }
        if self.settings.find {
            chosen.append(&mut found);
        }
        let servers = chosen.into_values().map(|server| {
            let about = self.about(server.kind, &server.program, &server.variables);
            WebServer { version: about.version, modules: about.modules, ..server }
        });
        one_for_each_id(servers)
    }

    /// The servers that run, the oldest first.
    pub(super) fn masters(&self, processes: &Processes) -> Vec<Master> {
        let mut masters: Vec<Master> =
            processes.masters().filter_map(|process| self.master(process)).collect();
        masters.sort_by_key(|master| (master.id.started, master.id.pid));
        masters
    }

    /// The process that is the server now.
    pub(super) fn master_of(&self, processes: &Processes, server: &WebServer) -> Option<Master> {
        let key = self.key(server);
        self.masters(processes).into_iter().rfind(|master| master.key == key)
    }

    /// What a server is known by.
    pub(super) fn key(&self, server: &WebServer) -> Key {
        self.key_of(server.kind, &server.config)
    }

    fn key_of(&self, kind: WebKind, config: &[ServerPath]) -> Key {
        let real = |path: &ServerPath| self.files.real_path(path).unwrap_or_else(|_| path.clone());
        (kind, config.iter().map(real).collect())
    }

    fn master(&self, process: &Process) -> Option<Master> {
        let (id, kind) = (process.id, process.kind);
        let line = CommandLine::read(kind, &id.arguments())?;
        let program = ServerPath::new(process.program.as_str());
        let variables = variables(kind, id);
        let folder = id.folder()?;
        let from_folder = |path: &str| absolute(&folder, path);
        // What the program has built in is asked of it only if the command line leaves it open.
        let needs_about =
            kind != WebKind::HaProxy && (line.base.is_none() || line.config.is_empty());
        let about = match needs_about {
            true => self.about(kind, &program, &variables),
            false => About::unknown(""),
        };
        let base = match &line.base {
            Some(base) => from_folder(base),
            None if kind == WebKind::HaProxy => ServerPath::new(folder.as_str()),
            None => ServerPath::new(about.base?),
        };
        let config: Vec<ServerPath> = match (line.config.is_empty(), about.config) {
            (false, _) => line.config.iter().map(|path| absolute(base.as_str(), path)).collect(),
            (true, Some(default)) => vec![absolute(base.as_str(), &default)],
            (true, None) => return None,
        };
        let run = Run {
            program: process.program.clone(),
            arguments: line.start.clone(),
            variables: variables.clone(),
            folder,
        };
        let start = Start { run, service: service_of(id) };
        let server = WebServer {
            kind,
            program,
            config,
            base,
            variables,
            defines: line.defines.clone(),
            version: Fact::Absent,
            modules: Fact::Absent,
            running: Fact::Known(true),
            source: format!("process {}", id.pid),
        };
        Some(Master { id, key: self.key(&server), line, server, start })
    }

    fn packaged(&self, packaged: &Packaged, running: Fact<bool>) -> WebServer {
        let program = ServerPath::new(packaged.program);
        let config = vec![ServerPath::new(packaged.config)];
        let source = "its package's defaults";
        self.at_rest(packaged.kind, program, config, None, running, source)
    }

    fn declared(
        &self,
        declared: &DeclaredServer,
        found: Option<WebServer>,
        running: Fact<bool>,
    ) -> WebServer {
        let DeclaredServer { kind, config, program, base } = declared.clone();
        if let Some(found) = found.filter(|found| found.running == Fact::Known(true)) {
            let program = program.unwrap_or(found.program);
            let base = base.unwrap_or(found.base);
            return WebServer { program, base, ..found };
        }
        let usual = || {
            let of_kind = || PACKAGED.iter().filter(|packaged| packaged.kind == kind);
            let there = installed(&self.files).find(|packaged| packaged.kind == kind);
            let usual = there.or_else(|| of_kind().next());
            ServerPath::new(usual.map_or("", |packaged| packaged.program))
        };
        let program = program.unwrap_or_else(usual);
        self.at_rest(kind, program, config, base, running, "policy.toml")
    }

    /// A server that does not run.
    fn at_rest(
        &self,
        kind: WebKind,
        program: ServerPath,
        config: Vec<ServerPath>,
        base: Option<ServerPath>,
        running: Fact<bool>,
        source: &str,
    ) -> WebServer {
        let base = base.unwrap_or_else(|| {
            let built_in = self.about(kind, &program, &BTreeMap::new()).base.map(ServerPath::new);
            built_in.unwrap_or_else(|| ServerPath::new("/"))
        });
        let variables = match kind {
            WebKind::Apache => apache_variables(&self.files, &base),
            WebKind::Nginx | WebKind::HaProxy => BTreeMap::new(),
        };
        let (version, modules) = (Fact::Absent, Fact::Absent);
        let (defines, source) = (Vec::new(), source.to_owned());
        WebServer {
            kind,
            program,
            config,
            base,
            variables,
            defines,
            version,
            modules,
            running,
            source,
        }
    }

    /// What a program says of itself; it is asked once, and again if it is another one.
    fn about(
        &self,
        kind: WebKind,
        program: &ServerPath,
        variables: &BTreeMap<String, String>,
    ) -> About {
        let stamp = Stamp::of(program);
        if let Some((asked, about)) = locked(&self.abouts).get(program)
            && *asked == stamp
        {
            return about.clone();
        }
        let about = self.ask_program(kind, program, variables);
        let about = about.unwrap_or_else(|why| About::unknown(&why));
        locked(&self.abouts).insert(program.clone(), (stamp, about.clone()));
        about
    }

    fn ask_program(
        &self,
        kind: WebKind,
        program: &ServerPath,
        variables: &BTreeMap<String, String>,
    ) -> Result<About, String> {
        self.files.require_guarded(program)?;
        let said = |argument: &str| {
            let run =
                Run { variables: variables.clone(), ..Run::new(program.as_str(), &[argument]) };
            // Apache fails after its answer where it does not like its configuration.
            run.to_end().map(|ended| ended.output)
        };
        Ok(match kind {
            WebKind::Nginx => About::nginx(&said("-V")?),
            WebKind::Apache => About::apache(&said("-V")?, &said("-l")?),
            WebKind::HaProxy => About::haproxy(&said("-vv")?),
        })
    }
}

/// The servers in the order of their ids. Two processes of HAProxy may share the first file of
/// their configuration only; they have one id, and the second one is told of with the first.
fn one_for_each_id(servers: impl Iterator<Item = WebServer>) -> Vec<WebServer> {
    let mut by_id: BTreeMap<ServerId, WebServer> = BTreeMap::new();
    for server in servers {
        match by_id.entry(server.id()) {
            Entry::Vacant(place) => {
                place.insert(server);
            }
            Entry::Occupied(mut first) => {
                let also = format!(" (and {}, which is not looked at)", server.source);
                first.get_mut().source.push_str(&also);
            }
        }
    }
    by_id.into_values().collect()
}

/// The variables that a server's configuration may name.
fn variables(kind: WebKind, id: ProcessId) -> BTreeMap<String, String> {
    // nginx writes its title over them, and its configuration names none.
    if kind == WebKind::Nginx {
        return BTreeMap::new();
    }
    let mut variables = id.variables();
    variables.retain(|name, _| !PASSED_ON.iter().any(|passed| name.starts_with(passed)));
    variables
}

/// A path that may be relative to a folder, without `.` and empty parts. A `..` stays: what it leads
/// to is for the links on the way to say.
fn absolute(folder: &str, path: &str) -> ServerPath {
    let whole = Path::new(folder).join(path);
    let parts = whole.components().filter(|part| *part != Component::CurDir);
    let plain: std::path::PathBuf = parts.collect();
    ServerPath::new(plain.to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_path_begins_where_the_process_works() {
        let path = |folder, path| absolute(folder, path).as_str().to_owned();
        assert_eq!(path("/srv", "conf/./x"), "/srv/conf/x");
        assert_eq!(path("/srv", "/etc//x"), "/etc/x");
        assert_eq!(path("/srv", "../x"), "/srv/../x");
    }
}
