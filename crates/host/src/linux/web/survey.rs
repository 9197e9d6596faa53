//! One look at what there is: units, processes, and which of them is a server that may be acted for.

use std::collections::{BTreeMap, BTreeSet};
use std::thread;
use std::time::{Duration, Instant};

use stopgap_model::reason::{FoundReason, ProgramReason};
use stopgap_model::web::{Account, WebKind};
use stopgap_model::{Fact, Reasons, ServerPath};

use crate::linux::locked::locked;
use crate::linux::machine::LinuxHost;
use crate::linux::process::{Process, ProcessId, Processes};
use crate::linux::process_trust::Machine;
use crate::linux::systemd::manager as service;
use crate::linux::systemd::unit::{Unit, UnitAnswer};
use crate::linux::users::Users;
use crate::linux::web::launch::{Launch, NotKnown, Reader};
use crate::linux::web::master::rank;
use crate::linux::web::server::{Found, Sign, absolute};
use crate::web::software::{Packaged, Variables};
use crate::web::{installed, packages, software};

/// How long an answer of the service manager holds: a cycle looks several times within it.
const MOMENT: Duration = Duration::from_secs(1);

/// One look at what there is.
pub(crate) struct Survey<'h> {
    pub(crate) host: &'h LinuxHost,
    machine: Machine,
    pub(crate) users: Users,
    programs: Vec<(String, WebKind)>,
    pub(crate) processes: Processes,
    /// Why the processes are not known, if so.
    unseen: Option<Reasons>,
    pub(crate) units: BTreeMap<String, UnitAnswer>,
    /// The units that processes are in.
    unit_of: BTreeMap<ProcessId, String>,
    /// Why it is not known how a unit starts its server, by the unit's name.
    unclear: BTreeMap<String, NotKnown>,
    found: Vec<Found>,
    /// The processes that are already accounted for: a server was found for each, or it is mentioned.
    pub(crate) told: BTreeSet<ProcessId>,
    /// Why processes are left out.
    pub(crate) reasons: BTreeMap<ProcessId, Reasons>,
}

impl<'h> Survey<'h> {
    /// Looks at all units and processes.
    pub(crate) fn of(host: &'h LinuxHost) -> Self {
        let (processes, unseen) = match host.processes() {
            Ok(processes) => (processes, None),
            Err(error) => (Processes::default(), Some(error.into())),
        };
        let mut survey = Self {
            host,
            machine: Machine::this(),
            users: Users::read(&host.files),
            programs: host.programs(),
            processes,
            unseen,
            units: BTreeMap::new(),
            unit_of: BTreeMap::new(),
            unclear: BTreeMap::new(),
            found: Vec::new(),
            told: BTreeSet::new(),
            reasons: BTreeMap::new(),
        };
        survey.ask_units();
        survey.look_at_units();
        survey.look_at_processes();
        survey
    }

    /// The servers that root says there are, but for those that the administrator lists.
    pub(crate) fn take_found(&mut self) -> Vec<Found> {
        std::mem::take(&mut self.found)
    }

    /// Whether a server runs of which no process was found.
    pub(crate) fn otherwise(&self) -> Fact<bool> {
        match &self.unseen {
            Some(why) => Fact::Unknown(why.clone()),
            None if rustix::process::geteuid().is_root() => Fact::Known(false),
            None => Fact::unknown(ProgramReason::NeedsRoot),
        }
    }

    /// Why nothing starts a program that a package installed, if so. Its package starts it by
    /// the service of this name. Where systemd does not manage the machine, something else may: OpenRC,
    /// runit, a script.
    pub(crate) fn dormant(&self, service: &str) -> Option<Reasons> {
        match self.units.get(service)? {
            Ok(Some(unit)) => unit.dormant().map(Reasons::from),
            Ok(None) => Some(FoundReason::UnitNotThere { unit: service.to_owned() }.into()),
            Err(_) => None,
        }
    }

    /// Marks a process as accounted for.
    pub(crate) fn is_told(&mut self, process: Option<ProcessId>) {
        if let Some(process) = process {
            self.reasons.remove(&process);
            self.told.insert(process);
        }
    }

    /// Leaves a process out, for these reasons.
    pub(crate) fn leave_out(&mut self, process: ProcessId, why: Reasons) {
        self.reasons.insert(process, why);
    }

    pub(crate) fn reader(&self) -> Reader<'_> {
        Reader { files: &self.host.files, users: &self.users, programs: &self.programs }
    }

    /// Asks the service manager about the units that packages or policy.toml name, and about those
    /// that the processes are in.
    fn ask_units(&mut self) {
        if !service::is_managed() {
            return;
        }
        let tops = self.processes.tops();
        self.unit_of = tops.filter_map(|process| Some((process.id, process.id.unit()?))).collect();
        // Units are also asked about although nothing of them runs.
        let settings = &self.host.settings;
        let mut names: BTreeSet<String> =
            settings.servers.iter().filter_map(|server| server.unit.clone()).collect();
        if settings.find {
            names.extend(installed(&self.host.files).map(Packaged::service));
        }
        names.extend(self.unit_of.values().cloned());
        let known = locked(&self.host.units).clone();
        let is_fresh = |heard: &Instant| heard.elapsed() < MOMENT;
        let (mut answers, mut asked) = (Vec::new(), Vec::new());
        for name in names {
            match known.get(&name).filter(|(heard, _)| is_fresh(heard)) {
                Some((_, answer)) => answers.push((name, answer.clone())),
                None => asked.push(name),
            }
        }
        // Each takes some milliseconds of waiting.
        let heard: Vec<(String, UnitAnswer)> = thread::scope(|scope| {
            let prober = |name: String| scope.spawn(move || (Unit::ask(&name), name));
            let all: Vec<_> = asked.into_iter().map(prober).collect();
            let heard = all.into_iter().filter_map(|thread| thread.join().ok());
            heard.map(|(heard, name)| (name, heard)).collect()
        });
        let now = Instant::now();
        for (name, answer) in &heard {
            locked(&self.host.units).insert(name.clone(), (now, answer.clone()));
        }
        // A unit that has several names is one.
        for (name, answer) in answers.into_iter().chain(heard) {
            let name =
                answer.as_ref().ok().and_then(Option::as_ref).map_or(name, |it| it.name.clone());
            self.units.insert(name, answer);
        }
    }

    fn unit(&self, name: &str) -> Option<&Unit> {
        self.units.get(name).and_then(|heard| heard.as_ref().ok()?.as_ref())
    }

    /// Whether the service manager takes a process for the main one of its unit.
    pub(crate) fn is_main_of_unit(&self, process: &Process) -> bool {
        let unit = self.unit_of.get(&process.id).and_then(|name| self.unit(name));
        unit.is_some_and(|unit| unit.main_process == process.id.pid)
    }

    /// The processes of a unit that no other of their kind started.
    fn tops_of(&self, unit: &str) -> Vec<&Process> {
        let of_it =
            |process: &&Process| self.unit_of.get(&process.id).is_some_and(|own| own == unit);
        self.processes.tops().filter(of_it).collect()
    }

    fn look_at_units(&mut self) {
        let declared: BTreeSet<&String> =
            self.host.settings.servers.iter().filter_map(|it| it.unit.as_ref()).collect();
        let (mut found, mut unclear) = (Vec::new(), BTreeMap::new());
        for (name, heard) in &self.units {
            let unit = match heard {
                Ok(Some(unit)) => unit,
                Ok(None) => continue,
                Err(why) => {
                    unclear.insert(name.clone(), NotKnown::Unclear(why.clone()));
                    continue;
                }
            };
            // What policy.toml says of it comes before what it says itself.
            if declared.contains(name) {
                continue;
            }
            match self.reader().launch(unit).and_then(|launch| self.of_unit(unit, &launch)) {
                Ok(server) => found.push(server),
                Err(why) => {
                    unclear.insert(name.clone(), why);
                }
            }
        }
        self.told.extend(found.iter().filter_map(|found| found.process));
        self.found.extend(found);
        self.unclear = unclear;
    }

    /// The server of a unit.
    fn of_unit(&self, unit: &Unit, launch: &Launch) -> Result<Found, NotKnown> {
        let name = &unit.name;
        let line = software(launch.kind).command_line(&launch.arguments);
        let line = line.ok_or_else(|| {
            NotKnown::unclear(FoundReason::UnitDoesNotServe { unit: name.clone() })
        })?;
        let found = self.host.launched(launch, &line, sign(unit, launch));
        let mut found = found.map_err(NotKnown::Unclear)?;
        found.server.source.clone_from(name);
        self.place_in_unit(unit, &mut found);
        if found.server.running == Fact::Known(false) {
            found.server.dormant = unit.dormant().map(Reasons::from);
        }
        Ok(found)
    }

    /// Finds the process of a server that a unit starts.
    pub(crate) fn place_in_unit(&self, unit: &Unit, found: &mut Found) {
        let Some(start) = &mut found.start else { return };
        start.service = Some(unit.name.clone());
        start.service_reloads = unit.can_reload;
        let sign = start.sign.clone();
        let mut tops = self.tops_of(&unit.name);
        tops.retain(|process| self.host.is_of_unit(process, &self.machine, &sign, &found.server));
        tops.sort_by_key(|process| rank(process, &sign));
        found.server.running = match (tops.last(), self.otherwise()) {
            (Some(process), _) => {
                found.process = Some(process.id);
                found.server.source += &format!(", process {}", process.id.pid);
                Fact::Known(true)
            }
            (None, Fact::Known(_)) if unit.active => {
                Fact::unknown(FoundReason::UnitWithoutServer { unit: unit.name.clone() })
            }
            (None, otherwise) => otherwise,
        };
    }

    fn look_at_processes(&mut self) {
        let mut tops: Vec<Process> = self.processes.tops().cloned().collect();
        // The youngest first: an older one of the same configuration is on its way out.
        tops.sort_by_key(|process| std::cmp::Reverse((process.id.started, process.id.pid)));
        tops.retain(|process| !self.told.contains(&process.id));
        let mut known: BTreeSet<_> = BTreeSet::new();
        for process in &tops {
            match self.look_at(process) {
                Ok(None) => {}
                Ok(Some(found)) => {
                    self.told.insert(process.id);
                    if found.server.doubt.is_some() || known.insert(self.host.key(&found.server)) {
                        self.found.push(found);
                    }
                }
                Err(why) => {
                    self.reasons.insert(process.id, why);
                }
            }
        }
    }

    /// The server that a process is; `None` if it does not serve by itself.
    ///
    /// # Errors
    /// It is left out.
    fn look_at(&self, process: &Process) -> Result<Option<Found>, Reasons> {
        if process.is_renamed {
            let server = process.kind.name().to_owned();
            return Err(FoundReason::Renamed { server }.into());
        }
        if process.is_orphan() {
            return Ok(None);
        }
        let unit = self.unit_of.get(&process.id);
        let unclear = unit.and_then(|unit| self.unclear.get(unit));
        if let Some(NotKnown::LeftOut(why)) = unclear {
            return Err(why.clone());
        }
        if let Some(why) = self.machine.outside(process) {
            return Err(why.into());
        }
        let unit = unit.and_then(|name| self.unit(name));
        let is_main = self.is_main_of_unit(process);
        if !process.rights.is_wholly(0) {
            let Some(NotKnown::Unclear(why)) = unclear.filter(|_| is_main) else {
                return Err(self.not_roots(process));
            };
            self.host.require_own_program(process)?;
            return self.in_doubt(process, why).map(Some);
        }
        self.look_at_roots(process, unit.filter(|_| is_main))
    }

    /// The same of a process that is wholly root's; `unit` is the one whose main process it is.
    fn look_at_roots(
        &self,
        process: &Process,
        unit: Option<&Unit>,
    ) -> Result<Option<Found>, Reasons> {
        if let Some(why) = self.host.why_not_ours(process, &self.machine, 0) {
            return Err(why);
        }
        let mut found = match self.host.captured(process) {
            Ok(Some(found)) => found,
            Ok(None) => return Ok(None),
            // It ended while it was looked at.
            Err(_) if !process.id.is_there() => return Ok(None),
            Err(doubt) => return self.in_doubt(process, &doubt).map(Some),
        };
        let files: Vec<&ServerPath> = found.server.config.iter().collect();
        let of_unit = self.unit_of.contains_key(&process.id);
        if let Some(why) = self.machine.sees_others(process.id.pid, of_unit, &files) {
            return Err(why.into());
        }
        // A server that was started by hand in the unit of something else, such as a shell's or
        // cron's, is not that unit's.
        if let (Some(unit), Some(start)) = (unit, &mut found.start) {
            start.service = Some(unit.name.clone());
            start.service_reloads = unit.can_reload;
            found.server.source = format!("{}, {}", unit.name, found.server.source);
        }
        Ok(Some(found))
    }

    /// Why a process that is not wholly root's is left out.
    fn not_roots(&self, process: &Process) -> Reasons {
        if let Some(unit) = self.unit_of.get(&process.id)
            && let Some(found) = self.found.iter().find(|found| is_in(found, unit))
            && let Some(sign) = found.start.as_ref().map(|start| &start.sign)
            && let Some(why) =
                self.host.why_not_of_unit(process, &self.machine, sign, &found.server)
        {
            return why;
        }
        let user = self.users.name(process.rights.uid());
        FoundReason::MayBeUsers { user }.into()
    }

    /// A server of which only the process is known.
    fn in_doubt(&self, process: &Process, why: &Reasons) -> Result<Found, Reasons> {
        let doubt = Reasons::from(FoundReason::StartUnknown { why: why.clone() });
        let program = ServerPath::new(process.program.as_str());
        let packaged = packages().find(|packaged| packaged.program == program.as_str());
        let config = match packaged {
            Some(packaged) => ServerPath::new(packaged.config),
            None => {
                let info = self.host.build_info(
                    process.kind,
                    &program,
                    &Variables::new(),
                    &Account::root(),
                );
                let at = info.base.zip(info.config);
                let (base, config) = at.ok_or_else(|| doubt.clone())?;
                absolute(&base, &config)
            }
        };
        let source = format!("process {}", process.id.pid);
        let running = Fact::Known(true);
        let base = Some(ServerPath::new("/"));
        let mut found =
            self.host.at_rest(process.kind, program, vec![config], base, running, &source);
        found.server.doubt = Some(doubt);
        found.process = Some(process.id);
        Ok(found)
    }
}

/// The sign of the process of a unit.
pub(crate) fn sign(unit: &Unit, launch: &Launch) -> Sign {
    Sign::Unit {
        name: unit.name.clone(),
        program: launch.program.clone(),
        uid: launch.account.uid,
        main: unit.main_process,
    }
}

fn is_in(found: &Found, unit: &str) -> bool {
    let sign = found.start.as_ref().map(|start| &start.sign);
    matches!(sign, Some(Sign::Unit { name, .. }) if name == unit)
}
