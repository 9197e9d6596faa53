//! Carries out the part of a plan that is IIS's: capture, replace, read back, judge, commit; or put
//! everything back.

use stopgap_edit::iis::File;
use stopgap_host::ReplaceError;
use stopgap_model::{ActionId, Digest, MitigationId, ServerPath};
use stopgap_plan::{FileEdit, Ground, Plan, Probes, Step, breaks, verify};
use stopgap_store::{Change, Event, Status};

use crate::collect::{Collected, collect};
use crate::files::{make, sentence};
use crate::{CycleError, Engine};

/// What became of an attempt.
#[derive(Debug)]
pub(crate) enum Attempt {
    /// It is done.
    Done,
    /// Nothing stayed changed; the error is in the change record.
    Undone,
    /// A file was changed by somebody else since the plan was made: a new plan is needed.
    Stale(ServerPath),
}

/// What became of writing the files of a change.
pub(crate) enum Written {
    /// All are written.
    All,
    /// One could not be; so many were, or may have been.
    Failed(usize, String),
    /// One was changed by somebody else; so many were written before it.
    Stale(usize, ServerPath),
}

impl Engine<'_> {
    /// Makes one attempt at the files of IIS in `plan`.
    pub(crate) fn attempt(&self, plan: &Plan) -> Result<Attempt, CycleError> {
        // Asked to stop before anything was begun: nothing was tried, so nothing failed.
        if self.asked_to_stop() {
            return Ok(Attempt::Undone);
        }
        let mut change = self.store.begin((self.now)(), self.by, &plan.edits, &plan.steps)?;
        match self.write(&plan.edits) {
            Written::All => {}
            Written::Failed(made, why) => return self.give_up(change, made, why),
            Written::Stale(made, path) => {
                self.undo(&mut change, made, "a file changed after the plan was made", None)?;
                return Ok(Attempt::Stale(path));
            }
        }
        if let Err(why) = self.judge(plan) {
            return self.give_up(change, plan.edits.len(), why);
        }
        change.status = Status::Committed;
        self.store.save_change(&change)?;
        self.record_steps(&plan.steps)?;
        Ok(Attempt::Done)
    }

    /// Writes each file, as long as it is the one that the plan was made from.
    pub(crate) fn write(&self, edits: &[FileEdit]) -> Written {
        for (made, edit) in edits.iter().enumerate() {
            if self.asked_to_stop() {
                return Written::Failed(made, "the program was asked to stop".into());
            }
            let before = edit.before.as_deref().map(Digest::of);
            match make(self.host, &edit.path, before, edit.after.as_deref()) {
                Ok(()) => {}
                Err(ReplaceError::Changed { .. }) => {
                    return Written::Stale(made, edit.path.clone());
                }
                // Some errors come after the file took its place, so this one is looked at too.
                Err(error) => return Written::Failed(made + 1, sentence(&error)),
            }
        }
        Written::All
    }

    /// Reads the server again and judges what is there now.
    fn judge(&self, plan: &Plan) -> Result<(), String> {
        let Collected { snapshot, facts, .. } = collect(self.host, self.declared);
        for edit in &plan.edits {
            if snapshot.file(&edit.path).and_then(File::bytes) != edit.after.as_deref() {
                return Err(format!("{} does not read back as it was written", edit.path));
            }
        }
        let mut before = snapshot.clone();
        for edit in &plan.edits {
            before = before
                .with_file(&edit.path, edit.before.clone().unwrap_or_default())
                .map_err(|error| error.to_string())?;
        }
        let (before, ground) = (Ground::new(&before), Ground::new(&snapshot));
        for mitigation in self.catalog.mitigations() {
            let inserted: Vec<ActionId> = plan
                .steps
                .iter()
                .filter_map(|step| match step {
                    Step::Insert(placed) if placed.mitigation == mitigation.id => {
                        Some(placed.action.clone())
                    }
                    Step::Insert(_) | Step::Remove { .. } | Step::Rules { .. } => None,
                })
                .collect();
            if !inserted.is_empty() {
                if let Some(why) = breaks(&before, &ground, mitigation, &inserted) {
                    return Err(why);
                }
                verify(mitigation, &inserted, &facts, &ground, Probes::All)
                    .map_err(|why| why.to_string())?;
            }
        }
        Ok(())
    }

    fn give_up(
        &self,
        mut change: Change,
        made: usize,
        error: String,
    ) -> Result<Attempt, CycleError> {
        self.undo(&mut change, made, &error, None)?;
        self.record_failure(&change, &error)?;
        Ok(Attempt::Undone)
    }

    /// Writes the failure of a change down, for each of its mitigations.
    pub(crate) fn record_failure(&self, change: &Change, error: &str) -> Result<(), CycleError> {
        let mut ids: Vec<&MitigationId> = Vec::new();
        for step in &change.steps {
            match step {
                Step::Insert(placed) => ids.push(&placed.mitigation),
                Step::Remove { mitigation, .. } => ids.push(mitigation),
                Step::Rules { rules, put_in, taken_out, .. } => {
                    let put_in = rules.iter().filter(|placed| put_in.contains(&placed.action));
                    ids.extend(put_in.map(|placed| &placed.mitigation));
                    ids.extend(taken_out.iter().map(|out| &out.mitigation));
                }
            }
        }
        for id in ids {
            self.store.record((self.now)(), self.by, Event::Failed, id.as_str(), error)?;
        }
        Ok(())
    }

    /// Puts back the first `made` files of `change`; `fault` is the mitigation that it is because of,
    /// where that is known.
    pub(crate) fn undo(
        &self,
        change: &mut Change,
        made: usize,
        error: &str,
        fault: Option<&MitigationId>,
    ) -> Result<(), CycleError> {
        let all_back = self.put_all_back(change, made, error)?;
        // Where somebody wrote over our bytes, what of ours is still there is seen by looking.
        change.status = if all_back {
            Status::Undone { error: error.to_owned(), fault: fault.cloned() }
        } else {
            Status::Interrupted
        };
        Ok(self.store.save_change(change)?)
    }

    pub(crate) fn record_steps(&self, steps: &[Step]) -> Result<(), CycleError> {
        let inserts: Vec<&ActionId> = steps
            .iter()
            .filter(|step| matches!(step, Step::Insert(_)))
            .flat_map(Step::actions)
            .collect();
        for step in steps {
            let (event, id, detail) = match step {
                Step::Insert(placed) => {
                    let detail = format!("{} in {}", placed.action, list(&placed.files()));
                    (Event::Applied, &placed.mitigation, detail)
                }
                // A rule that is taken out to be put in anew is not withdrawn.
                Step::Remove { action, .. } if inserts.contains(&action) => continue,
                Step::Remove { mitigation, action, files, why } => {
                    (Event::Withdrawn, mitigation, format!("{action} from {}: {why}", list(files)))
                }
                Step::Rules { .. } => {
                    self.record_rules(step)?;
                    continue;
                }
            };
            self.store.record((self.now)(), self.by, event, id.as_str(), &detail)?;
        }
        Ok(())
    }

    fn record_rules(&self, step: &Step) -> Result<(), CycleError> {
        let Step::Rules { server, rules, put_in, taken_out, .. } = step else { return Ok(()) };
        for placed in rules.iter().filter(|placed| put_in.contains(&placed.action)) {
            let detail = format!("{} on {server}", placed.action);
            let id = placed.mitigation.as_str();
            self.store.record((self.now)(), self.by, Event::Applied, id, &detail)?;
        }
        for out in taken_out {
            let detail = format!("{} from {server}: {}", out.action, out.why);
            let id = out.mitigation.as_str();
            self.store.record((self.now)(), self.by, Event::Withdrawn, id, &detail)?;
        }
        Ok(())
    }
}

fn list(files: &[ServerPath]) -> String {
    files.iter().map(ServerPath::as_str).collect::<Vec<_>>().join(", ")
}
