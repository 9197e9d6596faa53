//! What is decided on one action on one target.

use stopgap_model::report::State;
use stopgap_model::{Reason, Reasons};

/// The decision on one action on one target, where `C` is what the target writes for an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decision<C> {
    /// What the report says, as it is before anything is done.
    pub(crate) status: Status,
    /// What is to be done.
    pub(crate) operation: Operation<C>,
}

/// What a report says of one action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Status {
    pub(crate) state: State,
    pub(crate) reasons: Reasons,
    /// Where it is or would be; empty if nowhere.
    pub(crate) place: String,
    /// What a person should know beside the reasons.
    pub(crate) notes: Vec<Reason>,
    /// The names of the rules found that carry it out.
    pub(crate) rules: Vec<String>,
}

/// What is to be done for one action on one target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Operation<C> {
    /// Nothing: what is there stays.
    None,
    /// Install this, in the place of what is there of ours.
    Install(C),
    /// Remove what is there of ours, for these reasons.
    Remove(Reasons),
}

impl<C> Operation<C> {
    /// Whether nothing is to be done.
    pub(crate) fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }
}

impl Status {
    pub(crate) fn new(state: State, reasons: impl Into<Reasons>) -> Self {
        let (place, notes, rules) = (String::new(), Vec::new(), Vec::new());
        Self { state, reasons: reasons.into(), place, notes, rules }
    }

    /// Adds what a person should know, each thing once.
    pub(crate) fn note(&mut self, notes: impl IntoIterator<Item = Reason>) {
        for note in notes {
            if !self.notes.contains(&note) {
                self.notes.push(note);
            }
        }
    }
}

impl<C> Decision<C> {
    /// Nothing is done.
    pub(crate) fn leave(state: State, reasons: impl Into<Reasons>) -> Self {
        Self { status: Status::new(state, reasons), operation: Operation::None }
    }

    pub(crate) fn noting(mut self, notes: impl IntoIterator<Item = Reason>) -> Self {
        self.status.note(notes);
        self
    }

    /// What was to be installed is not installed after all. What drifted is still reported as that.
    pub(crate) fn give_up(&mut self, why: Reasons) {
        let status = &mut self.status;
        match status.state {
            State::Drifted => status.reasons = status.reasons.clone().and(why),
            _ => {
                status.state = State::Conflict;
                status.reasons = why;
            }
        }
        self.operation = Operation::None;
    }
}
