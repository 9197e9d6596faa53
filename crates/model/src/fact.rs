//! A fact about a server: known, absent, or unknown with the reason.

use crate::reason::Reasons;

/// A fact about a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact<T> {
    /// It was read.
    Known(T),
    /// It was looked for where it would be, and it is not there.
    Absent,
    /// It could not be read, for these reasons.
    Unknown(Reasons),
}

impl<T> Fact<T> {
    /// The value, if it is known.
    #[must_use]
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Absent | Self::Unknown(_) => None,
        }
    }

    /// A fact that is not known, for these reasons.
    pub fn unknown(why: impl Into<Reasons>) -> Self {
        Self::Unknown(why.into())
    }
}
