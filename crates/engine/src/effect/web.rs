//! The rules on one web server other than IIS.
//!
//! The server tests the planned configuration before a file is replaced, and its sites are asked before and
//! after. A server that does not run takes the rules when it is started.

use stopgap_host::{ReloadError, ServerControl, Stop, TestError};
use stopgap_model::reason::ReloadReason;
use stopgap_model::web::WebServer;
use stopgap_model::{Digest, Fact, MitigationId, Reason, Reasons, ServerId, ServerPath, WebKind};
use stopgap_plan::{FileEdit, InstalledRule, Step, TargetId, WebChange, rule_text, tried};
use stopgap_store::FileChange;

use super::blame::culprit;
use super::contract::{Effect, RestoreError, Restored, Taken, Unfit};
use crate::engine::Engine;
use crate::failure::{Failure, Retry};
use crate::learned::Learned;
use crate::probing::{Baseline, Probing, Seen};
use crate::read_web::read_web;
use crate::trouble::Trouble;

/// The change of the rules on one web server.
pub(super) struct WebRules<'p> {
    engine: &'p Engine<'p>,
    planned: &'p WebChange,
    /// The rules that the records say are on the server.
    rules: &'p [InstalledRule],
    /// The server, if it runs, with what its sites answered before the change.
    running: Option<Running<'p>>,
    note: Option<ReloadReason>,
}

/// A server that runs, and what its sites are asked.
struct Running<'p> {
    live: &'p dyn ServerControl,
    probing: Probing<'p>,
    before: Baseline<'p>,
}

impl<'p> WebRules<'p> {
    pub(super) fn new(
        engine: &'p Engine<'p>,
        planned: &'p WebChange,
        rules: &'p [InstalledRule],
    ) -> Self {
        Self { engine, planned, rules, running: None, note: None }
    }

    fn server(&self) -> &'p WebServer {
        &self.planned.server
    }

    /// Returns what can be done with the server; `None` where nothing runs, or the server is gone.
    fn live(&self) -> Option<&'p dyn ServerControl> {
        let is_there = !self.server().program.as_str().is_empty();
        self.engine.host.control().filter(|_| is_there)
    }

    fn is_main(&self, path: &ServerPath) -> bool {
        self.server().config.first() == Some(path)
    }
}

impl<'p> Effect<'p> for WebRules<'p> {
    fn target(&self) -> TargetId {
        TargetId::Web(self.server().id())
    }

    fn steps(&self) -> &'p [Step] {
        std::slice::from_ref(&self.planned.step)
    }

    fn edits(&self) -> &'p [FileEdit] {
        &self.planned.edits
    }

    fn has_untried(&self) -> bool {
        self.planned.fresh
    }

    fn preflight(&mut self, learned: &Learned, stop: &Stop<'_>) -> Result<(), Unfit> {
        let Some(live) = self.live() else { return Ok(()) };
        let Err(error) = live.test_until(self.server(), &self.planned.staged, stop) else {
            return Ok(());
        };
        // A test that was ended says nothing about the configuration.
        if stop() {
            return Err(Unfit::Stopped);
        }
        if let Err(own) = live.test_until(self.server(), &[], stop) {
            return Err(Unfit::Target(match own {
                TestError::Refused { program, said } => {
                    ReloadReason::RefusedAsItIs { program: program.to_string(), said }.into()
                }
                not_made @ TestError::NotMade(_) => not_made.into(),
            }));
        }
        if matches!(error, TestError::NotMade(_)) {
            return Err(Unfit::Change(Failure::without_cost(error)));
        }
        // A test costs no reload, so further ones find which of several new mitigations is to blame.
        let passes = |staged: &[_]| match live.test_until(&self.planned.server, staged, stop) {
            Ok(()) => Some(true),
            Err(TestError::Refused { .. }) => Some(false),
            Err(TestError::NotMade(_)) => None,
        };
        let blamed = culprit(self.engine.host, self.planned, learned, passes);
        Err(Unfit::Change(Failure::lasting(error).of(blamed)))
    }

    fn baseline(&mut self, stop: &Stop<'_>) {
        let runs = matches!(self.server().running, Fact::Known(true));
        let Some(live) = self.live().filter(|_| runs) else { return };
        let probing = Probing::new(self.engine.catalog, self.planned, self.rules);
        let before = Baseline::take(&probing, live, self.engine.probe_time, stop);
        self.running = Some(Running { live, probing, before });
    }

    fn can_leave_out(&self, path: &ServerPath) -> bool {
        // Nothing can be installed without the main file.
        !self.is_main(path)
    }

    fn is_partial_without(&self, path: &ServerPath) -> bool {
        let edit = self.planned.edits.iter().find(|edit| edit.path == *path);
        // Each site of nginx includes our rules by itself; elsewhere one file has them for all sites.
        self.server().kind == WebKind::Nginx
            && edit.is_some_and(|edit| edit.before.is_some() && edit.after.is_some())
            && !self.is_main(path)
    }

    fn read_back(&mut self, learned: &Learned) -> Result<(), Failure> {
        let Step::Rules { rules, .. } = &self.planned.step else { return Ok(()) };
        if self.planned.edits.is_empty() {
            return Ok(());
        }
        let mut config = read_web(self.engine.host, self.server().clone());
        learned.leave_out_in(&mut config);
        if let Some(why) = config.incomplete {
            return Err(Failure::without_cost(why));
        }
        let layout = config.files.layout();
        let layout = layout.map_err(Failure::without_cost)?;
        // To place the same rules once more must find nothing left to do.
        let again = layout.place(&rule_text(self.server().kind, rules));
        let again = again.map_err(Failure::without_cost)?;
        match again.edits.first() {
            None => Ok(()),
            Some(edit) => {
                let why = format!("{} does not read back as it was written", edit.path);
                Err(Failure::without_cost(why))
            }
        }
    }

    fn take_effect(&mut self, stop: &Stop<'_>) -> Result<Taken, Failure> {
        let Some(running) = &self.running else { return Ok(Taken::NotRunning) };
        match running.live.reload_until(&self.planned.server, stop) {
            Ok(note) => self.note = note,
            Err(ReloadError::Refused(why)) => return Err(Failure::lasting(why)),
            Err(ReloadError::NotTaken(why)) => return Err(Failure::temporary(why)),
        }
        Ok(Taken::InForce)
    }

    fn verify(&mut self, stop: &Stop<'_>) -> Result<Seen, Failure> {
        let mut seen = match &mut self.running {
            Some(Running { live, probing, before }) => {
                probing.judge(*live, before, (self.engine.now)(), stop)?
            }
            None => Seen::default(),
        };
        seen.notes.extend(self.note.take().map(Reason::from));
        seen.notes.extend(self.planned.strays.iter().cloned());
        Ok(seen)
    }

    /// A server that is gone is started: the change may have ended it.
    fn restore(&mut self) -> Result<Restored, RestoreError> {
        let Some(Running { live, probing, before }) = &mut self.running else {
            return Ok(Restored::InForce);
        };
        let server = &self.planned.server;
        let taken = match live.is_running(server) {
            true => live.reload(server).map(|_| ()).map_err(ReloadError::into_reasons),
            false => live.start(server),
        };
        match (probing.as_before(*live, before), taken) {
            (Ok(()), Ok(())) => Ok(Restored::InForce),
            (Ok(()), Err(_)) => Ok(Restored::Refused),
            // Why the server did not take its files explains why its sites do not answer.
            (Err(_), Err(why)) => Err(RestoreError::NotAsBefore(why)),
            (Err(still), Ok(())) => Err(RestoreError::NotAsBefore(Reasons::text(still.why))),
        }
    }

    fn retry_unrecorded(&self) -> Retry {
        // Each attempt reloads a server that runs.
        Retry::Later
    }

    fn tried(&self, blamed: Option<&MitigationId>) -> Digest {
        // The process counts that runs after the rollback: it may have been started for that.
        let id = self.server().id();
        let now = self.engine.host.web_servers().into_iter().find(|server| server.id() == id);
        let server = now.as_ref().unwrap_or(self.server());
        tried(self.planned.configuration, server, &self.planned.step, blamed)
    }
}

/// Makes a server, if it runs, use what was put back of an unfinished change: it may have loaded the change
/// before it was cut short. Returns what did not come of it.
pub(super) fn restore_recovered(engine: &Engine<'_>, id: &ServerId) -> Vec<Trouble> {
    let Some(live) = engine.host.control() else { return Vec::new() };
    let servers = engine.host.web_servers().into_iter().filter(|server| server.id() == *id);
    let running = servers.filter(|server| matches!(server.running, Fact::Known(true)));
    let restore = |server: WebServer| {
        let why = reload(live, &server).err()?;
        Some(Trouble::NotTaken { target: TargetId::Web(server.id()), why })
    };
    running.filter_map(restore).collect()
}

/// Makes a server use its configuration if that passes the server's own test.
fn reload(live: &dyn ServerControl, server: &WebServer) -> Result<(), Reasons> {
    live.test(server, &[])?;
    live.reload(server).map_err(ReloadError::into_reasons)?;
    Ok(())
}

/// Returns whether a file is a site's own on nginx: what stays of ours in it is an include, which takes in
/// nothing once our own files are gone. Whoever keeps such a file from being put back keeps nobody else from
/// being protected.
pub(super) fn is_idle(server: &ServerId, file: &FileChange) -> bool {
    let is_of_others = file.before.is_some() && file.after.is_some();
    server.as_str().starts_with("nginx:") && is_of_others && server.config() != file.path
}
