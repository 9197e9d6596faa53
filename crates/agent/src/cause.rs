//! What kind of failure an error is: what a program that called another one can act on.

use stopgap_engine::{CycleError, Trouble};
use stopgap_feed::FeedsError;
use stopgap_fs::{FsError, LockError, PrivateDirError};
use stopgap_store::StoreError;

use crate::error::AgentError;

/// What kind of failure an error is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// What was asked for cannot be, or what was written by hand is wrong.
    Request,
    /// What was offered as a source of mitigations was refused.
    Refused,
    /// Another process holds the lock.
    Locked,
    /// The operating system, or the ownership of a file, does not permit it.
    NotPermitted,
    /// The process was asked to stop.
    Stopped,
    /// Something else that needs attention.
    Other,
}

impl AgentError {
    /// Returns what kind of failure this is.
    #[must_use]
    pub fn cause(&self) -> Cause {
        match self {
            Self::NotObeyed { .. } => Cause::NotPermitted,
            Self::NoSuchMitigation { .. }
            | Self::CatalogFolder { .. }
            | Self::CatalogSize { .. }
            | Self::Policy { .. } => Cause::Request,
            Self::Catalog { .. } | Self::Reused(_) => Cause::Refused,
            Self::Feeds(error) => Cause::of_feeds(error),
            Self::Lock(LockError::Held { .. }) => Cause::Locked,
            Self::File(error) | Self::Lock(LockError::Fs(error)) => Cause::of_fs(error),
            Self::Store(error) | Self::Cycle(CycleError::Store(error)) => Cause::of_store(error),
            Self::Stopped(_) => Cause::Stopped,
            Self::Cycle(_) => Cause::Other,
        }
    }
}

impl Cause {
    /// Returns what kind of failure a trouble of a cycle is.
    #[must_use]
    pub fn of_trouble(trouble: &Trouble) -> Self {
        match trouble {
            Trouble::NotBegun { why, .. }
            | Trouble::NotRecorded { why, .. }
            | Trouble::NotSwept(why)
            | Trouble::NotRemembered(why)
            | Trouble::NotAudited(why)
            | Trouble::NotKept(why) => Self::of_store(why),
            Trouble::NotGivenBack { .. }
            | Trouble::NotStarted(_)
            | Trouble::NotUndone { .. }
            | Trouble::NotHealthy { .. }
            | Trouble::NotTaken { .. } => Self::Other,
        }
    }

    /// Returns what kind of failure an error of a file is.
    #[must_use]
    pub fn of_fs(error: &FsError) -> Self {
        if error.is_permission_denied() { Self::NotPermitted } else { Self::Other }
    }

    /// Returns what kind of failure an error of the feeds is.
    #[must_use]
    pub fn of_feeds(error: &FeedsError) -> Self {
        match error {
            FeedsError::Folder(PrivateDirError::Fs(error)) | FeedsError::Fs(error) => {
                Self::of_fs(error)
            }
            FeedsError::Folder(_) => Self::NotPermitted,
            FeedsError::Root(_) | FeedsError::Anchors(_) | FeedsError::Eocs(_) => Self::Refused,
            FeedsError::Exists(_) | FeedsError::TooMany | FeedsError::Url(_) => Self::Request,
            FeedsError::Lock(LockError::Held { .. }) => Self::Locked,
            FeedsError::Lock(LockError::Fs(error)) => Self::of_fs(error),
            FeedsError::Unreadable { .. } | FeedsError::Newer { .. } => Self::Other,
        }
    }

    /// Returns what kind of failure an error of the state folder is.
    #[must_use]
    pub fn of_store(error: &StoreError) -> Self {
        match error {
            StoreError::Folder(PrivateDirError::Fs(error)) | StoreError::Fs(error) => {
                Self::of_fs(error)
            }
            StoreError::Folder(_) => Self::NotPermitted,
            StoreError::Unreadable { .. }
            | StoreError::Newer { .. }
            | StoreError::NoRoom { .. } => Self::Other,
            StoreError::Lock(LockError::Held { .. }) => Self::Locked,
            StoreError::Lock(LockError::Fs(error)) => Self::of_fs(error),
        }
    }
}
