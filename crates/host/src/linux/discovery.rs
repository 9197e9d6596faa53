//! Which web servers there are: those that root says there are. Units of the system's service
//! manager, packages' defaults, `policy.toml`, and processes that are wholly root's.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path};

use stopgap_model::web::{Account, DeclaredServer, LeftOut, WebKind, WebServer};
use stopgap_model::{Fact, ServerPath};

use super::about::{About, Stamp};
use super::command_line::CommandLine;
use super::environment::Variables;
use super::envvars::trusted_variables;
use super::identity::Sign;
use super::launch::Launch;
use super::packaged::{PACKAGED, Packaged, installed};
use super::process::{Process, ProcessId, Processes};
use super::run::Run;
use super::survey::Survey;
use super::{LinuxHost, locked};

/// What one server is known by, however its configuration's path is spelled.
pub(crate) type Key = (WebKind, Vec<ServerPath>);

/// What the id of a server stands for: its kind, and its first file however it is spelled.
type Place = (WebKind, Option<ServerPath>);

/// The servers of each place.
type Places = BTreeMap<Place, Vec<Found>>;

/// What settles a doubt.
pub(crate) const SETTLE: &str =
    "a [[web.server]] in policy.toml settles it, by `unit`, `user` or `arguments`";

/// The variables of a process that are not passed on to what is run for its server. By some HAProxy's
/// master passes on its state, nginx its sockets, and the service manager its own: what is started
/// with them takes itself for the one that they are for. By the others a program, an interpreter in
/// it or one of its libraries finds code, or a file of its own settings: a process may have them from
/// whoever called the program that started it, and root's own start of the server goes without them.
const NOT_PASSED_ON: [&str; 39] = [
    "HAPROXY_CLI",
    "HAPROXY_STARTUP_VERSION",
    "HAPROXY_MWORKER",
    "HAPROXY_PROCESSES",
    "HAPROXY_CFGFILES",
    "NGINX",
    "NOTIFY_SOCKET",
    "LISTEN_",
    "MAINPID",
    "WATCHDOG_",
    "LD_",
    "GLIBC_TUNABLES",
    "MALLOC_",
    "GCONV_PATH",
    "GETCONF_DIR",
    "LOCPATH",
    "NLSPATH",
    "TZDIR",
    "TMPDIR",
    "HOSTALIASES",
    "LOCALDOMAIN",
    "RES_OPTIONS",
    "RESOLV_",
    "NIS_PATH",
    "PATH",
    "IFS",
    "ENV",
    "BASH",
    "SHELLOPTS",
    "PS4",
    "OPENSSL_",
    "SSLKEYLOGFILE",
    "P11_",
    "PKCS11_",
    "KRB5",
    "LUA_",
    "PERL",
    "PYTHON",
    "RUBY",
];

/// How a server is started, and what its process is known by.
#[derive(Debug, Clone)]
pub(crate) struct Start {
    pub(crate) run: Run,
    /// The service of the service manager that it is.
    pub(crate) service: Option<String>,
    /// Whether the service says how the server takes another configuration (`ExecReload=`).
    pub(crate) service_reloads: bool,
    /// What else the server's own test of its configuration has to be told.
    pub(crate) settings: Vec<String>,
    pub(crate) sign: Sign,
}

/// A server that was found.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) server: WebServer,
    /// How it is started; what is assumed of it otherwise is for who starts it.
    pub(crate) start: Option<Start>,
    /// The process that it is now.
    pub(crate) process: Option<ProcessId>,
}

impl LinuxHost {
    /// Every server there is, in the order of their ids; and what was left out is remembered.
    pub(super) fn discover(&self) -> Vec<WebServer> {
        let mut survey = Survey::of(self);
        let mut places = Places::new();
        for found in survey.take_found() {
            places.entry(self.place_of(&found.server)).or_default().push(found);
        }
        places.values_mut().for_each(|there| there.sort_by_key(standing));
        let mut wanted = Places::new();
        for declared in &self.settings.servers {
            let place = self.place_of_files(declared.kind, &declared.config);
            let there = places.entry(place.clone()).or_default();
            let found = self.take(there, declared);
            let mut found = survey.declared(declared, found);
            // Who lists it says that it serves.
            found.server.dormant = None;
            wanted.entry(place).or_default().push(found);
        }
        if self.settings.find {
            self.add_packaged(&mut places, &wanted, &survey);
        }
        for (place, found) in places {
            let is_wanted = self.settings.find || wanted.contains_key(&place);
            if is_wanted {
                wanted.entry(place).or_default().extend(found);
            }
        }
        let found = self.one_of_each(wanted, &mut survey);
        let left_out = match self.settings.find {
            true => survey.left_out(&found),
            // Whatever is not listed is left out by the administrator's own word.
            false => LeftOut::default(),
        };
        *locked(&self.left_out) = left_out;
        self.remember(found)
    }

    /// Adds what packages installed and nothing else tells of; a server that runs gets the name that
    /// it has where it does not.
    fn add_packaged(&self, places: &mut Places, wanted: &Places, survey: &Survey<'_>) {
        for packaged in installed(&self.files) {
            let mut found = self.packaged(packaged, survey.otherwise());
            if found.server.running == Fact::Known(false) {
                found.server.dormant = survey.dormant(&service_of(packaged));
            }
            let place = self.place_of(&found.server);
            if wanted.contains_key(&place) {
                continue;
            }
            let there = places.entry(place).or_default();
            match there.first_mut() {
                Some(known) => self.name(&mut known.server, &found.server.config),
                None => there.push(found),
            }
        }
    }

    /// Takes the one that is declared out of those at its place: the one with all its files, or the
    /// first, which was started with more of them.
    fn take(&self, there: &mut Vec<Found>, declared: &DeclaredServer) -> Option<Found> {
        let key = self.key_of(declared.kind, &declared.config);
        let exact = there.iter().position(|found| self.key(&found.server) == key);
        let at = exact.unwrap_or(0);
        (at < there.len()).then(|| there.remove(at))
    }

    /// One server of each place, one that runs before others, in the order of their ids. Two
    /// processes of HAProxy may share the first file of their configuration only; they have one id,
    /// and the second one is told of with the first. One that is in doubt does not take the place of
    /// one that is not.
    fn one_of_each(&self, places: Places, survey: &mut Survey<'_>) -> Vec<Found> {
        let mut all = Vec::new();
        for mut there in places.into_values() {
            there.sort_by_key(standing);
            let mut there = there.into_iter();
            let Some(mut first) = there.next() else { continue };
            for other in there {
                if let (Some(doubt), Some(process)) = (&other.server.doubt, other.process) {
                    survey.leave_out(process, doubt.clone());
                    continue;
                }
                // A unit at rest whose server was started by hand.
                if other.process.is_none() && other.start.is_some() {
                    continue;
                }
                let also = format!(" (and {}, which is not looked at)", other.server.source);
                first.server.source.push_str(&also);
                survey.is_told(other.process);
            }
            all.push(first);
        }
        all.sort_by_key(|found| found.server.id());
        all
    }

    /// Remembers how each server is started, and asks the programs what they are.
    fn remember(&self, found: Vec<Found>) -> Vec<WebServer> {
        let mut starts = locked(&self.starts);
        for Found { server, start, .. } in &found {
            let key = self.key(server);
            let Some(start) = start else { continue };
            // One that was seen running without a service manager is started again as it was.
            let at_rest = server.running != Fact::Known(true);
            let is_captured = |start: &Start| start.service.is_none();
            if !(at_rest && starts.get(&key).is_some_and(is_captured)) {
                starts.insert(key, start.clone());
            }
        }
        drop(starts);
        let whole = found.into_iter().map(|Found { server, process, .. }| {
            let identity = Self::identity(&server, process);
            let server = WebServer { identity, ..server };
            if let Some(doubt) = &server.doubt {
                let version = Fact::Unknown(doubt.clone());
                return WebServer { version, modules: Fact::Unknown(doubt.clone()), ..server };
            }
            let about =
                self.about(server.kind, &server.program, &server.variables, &server.account);
            WebServer { version: about.version, modules: about.modules, ..server }
        });
        whole.collect()
    }

    /// What tells a server's program and its process from those of another time.
    fn identity(server: &WebServer, process: Option<ProcessId>) -> String {
        let process = process.map(|id| format!("process {} since {}", id.pid, id.started));
        format!("{:?}, {}", Stamp::of(&server.program), process.unwrap_or_default())
    }

    /// Gives a server that runs the name that its first file has in `config`, so that its id is the
    /// same when it does not. What nginx and HAProxy include may be relative to the folder of the
    /// name that they were started with: if that is another one, the name stays.
    pub(super) fn name(&self, server: &mut WebServer, config: &[ServerPath]) {
        let folder = |path: &ServerPath| {
            path.folder().map(|folder| self.files.real_path(&folder).unwrap_or(folder))
        };
        if let (Some(given), Some(name)) = (server.config.first_mut(), config.first())
            && (server.kind == WebKind::Apache || folder(given) == folder(name))
        {
            given.clone_from(name);
        }
    }

    /// The processes that have the name of a web server's, or execute a declared program.
    pub(super) fn processes(&self) -> Result<Processes, String> {
        Processes::now(&self.programs())
    }

    /// The programs that policy.toml names.
    pub(super) fn programs(&self) -> Vec<(String, WebKind)> {
        let declared = self.settings.servers.iter();
        let named = declared.filter_map(|server| Some((server.program.as_ref()?, server.kind)));
        named.map(|(program, kind)| (program.as_str().to_owned(), kind)).collect()
    }

    /// What the arguments of a process say that it serves. It was judged before; `None` if it does
    /// not serve.
    ///
    /// # Errors
    /// They do not say it without a doubt; a sentence without a full stop.
    pub(super) fn captured(&self, process: &Process) -> Result<Option<Found>, String> {
        let (id, kind) = (process.id, process.kind);
        let arguments = process.known_arguments()?;
        let Some(line) = CommandLine::of_process(kind, &process.program, &arguments)? else {
            return Ok(None);
        };
        let folder = id.folder().ok_or_else(|| format!("process {} is gone", id.pid))?;
        let launch = Launch {
            kind,
            program: process.program.clone(),
            arguments: line.start.clone(),
            variables: passed_on(kind, id),
            folder,
            account: process.rights.account(),
        };
        let uid = launch.account.uid;
        let sign = Sign::Arguments { program: None, uid, may_be_in_doubt: false };
        let mut found = self.launched(&launch, &line, sign)?;
        found.server.source = format!("process {}", id.pid);
        found.server.running = Fact::Known(true);
        found.process = Some(id);
        Ok(Some(found))
    }

    /// The server that is started so.
    ///
    /// # Errors
    /// Its configuration is not known; a sentence without a full stop.
    pub(super) fn launched(
        &self,
        launch: &Launch,
        line: &CommandLine,
        sign: Sign,
    ) -> Result<Found, String> {
        let Launch { kind, program, variables, folder, account, .. } = launch.clone();
        let program = ServerPath::new(program);
        // What the program has built in is asked of it only if the command line leaves it open.
        let needs_about =
            kind != WebKind::HaProxy && (line.base.is_none() || line.config.is_empty());
        let about = match needs_about {
            true => self.about(kind, &program, &variables, &account),
            false => About::unknown(""),
        };
        let unknown = || format!("{program} does not say where its configuration is");
        let base = match &line.base {
            Some(base) => absolute(&folder, base),
            None if kind == WebKind::HaProxy => ServerPath::new(folder.as_str()),
            None => ServerPath::new(about.base.ok_or_else(unknown)?),
        };
        let config: Vec<ServerPath> = match (line.config.is_empty(), about.config) {
            (false, _) => line.config.iter().map(|path| absolute(base.as_str(), path)).collect(),
            (true, Some(default)) => vec![absolute(base.as_str(), &default)],
            (true, None) => return Err(unknown()),
        };
        let run = Run {
            arguments: line.start.clone(),
            variables: variables.clone(),
            folder,
            account: account.clone(),
            ..Run::new(program.as_str(), &[])
        };
        let server = WebServer {
            kind,
            program,
            config,
            base,
            variables,
            defines: line.defines.clone(),
            account,
            version: Fact::Absent,
            modules: Fact::Absent,
            running: Fact::Known(false),
            source: String::new(),
            doubt: None,
            dormant: None,
            identity: String::new(),
        };
        let settings = line.settings.clone();
        let start = Some(Start { run, service: None, service_reloads: false, settings, sign });
        Ok(Found { server, start, process: None })
    }

    /// What a server is known by.
    pub(super) fn key(&self, server: &WebServer) -> Key {
        self.key_of(server.kind, &server.config)
    }

    pub(super) fn key_of(&self, kind: WebKind, config: &[ServerPath]) -> Key {
        (kind, config.iter().map(|path| self.real(path)).collect())
    }

    pub(super) fn real(&self, path: &ServerPath) -> ServerPath {
        self.files.real_path(path).unwrap_or_else(|_| path.clone())
    }

    fn place_of(&self, server: &WebServer) -> Place {
        self.place_of_files(server.kind, &server.config)
    }

    fn place_of_files(&self, kind: WebKind, config: &[ServerPath]) -> Place {
        let (kind, files) = self.key_of(kind, config);
        (kind, files.into_iter().next())
    }

    fn packaged(&self, packaged: &Packaged, running: Fact<bool>) -> Found {
        let program = ServerPath::new(packaged.program);
        let config = vec![ServerPath::new(packaged.config)];
        let source = "its package's defaults";
        self.at_rest(packaged.kind, program, config, None, running, source)
    }

    /// A server that does not run.
    pub(super) fn at_rest(
        &self,
        kind: WebKind,
        program: ServerPath,
        config: Vec<ServerPath>,
        base: Option<ServerPath>,
        running: Fact<bool>,
        source: &str,
    ) -> Found {
        let account = Account::root();
        let base = base.unwrap_or_else(|| {
            let about = self.about(kind, &program, &Variables::new(), &account);
            about.base.map_or_else(|| ServerPath::new("/"), ServerPath::new)
        });
        let variables = match kind {
            WebKind::Apache => trusted_variables(&self.files, &base, Variables::new()),
            WebKind::Nginx | WebKind::HaProxy => Ok(Variables::new()),
        };
        let (variables, doubt) = match variables {
            Ok(variables) => (variables, None),
            Err(why) => (Variables::new(), Some(format!("its variables are not taken: {why}"))),
        };
        let (version, modules) = (Fact::Absent, Fact::Absent);
        let (defines, source) = (Vec::new(), source.to_owned());
        let server = WebServer {
            kind,
            program,
            config,
            base,
            variables,
            defines,
            account,
            version,
            modules,
            running,
            source,
            doubt,
            dormant: None,
            identity: String::new(),
        };
        Found { server, start: None, process: None }
    }
}

/// How surely a server is one that serves: one that is known, one that runs, then the others.
fn standing(found: &Found) -> (bool, bool) {
    (found.server.doubt.is_some(), found.server.running != Fact::Known(true))
}

/// The variables of a process that its server's configuration may name.
fn passed_on(kind: WebKind, id: ProcessId) -> Variables {
    // nginx writes its title over them, and its configuration names none.
    if kind == WebKind::Nginx {
        return Variables::new();
    }
    let mut variables = id.variables();
    variables.retain(|name, _| !NOT_PASSED_ON.iter().any(|not| name.starts_with(not)));
    variables
}

/// A path that may be relative to a folder, without `.` and empty parts. A `..` stays: what it leads
/// to is for the links on the way to say.
pub(crate) fn absolute(folder: &str, path: &str) -> ServerPath {
    let whole = Path::new(folder).join(path);
    let parts = whole.components().filter(|part| *part != Component::CurDir);
    let plain: std::path::PathBuf = parts.collect();
    ServerPath::new(plain.to_string_lossy())
}

/// The units that are asked about although nothing of them runs.
pub(crate) fn named_units(
    servers: &[DeclaredServer],
    find: bool,
    installed: impl Iterator<Item = &'static Packaged>,
) -> BTreeSet<String> {
    let declared = servers.iter().filter_map(|server| server.unit.clone());
    let installed = installed.filter(|_| find);
    let packages = installed.map(service_of);
    declared.chain(packages).collect()
}

/// The service by which its package starts a server: it has the name of the program.
fn service_of(packaged: &Packaged) -> String {
    format!("{}.service", name_of(packaged.program))
}

fn name_of(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}

/// The program that a package installs of this kind.
pub(crate) fn usual_program(installed: Option<&Packaged>, kind: WebKind) -> ServerPath {
    let usual = installed.or_else(|| PACKAGED.iter().find(|packaged| packaged.kind == kind));
    ServerPath::new(usual.map_or("", |packaged| packaged.program))
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
