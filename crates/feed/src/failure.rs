//! What can go wrong with the feeds of a server, and with one feed.

use std::fmt;

use stopgap_fs::{FsError, LockError, PrivateDirError};

use crate::anchors::AnchorsError;
use crate::eocs_feed::EocsFailure;
use crate::name::FeedName;
use crate::transport::TransportError;
use crate::tuf::Refusal;

/// The most feeds of a server. Each is asked every hour.
pub(crate) const MAX_FEEDS: usize = 32;

/// The feeds cannot be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum FeedsError {
    /// The state folder is not fit to be used.
    #[error(transparent)]
    Folder(#[from] PrivateDirError),
    /// A file cannot be read or written.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// A file is not what was written.
    #[error("{file} in the state folder cannot be read: {why}")]
    Unreadable {
        /// The file.
        file: String,
        /// Why.
        why: String,
    },
    /// A newer program wrote a file, in a form that this one does not know.
    #[error(
        "{file} in the state folder was written by a newer Stopgap: it has schema {schema}, and this \
         one reads up to {known}. Use the version of stopgap that was here last, or a newer one"
    )]
    Newer {
        /// The file.
        file: String,
        /// The number of its form.
        schema: u32,
        /// The highest number that is known here.
        known: u32,
    },
    /// There is a feed of this name.
    #[error("there is a feed `{0}` already")]
    Exists(FeedName),
    /// There are too many.
    #[error("there are {MAX_FEEDS} feeds already, which is the most")]
    TooMany,
    /// The pinned root is not one.
    #[error("the root metadata cannot be trusted: {0}")]
    Root(Box<Refusal>),
    /// The anchors cannot be used.
    #[error("the trust anchors cannot be used: {0}")]
    Anchors(#[from] AnchorsError),
    /// The anchors cannot be kept.
    #[error(transparent)]
    Eocs(Box<EocsFailure>),
    /// Another process fetches.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The address is none.
    #[error(transparent)]
    Url(#[from] TransportError),
}

impl FeedsError {
    /// A file in the state folder that is not what was written.
    pub(crate) fn unreadable(file: &str, why: &dyn fmt::Display) -> Self {
        Self::Unreadable { file: file.to_owned(), why: why.to_string() }
    }
}

/// A feed was not taken.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A TUF repository.
    #[error(transparent)]
    Tuf(#[from] Refusal),
    /// A feed in Microsoft's format.
    #[error(transparent)]
    Eocs(#[from] EocsFailure),
    /// The address or the file cannot be used.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// A newer program wrote down when it was fetched last, so this one neither fetches it nor writes there.
    #[error(transparent)]
    NewerStatus(Box<FeedsError>),
    /// The outcome could not be written down.
    #[error("the outcome could not be written down: {0}")]
    NotKept(#[source] Box<FeedsError>),
}

impl Failure {
    /// The step at which it failed, in a word.
    #[must_use]
    pub fn step(&self) -> &'static str {
        if let Some(error) = self.on_the_way() {
            return error.step.as_str();
        }
        match self {
            Self::Tuf(Refusal::Absent { .. }) | Self::Eocs(EocsFailure::NotThere) => "status",
            Self::Tuf(Refusal::Expired { .. } | Refusal::RolledBack { .. })
            | Self::Eocs(EocsFailure::WentBack(_)) => "freshness",
            Self::Tuf(
                Refusal::NothingRemembered
                | Refusal::Torn(_)
                | Refusal::TrustTorn(_)
                | Refusal::InUse { .. }
                | Refusal::Store(_),
            )
            | Self::Eocs(EocsFailure::Fs(_) | EocsFailure::Seen(_) | EocsFailure::Anchors(_))
            | Self::NewerStatus(_)
            | Self::NotKept(_) => "file",
            Self::Tuf(_) | Self::Eocs(_) | Self::Transport(_) => "signature",
        }
    }

    /// What went wrong on the way to the feed, if something did.
    #[must_use]
    pub fn on_the_way(&self) -> Option<&TransportError> {
        match self {
            Self::Transport(error)
            | Self::Eocs(EocsFailure::Transport(error))
            | Self::Tuf(Refusal::Unreachable { error, .. }) => Some(error),
            Self::Tuf(_) | Self::Eocs(_) | Self::NewerStatus(_) | Self::NotKept(_) => None,
        }
    }

    /// Whether this was signed by none of the feed's keys: it is of another feed.
    #[must_use]
    pub fn is_of_other_keys(&self) -> bool {
        matches!(self, Self::Tuf(Refusal::Threshold { found: 0, .. }))
    }
}
