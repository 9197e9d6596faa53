//! Reloads a server's configuration while the server goes on serving.

use std::collections::BTreeSet;
use std::thread;
use std::time::{Duration, Instant};

use stopgap_model::Reasons;
use stopgap_model::reason::{ProgramReason, ReloadReason};
use stopgap_model::web::WebServer;

use crate::linux::command::CommandSpec;
use crate::linux::locked::locked;
use crate::linux::machine::LinuxHost;
use crate::linux::process::{ProcessError, ProcessId};
use crate::linux::systemd::manager as service;
use crate::linux::web::error_log::Logs;
use crate::linux::web::master::Master;
use crate::linux::web::readiness::{POLL_INTERVAL, Readiness, SETTLE_TIME};
use crate::web::software;
use crate::web_servers::{ReloadError, Stop};

/// How long a master may look gone: while it executes its own program anew, as HAProxy's does, it
/// may be seen with half of it.
const GONE_TIME: Duration = Duration::from_millis(500);
/// How long a server that was just started may look as if it served alone.
const ALONE_TIME: Duration = Duration::from_secs(1);

/// The processes that answered before the reload.
struct Before {
    workers: BTreeSet<ProcessId>,
    /// The sockets on which they listen.
    listening: BTreeSet<u64>,
    /// The users that they are.
    users: BTreeSet<u32>,
}

/// How waiting for a server ended.
enum Waited {
    /// It has taken its configuration; with what a person should know.
    Taken(Option<ReloadReason>),
    /// It has not in all the time that it has.
    TooLong,
}

impl LinuxHost {
    /// The process that is the server now, if it runs.
    pub(crate) fn running_master(
        &self,
        server: &WebServer,
    ) -> Result<Option<Master>, ProcessError> {
        Ok(self.master_of(&self.processes()?, server))
    }

    pub(crate) fn take_configuration(
        &self,
        server: &WebServer,
        stop: &Stop<'_>,
    ) -> Result<Option<ReloadReason>, ReloadError> {
        // Apache ends itself if it is reloaded with a configuration that it cannot read.
        self.test_configuration(server, &[], stop).map_err(Reasons::from)?;
        let (master, before) = self.before(server)?;
        locked(&self.starts).insert(master.key.clone(), master.start.clone());
        if before.workers.contains(&master.id) {
            return self.take_over(server, &master, &before).map(|()| None);
        }
        // A log may be the server's own user's, who could have another file in its place.
        let logs = (software(server.kind).refuses_in_error_log() && server.account.is_root())
            .then(|| Logs::of(master.id));
        match master.start.service.as_ref().filter(|_| master.start.service_reloads) {
            Some(service) => service::systemctl("reload", service)?,
            // Without a service manager: the signal that the server's documentation names.
            None => master
                .id
                .signal(software(server.kind).reload_signal())
                .map_err(|error| ReloadError::NotTaken(error.into()))?,
        }
        let waited = self.wait_until_taken(server, &before, stop);
        if let Ok(Waited::Taken(note)) = waited {
            return Ok(note);
        }
        let said = logs.and_then(|logs| logs.said(&before.users));
        Err(match (waited, said) {
            (Err(why), None) => why.into(),
            (Err(why), Some(said)) => {
                let why = ReloadReason::LogSays { why, said: said.words };
                ReloadError::NotTaken(why.into())
            }
            (Ok(_), None) => ReloadError::NotTaken(not_taken(server).into()),
            (Ok(_), Some(said)) => {
                let (name, certain) = (name(server), said.is_roots);
                let why = ReloadReason::RefusedInLog { server: name, said: said.words, certain };
                match certain {
                    true => ReloadError::Refused(why.into()),
                    false => ReloadError::NotTaken(why.into()),
                }
            }
        })
    }

    fn wait_until_taken(
        &self,
        server: &WebServer,
        before: &Before,
        stop: &Stop<'_>,
    ) -> Result<Waited, Reasons> {
        let start = Instant::now();
        let mut seen = start;
        let mut answering = Stable::default();
        // Processes of before that hold the sockets although new ones answer already.
        let mut lingering = None;
        loop {
            let processes = self.processes()?;
            match self.master_of(&processes, server) {
                Some(master) => {
                    seen = Instant::now();
                    let workers = processes.workers(master.id);
                    let new = before.successors(&workers);
                    if answering.is_so(new, software(server.kind).stable_time()) {
                        return Ok(Waited::Taken(None));
                    }
                    lingering = before.lingering(&workers);
                }
                None if seen.elapsed() > GONE_TIME => {
                    return Err(ReloadReason::GoneSince { server: name(server) }.into());
                }
                None => {}
            }
            if start.elapsed() > SETTLE_TIME {
                // Whoever runs a worker can keep it from ending: that must not undo the change. What
                // the server answers, the probes say.
                return Ok(match lingering {
                    Some(old) => Waited::Taken(Some(still_there(server, &old))),
                    None => Waited::TooLong,
                });
            }
            if stop() {
                return Err(ProgramReason::NotAwaited { what: name(server) }.into());
            }
            thread::sleep(POLL_INTERVAL);
        }
    }

    fn before(&self, server: &WebServer) -> Result<(Master, Before), Reasons> {
        let start = Instant::now();
        loop {
            let processes = self.processes()?;
            let master = self.master_of(&processes, server);
            let master = master.ok_or_else(|| ReloadReason::NotRunning { server: name(server) })?;
            let workers = processes.workers(master.id);
            if !workers.contains(&master.id) || start.elapsed() > ALONE_TIME {
                let listening = workers.iter().flat_map(|worker| worker.listens_on()).collect();
                let users = processes.users(&workers);
                return Ok((master, Before { workers, listening, users }));
            }
            thread::sleep(POLL_INTERVAL);
        }
    }

    /// A server without a master: a new process takes over from the old one.
    fn take_over(
        &self,
        server: &WebServer,
        master: &Master,
        before: &Before,
    ) -> Result<(), ReloadError> {
        let Some(takeover) = software(server.kind).takeover_arguments(master.id.pid) else {
            let why = ReloadReason::SingleProcess { server: name(server) };
            return Err(ReloadError::Refused(why.into()));
        };
        // The service manager takes the end of its process for the end of the service.
        if let Some(service) = &master.start.service {
            let (service, server) = (service.clone(), name(server));
            let why = ReloadReason::WithoutMaster { service, server };
            return Err(ReloadError::Refused(why.into()));
        }
        let mut run: CommandSpec = master.start.run.clone().with_rights_of(&server.account);
        run.arguments.extend(takeover);
        Ok(self.come_up(&run, &not_taken(server), || {
            let processes = self.processes()?;
            let new = self.master_of(&processes, server);
            let new = new.and_then(|new| before.successors(&processes.workers(new.id)));
            Ok(if new.is_some() { Readiness::Yes } else { Readiness::No })
        })?)
    }
}

impl Before {
    /// The processes that answer now: they were not there before, and none of those that were
    /// listens any more. Those may still finish what they have open. `None` until it is so.
    fn successors(&self, workers: &BTreeSet<ProcessId>) -> Option<BTreeSet<ProcessId>> {
        let new = || workers.difference(&self.workers).copied();
        let listened = |worker: &ProcessId| !worker.sockets().is_disjoint(&self.listening);
        if new().next().is_none() || self.workers.iter().any(listened) {
            return None;
        }
        self.answering(workers)
    }

    /// The processes that were there before, and still have a socket on which the server listens,
    /// where new ones answer beside them; `None` where no new one does, or none of those is left.
    fn lingering(&self, workers: &BTreeSet<ProcessId>) -> Option<Vec<ProcessId>> {
        self.answering(workers)?;
        let listened = |worker: &&ProcessId| !worker.sockets().is_disjoint(&self.listening);
        let old: Vec<ProcessId> = self.workers.iter().filter(listened).copied().collect();
        (!old.is_empty()).then_some(old)
    }

    /// The processes that answer and were not there before; `None` if there is none.
    fn answering(&self, workers: &BTreeSet<ProcessId>) -> Option<BTreeSet<ProcessId>> {
        let new = || workers.difference(&self.workers).copied();
        let listens = |worker: &ProcessId| !worker.listens_on().is_empty();
        let answering: BTreeSet<ProcessId> = match self.listening.is_empty() {
            true => new().collect(),
            false => new().filter(listens).collect(),
        };
        (!answering.is_empty()).then_some(answering)
    }
}

/// Processes that answer, and since when.
#[derive(Default)]
struct Stable(Option<(BTreeSet<ProcessId>, Instant)>);

impl Stable {
    /// Whether the processes that answer have done so for `time`, none of them gone since.
    fn is_so(&mut self, now: Option<BTreeSet<ProcessId>>, time: Duration) -> bool {
        let Some(now) = now else {
            self.0 = None;
            return false;
        };
        let since = match self.0.take() {
            Some((before, since)) if before.is_subset(&now) => since,
            _ => Instant::now(),
        };
        self.0 = Some((now, since));
        since.elapsed() >= time
    }
}

/// What a person should know of processes that do not end after a reload.
fn still_there(server: &WebServer, old: &[ProcessId]) -> ReloadReason {
    let (server, seconds) = (name(server), SETTLE_TIME.as_secs());
    ReloadReason::OldProcesses { server, seconds, pids: old.iter().map(|id| id.pid).collect() }
}

fn not_taken(server: &WebServer) -> ReloadReason {
    ReloadReason::NotTaken { server: name(server), seconds: SETTLE_TIME.as_secs() }
}

fn name(server: &WebServer) -> String {
    server.kind.name().to_owned()
}
