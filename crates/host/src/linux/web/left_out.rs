//! What looks like a web server and is left out: named with the reason, the ports and whether it
//! counts.

use std::collections::BTreeSet;

use stopgap_model::ServerPath;
use stopgap_model::reason::FoundReason;
use stopgap_model::web::{LeftOut, LeftOutServer};

use crate::linux::process::Process;
use crate::linux::sockets::Listeners;
use crate::linux::web::server::Found;
use crate::linux::web::survey::Survey;

/// The most that are named: an ordinary user can start thousands.
const MAX_NAMED: usize = 16;
/// The most processes whose own open files, and those of what they started, are looked at.
const MAX_FAMILIES: usize = 256;
/// The most open files that are looked at to tell ports, of all processes together.
const MAX_OPEN_FILES: usize = 50_000;
/// The ports of the web. Only who was given the right to may listen on them.
const WEB: [u16; 2] = [80, 443];

impl Survey<'_> {
    /// All that is left out beside `found`.
    pub(crate) fn left_out(&self, found: &[Found]) -> LeftOut {
        let used = |process: &Process| {
            self.told.contains(&process.id) || found.iter().any(|it| it.process == Some(process.id))
        };
        let mut strangers: Vec<&Process> = self.processes.tops().collect();
        strangers.retain(|process| self.reasons.contains_key(&process.id) || !used(process));
        // Those that count anyway come first, so that nobody spends what is looked at before them.
        strangers.sort_by_cached_key(|process| (!self.is_systems(process), process.id));
        let mut listeners = match strangers.is_empty() {
            true => return LeftOut::default(),
            false => Listeners::now(MAX_OPEN_FILES),
        };
        let mut named: Vec<LeftOutServer> = strangers
            .into_iter()
            .enumerate()
            .filter_map(|(at, process)| {
                let family = (at < MAX_FAMILIES).then(|| self.processes.family(process));
                let ports = family.and_then(|family| listeners.ports(&family));
                // Where there are too many to look at each, all that their user listens on counts.
                let ports = ports.unwrap_or_else(|| listeners.ports_of_user(process.rights.uid()));
                self.stranger(process, ports)
            })
            .collect();
        named.sort_by_key(|server| (!server.counts, server.pid));
        let more = named.len().saturating_sub(MAX_NAMED);
        named.truncate(MAX_NAMED);
        LeftOut { named, more }
    }

    /// Describes a process that is left out; `None` if it neither serves nor looks as if it did.
    fn stranger(&self, process: &Process, ports: BTreeSet<u16>) -> Option<LeftOutServer> {
        let why = match self.reasons.get(&process.id) {
            Some(why) => why.clone(),
            // A worker that outlived its master; one that does not listen is on its way out, and so
            // is a program that only says something or tests.
            None if ports.is_empty() => return None,
            None => FoundReason::StillListens.into(),
        };
        Some(LeftOutServer {
            kind: process.kind,
            program: ServerPath::new(process.program.as_str()),
            pid: process.id.pid,
            user: self.users.name(process.rights.uid()),
            counts: self.is_systems(process) || WEB.iter().any(|port| ports.contains(port)),
            ports: ports.into_iter().collect(),
            why,
        })
    }

    /// Whether root or an account of the system started it, and not a person: by whatever user it is
    /// in any way, or as the main process of a unit of the system's.
    fn is_systems(&self, process: &Process) -> bool {
        process.rights.uids().iter().any(|&uid| self.users.is_system(uid))
            || self.is_main_of_unit(process)
    }
}
