//! Why an attempt at a change failed.

use std::fmt;

use stopgap_model::MitigationId;

/// What went wrong in an attempt at a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// A sentence without a full stop: what the change record says of it.
    pub(crate) why: String,
    /// The mitigation that caused it, where that is known.
    pub(crate) blamed: Option<MitigationId>,
    /// When the same is tried again.
    pub(crate) retry: Retry,
}

/// When a change that failed is tried again, if nothing else changes (ADR 28).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Retry {
    /// At the next check: the target was told of nothing, so trying costs it nothing.
    NextCheck,
    /// After some time, each time a longer one: the cause may have been temporary.
    Later,
    /// Not before something changes: the same attempt would fail in the same way.
    WhenChanged,
}

impl Failure {
    /// Returns a failure that nobody is blamed for and whose cause may be temporary.
    pub(crate) fn temporary(why: impl fmt::Display) -> Self {
        Self { why: why.to_string(), blamed: None, retry: Retry::Later }
    }

    /// Returns a failure that happens again as long as nothing changes.
    pub(crate) fn lasting(why: impl fmt::Display) -> Self {
        Self { retry: Retry::WhenChanged, ..Self::temporary(why) }
    }

    /// Returns a failure that came before the target was told of anything.
    pub(crate) fn without_cost(why: impl fmt::Display) -> Self {
        Self { retry: Retry::NextCheck, ..Self::temporary(why) }
    }

    /// Blames a mitigation.
    pub(crate) fn of(self, blamed: Option<MitigationId>) -> Self {
        Self { blamed, ..self }
    }
}
