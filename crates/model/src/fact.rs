//! A fact about a server: known, absent, or unknown with the reason.

/// A fact about a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact<T> {
    /// It was read.
    Known(T),
    /// It was looked for where it would be, and it is not there.
    Absent,
    /// It could not be read; the reason is a sentence without a full stop.
    Unknown(String),
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
}
