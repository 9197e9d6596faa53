//! Finds the web servers. Only what root controls counts as evidence that there is one: units of the
//! system's service manager, packages' defaults, `policy.toml`, and processes that run as root in every way.

use std::collections::BTreeMap;

use stopgap_model::reason::FoundReason;
use stopgap_model::web::{Account, DeclaredServer, LeftOut, WebKind, WebServer};
use stopgap_model::{Fact, Reasons, ServerPath};

use crate::linux::command::CommandSpec;
use crate::linux::file_identity::FileIdentity;
use crate::linux::locked::locked;
use crate::linux::machine::LinuxHost;
use crate::linux::process::{Process, ProcessError, ProcessId, Processes};
use crate::linux::web::launch::Launch;
use crate::linux::web::server::{Found, ServerKey, Sign, Start, absolute};
use crate::linux::web::survey::Survey;
use crate::web::software::{BuildInfo, CommandLine, Packaged, Variables, does_not_say};
use crate::web::{guarded_variables, installed, software};

/// What the id of a server stands for: its kind, and its first file however it is spelled.
type ServerLocation = (WebKind, Option<ServerPath>);

/// The servers of each place.
type ServersByLocation = BTreeMap<ServerLocation, Vec<Found>>;

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

impl LinuxHost {
    /// Every server there is, in the order of their ids; and what was left out is remembered.
    pub(crate) fn discover(&self) -> Vec<WebServer> {
        let mut survey = Survey::of(self);
        let mut places = ServersByLocation::new();
        for found in survey.take_found() {
            places.entry(self.place_of(&found.server)).or_default().push(found);
        }
        places.values_mut().for_each(|there| there.sort_by_key(standing));
        let mut wanted = ServersByLocation::new();
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
            // The administrator listed all servers there are: what is not listed is left out on purpose.
            false => LeftOut::default(),
        };
        *locked(&self.left_out) = left_out;
        self.remember(found)
    }

    /// Adds what packages installed and nothing else tells of; a server that runs gets the name that
    /// it has where it does not.
    fn add_packaged(
        &self,
        places: &mut ServersByLocation,
        wanted: &ServersByLocation,
        survey: &Survey<'_>,
    ) {
        for packaged in installed(&self.files) {
            let mut found = self.packaged(packaged, survey.otherwise());
            if found.server.running == Fact::Known(false) {
                found.server.dormant = survey.dormant(&packaged.service());
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
    fn one_of_each(&self, places: ServersByLocation, survey: &mut Survey<'_>) -> Vec<Found> {
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
            let info =
                self.build_info(server.kind, &server.program, &server.variables, &server.account);
            WebServer { version: info.version, modules: info.modules, ..server }
        });
        whole.collect()
    }

    /// A text that changes when the server's program is replaced or its process is another one.
    fn identity(server: &WebServer, process: Option<ProcessId>) -> String {
        let process = process.map(|id| format!("process {} since {}", id.pid, id.started));
        format!("{:?}, {}", FileIdentity::of(&server.program), process.unwrap_or_default())
    }

    /// Gives a server that runs the name that its first file has in `config`, so that its id is the
    /// same when it does not. What nginx and HAProxy include may be relative to the folder of the
    /// name that they were started with: if that is another one, the name stays.
    pub(crate) fn name(&self, server: &mut WebServer, config: &[ServerPath]) {
        let folder = |path: &ServerPath| {
            path.folder().map(|folder| self.files.real_path(&folder).unwrap_or(folder))
        };
        if let (Some(given), Some(name)) = (server.config.first_mut(), config.first())
            && (!software(server.kind).includes_beside_config() || folder(given) == folder(name))
        {
            given.clone_from(name);
        }
    }

    /// The processes that have the name of a web server's, or execute a declared program.
    pub(crate) fn processes(&self) -> Result<Processes, ProcessError> {
        Processes::now(&self.programs())
    }

    /// The programs that policy.toml names.
    pub(crate) fn programs(&self) -> Vec<(String, WebKind)> {
        let declared = self.settings.servers.iter();
        let named = declared.filter_map(|server| Some((server.program.as_ref()?, server.kind)));
        named.map(|(program, kind)| (program.as_str().to_owned(), kind)).collect()
    }

    /// What the arguments of a process say that it serves. It was judged before; `None` if it does
    /// not serve.
    ///
    /// # Errors
    /// They do not say it without a doubt.
    pub(crate) fn captured(&self, process: &Process) -> Result<Option<Found>, Reasons> {
        let (id, kind) = (process.id, process.kind);
        let arguments = process.known_arguments()?;
        let Some(line) = software(kind).process_command_line(&process.program, &arguments)? else {
            return Ok(None);
        };
        let folder = id.folder().ok_or(ProcessError::Gone(id.pid))?;
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

    /// What relative paths begin with, and the configuration files, of a server that is started so.
    ///
    /// # Errors
    /// They are not known.
    fn configuration(
        &self,
        launch: &Launch,
        line: &CommandLine,
    ) -> Result<(ServerPath, Vec<ServerPath>), Reasons> {
        let Launch { kind, folder, variables, account, .. } = launch;
        let program = ServerPath::new(launch.program.as_str());
        // What the program has built in is asked of it only if the command line leaves it open.
        let begins_in_folder = software(*kind).is_relative_to_working_folder();
        let needs_info = !begins_in_folder && (line.base.is_none() || line.config.is_empty());
        let info = match needs_info {
            true => self.build_info(*kind, &program, variables, account),
            false => BuildInfo::default(),
        };
        let unknown = || does_not_say(program.as_str(), "where its configuration is");
        let base = match &line.base {
            Some(base) => absolute(folder, base),
            None if begins_in_folder => ServerPath::new(folder.as_str()),
            None => ServerPath::new(info.base.ok_or_else(unknown)?),
        };
        let config: Vec<ServerPath> = match (line.config.is_empty(), info.config) {
            (false, _) => line.config.iter().map(|path| absolute(base.as_str(), path)).collect(),
            (true, Some(default)) => vec![absolute(base.as_str(), &default)],
            (true, None) => return Err(unknown().into()),
        };
        Ok((base, config))
    }

    /// The server that is started so.
    ///
    /// # Errors
    /// Its configuration is not known.
    pub(crate) fn launched(
        &self,
        launch: &Launch,
        line: &CommandLine,
        sign: Sign,
    ) -> Result<Found, Reasons> {
        let Launch { kind, program, variables, folder, account, .. } = launch.clone();
        let program = ServerPath::new(program);
        let (base, config) = self.configuration(launch, line)?;
        let run = CommandSpec {
            arguments: line.start.clone(),
            variables: variables.clone(),
            folder,
            account: account.clone(),
            ..CommandSpec::new(program.as_str(), &[])
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
    pub(crate) fn key(&self, server: &WebServer) -> ServerKey {
        self.key_of(server.kind, &server.config)
    }

    pub(crate) fn key_of(&self, kind: WebKind, config: &[ServerPath]) -> ServerKey {
        (kind, config.iter().map(|path| self.real(path)).collect())
    }

    pub(crate) fn real(&self, path: &ServerPath) -> ServerPath {
        self.files.real_path(path).unwrap_or_else(|_| path.clone())
    }

    fn place_of(&self, server: &WebServer) -> ServerLocation {
        self.place_of_files(server.kind, &server.config)
    }

    fn place_of_files(&self, kind: WebKind, config: &[ServerPath]) -> ServerLocation {
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
    pub(crate) fn at_rest(
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
            let info = self.build_info(kind, &program, &Variables::new(), &account);
            info.base.map_or_else(|| ServerPath::new("/"), ServerPath::new)
        });
        let variables = guarded_variables(&self.files, kind, &base, Variables::new());
        let (variables, doubt) = match variables {
            Ok(variables) => (variables, None),
            Err(why) => {
                let doubt = FoundReason::VariablesNotTaken { why };
                (Variables::new(), Some(doubt.into()))
            }
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
    if !software(kind).reads_environment() {
        return Variables::new();
    }
    let mut variables = id.variables();
    variables.retain(|name, _| !NOT_PASSED_ON.iter().any(|not| name.starts_with(not)));
    variables
}
