//! What the audit trail tells of.

use serde::{Serialize, Serializer};

/// The events with the words for them, which stand in the trail and in output.
macro_rules! events {
    ($($(#[$about:meta])* $name:ident = $word:literal,)*) => {
        /// What happened.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Event {
            $($(#[$about])* $name,)*
        }

        impl Event {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The word used in output.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }

            /// The event of this word.
            pub(crate) fn named(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$name),)*
                    _ => None,
                }
            }
        }
    };
}

/// As the word for it.
impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

events! {
    /// A cycle looked at the server.
    Checked = "checked",
    /// A mitigation was applied.
    Applied = "applied",
    /// A mitigation was taken back.
    Withdrawn = "withdrawn",
    /// A change was tried, found wanting and undone.
    Failed = "failed",
    /// A change was taken back because the cycle was to stop.
    Halted = "halted",
    /// A change that was cut short was put in order.
    Recovered = "recovered",
    /// A mitigation was blocked.
    Blocked = "blocked",
    /// A mitigation was unblocked.
    Unblocked = "unblocked",
    /// Automatic mitigation was switched on.
    Enabled = "enabled",
    /// Automatic mitigation was switched off.
    Disabled = "disabled",
    /// An unsigned catalog was used.
    UnsignedCatalog = "unsigned-catalog",
    /// A feed was added, with what it may ask for.
    FeedAdded = "feed-added",
    /// A feed was removed.
    FeedRemoved = "feed-removed",
    /// A feed was fetched and had something new.
    FeedChanged = "feed-changed",
    /// A feed was not taken.
    FeedRefused = "feed-refused",
    /// A feed was taken from a bundle.
    FeedImported = "feed-imported",
    /// The trail's last line was torn and was cut off.
    Repaired = "repaired",
    /// The trail did not end with the last line that was written.
    TrailBroken = "trail-broken",
}
