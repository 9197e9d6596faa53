//! What a rule does of what a mitigation wants.

/// What a rule does of what a mitigation wants. The texts are sentences without a full stop, about
/// the rule as "it".
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Coverage {
    /// It blocks the same requests in the same way.
    Same,
    /// It blocks the same requests, and others or in another way.
    Superset(String),
    /// It blocks them all but those with a line break in a decoded value.
    ExceptLineFeeds(String),
    /// It blocks some of them, and others get past it.
    Subset(String),
    /// It does not block, or it looks for something else.
    Unrelated(String),
    /// It cannot be told what it does of it.
    NotKnown(String),
}

impl Coverage {
    /// Whether every request that the mitigation wants blocked is blocked.
    #[must_use]
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Same | Self::Superset(_))
    }
}
