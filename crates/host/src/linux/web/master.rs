//! What the process of a server is known by, and which process it is now.

use stopgap_model::reason::FoundReason;
use stopgap_model::web::WebServer;
use stopgap_model::{Reasons, ServerPath};

use crate::linux::locked::locked;
use crate::linux::machine::LinuxHost;
use crate::linux::process::{Process, ProcessId, Processes};
use crate::linux::process_trust::Machine;
use crate::linux::web::server::{ServerKey, Sign, Start};

/// A server that runs.
#[derive(Debug)]
pub(crate) struct Master {
    pub(crate) id: ProcessId,
    pub(crate) key: ServerKey,
    /// How it can be started again.
    pub(crate) start: Start,
}

impl LinuxHost {
    /// The process that is the server now.
    pub(crate) fn master_of(&self, processes: &Processes, server: &WebServer) -> Option<Master> {
        let key = self.key(server);
        let start = locked(&self.starts).get(&key).cloned();
        let machine = Machine::this();
        let sign = start.as_ref().map_or_else(Sign::of_root, |start| start.sign.clone());
        let mut processes: Vec<&Process> = match &sign {
            Sign::Unit { .. } => {
                let of_unit =
                    |process: &&Process| self.is_of_unit(process, &machine, &sign, server);
                processes.tops().filter(of_unit).collect()
            }
            Sign::Arguments { .. } => {
                let named = |process: &&Process| self.is_named(process, &machine, &sign, &key);
                processes.tops().filter(named).collect()
            }
        };
        processes.sort_by_key(|process| rank(process, &sign));
        let process = *processes.last()?;
        let is_settled =
            matches!(sign, Sign::Unit { .. } | Sign::Arguments { program: Some(_), .. });
        let start = match start {
            Some(start) if is_settled || start.service.is_some() => start,
            // It may have been started otherwise since.
            start => self.captured(process).ok()?.and_then(|found| found.start).or(start)?,
        };
        Some(Master { id: process.id, key, start })
    }

    /// Whether a process is the one of a unit, as far as its sign goes.
    pub(crate) fn is_of_unit(
        &self,
        process: &Process,
        machine: &Machine,
        sign: &Sign,
        server: &WebServer,
    ) -> bool {
        let Sign::Unit { name, uid, .. } = sign else { return false };
        // What costs least is asked first: whoever wants to can start thousands.
        process.rights.is_wholly(*uid)
            && process.id.unit().as_ref() == Some(name)
            && !process.is_orphan()
            && self.why_not_of_unit(process, machine, sign, server).is_none()
    }

    /// Why a process of a unit is not the one that the unit starts, if so.
    pub(crate) fn why_not_of_unit(
        &self,
        process: &Process,
        machine: &Machine,
        sign: &Sign,
        server: &WebServer,
    ) -> Option<Reasons> {
        let Sign::Unit { name, program, uid, .. } = sign else { return None };
        if !process.rights.is_wholly(*uid) {
            return Some(FoundReason::NotUnitsUser { unit: name.clone() }.into());
        }
        let own = self.real(&ServerPath::new(process.program.as_str()));
        if own != self.real(&ServerPath::new(program.as_str())) {
            let (unit, program) = (name.clone(), program.clone());
            return Some(FoundReason::NotUnitsProgram { unit, program }.into());
        }
        let outside = machine.outside(process).map(Reasons::from);
        outside.or_else(|| self.require_own_program(process).err()).or_else(|| {
            let mut files: Vec<&ServerPath> = server.config.iter().collect();
            files.push(&server.program);
            machine.sees_others(process.id.pid, true, &files).map(Reasons::from)
        })
    }

    /// Whether a process was started with this configuration, by the user and with the program that
    /// the sign names.
    fn is_named(&self, process: &Process, machine: &Machine, sign: &Sign, key: &ServerKey) -> bool {
        let Sign::Arguments { program, uid, may_be_in_doubt } = sign else { return false };
        let right = process.kind == key.0
            && !process.is_renamed
            && !process.is_orphan()
            && process.rights.is_wholly(*uid)
            && program.as_ref().is_none_or(|program| *program == process.program);
        if !right || self.why_not_ours(process, machine, *uid).is_some() {
            return false;
        }
        match self.captured(process) {
            Ok(Some(found)) => self.key(&found.server) == *key,
            Ok(None) => false,
            // One that ended while it was read is in no doubt: it serves nothing.
            Err(_) => *may_be_in_doubt && process.id.is_there(),
        }
    }

    /// Why a process without a unit is none that Stopgap may act for, if so. Nothing of it was used or
    /// run for that.
    pub(crate) fn why_not_ours(
        &self,
        process: &Process,
        machine: &Machine,
        uid: u32,
    ) -> Option<Reasons> {
        if !process.rights.is_wholly(uid) {
            return Some(FoundReason::NotStartedByRoot.into());
        }
        let outside = machine.outside(process).map(Reasons::from);
        outside.or_else(|| self.require_own_program(process).err()).or_else(|| {
            let program = ServerPath::new(process.program.as_str());
            let of_unit = process.id.unit().is_some();
            machine.sees_others(process.id.pid, of_unit, &[&program]).map(Reasons::from)
        })
    }
}

/// Of several processes with the same sign the one that the service manager means, else the
/// youngest: an older one of the same configuration is on its way out. The best is the last.
pub(crate) fn rank(process: &Process, sign: &Sign) -> (bool, u64, i32) {
    let is_main = matches!(sign, Sign::Unit { main, .. } if *main == process.id.pid);
    (is_main, process.id.started, process.id.pid)
}
