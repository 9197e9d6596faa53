//! Which web servers there are: those that run, those that packages installed, those that the
//! administrator names.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path};

use stopgap_model::web::{Account, DeclaredServer, WebKind, WebServer};
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

/// What the id of a server stands for: its kind, and its first file however it is spelled.
type Place = (WebKind, Option<ServerPath>);

/// The servers of each place.
type Places = BTreeMap<Place, Vec<WebServer>>;

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
        let mut places = self.running(masters.unwrap_or_default());
        let mut wanted = Places::new();
        for declared in &self.settings.servers {
            let place = self.place_of(declared.kind, &declared.config);
            let there = places.entry(place.clone()).or_default();
            let server = self.declared(declared, self.take(there, declared), otherwise.clone());
            wanted.entry(place).or_default().push(server);
        }
        if self.settings.find {
            for packaged in installed(&self.files) {
                let server = self.packaged(packaged, otherwise.clone());
                let place = self.place_of(server.kind, &server.config);
                if wanted.contains_key(&place) {
                    continue;
                }
                let there = places.entry(place).or_default();
                match there.first_mut() {
                    Some(running) => self.name(running, &server.config),
                    None => there.push(server),
                }
            }
        }
        for (place, found) in places {
            let is_wanted = self.settings.find || wanted.contains_key(&place);
            if is_wanted {
                wanted.entry(place).or_default().extend(found);
            }
        }
        self.one_of_each(wanted)
    }

    /// The servers that run, and how each was started is remembered.
    fn running(&self, masters: Vec<Master>) -> Places {
        let mut known = BTreeSet::new();
        let mut places = Places::new();
        // The youngest first: an older one of the same configuration is on its way out.
        for master in masters.into_iter().rev().filter(|it| known.insert(it.key.clone())) {
            locked(&self.starts).insert(master.key, master.start);
            let place = self.place_of(master.server.kind, &master.server.config);
            places.entry(place).or_default().push(master.server);
        }
        places
    }

    /// Takes the one that is declared out of those at its place: the one with all its files, or the
    /// youngest, which was started with more of them.
    fn take(&self, there: &mut Vec<WebServer>, declared: &DeclaredServer) -> Option<WebServer> {
        let key = self.key_of(declared.kind, &declared.config);
        let exact = there.iter().position(|server| self.key(server) == key);
        let at = exact.unwrap_or(0);
        (at < there.len()).then(|| there.remove(at))
    }

    /// One server of each place, one that runs before others, in the order of their ids. Two
    /// processes of HAProxy may share the first file of their configuration only; they have one id,
    /// and the second one is told of with the first.
    fn one_of_each(&self, places: Places) -> Vec<WebServer> {
        let mut servers = Vec::new();
        for mut there in places.into_values() {
            there.sort_by_key(|server| server.running != Fact::Known(true));
            let mut there = there.into_iter();
            let Some(mut server) = there.next() else { continue };
            for other in there {
                let also = format!(" (and {}, which is not looked at)", other.source);
                server.source.push_str(&also);
            }
            let about = self.about(server.kind, &server.program, &server.variables);
            servers.push(WebServer { version: about.version, modules: about.modules, ..server });
        }
        servers.sort_by_key(WebServer::id);
        servers
    }

    /// Gives a server that runs the name that its first file has in `config`, so that its id is the
    /// same when it does not. What nginx and HAProxy include may be relative to the folder of the
    /// name that they were started with: if that is another one, the name stays.
    fn name(&self, server: &mut WebServer, config: &[ServerPath]) {
        let folder = |path: &ServerPath| {
            path.folder().map(|folder| self.files.real_path(&folder).unwrap_or(folder))
        };
        if let (Some(given), Some(name)) = (server.config.first_mut(), config.first())
            && (server.kind == WebKind::Apache || folder(given) == folder(name))
        {
            given.clone_from(name);
        }
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

    fn place_of(&self, kind: WebKind, config: &[ServerPath]) -> Place {
        let (kind, files) = self.key_of(kind, config);
        (kind, files.into_iter().next())
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
            account: Account::root(),
        };
        let start = Start { run, service: service_of(id) };
        let server = WebServer {
            kind,
            program,
            config,
            base,
            variables,
            defines: line.defines.clone(),
            account: Account::root(),
            version: Fact::Absent,
            modules: Fact::Absent,
            running: Fact::Known(true),
            source: format!("process {}", id.pid),
            doubt: None,
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
        let DeclaredServer { kind, config, program, base, .. } = declared.clone();
        if let Some(mut found) = found {
            self.name(&mut found, &config);
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
            account: Account::root(),
            version,
            modules,
            running,
            source,
            doubt: None,
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
