//! What `policy.toml` says of a web server, and of how it is started.

use stopgap_model::reason::FoundReason;
use stopgap_model::web::{Account, DeclaredServer, WebKind, WebServer};
use stopgap_model::{Fact, Reasons, ServerPath};

use crate::linux::locked::locked;
use crate::linux::systemd::unit::Unit;
use crate::linux::web::launch::{Launch, NotKnown};
use crate::linux::web::server::{Found, Sign};
use crate::linux::web::survey::{Survey, sign};
use crate::web::software::{CommandLine, Variables, texts};
use crate::web::{guarded_variables, installed, software};

impl Survey<'_> {
    /// The server that the administrator lists; `found` is the one that was found at its place.
    pub(crate) fn declared(&mut self, declared: &DeclaredServer, found: Option<Found>) -> Found {
        let is_settled =
            declared.unit.is_some() || declared.user.is_some() || declared.arguments.is_some();
        if is_settled {
            let settled = self.settled(declared);
            if let Some(process) = found.and_then(|found| found.process)
                && settled.process != Some(process)
            {
                self.told.remove(&process);
                self.leave_out(process, FoundReason::DeclaredOtherwise.into());
            }
            self.is_told(settled.process);
            return settled;
        }
        let DeclaredServer { kind, config, program, base, .. } = declared.clone();
        if let Some(mut found) = found {
            self.host.name(&mut found.server, &config);
            let program = program.unwrap_or(found.server.program);
            let base = base.unwrap_or(found.server.base);
            return Found { server: WebServer { program, base, ..found.server }, ..found };
        }
        let program = program.unwrap_or_else(|| self.usual(kind));
        self.host.at_rest(kind, program, config, base, self.otherwise(), "policy.toml")
    }

    /// The program that a package installs of this kind.
    fn usual(&self, kind: WebKind) -> ServerPath {
        let there = installed(&self.host.files).find(|packaged| packaged.kind == kind);
        let usual = there.or_else(|| software(kind).packages().first());
        ServerPath::new(usual.map_or("", |packaged| packaged.program))
    }

    /// The server as policy.toml says that it is started.
    fn settled(&self, declared: &DeclaredServer) -> Found {
        self.try_settled(declared).unwrap_or_else(|why| {
            let DeclaredServer { kind, config, program, base, .. } = declared.clone();
            let program = program.unwrap_or_else(|| self.usual(kind));
            let base = base.or(Some(ServerPath::new("/")));
            let otherwise = self.otherwise();
            let mut found =
                self.host.at_rest(kind, program, config, base, otherwise, "policy.toml");
            found.server.doubt = Some(why);
            found
        })
    }

    fn try_settled(&self, declared: &DeclaredServer) -> Result<Found, Reasons> {
        let unit = match &declared.unit {
            Some(name) => Some(self.named_unit(name)?),
            None => None,
        };
        let launch = self.declared_launch(declared, unit)?;
        let line = software(declared.kind).command_line(&launch.arguments);
        let mut line = line.ok_or(FoundReason::DeclaredDoesNotServe)?;
        add_config(&mut line, declared);
        let uid = launch.account.uid;
        let sign = match unit {
            Some(unit) => sign(unit, &launch),
            None => Sign::Arguments {
                program: Some(launch.program.clone()),
                uid,
                may_be_in_doubt: declared.arguments.is_some(),
            },
        };
        let mut found = self.host.launched(&launch, &line, sign)?;
        found.server.source = "policy.toml".to_owned();
        match unit {
            Some(unit) => self.place_in_unit(unit, &mut found),
            None => {
                found.server.running = self.otherwise();
                // Its sign is looked for as it will be when it is to be acted for.
                locked(&self.host.starts)
                    .extend(found.start.clone().map(|start| (self.host.key(&found.server), start)));
                if let Some(master) = self.host.master_of(&self.processes, &found.server) {
                    found.server.running = Fact::Known(true);
                    found.server.source += &format!(", process {}", master.id.pid);
                    found.process = Some(master.id);
                }
            }
        }
        Ok(found)
    }

    fn named_unit(&self, name: &str) -> Result<&Unit, Reasons> {
        match self.units.get(name) {
            Some(Ok(Some(unit))) => Ok(unit),
            Some(Err(why)) => Err(why.clone()),
            Some(Ok(None)) => Err(FoundReason::UnitMissing { unit: name.to_owned() }.into()),
            None => Err(FoundReason::NoSystemd { unit: name.to_owned() }.into()),
        }
    }

    /// What policy.toml says of how a server is started, on top of what its unit says.
    fn declared_launch(
        &self,
        declared: &DeclaredServer,
        unit: Option<&Unit>,
    ) -> Result<Launch, Reasons> {
        let kind = declared.kind;
        let of_unit = match unit.map(|unit| self.reader().launch(unit)) {
            Some(Err(NotKnown::LeftOut(why))) => return Err(why),
            // Where policy.toml does not say the arguments, it relies on the unit's.
            Some(Err(NotKnown::Unclear(why))) if declared.arguments.is_none() => {
                return Err(FoundReason::StartUnknown { why }.into());
            }
            Some(Err(NotKnown::Unclear(_))) | None => None,
            Some(Ok(launch)) => Some(launch),
        };
        let mut launch = match of_unit {
            Some(launch) => launch,
            None => self.default_launch(declared)?,
        };
        launch.kind = kind;
        if let Some(program) = &declared.program {
            program.as_str().clone_into(&mut launch.program);
        }
        if let Some(arguments) = &declared.arguments {
            launch.arguments.clone_from(arguments);
        }
        if let Some(name) = &declared.user {
            launch.account = self.account(name, &launch.account)?;
        }
        Ok(launch)
    }

    /// How a server is started of which nothing says it: without arguments, as root.
    fn default_launch(&self, declared: &DeclaredServer) -> Result<Launch, Reasons> {
        let kind = declared.kind;
        let program = declared.program.clone().unwrap_or_else(|| self.usual(kind));
        let mut launch = Launch {
            kind,
            program: program.as_str().to_owned(),
            arguments: Vec::new(),
            variables: Variables::new(),
            folder: "/".to_owned(),
            account: Account::root(),
        };
        if software(kind).variables_file(&ServerPath::new("/")).is_some() {
            let base = declared.base.clone().or_else(|| {
                let info =
                    self.host.build_info(kind, &program, &Variables::new(), &Account::root());
                info.base.map(ServerPath::new)
            });
            if let Some(base) = base {
                launch.variables =
                    guarded_variables(&self.host.files, kind, &base, Variables::new())?;
            }
        }
        Ok(launch)
    }

    /// The account of a user; with what a unit gives him beside, if it starts the same one.
    fn account(&self, name: &str, of_unit: &Account) -> Result<Account, FoundReason> {
        let user = self.users.user(name);
        let user = user.ok_or_else(|| FoundReason::DeclaredUser { user: name.to_owned() })?;
        if of_unit.uid == user.uid {
            return Ok(of_unit.clone());
        }
        if user.uid == 0 {
            return Ok(Account::root());
        }
        let mut groups = self.users.groups_of(&user.name);
        groups.remove(&user.gid);
        Ok(Account { groups, ..Account::user(user.uid, user.gid) })
    }
}

/// Puts the configuration that policy.toml names into a command line, where it does not name it.
fn add_config(line: &mut CommandLine, declared: &DeclaredServer) {
    if line.config.is_empty() {
        let option = software(declared.kind).config_option();
        for path in texts(&declared.config).into_iter().rev() {
            line.start.splice(..0, [option.to_owned(), path]);
        }
    }
    line.config = texts(&declared.config);
    if let Some(base) = &declared.base {
        line.base = Some(base.as_str().to_owned());
    }
}
