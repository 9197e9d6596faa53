//! The audit trail: one JSON object a line, each with the digest of the line before it, so that a
//! line that was changed or taken out shows.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use stopgap_model::Digest;

/// One line of the audit trail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Its number, from 1.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// Who or what did it.
    pub who: String,
    /// What happened.
    pub event: Event,
    /// The mitigation it is about; empty if none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub mitigation: String,
    /// More, in words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// The digest of the line before; of nothing for the first.
    pub prev: Digest,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// A cycle looked at the server.
    Checked,
    /// A mitigation was applied.
    Applied,
    /// A mitigation was taken back.
    Withdrawn,
    /// A change was tried, found wanting and undone.
    Failed,
    /// A change was taken back because the cycle was to stop.
    Halted,
    /// A change that was cut short was put in order.
    Recovered,
    /// A mitigation was blocked.
    Blocked,
    /// A mitigation was unblocked.
    Unblocked,
    /// Automatic mitigation was switched on.
    Enabled,
    /// Automatic mitigation was switched off.
    Disabled,
    /// An unsigned catalog was used.
    UnsignedCatalog,
    /// A feed was added, with what it may ask for.
    FeedAdded,
    /// A feed was removed.
    FeedRemoved,
    /// A feed was fetched and had something new.
    FeedChanged,
    /// A feed was not taken.
    FeedRefused,
    /// A feed was taken from a bundle.
    FeedImported,
    /// The trail's last line was torn and was cut off.
    Repaired,
}

impl Event {
    /// The word used in output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Checked => "checked",
            Self::Applied => "applied",
            Self::Withdrawn => "withdrawn",
            Self::Failed => "failed",
            Self::Halted => "halted",
            Self::Recovered => "recovered",
            Self::Blocked => "blocked",
            Self::Unblocked => "unblocked",
            Self::Enabled => "enabled",
            Self::Disabled => "disabled",
            Self::UnsignedCatalog => "unsigned-catalog",
            Self::FeedAdded => "feed-added",
            Self::FeedRemoved => "feed-removed",
            Self::FeedChanged => "feed-changed",
            Self::FeedRefused => "feed-refused",
            Self::FeedImported => "feed-imported",
            Self::Repaired => "repaired",
        }
    }
}

/// The audit trail is not what was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuditError {
    /// A line is no audit line.
    #[error("line {line} of audit.jsonl cannot be read: {why}")]
    Unreadable {
        /// The line's number, from 1.
        line: usize,
        /// Why.
        why: String,
    },
    /// A line does not follow the one before it.
    #[error("line {line} of audit.jsonl does not follow line {}: one of them was changed, or a line was taken out", .line - 1)]
    Broken {
        /// The line's number, from 1.
        line: usize,
    },
}

/// The complete lines of the trail, checked, and how many bytes they take. A torn last line, as a
/// crash leaves it, is not among them.
///
/// # Errors
/// The first line that cannot be read or does not follow the one before it.
pub(crate) fn read(bytes: &[u8]) -> Result<(Vec<Line>, u64), AuditError> {
    let mut lines = Vec::new();
    let mut prev = Digest::of(b"");
    let mut taken = 0;
    for (at, text) in bytes.split_inclusive(|&b| b == b'\n').enumerate() {
        let Some(text) = text.strip_suffix(b"\n") else { break };
        let line: Line = serde_json::from_slice(text)
            .map_err(|error| AuditError::Unreadable { line: at + 1, why: error.to_string() })?;
        if line.prev != prev || line.seq != at as u64 + 1 {
            return Err(AuditError::Broken { line: at + 1 });
        }
        prev = Digest::of(text);
        taken += text.len() as u64 + 1;
        lines.push(line);
    }
    Ok((lines, taken))
}
