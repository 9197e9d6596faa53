//! Rolls back what an earlier run left unfinished; the cycle that follows decides anew.

use stopgap_store::{Change, Entry, Event, Status};

use crate::effect::{recover, restore_recovered};
use crate::engine::{CycleError, Engine};
use crate::progress::Progress;
use crate::trouble::Trouble;

/// Why a change is rolled back that a crash cut short.
const CUT_SHORT: &str = "it was cut short";

impl Engine<'_> {
    /// Rolls back every change that is still only intended, whatever becomes of the others, and removes what
    /// was left lying in the state folder.
    ///
    /// # Errors
    /// The change records cannot be read.
    pub(crate) fn recover(&self, progress: &mut Progress) -> Result<(), CycleError> {
        // Read before anything is removed: what a newer version wrote may have other names.
        let changes = self.store.changes()?;
        if let Err(why) = self.store.sweep() {
            progress.troubles.push(Trouble::NotSwept(why));
        }
        // The youngest first: one may have been made on top of another.
        for change in changes.into_iter().rev() {
            if change.status == Status::Intended {
                self.recover_from(change, progress);
            }
        }
        Ok(())
    }

    fn recover_from(&self, mut change: Change, progress: &mut Progress) {
        let before = change.failed_rollback.take();
        let is_new = before.is_none();
        let error = before.map_or_else(|| CUT_SHORT.to_owned(), |failed| failed.error);
        let back = self.put_all_back(&change, change.files.len());
        let (number, whole) = (change.number, back.left.is_empty());
        let error = progress.idle(&change, error, back.idle);
        let (not_undone, not_started) = match recover(self, &change) {
            Ok(not_started) => (None, not_started),
            Err(why) => (Some(why), String::new()),
        };
        let is_restored = whole && not_undone.is_none();
        // As long as a file is still to be put back, the target is told once and not at every check.
        let not_taken =
            if is_restored || is_new { restore_recovered(self, &change) } else { Vec::new() };
        let mut told = if !whole {
            let told = progress.not_restored(&mut change, error, back.left);
            format!("change {number} is still to be rolled back: {told}")
        } else if let Some(why) = not_undone {
            let told = progress.not_given_back(&mut change, error, why);
            format!("change {number} is still to be rolled back: {told}")
        } else if back.as_before {
            // What was cut short did not fail.
            change.status = match is_new {
                true => Status::Halted { why: error },
                false => Status::Undone { error, fault: None, attempt: None },
            };
            format!("change {number} was cut short and rolled back")
        } else {
            change.status = Status::Interrupted;
            format!("change {number} was cut short, and a file was changed since")
        };
        if !not_started.is_empty() {
            let (target, error) = (change.target(), CUT_SHORT.to_owned());
            let trouble = Trouble::NotGivenBack { target, error, why: not_started };
            told = format!("{told}; {trouble}");
            progress.troubles.push(trouble);
        }
        for trouble in not_taken {
            told = format!("{told}; {trouble}");
            progress.troubles.push(trouble);
        }
        if let Err(why) = self.store.save_change(&change) {
            progress.not_recorded(&change, why);
        }
        // A change that stays stuck is recorded once.
        if is_restored || is_new {
            self.record(&[Entry::new(Event::Recovered, "", told)], progress);
        }
    }
}
