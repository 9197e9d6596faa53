//! The texts that the groups of a pattern captured.

/// The texts of a match's groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Captures {
    texts: Vec<Option<Vec<u8>>>,
    /// Whether a group that is not among the texts is known to be empty.
    complete: bool,
}

impl Captures {
    /// The captures of a string that matched as a whole, with the texts of its wildcards.
    #[must_use]
    pub fn of(texts: Vec<Vec<u8>>) -> Self {
        Self::whole(texts.into_iter().map(Some).collect())
    }

    pub(crate) fn whole(texts: Vec<Option<Vec<u8>>>) -> Self {
        Self { texts, complete: true }
    }

    /// The captures of a match of which nothing can be told.
    #[must_use]
    pub fn unclear() -> Self {
        Self { texts: Vec::new(), complete: false }
    }

    /// The same where it is known that there are `count` groups, the whole match among them.
    #[must_use]
    pub fn unclear_of(count: usize) -> Self {
        Self::whole(vec![None; count])
    }

    /// The captures of several conditions as one list, as `trackAllCaptures` has them: the groups of
    /// each follow those of the one before, and 0 is the first one's whole match.
    #[must_use]
    pub fn joined(all: &[Self]) -> Self {
        let mut texts = Vec::new();
        for (at, captures) in all.iter().enumerate() {
            texts.extend(captures.texts.iter().skip(usize::from(at > 0)).cloned());
        }
        Self { texts, complete: all.iter().all(|captures| captures.complete) }
    }

    /// Whether there may be a group of this number.
    #[must_use]
    pub fn may_have(&self, number: usize) -> bool {
        !self.complete || number < self.texts.len()
    }

    /// The text of group `number`, empty if the group took no part; `None` if it cannot be told.
    #[must_use]
    pub fn get(&self, number: usize) -> Option<&[u8]> {
        match self.texts.get(number) {
            Some(text) => text.as_deref(),
            None => self.complete.then_some(b""),
        }
    }
}
