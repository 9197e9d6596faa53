//! How a unit starts its server: with which program, arguments, variables and rights.

use stopgap_model::reason::{FileReason, FoundReason};
use stopgap_model::web::{Account, Capabilities, WebKind};
use stopgap_model::{Reasons, ServerPath};

use crate::files::Read;
use crate::linux::systemd::environment::{environment_file, expanded};
use crate::linux::systemd::unit::{Unit, UnitCommand};
use crate::linux::users::Users;
use crate::unix_files::UnixFiles;
use crate::web::{self, apache_scripts, guarded_variables, software::Variables};

/// The largest `EnvironmentFile=` that is read, in bytes; packages' own have some hundred.
const MAX_ENVIRONMENT: u64 = 1 << 20;
/// Where programs are looked for that are named without a path (`systemd.service(5)`).
const PROGRAM_FOLDERS: [&str; 6] =
    ["/usr/local/sbin/", "/usr/local/bin/", "/usr/sbin/", "/usr/bin/", "/sbin/", "/bin/"];
/// How a server is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Launch {
    pub(crate) kind: WebKind,
    pub(crate) program: String,
    /// Without the program's name.
    pub(crate) arguments: Vec<String>,
    pub(crate) variables: Variables,
    pub(crate) folder: String,
    pub(crate) account: Account,
}

/// Why it is not known how a unit starts its server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NotKnown {
    /// It is left out: it is not root alone who says what it is, or its files are not the machine's.
    LeftOut(Reasons),
    /// It is started in a way that is not understood.
    Unclear(Reasons),
}

impl NotKnown {
    fn left_out(why: FoundReason) -> Self {
        Self::LeftOut(why.into())
    }

    /// For this reason, it is started in a way that is not understood.
    pub(crate) fn unclear(why: FoundReason) -> Self {
        Self::Unclear(why.into())
    }
}

/// What a launch is read with.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    pub(crate) files: &'a UnixFiles,
    pub(crate) users: &'a Users,
    /// Programs that are a server's whatever their names are.
    pub(crate) programs: &'a [(String, WebKind)],
}

impl Reader<'_> {
    /// How a unit starts its server.
    pub(crate) fn launch(&self, unit: &Unit) -> Result<Launch, NotKnown> {
        let name = &unit.name;
        self.require_roots(unit)?;
        let [command] = unit.commands.as_slice() else {
            let (unit, count) = (name.clone(), unit.commands.len());
            return Err(NotKnown::unclear(FoundReason::UnitCommands { unit, count }));
        };
        let variables = self.variables(unit)?;
        let account = self.account(unit, command)?;
        let mut arguments = command.arguments.clone();
        if !command.flags.iter().any(|flag| flag == "no-env-expand") {
            arguments = expanded(&arguments, &variables);
        }
        let mut arguments: Vec<String> = arguments.into_iter().skip(1).collect();
        let mut program = self.program(&command.program);
        let (mut kind, mut variables) = (self.kind(&program), variables);
        if kind.is_none() && self.is_apachectl(&program) {
            let started = self.apachectl(unit, &program, arguments, variables)?;
            (program, arguments, variables) = started;
            kind = Some(WebKind::Apache);
        }
        let Some(kind) = kind else {
            let unit = name.clone();
            return Err(NotKnown::unclear(FoundReason::UnitProgram { unit, program }));
        };
        self.files
            .require_guarded(&ServerPath::new(program.as_str()))
            .map_err(NotKnown::LeftOut)?;
        let folder = self.folder(unit);
        Ok(Launch { kind, program, arguments, variables, folder, account })
    }

    /// Whether the unit is of files that only root can write, and sees the machine's files.
    pub(crate) fn require_roots(&self, unit: &Unit) -> Result<(), NotKnown> {
        let name = || unit.name.clone();
        if unit.has_own_root {
            return Err(NotKnown::left_out(FoundReason::UnitRoot { unit: name() }));
        }
        if unit.files.is_empty() {
            return Err(NotKnown::left_out(FoundReason::UnitWithoutFile { unit: name() }));
        }
        unit.files.iter().try_for_each(|file| self.require_roots_file(file))
    }

    fn require_roots_file(&self, file: &str) -> Result<(), NotKnown> {
        let guarded = self.files.require_guarded(&ServerPath::new(file));
        guarded.map_err(|why| NotKnown::left_out(FoundReason::NotRootsAlone { why }))
    }

    fn kind(&self, program: &str) -> Option<WebKind> {
        let declared = self.programs.iter().find(|(path, _)| path == program);
        declared.map(|(_, kind)| *kind).or_else(|| web::kind_of(program))
    }

    fn is_there(&self, path: &str) -> bool {
        self.files.read(&ServerPath::new(path), 0) != Read::Absent
    }

    fn program(&self, named: &str) -> String {
        if named.starts_with('/') {
            return named.to_owned();
        }
        let mut paths = PROGRAM_FOLDERS.iter().map(|folder| format!("{folder}{named}"));
        paths.find(|path| self.is_there(path)).unwrap_or_else(|| named.to_owned())
    }

    /// The variables that the unit is started with: its own, those of its files, and those that the
    /// service manager adds for its user and its folders.
    fn variables(&self, unit: &Unit) -> Result<Variables, NotKnown> {
        let mut variables: Variables = unit.folders.clone();
        if let Some(user) = self.users.user(&unit.user).filter(|_| !unit.user.is_empty()) {
            let own = [("HOME", &user.home), ("SHELL", &user.shell), ("USER", &user.name)];
            let own = own.into_iter().chain([("LOGNAME", &user.name)]);
            variables.extend(own.map(|(name, value)| (name.to_owned(), value.clone())));
        }
        let pairs = unit.environment.iter().filter_map(|pair| pair.split_once('='));
        variables.extend(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())));
        for (pattern, may_be_missing) in &unit.environment_files {
            variables.extend(self.environment_files(unit, pattern, *may_be_missing)?);
        }
        for unset in &unit.unset {
            match unset.split_once('=') {
                Some((name, value)) if variables.get(name).is_some_and(|own| own == value) => {
                    variables.remove(name);
                }
                Some(_) => {}
                None => {
                    variables.remove(unset);
                }
            }
        }
        Ok(variables)
    }

    fn environment_files(
        &self,
        unit: &Unit,
        pattern: &str,
        may_be_missing: bool,
    ) -> Result<Variables, NotKnown> {
        let unclear = |why: Reasons| {
            NotKnown::unclear(FoundReason::UnitVariables { unit: unit.name.clone(), why })
        };
        let found = self.files.glob(pattern).map_err(unclear)?;
        if found.is_empty() && !may_be_missing {
            return Err(unclear(FileReason::NotFound { path: pattern.to_owned() }.into()));
        }
        let mut variables = Variables::new();
        for file in found {
            self.require_roots_file(file.as_str())?;
            match self.files.read(&file, MAX_ENVIRONMENT) {
                Read::Found(bytes) => {
                    variables.extend(environment_file(&String::from_utf8_lossy(&bytes)));
                }
                Read::Absent => {}
                Read::Unreadable(why) => return Err(unclear(why)),
            }
        }
        Ok(variables)
    }

    /// The rights that the command is started with.
    fn account(&self, unit: &Unit, command: &UnitCommand) -> Result<Account, NotKnown> {
        let has = |flag: &str| command.flags.iter().any(|own| own == flag);
        if has("privileged") {
            return Ok(Account::root());
        }
        let limits = Account {
            bounding: Capabilities(unit.bounding),
            no_new_privileges: unit.no_new_privileges,
            ..Account::root()
        };
        if has("no-setuid") {
            return Ok(limits);
        }
        let unknown = |what: &str, name: &str| {
            let (unit, what, name) = (unit.name.clone(), what.to_owned(), name.to_owned());
            NotKnown::unclear(FoundReason::UnitAccount { unit, what, name })
        };
        let known = self.users.user(&unit.user).filter(|_| !unit.user.is_empty());
        let uid = match (unit.user.is_empty() && !unit.dynamic_user, unit.uid, known) {
            (true, ..) => 0,
            (_, _, Some(user)) => user.uid,
            (_, Some(uid), _) => uid,
            (_, None, None) => unit.user.parse().map_err(|_| unknown("user", &unit.user))?,
        };
        let gid = match (unit.group.is_empty(), known) {
            (false, _) => self.users.gid(&unit.group).or(unit.gid),
            (true, Some(user)) => Some(user.gid),
            (true, None) if uid == 0 => Some(0),
            (true, None) => unit.gid.or(unit.dynamic_user.then_some(uid)),
        };
        let gid = gid.ok_or_else(|| unknown("group", &unit.group))?;
        let mut groups =
            known.map_or_else(Default::default, |user| self.users.groups_of(&user.name));
        for name in &unit.groups {
            groups.insert(self.users.gid(name).ok_or_else(|| unknown("group", name))?);
        }
        groups.remove(&gid);
        let ambient = if uid == 0 { Capabilities::NONE } else { Capabilities(unit.ambient) };
        Ok(Account { uid, gid, groups, ambient, ..limits })
    }

    fn folder(&self, unit: &Unit) -> String {
        let folder = unit.working_folder.trim_start_matches(['!', '-']);
        match folder {
            "" => "/".to_owned(),
            "~" => self.users.user(&unit.user).map_or("/root", |user| &user.home).to_owned(),
            folder => folder.to_owned(),
        }
    }

    /// Whether it is one of Debian's scripts that start Apache.
    fn is_apachectl(&self, program: &str) -> bool {
        apache_scripts::is_start_script(program) && self.is_there(apache_scripts::APACHE2)
    }

    /// What Debian's script starts with these arguments: its reading of its variables, and no more.
    fn apachectl(
        &self,
        unit: &Unit,
        program: &str,
        arguments: Vec<String>,
        variables: Variables,
    ) -> Result<(String, Vec<String>, Variables), NotKnown> {
        let name = &unit.name;
        let folder = apache_scripts::config_folder(program, &variables)
            .ok_or_else(|| NotKnown::unclear(FoundReason::UnitEnvvars { unit: name.clone() }))?;
        let base = ServerPath::new(folder.as_str());
        let variables = guarded_variables(self.files, WebKind::Apache, &base, variables);
        let mut variables =
            variables.map_err(|why| NotKnown::left_out(FoundReason::NotRootsAlone { why }))?;
        variables.remove("APACHE_STARTED_BY_SYSTEMD");
        let given = arguments.join(" ");
        let started = apache_scripts::started(folder, arguments, &variables);
        let (program, line) = started.ok_or_else(|| {
            let (unit, command) = (name.clone(), format!("{program} {given}"));
            NotKnown::unclear(FoundReason::UnitScript { unit, command })
        })?;
        Ok((program, line, variables))
    }
}
