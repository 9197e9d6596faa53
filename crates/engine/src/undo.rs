//! Takes a change back that was begun, and writes down what became of it.

use stopgap_model::MitigationId;
use stopgap_model::problem::sentence;
use stopgap_plan::{FileEdit, Step, WebChange, tried, tried_on_iis};
use stopgap_store::{Change, Entry, Event, Status, StoreError, Tried};

use crate::Engine;
use crate::cycle::Done;
use crate::files::PutBack;
use crate::trouble::Trouble;

/// A change that is to be taken back.
pub(crate) struct Failing<'a> {
    pub(crate) change: Change,
    /// How many of its files were made, or may have been.
    pub(crate) made: usize,
    /// What went wrong, as a sentence without a full stop.
    pub(crate) why: String,
    /// The mitigation that it is because of, where that is known and others were changed too.
    pub(crate) fault: Option<MitigationId>,
    /// Whether it only did not come to its end, because the cycle was to stop.
    pub(crate) halted: bool,
    /// What was tried; `None` where it costs the server nothing to try it again.
    pub(crate) tries: Option<Tries<'a>>,
}

/// A change that was tried, and is not tried again with the same for some time at least.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Tries<'a> {
    /// On a web server; whether the same would come to the same. Else it may be the moment's fault.
    Web { planned: &'a WebChange, is_lasting: bool },
    /// In the files of IIS, where it did not come out as it was planned. That may be the moment's fault.
    Iis(&'a [FileEdit]),
}

impl<'a> Failing<'a> {
    pub(crate) fn new(change: Change, made: usize, why: impl Into<String>) -> Self {
        Self { change, made, why: why.into(), fault: None, halted: false, tries: None }
    }

    /// With what was tried.
    pub(crate) fn with(self, tries: Tries<'a>) -> Self {
        Self { tries: Some(tries), ..self }
    }
}

impl Engine<'_> {
    /// Takes a change back that failed, as `undo` does, and tells of it in the audit trail.
    pub(crate) fn fail(
        &self,
        failing: Failing<'_>,
        restore: impl FnOnce(&mut String) -> Result<(), String>,
        done: &mut Done,
    ) -> bool {
        let steps = failing.change.steps.clone();
        let (whole, why) = self.undo(failing, restore, done);
        self.record_failure(&steps, &why, done);
        whole
    }

    /// Takes a change back, as `undo` does, because the cycle was to stop: it did not fail.
    pub(crate) fn halt(
        &self,
        failing: Failing<'_>,
        restore: impl FnOnce(&mut String) -> Result<(), String>,
        done: &mut Done,
    ) {
        let number = failing.change.number;
        let (_, why) = self.undo(Failing { halted: true, ..failing }, restore, done);
        let detail = format!("change {number} was taken back: {why}");
        self.record(&[Entry::new(Event::Halted, "", detail)], done);
    }

    /// Puts the files back, has the server take that by `restore`, which may add to what went wrong,
    /// and writes down what became of it. Answers whether all is as before, and what went wrong.
    pub(crate) fn undo(
        &self,
        mut failing: Failing<'_>,
        restore: impl FnOnce(&mut String) -> Result<(), String>,
        done: &mut Done,
    ) -> (bool, String) {
        let back = self.put_all_back(&failing.change, failing.made);
        // Before it is written down: a kill in between has the next cycle do it again.
        let restored = restore(&mut failing.why);
        let whole = back.left.is_empty() && restored.is_ok();
        failing.fault = failing.fault.filter(|_| whole);
        failing.halted &= whole;
        let server = failing.change.server().cloned();
        if let (Err(why), Some(server), true) = (restored, server, back.left.is_empty()) {
            let trouble = Trouble::NotHealthy { server, error: failing.why, why };
            failing.why = trouble.to_string();
            done.troubles.push(trouble);
        }
        (whole, self.close(failing, back, done))
    }

    /// Writes down what became of a change that was taken back, and answers what went wrong. Where a
    /// file is still to be put back it stays intended, and the next cycle tries again.
    fn close(&self, failing: Failing<'_>, back: PutBack, done: &mut Done) -> String {
        let tried = failing.tries.map(|tries| self.tried(tries, failing.fault.as_ref()));
        let Failing { mut change, why: mut error, fault, halted, .. } = failing;
        error = done.idle(&change, error, back.idle);
        if !back.left.is_empty() {
            error = done.stuck(&mut change, error, back.left);
        } else if back.as_before && halted {
            change.status = Status::Halted { why: error.clone() };
        } else if back.as_before {
            change.status = Status::Undone { error: error.clone(), fault, tried };
        } else {
            // Where somebody wrote over our bytes, what of ours is still there is seen by looking.
            change.status = Status::Interrupted;
        }
        if let Err(why) = self.store.save_change(&change) {
            done.not_recorded(&change, why);
            done.fail_all(&change.steps, &error);
        }
        error
    }

    /// With what a change was tried. The process of the server is the one that it has now that all is as
    /// before: it may have been started anew for that.
    fn tried(&self, tries: Tries<'_>, fault: Option<&MitigationId>) -> Tried {
        match tries {
            Tries::Iis(edits) => Tried { with: tried_on_iis(edits), lasting: false },
            Tries::Web { planned, is_lasting } => {
                let id = planned.server.id();
                let now = self.host.web_servers().into_iter().find(|server| server.id() == id);
                let server = now.unwrap_or_else(|| planned.server.clone());
                let with = tried(planned.configuration, &server, &planned.step, fault);
                Tried { with, lasting: is_lasting }
            }
        }
    }

    /// What is to be told of a change that could not be begun.
    pub(crate) fn not_begun(&self, steps: &[Step], why: StoreError, done: &mut Done) {
        let server = steps.iter().find_map(Step::server).cloned();
        let trouble = Trouble::NotBegun { server, why };
        done.fail_all(steps, &sentence(&trouble));
        done.troubles.push(trouble);
    }

    /// Writes the failure of a change down, for each of its mitigations.
    pub(crate) fn record_failure(&self, steps: &[Step], error: &str, done: &mut Done) {
        let ids = steps.iter().flat_map(Step::mitigations);
        let entries: Vec<_> = ids.map(|id| Entry::new(Event::Failed, id.as_str(), error)).collect();
        self.record(&entries, done);
    }

    /// Adds lines to the audit trail. That they cannot be written keeps nothing from being done, and
    /// is told once.
    pub(crate) fn record(&self, entries: &[Entry<'_>], done: &mut Done) {
        let recorded = self.store.record((self.now)(), self.by, entries);
        let is_told = |trouble: &Trouble| matches!(trouble, Trouble::NotAudited(_));
        match recorded {
            Err(why) if !done.troubles.iter().any(is_told) => {
                done.troubles.push(Trouble::NotAudited(why));
            }
            Ok(()) | Err(_) => {}
        }
    }
}
