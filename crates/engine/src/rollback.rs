//! Rolls a change back that was begun, and writes down the outcome.

use stopgap_model::{MitigationId, Reasons};
use stopgap_plan::TargetId;
use stopgap_store::{Change, Entry, Event, FailedAttempt, Status};

use crate::effect::{Effect, RestoreError, Restored};
use crate::engine::Engine;
use crate::failure::{Failure, Retry};
use crate::files::PutBack;
use crate::progress::Progress;
use crate::stop::Halt;
use crate::trouble::Trouble;

/// A change that is to be rolled back.
pub(crate) struct Rollback {
    pub(crate) change: Change,
    /// How many of its files were made, or may have been.
    pub(crate) made: usize,
    pub(crate) cause: Cause,
    /// Whether the target may use what was written, so that it must be made to use what is put back.
    pub(crate) may_be_in_force: bool,
}

/// Why a change is rolled back.
pub(crate) enum Cause {
    /// It failed.
    Failed(Failure),
    /// The cycle is to stop. It did not fail.
    Halted(Halt),
    /// It is made again in another way at once. Why, as a sentence without a full stop.
    Replanned(String),
}

impl Cause {
    fn why(&self) -> String {
        match self {
            Self::Failed(failure) => failure.why.clone(),
            Self::Halted(halt) => halt.to_string(),
            Self::Replanned(why) => why.clone(),
        }
    }
}

impl Engine<'_> {
    /// Puts the files back, makes the target use them, and writes the outcome into the change record and
    /// the audit trail. Returns whether everything is as before.
    pub(crate) fn roll_back(
        &self,
        effect: &mut dyn Effect<'_>,
        rollback: Rollback,
        progress: &mut Progress,
    ) -> bool {
        let Rollback { mut change, made, cause, may_be_in_force } = rollback;
        let back = self.put_all_back(&change, made);
        let mut why = cause.why();
        // Before it is written down: after a kill in between, the next cycle does it again.
        let restored = if may_be_in_force { effect.restore() } else { Ok(Restored::InForce) };
        if restored == Ok(Restored::Refused) {
            why.push_str("; it does not take what was put back either");
        }
        let whole = back.left.is_empty() && restored.is_ok();
        let mut not_undone = None;
        match restored {
            Err(RestoreError::NotAsBefore(still)) if back.left.is_empty() => {
                let trouble = not_as_before(effect.target(), why, still);
                why = trouble.to_string();
                progress.troubles.push(trouble);
            }
            Err(RestoreError::NotUndone(still)) => not_undone = Some(still),
            Ok(_) | Err(RestoreError::NotAsBefore(_)) => {}
        }
        let status = status(effect, &cause, whole);
        let left = Left { files: back, not_undone };
        let why = self.close(&mut change, status, why, left, progress);
        match cause {
            Cause::Failed(_) => self.record_failure(&change.steps, &why, progress),
            Cause::Halted(_) => {
                let detail = format!("change {} was rolled back: {why}", change.number);
                self.record(&[Entry::new(Event::Halted, "", detail)], progress);
            }
            // The next attempt is recorded.
            Cause::Replanned(_) => {}
        }
        whole
    }

    /// Writes the outcome of a change that was rolled back into its record, and returns what went wrong. As
    /// long as a file is still to be put back the change stays intended, and the next cycle tries again.
    fn close(
        &self,
        change: &mut Change,
        status: impl FnOnce(String) -> Status,
        why: String,
        left: Left,
        progress: &mut Progress,
    ) -> String {
        let Left { files: back, not_undone } = left;
        let mut why = progress.idle(change, why, back.idle);
        if !back.left.is_empty() {
            why = progress.not_restored(change, why, back.left);
        } else if let Some(still) = not_undone {
            why = progress.not_given_back(change, why, still);
        } else if back.as_before {
            change.status = status(why.clone());
        } else {
            // Somebody wrote over our bytes: what of ours is still there is seen by looking.
            change.status = Status::Interrupted;
        }
        if let Err(error) = self.store.save_change(change) {
            progress.not_recorded(change, error);
            progress.learned.fail_all(&change.steps, &why);
        }
        why
    }
}

/// What a rollback left.
struct Left {
    files: PutBack,
    /// Why something beside files could not be put back, if so.
    not_undone: Option<String>,
}

fn not_as_before(target: TargetId, error: String, why: Reasons) -> Trouble {
    match target {
        TargetId::Services(_) => Trouble::NotGivenBack { target, error, why: why.to_string() },
        TargetId::Iis | TargetId::Web(_) => Trouble::NotHealthy { target, error, why },
    }
}

/// Returns the status of a change whose files are all as before, given what went wrong. Where the target does
/// not behave as before (`whole` is false), that was a failure whatever the cause, and of everything.
fn status<'e>(
    effect: &'e dyn Effect<'_>,
    cause: &'e Cause,
    whole: bool,
) -> impl FnOnce(String) -> Status {
    move |why| {
        let failure = match cause {
            Cause::Halted(_) if whole => return Status::Halted { why },
            Cause::Halted(_) | Cause::Replanned(_) => None,
            Cause::Failed(failure) => Some(failure),
        };
        let blamed = failure.and_then(|failure| failure.blamed.clone()).filter(|_| whole);
        let attempt = failure.and_then(|failure| attempt(effect, failure.retry, blamed.as_ref()));
        Status::Undone { error: why, fault: blamed, attempt }
    }
}

/// Returns with what a change was tried, so that it rests; `None`: it is tried again by the next check.
fn attempt(
    effect: &dyn Effect<'_>,
    retry: Retry,
    blamed: Option<&MitigationId>,
) -> Option<FailedAttempt> {
    let lasting = match retry {
        Retry::NextCheck => return None,
        Retry::Later => false,
        Retry::WhenChanged => true,
    };
    Some(FailedAttempt { with: effect.tried(blamed), lasting })
}
