//! Carries out a plan: capture, replace, read back, judge, commit; or put everything back.

use stopgap_edit::iis::{File, MAX_FILE_BYTES};
use stopgap_host::{Read, ReplaceError};
use stopgap_model::{ActionId, Digest, ServerPath};
use stopgap_plan::{Ground, Plan, Probes, Step, breaks, verify};
use stopgap_store::{Change, Event, FileChange, Status};

use crate::collect::{Collected, collect};
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

impl Engine<'_> {
    /// Makes one attempt at `plan`.
    pub(crate) fn attempt(&self, plan: &Plan) -> Result<Attempt, CycleError> {
        // Asked to stop before anything was begun: nothing was tried, so nothing failed.
        if self.asked_to_stop() {
            return Ok(Attempt::Undone);
        }
        let mut change = self.store.begin((self.now)(), self.by, &plan.edits, &plan.steps)?;
        for (made, edit) in plan.edits.iter().enumerate() {
            if self.asked_to_stop() {
                return self.give_up(change, made, "the program was asked to stop".into());
            }
            let before = Digest::of(&edit.before);
            match self.host.replace(&edit.path, before, &edit.after) {
                Ok(()) => {}
                Err(ReplaceError::Changed { .. }) => {
                    self.undo(&mut change, made, "a file changed after the plan was made")?;
                    return Ok(Attempt::Stale(edit.path.clone()));
                }
                // Some errors come after the file took its place, so this one is looked at too.
                Err(error) => return self.give_up(change, made + 1, sentence(&error)),
            }
        }
        if let Err(why) = self.judge(plan) {
            return self.give_up(change, plan.edits.len(), why);
        }
        change.status = Status::Committed;
        self.store.save_change(&change)?;
        self.record_steps(plan)?;
        Ok(Attempt::Done)
    }

    /// Reads the server again and judges what is there now.
    fn judge(&self, plan: &Plan) -> Result<(), String> {
        let Collected { snapshot, facts } = collect(self.host);
        for edit in &plan.edits {
            if snapshot.file(&edit.path).and_then(File::bytes) != Some(edit.after.as_slice()) {
                return Err(format!("{} does not read back as it was written", edit.path));
            }
        }
        let mut before = snapshot.clone();
        for edit in &plan.edits {
            before = before
                .with_file(&edit.path, edit.before.clone())
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
                    Step::Insert(_) | Step::Remove { .. } => None,
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
        self.undo(&mut change, made, &error)?;
        for step in &change.steps {
            let id = match step {
                Step::Insert(placed) => placed.mitigation.as_str(),
                Step::Remove { mitigation, .. } => mitigation.as_str(),
            };
            self.store.record((self.now)(), self.by, Event::Failed, id, &error)?;
        }
        Ok(Attempt::Undone)
    }

    /// Puts back the first `made` files of `change`.
    fn undo(&self, change: &mut Change, made: usize, error: &str) -> Result<(), CycleError> {
        let mut all_back = true;
        for file in change.files.iter().take(made) {
            all_back &= self.put_back(change, file).map_err(|why| CycleError::NotUndone {
                error: error.to_owned(),
                file: file.path.clone(),
                why: Box::new(why),
                image: format!("changes/{:06}/{}", change.number, file.image),
            })?;
        }
        // Where somebody wrote over our bytes, what of ours is still there is seen by looking.
        change.status =
            if all_back { Status::Undone { error: error.to_owned() } } else { Status::Interrupted };
        Ok(self.store.save_change(change)?)
    }

    /// Puts a file back if it has the change's bytes. Answers whether it has its bytes of before.
    pub(crate) fn put_back(
        &self,
        change: &Change,
        file: &FileChange,
    ) -> Result<bool, ReplaceError> {
        let _ = self.host.remove_leftover(&file.path);
        let image = match self.store.image(change.number, file) {
            Ok(image) => image,
            // Without the image the file is left as it is, and that is told as a change of it.
            Err(_) => return Ok(false),
        };
        // A file that the change did not come to is not touched, whoever holds it.
        if let Read::Found(bytes) = self.host.read(&file.path, MAX_FILE_BYTES as u64)
            && Digest::of(&bytes) == file.before
        {
            return Ok(true);
        }
        match self.host.replace(&file.path, file.after, &image) {
            Ok(()) => Ok(true),
            Err(ReplaceError::Changed { found, .. }) => Ok(found == file.before),
            Err(error) => Err(error),
        }
    }

    fn record_steps(&self, plan: &Plan) -> Result<(), CycleError> {
        let inserts: Vec<_> = plan
            .steps
            .iter()
            .filter(|step| matches!(step, Step::Insert(_)))
            .map(Step::action)
            .collect();
        for step in &plan.steps {
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
            };
            self.store.record((self.now)(), self.by, event, id.as_str(), &detail)?;
        }
        Ok(())
    }
}

fn list(files: &[ServerPath]) -> String {
    files.iter().map(ServerPath::as_str).collect::<Vec<_>>().join(", ")
}

/// An error with its causes, as one sentence.
fn sentence(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {}", sentence(cause)),
        None => error.to_string(),
    }
}
