//! One attempt at the change of one target, the same for every kind of target:
//!
//! preflight → baseline → record → write → read back → take effect → verify → commit, or roll back.
//!
//! Each attempt ends with an [`Outcome`]. What goes wrong on the way is never an error of the cycle: the
//! other targets are attempted, and the report is made.

use stopgap_host::{Read, ReplaceError, ReplaceMethod};
use stopgap_model::problem::sentence;
use stopgap_model::reason::{ChangeReason, FileReason};
use stopgap_model::{Digest, MitigationId, Reasons, ServerPath};
use stopgap_plan::{FileEdit, Step};
use stopgap_store::{Change, Status, StoreError};
use stopgap_webserver::MAX_TOTAL_BYTES;

use crate::effect::{Effect, Taken, Unfit};
use crate::engine::Engine;
use crate::failure::{Failure, Retry};
use crate::files::make;
use crate::probing::Seen;
use crate::progress::Progress;
use crate::rollback::{Cause, Rollback};
use crate::stop::{Halt, Watch};
use crate::timing::Stopwatch;
use crate::trail::list;
use crate::trouble::Trouble;

/// Why nothing more is tried with a target that somebody else changes all the time.
const NOT_AT_REST: &str = "it was changed by somebody else each time a plan was made";

/// How an attempt at the change of one target ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was made, verified and recorded; what was seen.
    Committed(Seen),
    /// It failed. What is not as before is among the troubles.
    Failed,
    /// Everything is as before, and another plan is needed: a file was changed by somebody else, or one
    /// mitigation alone is to blame.
    Replan,
    /// The target refuses its own configuration as it is, and was left alone. Why.
    Refused(Reasons),
    /// The cycle is to stop; whether the change was begun, which was rolled back then.
    Halted(Halt, bool),
}

/// One attempt. A step that ends the attempt returns its outcome as the error.
struct Transaction<'t, 'p> {
    engine: &'t Engine<'t>,
    effect: &'t mut dyn Effect<'p>,
    watch: &'t Watch<'t>,
    progress: &'t mut Progress,
    stopwatch: Stopwatch,
}

impl Engine<'_> {
    /// Makes one attempt at the change of one target.
    pub(crate) fn transact(
        &self,
        effect: &mut dyn Effect<'_>,
        watch: &Watch<'_>,
        progress: &mut Progress,
    ) -> Outcome {
        progress.attempts += 1;
        let target = effect.target();
        let stopwatch = Stopwatch::start();
        let mut transaction = Transaction { engine: self, effect, watch, progress, stopwatch };
        let attempt = transaction.attempt();
        let timing = target
            .server()
            .map(|server| transaction.stopwatch.stop(server.clone(), attempt.is_ok()));
        progress.timings.extend(timing);
        match attempt {
            Ok(seen) => Outcome::Committed(seen),
            Err(outcome) => outcome,
        }
    }
}

impl Transaction<'_, '_> {
    fn attempt(&mut self) -> Result<Seen, Outcome> {
        self.go_on()?;
        self.preflight()?;
        self.baseline()?;
        self.outdate_evidence();
        let mut change = self.begin()?;
        self.write(&mut change)?;
        match self.take_effect_and_verify() {
            Ok(seen) => self.commit(change, seen),
            Err(failure) => Err(self.fail_in_force(change, failure)),
        }
    }

    /// Ends the attempt before anything is begun, if the cycle is to stop.
    fn go_on(&self) -> Result<(), Outcome> {
        self.watch.before_a_step().map_or(Ok(()), |halt| Err(Outcome::Halted(halt, false)))
    }

    fn preflight(&mut self) -> Result<(), Outcome> {
        let Self { effect, watch, progress, stopwatch, .. } = self;
        let steps = effect.steps();
        let stop = || watch.ends_waiting(steps);
        let fit = stopwatch.waiting(|| effect.preflight(&progress.learned, &stop));
        // What was ended by a decision says nothing about the change.
        if let Some(halt) = watch.during(steps) {
            return Err(Outcome::Halted(halt, false));
        }
        match fit {
            Ok(()) => Ok(()),
            Err(Unfit::Changed) if progress.is_last_plan() => {
                let change = self.begin()?;
                Err(self.fail(change, 0, Failure::without_cost(NOT_AT_REST)))
            }
            Err(Unfit::Stopped | Unfit::Changed) => Err(Outcome::Replan),
            Err(Unfit::Target(why)) => Err(Outcome::Refused(why)),
            // It gets a record, by which the same is not tried at each check.
            Err(Unfit::Change(failure)) => {
                let change = self.begin()?;
                Err(self.fail(change, 0, failure))
            }
        }
    }

    fn baseline(&mut self) -> Result<(), Outcome> {
        let Self { effect, watch, stopwatch, .. } = self;
        let steps = effect.steps();
        let stop = || watch.ends_waiting(steps);
        stopwatch.waiting(|| effect.baseline(&stop));
        self.go_on()
    }

    /// What was seen of the mitigations that the change is about shows how it was from now on, and not how it
    /// is: also if the program is killed half-way.
    fn outdate_evidence(&mut self) {
        if let Some(server) = self.effect.target().server() {
            let mitigations: Vec<&MitigationId> =
                self.effect.steps().iter().flat_map(Step::mitigations).collect();
            self.engine.outdate_evidence(server, &mitigations, self.progress);
        }
    }

    /// Writes the intent and the bytes of each file before the change to the disk. Without them nothing is
    /// changed.
    fn begin(&mut self) -> Result<Change, Outcome> {
        let (engine, steps) = (self.engine, self.effect.steps());
        let begun = engine.store.begin((engine.now)(), engine.by, self.effect.edits(), steps);
        begun.map_err(|why| {
            let trouble = Trouble::NotBegun { target: self.effect.target(), why };
            self.progress.learned.fail_all(steps, &sentence(&trouble));
            self.progress.troubles.push(trouble);
            Outcome::Failed
        })
    }

    /// Writes each file, as long as it is the one that the plan was made from.
    fn write(&mut self, change: &mut Change) -> Result<(), Outcome> {
        if let Err(why) = self.keep_after(change) {
            return Err(self.fail(change.clone(), 0, Failure::without_cost(sentence(&why))));
        }
        let edits = self.effect.edits();
        for (made, edit) in edits.iter().enumerate() {
            self.go_on_with(change, made)?;
            let before = edit.before.as_deref().map(Digest::of);
            match make(self.engine.host, &edit.path, before, edit.after.as_deref()) {
                Ok(()) => {}
                Err(ReplaceError::Changed { .. }) => {
                    return Err(self.changed_meanwhile(change, made));
                }
                Err(error) => return Err(self.not_written(change, made, &edit.path, &error)),
            }
        }
        self.go_on_with(change, edits.len())
    }

    /// Keeps the bytes after the change too of each file that is written in place: by them one that was cut
    /// short in that is known as ours.
    fn keep_after(&self, change: &mut Change) -> Result<(), StoreError> {
        for (number, edit) in self.effect.edits().iter().enumerate() {
            let Some(after) = edit.after.as_deref().filter(|_| edit.before.is_some()) else {
                continue;
            };
            if self.engine.host.replace_method(&edit.path) == Ok(ReplaceMethod::InPlace) {
                self.engine.store.keep_after(change, number, after)?;
            }
        }
        Ok(())
    }

    /// Rolls a change back of which `made` files are made, if the cycle is to stop.
    fn go_on_with(&mut self, change: &Change, made: usize) -> Result<(), Outcome> {
        let Some(halt) = self.watch.during(&change.steps) else { return Ok(()) };
        let cause = Cause::Halted(halt.clone());
        let may_be_in_force = false;
        self.roll_back(Rollback { change: change.clone(), made, cause, may_be_in_force });
        Err(Outcome::Halted(halt, true))
    }

    /// Somebody changed a file since the plan was made: the next plan is made from what is there now.
    fn changed_meanwhile(&mut self, change: &Change, made: usize) -> Outcome {
        let paths = self.changed_files(made);
        if self.progress.is_last_plan() {
            let failure = Failure::without_cost(keeps_changing(&paths));
            return self.fail(change.clone(), made, failure);
        }
        self.leave_out_if_again(&paths);
        let why = format!("{} was changed by somebody else after the plan was made", list(&paths));
        self.replan(change.clone(), made, why)
    }

    /// Returns the files from the one of this number on that are not any more what the plan was made from;
    /// that one at least.
    fn changed_files(&self, first: usize) -> Vec<ServerPath> {
        let edits = self.effect.edits().iter().enumerate().skip(first);
        let is_changed = |(at, edit): &(usize, &FileEdit)| {
            *at == first || !self.has_bytes(&edit.path, edit.before.as_deref())
        };
        edits.filter(is_changed).map(|(_, edit)| edit.path.clone()).collect()
    }

    /// Leaves files out of the plans that follow, if they changed under an earlier plan of this cycle too.
    fn leave_out_if_again(&mut self, paths: &[ServerPath]) {
        if self.progress.is_first_plan() {
            return;
        }
        for path in paths {
            self.leave_out(path, keeps_changing(std::slice::from_ref(path)).into());
        }
    }

    fn leave_out(&mut self, path: &ServerPath, why: Reasons) {
        if let Some(server) = self.effect.target().server()
            && self.effect.can_leave_out(path)
        {
            self.progress.learned.leave_out(server, path, why);
        }
    }

    /// A file cannot be written. Where it costs a part of the target only, the rest is tried without it.
    fn not_written(
        &mut self,
        change: &Change,
        made: usize,
        path: &ServerPath,
        error: &ReplaceError,
    ) -> Outcome {
        // Some errors come after the file took its place, so it is put back too.
        let (made, why) = (made + 1, FileReason::from(error));
        if self.can_do_without(path) {
            self.leave_out(path, why.clone().into());
            return self.replan(change.clone(), made, why.to_string());
        }
        self.fail(change.clone(), made, Failure::without_cost(why))
    }

    fn can_do_without(&self, path: &ServerPath) -> bool {
        self.effect.is_partial_without(path) && !self.progress.is_last_plan()
    }

    fn has_bytes(&self, path: &ServerPath, bytes: Option<&[u8]>) -> bool {
        match (self.engine.host.read(path, MAX_TOTAL_BYTES as u64), bytes) {
            (Read::Found(now), Some(bytes)) => now == bytes,
            (Read::Absent, None) => true,
            _ => false,
        }
    }

    fn take_effect_and_verify(&mut self) -> Result<Seen, Failure> {
        let Self { effect, watch, progress, stopwatch, .. } = self;
        effect.set_up()?;
        effect.read_back(&progress.learned)?;
        let steps = effect.steps();
        let stop = || watch.ends_waiting(steps);
        if stopwatch.waiting(|| effect.take_effect(&stop))? == Taken::InForce {
            stopwatch.note_enforced();
        }
        stopwatch.waiting(|| effect.verify(&stop))
    }

    /// Writes down that the change is made and verified. Without that record it is rolled back.
    fn commit(&mut self, mut change: Change, seen: Seen) -> Result<Seen, Outcome> {
        change.status = Status::Committed;
        match self.engine.store.save_change(&change) {
            Ok(()) => {
                self.engine.record_steps(&change.steps, self.progress);
                Ok(seen)
            }
            Err(why) => {
                change.status = Status::Intended;
                let told = format!("it could not be written down: {}", sentence(&why));
                self.progress.not_recorded(&change, why);
                let retry = self.effect.retry_unrecorded();
                Err(self.fail_in_force(change, Failure { retry, ..Failure::temporary(told) }))
            }
        }
    }

    /// Rolls a change back that the target may use by now.
    fn fail_in_force(&mut self, change: Change, mut failure: Failure) -> Outcome {
        let made = self.effect.edits().len();
        let overwritten = self.overwritten();
        // What was not waited for to its end is nobody's fault.
        if let Some(halt) = self.watch.during(&change.steps) {
            let cause = Cause::Halted(halt.clone());
            self.roll_back(Rollback { change, made, cause, may_be_in_force: true });
            return Outcome::Halted(halt, true);
        }
        if !overwritten.is_empty() {
            // The same need not fail again without what somebody else wrote.
            failure.retry = Retry::NextCheck;
        }
        failure.blamed = failure.blamed.filter(|blamed| concerns_others(&change.steps, blamed));
        let is_blamed = failure.blamed.is_some();
        let cause = Cause::Failed(failure);
        let whole = self.roll_back(Rollback { change, made, cause, may_be_in_force: true });
        if whole && !overwritten.is_empty() {
            self.leave_out_if_again(&overwritten);
            return Outcome::Replan;
        }
        self.after_failure(whole && is_blamed)
    }

    /// Returns the files that the rest can do without and that somebody else wrote over since we did: what is
    /// wrong may be that.
    fn overwritten(&self) -> Vec<ServerPath> {
        let edits = self.effect.edits().iter();
        let could_go = edits.filter(|edit| self.can_do_without(&edit.path));
        let over = could_go.filter(|edit| !self.has_bytes(&edit.path, edit.after.as_deref()));
        over.map(|edit| edit.path.clone()).collect()
    }

    /// Rolls a change back that failed before the target was told of it.
    fn fail(&mut self, change: Change, made: usize, failure: Failure) -> Outcome {
        let is_blamed = failure.blamed.is_some();
        let cause = Cause::Failed(failure);
        let whole = self.roll_back(Rollback { change, made, cause, may_be_in_force: false });
        self.after_failure(whole && is_blamed)
    }

    /// Where one mitigation alone is to blame, the others are tried again without it, as long as any of them
    /// was not tried before.
    fn after_failure(&self, by_one: bool) -> Outcome {
        if by_one && self.effect.has_untried() { Outcome::Replan } else { Outcome::Failed }
    }

    /// Rolls a change back that is made again in another way at once.
    fn replan(&mut self, change: Change, made: usize, why: String) -> Outcome {
        let cause = Cause::Replanned(why);
        let whole = self.roll_back(Rollback { change, made, cause, may_be_in_force: false });
        if whole { Outcome::Replan } else { Outcome::Failed }
    }

    fn roll_back(&mut self, rollback: Rollback) -> bool {
        self.engine.roll_back(self.effect, rollback, self.progress)
    }
}

/// Why nothing more is tried with files that somebody else changes all the time.
fn keeps_changing(paths: &[ServerPath]) -> ChangeReason {
    let files = paths.iter().map(ToString::to_string).collect();
    ChangeReason::KeepsChanging { files }
}

/// Returns whether steps install something of another mitigation too.
fn concerns_others(steps: &[Step], blamed: &MitigationId) -> bool {
    steps.iter().flat_map(Step::installed).any(|id| id != blamed)
}
