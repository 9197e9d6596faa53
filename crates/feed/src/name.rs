//! The name of a feed.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The name of a feed: what a person calls it, and a folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct FeedName(String);

/// The text cannot name a feed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no name for a feed: 1 to 32 of a-z, 0-9 and `-`, a letter or digit first")]
pub struct NotAFeedName(String);

impl FeedName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for FeedName {
    type Err = NotAFeedName;

    fn from_str(text: &str) -> Result<Self, NotAFeedName> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let good = (1..=32).contains(&text.len())
            && text.starts_with(plain)
            && text.chars().all(|c| plain(c) || c == '-');
        if good { Ok(Self(text.to_owned())) } else { Err(NotAFeedName(text.to_owned())) }
    }
}

impl TryFrom<String> for FeedName {
    type Error = NotAFeedName;

    fn try_from(text: String) -> Result<Self, NotAFeedName> {
        text.parse()
    }
}

impl From<FeedName> for String {
    fn from(name: FeedName) -> Self {
        name.0
    }
}

impl fmt::Display for FeedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
