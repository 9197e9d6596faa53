//! Why something that the command line and the service share could not be done.

use std::path::{Path, PathBuf};

use stopgap_engine::{CycleError, Ending};
use stopgap_feed::FeedsError;
use stopgap_fs::{FsError, LockError};
use stopgap_model::problem::sentence;
use stopgap_store::StoreError;

use crate::exposed::exposed;

/// Something failed. What it means for an exit code is the command line's to say; what to do about it
/// says [`AgentError::advice`](crate::advice).
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// A mitigation was named that neither the catalog nor this server has.
    #[error("there is no mitigation `{id}` in the catalog or installed on this server")]
    NoSuchMitigation {
        /// The name.
        id: String,
        /// A known name that differs in case only.
        near: Option<String>,
    },
    /// The folder with an unsigned catalog cannot be read.
    #[error("the catalog folder {} cannot be read: {why}", .folder.display())]
    CatalogFolder {
        /// The folder.
        folder: PathBuf,
        /// What the operating system said.
        why: std::io::Error,
    },
    /// The folder with an unsigned catalog holds no document, or too many.
    #[error("{} holds {count} documents (*.toml)", .folder.display())]
    CatalogSize {
        /// The folder.
        folder: PathBuf,
        /// How many documents it holds.
        count: usize,
        /// How many it may hold.
        most: usize,
    },
    /// Mitigation documents are wrong. The text shows each place.
    #[error("{rendered}")]
    Catalog {
        /// Each problem with its line, for a terminal.
        rendered: String,
    },
    /// The policy file is wrong. The text shows each place.
    #[error("{rendered}")]
    Policy {
        /// Each problem with its line, for a terminal.
        rendered: String,
    },
    /// A file or the server's folder could not be read.
    #[error(transparent)]
    File(#[from] FsError),
    /// A file that Stopgap would obey could have been written by somebody else than root.
    #[error("{} is not obeyed: {why}", .file.display())]
    NotObeyed {
        /// The file.
        file: PathBuf,
        /// Who could have written it.
        why: String,
        /// The command that makes it obeyed.
        fix: String,
    },
    /// The state folder could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Another process holds the lock.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// A cycle could not be carried out.
    #[error(transparent)]
    Cycle(CycleError),
    /// A revision of an unsigned catalog has other content than when it was first seen.
    #[error("{0}")]
    Reused(String),
    /// The feeds cannot be read or changed.
    #[error(transparent)]
    Feeds(#[from] FeedsError),
    /// The process was asked to stop, and ended its cycle.
    #[error("{0}")]
    Stopped(Ending),
}

impl From<CycleError> for AgentError {
    fn from(error: CycleError) -> Self {
        match error {
            CycleError::Asked(ending) => Self::Stopped(ending),
            error => Self::Cycle(error),
        }
    }
}

impl AgentError {
    /// Turns the failure to read `file`, which would be obeyed, into an error that says who else could
    /// have written it.
    #[must_use]
    pub fn of_obeyed(file: &Path, error: FsError) -> Self {
        match error {
            FsError::Exposed { path } => {
                let (why, fix) = exposed(file, &path);
                Self::NotObeyed { file: file.to_owned(), why, fix }
            }
            error => error.into(),
        }
    }

    /// Returns what failed and why, down to the first cause, as one sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        sentence(self)
    }

    /// Whether the text is laid out in several lines, with the word "error" and colours.
    #[must_use]
    pub fn is_rendered(&self) -> bool {
        matches!(self, Self::Catalog { .. } | Self::Policy { .. })
    }
}
