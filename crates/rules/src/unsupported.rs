//! What a server cannot say.

/// An action that a server cannot say exactly; the reason is a sentence without a full stop.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Unsupported {
    /// Why.
    pub reason: String,
}

/// That a server cannot say an action, because of `reason`.
pub fn unsupported(reason: impl Into<String>) -> Unsupported {
    Unsupported { reason: reason.into() }
}
