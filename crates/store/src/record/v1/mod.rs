//! Schemas 1 and 2 of the change record, which differ in one kind of step.

mod all;
mod iis;
mod rewrite;
mod services;
mod step;
mod web;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use stopgap_model::{Digest, MitigationId, ServerPath};

use self::all::all;
use self::step::Step;
use crate::audit;
use crate::change;

#[derive(Serialize, Deserialize)]
pub(super) struct Change {
    pub(super) schema: u32,
    number: u64,
    at: Timestamp,
    by: String,
    status: Status,
    steps: Vec<Step>,
    files: Vec<FileChange>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    audit: Option<Head>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stuck: Option<FailedRollback>,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "kebab-case")]
enum Status {
    Intended,
    Committed,
    Undone {
        error: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fault: Option<MitigationId>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tried: Option<FailedAttempt>,
    },
    Halted {
        why: String,
    },
    Interrupted,
}

#[derive(Serialize, Deserialize)]
struct FailedAttempt {
    with: Digest,
    lasting: bool,
}

#[derive(Serialize, Deserialize)]
struct Head {
    seq: u64,
    digest: Digest,
}

#[derive(Serialize, Deserialize)]
struct FailedRollback {
    error: String,
    told: String,
}

#[derive(Serialize, Deserialize)]
struct FileChange {
    path: ServerPath,
    before: Option<Digest>,
    after: Option<Digest>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    image: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    after_image: Option<String>,
}

impl From<Change> for change::Change {
    fn from(it: Change) -> Self {
        Self {
            number: it.number,
            at: it.at,
            by: it.by,
            status: it.status.into(),
            steps: all(it.steps),
            files: all(it.files),
            audit: it.audit.map(Into::into),
            failed_rollback: it.stuck.map(Into::into),
        }
    }
}

impl From<change::Change> for Change {
    fn from(it: change::Change) -> Self {
        Self {
            schema: if it.steps.iter().any(is_of_services) { 2 } else { 1 },
            number: it.number,
            at: it.at,
            by: it.by,
            status: it.status.into(),
            steps: all(it.steps),
            files: all(it.files),
            audit: it.audit.map(Into::into),
            stuck: it.failed_rollback.map(Into::into),
        }
    }
}

fn is_of_services(step: &stopgap_plan::Step) -> bool {
    matches!(step, stopgap_plan::Step::Services(_))
}

impl From<Status> for change::Status {
    fn from(it: Status) -> Self {
        match it {
            Status::Intended => Self::Intended,
            Status::Committed => Self::Committed,
            Status::Undone { error, fault, tried } => {
                Self::Undone { error, fault, attempt: tried.map(Into::into) }
            }
            Status::Halted { why } => Self::Halted { why },
            Status::Interrupted => Self::Interrupted,
        }
    }
}

impl From<change::Status> for Status {
    fn from(it: change::Status) -> Self {
        match it {
            change::Status::Intended => Self::Intended,
            change::Status::Committed => Self::Committed,
            change::Status::Undone { error, fault, attempt } => {
                Self::Undone { error, fault, tried: attempt.map(Into::into) }
            }
            change::Status::Halted { why } => Self::Halted { why },
            change::Status::Interrupted => Self::Interrupted,
        }
    }
}

impl From<FailedAttempt> for change::FailedAttempt {
    fn from(FailedAttempt { with, lasting }: FailedAttempt) -> Self {
        Self { with, lasting }
    }
}

impl From<change::FailedAttempt> for FailedAttempt {
    fn from(change::FailedAttempt { with, lasting }: change::FailedAttempt) -> Self {
        Self { with, lasting }
    }
}

impl From<Head> for audit::Head {
    fn from(Head { seq, digest }: Head) -> Self {
        Self { seq, digest }
    }
}

impl From<audit::Head> for Head {
    fn from(audit::Head { seq, digest }: audit::Head) -> Self {
        Self { seq, digest }
    }
}

impl From<FailedRollback> for change::FailedRollback {
    fn from(FailedRollback { error, told }: FailedRollback) -> Self {
        Self { error, description: told }
    }
}

impl From<change::FailedRollback> for FailedRollback {
    fn from(change::FailedRollback { error, description }: change::FailedRollback) -> Self {
        Self { error, told: description }
    }
}

impl From<FileChange> for change::FileChange {
    fn from(it: FileChange) -> Self {
        let FileChange { path, before, after, image, after_image } = it;
        Self { path, before, after, image, after_image }
    }
}

impl From<change::FileChange> for FileChange {
    fn from(it: change::FileChange) -> Self {
        let change::FileChange { path, before, after, image, after_image } = it;
        Self { path, before, after, image, after_image }
    }
}
