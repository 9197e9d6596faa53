//! What a kind of target says of the steps of a transaction.

use stopgap_host::Stop;
use stopgap_model::{Digest, MitigationId, Reasons, ServerPath};
use stopgap_plan::{FileEdit, Step, TargetId};

use crate::failure::{Failure, Retry};
use crate::learned::Learned;
use crate::probing::Seen;
use crate::trouble::Trouble;

/// The change of one target, and how that target is asked, told and checked.
///
/// A step that a kind of target does not have keeps its default, which does nothing.
pub(crate) trait Effect<'p> {
    /// Returns what is changed.
    fn target(&self) -> TargetId;

    /// Returns what the change consists of.
    fn steps(&self) -> &'p [Step];

    /// Returns the files that are replaced, created or removed, each once.
    fn edits(&self) -> &'p [FileEdit];

    /// Returns whether the change installs anything that did not fail when it was last tried.
    fn has_untried(&self) -> bool {
        false
    }

    /// Asks the target whether it would take the change, before anything is written.
    ///
    /// # Errors
    /// It would not, or it takes no change at all as it is.
    fn preflight(&mut self, _: &Learned, _: &Stop<'_>) -> Result<(), Unfit> {
        Ok(())
    }

    /// Records how the target behaves before the change; [`Effect::verify`] compares with it.
    fn baseline(&mut self, _: &Stop<'_>) {}

    /// Returns whether a later plan can leave this file as it is.
    fn can_leave_out(&self, _: &ServerPath) -> bool {
        false
    }

    /// Returns whether a file that is left as it is costs the protection of a part of the target only,
    /// so that the rest need not wait for it.
    fn is_partial_without(&self, _: &ServerPath) -> bool {
        false
    }

    /// Changes what is no file, before the target is made to use the change.
    ///
    /// # Errors
    /// It could not. What was changed by then is taken back by [`Effect::restore`].
    fn set_up(&mut self) -> Result<(), Failure> {
        Ok(())
    }

    /// Reads the target's configuration again: exactly what was planned must be there.
    ///
    /// # Errors
    /// It is not, or cannot be read.
    fn read_back(&mut self, learned: &Learned) -> Result<(), Failure>;

    /// Makes the target use what was written.
    ///
    /// # Errors
    /// It does not.
    fn take_effect(&mut self, _: &Stop<'_>) -> Result<Taken, Failure> {
        Ok(Taken::InForce)
    }

    /// Checks that the target does what it should with the change, and everything else as before.
    ///
    /// # Errors
    /// It does not.
    fn verify(&mut self, stop: &Stop<'_>) -> Result<Seen, Failure>;

    /// Makes the target use what was put back, and checks that it behaves as before the change.
    ///
    /// # Errors
    /// It does not.
    fn restore(&mut self) -> Result<Restored, RestoreError> {
        Ok(Restored::InForce)
    }

    /// Returns what a person should know of a change that was committed, though it keeps nothing else from
    /// being done.
    fn troubles(&self) -> Vec<Trouble> {
        Vec::new()
    }

    /// Returns when a change is tried again that was verified and could not be written down: the target is
    /// not at fault, but each attempt may cost it something.
    fn retry_unrecorded(&self) -> Retry {
        Retry::NextCheck
    }

    /// Returns the digest of what was tried and with what, for the change that `blamed` alone or, without
    /// one, everything in it made fail. It is taken after the rollback.
    fn tried(&self, blamed: Option<&MitigationId>) -> Digest;
}

/// Why a change is not begun.
pub(crate) enum Unfit {
    /// The target refuses its configuration without our change: it is left alone. Why.
    Target(Reasons),
    /// The change does not pass.
    Change(Failure),
    /// The wait for an answer was ended.
    Stopped,
    /// The target is not as the plan was made from.
    Changed,
}

/// What became of what was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// The target uses it now.
    InForce,
    /// The target does not run: it will use it when it is started.
    NotRunning,
}

/// Why a target is not as before a change that was rolled back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RestoreError {
    /// All was put back, and it does not behave as before.
    NotAsBefore(Reasons),
    /// Not all could be put back, a sentence without a full stop: the change stays open, and the next cycle
    /// tries again.
    NotUndone(String),
}

/// What became of what was put back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Restored {
    /// The target uses it.
    InForce,
    /// The target refuses even that, and goes on as before with what it had loaded: so the change was
    /// not the cause.
    Refused,
}
