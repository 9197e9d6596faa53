//! The record of one change of the server.

use std::collections::BTreeSet;

use jiff::Timestamp;
use stopgap_model::{Digest, MitigationId, ServerPath};
use stopgap_plan::{Step, TargetId};

use crate::audit::Head;

/// One change: what was intended, and what became of it. How `change.json` in its folder says it is the
/// matter of `record`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its number, from 1.
    pub number: u64,
    /// When it began.
    pub at: Timestamp,
    /// Who or what ordered it.
    pub by: String,
    /// What became of it.
    pub status: Status,
    /// What it consists of.
    pub steps: Vec<Step>,
    /// The files it changes.
    pub files: Vec<FileChange>,
    /// The last line of the audit trail when it began.
    pub audit: Option<Head>,
    /// Why it is still only intended, where that is no crash: it could not be rolled back whole.
    pub failed_rollback: Option<FailedRollback>,
}

/// A rollback that failed: not every file could be restored. The next cycle tries again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedRollback {
    /// What failed, as a sentence without a full stop.
    pub error: String,
    /// The same with the files that are still to be restored, and where their bytes are.
    pub description: String,
}

impl Change {
    /// What it changes. A change without a step is of IIS.
    #[must_use]
    pub fn target(&self) -> TargetId {
        self.steps.first().map_or(TargetId::Iis, Step::target)
    }

    /// The mitigations of which it puts something in or takes something out, each once.
    #[must_use]
    pub fn mitigations(&self) -> BTreeSet<&MitigationId> {
        self.steps.iter().flat_map(Step::mitigations).collect()
    }
}

/// What became of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// It was begun. A change that is still so was cut short.
    Intended,
    /// It was made, read back and found good.
    Committed,
    /// It was taken back.
    Undone {
        /// Why.
        error: String,
        /// The mitigation that it was because of, where that is known and others were changed too.
        fault: Option<MitigationId>,
        /// What it was tried with, where the same would fail again, or cost as much.
        attempt: Option<FailedAttempt>,
    },
    /// It was taken back before it was found good, because the cycle was to stop. It did not fail.
    Halted {
        /// Why.
        why: String,
    },
    /// It was cut short, and a file was changed by somebody else since, so that its bytes could
    /// not be put back. What of it is in place is seen by looking.
    Interrupted,
}

/// What a change that failed was tried with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedAttempt {
    /// The digest of what was tried and with what.
    pub with: Digest,
    /// Whether it comes to the same as long as that is the same. Otherwise it may have been the moment's
    /// fault.
    pub lasting: bool,
}

/// A file that a change replaces, makes or removes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
    /// The file on the server.
    pub path: ServerPath,
    /// The digest of its bytes before, which are in `image`; `None`: there was no such file.
    pub before: Option<Digest>,
    /// The digest of its bytes after; `None`: it is removed.
    pub after: Option<Digest>,
    /// The before-image's path in the change's folder, where there was a file.
    pub image: Option<String>,
    /// The path of its bytes after in the change's folder, where the file is written itself: of one that
    /// was written half it is told by them that it is ours.
    pub after_image: Option<String>,
}
