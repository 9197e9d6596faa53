//! What the files in the state folder are called, and how much room they take.

/// Held while the decisions are read, changed and written, and while nothing is waited for.
pub(crate) const DECISIONS_LOCK: &str = "decisions.lock";
/// Held by one process that changes something at a time.
pub(crate) const LOCK: &str = "lock";
pub(crate) const DECISIONS: &str = "decisions.toml";
/// Room to write the decisions when the disk is full.
pub(crate) const DECISIONS_SPARE: &str = "decisions.spare";
pub(crate) const TRUST: &str = "trust";
pub(crate) const REVISIONS: &str = "trust/revisions.json";
pub(crate) const CHANGES: &str = "changes";
/// The record of a change, in its folder.
pub(crate) const RECORD: &str = "change.json";
/// Room to write down what became of a change.
pub(crate) const SPARE: &str = "spare";

/// The largest record that is read back, in bytes. A change record holds a few KiB for each action.
pub(crate) const MAX_RECORD: u64 = 64 * 1024 * 1024;
/// What the disk gives at once, in bytes, on all that servers use.
pub(crate) const BLOCK: u64 = 4096;
/// The room that is kept for further decisions, in bytes: a dozen of them.
pub(crate) const MORE_DECISIONS: u64 = 2048;
/// The room that is kept for why a change was undone, in bytes. A longer reason is cut where there is
/// no more.
pub(crate) const REASON: u64 = 3072;
/// The room that is kept in the audit trail for each action of a change, in bytes.
pub(crate) const LINES: u64 = 1024;
/// What was seen of the sites.
pub(crate) const EVIDENCE: &str = "evidence.json";
/// The audit trail.
pub(crate) const AUDIT: &str = "audit.jsonl";
/// The number and the digest of its last line.
pub(crate) const HEAD: &str = "trust/audit.head";
/// The room on the disk that is kept for further lines of the trail, in bytes: a dozen of them.
pub(crate) const ROOM: u64 = 4096;

/// The folder of a change.
pub(crate) fn folder(number: u64) -> String {
    format!("{CHANGES}/{number:06}")
}
