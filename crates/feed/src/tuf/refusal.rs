//! Why a repository, or what is remembered of it, is not trusted.

use jiff::Timestamp;
use sigstore_tuf::{Error, UpdaterConfig};
use stopgap_fs::{FsError, LockError};
use stopgap_model::problem::{one_line, sentence};

use crate::transport::TransportError;

/// Why a repository, or what is remembered of it, is not trusted. What is in force stays.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A file cannot be got.
    #[error("`{path}` cannot be fetched")]
    Unreachable {
        /// The file.
        path: String,
        /// How far it came, and what went wrong there.
        #[source]
        error: TransportError,
    },
    /// A file that must be there is not.
    #[error("there is no `{path}`")]
    Absent {
        /// The file.
        path: String,
    },
    /// The time of something signed is over: nobody vouches for it any more.
    #[error("{role} expired at {expires}")]
    Expired {
        /// The role that signed it.
        role: String,
        /// When its time was over.
        expires: Timestamp,
    },
    /// Something older than what was seen before is offered.
    #[error("{role} goes back: version {seen} was seen, and version {offered} is offered")]
    RolledBack {
        /// The role that signed it.
        role: String,
        /// The version that was seen.
        seen: u64,
        /// The version that is offered; 0 if it is not there any more.
        offered: u64,
    },
    /// Too few of a role's keys have signed.
    #[error("{role} has {found} valid signatures, and {threshold} are needed")]
    Threshold {
        /// The role.
        role: String,
        /// How many of its keys have signed validly.
        found: usize,
        /// How many must.
        threshold: usize,
    },
    /// One key would count as two.
    #[error("{role} counts one key twice")]
    OneKeyTwice {
        /// The role.
        role: String,
    },
    /// A file is not the one that was signed for: another length, hash or version.
    #[error("a file is not the one that was signed for: {0}")]
    Altered(String),
    /// Metadata cannot be read, or wants something that is not known here.
    #[error("metadata cannot be used: {0}")]
    Malformed(String),
    /// There is more than is accepted.
    #[error("there are more than {limit} {what}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How much is accepted.
        limit: u64,
    },
    /// The feed was never fetched, or all that was remembered of it is gone.
    #[error("nothing is remembered of the feed: it must be fetched")]
    NothingRemembered,
    /// A file that is remembered is torn or altered, or gone.
    #[error(
        "what is remembered of the feed is torn, altered or gone ({0}): it must be fetched again"
    )]
    Torn(String),
    /// A file that says whom the feed is trusted to come from is torn or altered, or gone.
    #[error("`{0}` is torn, altered or gone: the feed must be removed and added again")]
    TrustTorn(String),
    /// Another process replaces or reads what is remembered, and does not end.
    #[error("what is remembered of the feed is in use by {by}")]
    InUse {
        /// Who.
        by: String,
    },
    /// What is remembered cannot be read or written.
    #[error("what is remembered of the feed cannot be kept")]
    Store(#[from] FsError),
}

impl From<LockError> for Refusal {
    fn from(error: LockError) -> Self {
        match error {
            LockError::Held { by } => Self::InUse { by },
            LockError::Fs(error) => Self::Store(error),
        }
    }
}

impl Refusal {
    /// What the library says, for which no file is to blame.
    pub(crate) fn of(error: &Error) -> Self {
        match error {
            Error::Expired { role, expires } => {
                Self::Expired { role: one_line(role), expires: *expires }
            }
            Error::Rollback { role, trusted, new } => {
                Self::RolledBack { role: role_of(role), seen: *trusted, offered: *new }
            }
            Error::BadRootVersion { trusted, new } if new <= trusted => {
                Self::RolledBack { role: "root".into(), seen: *trusted, offered: *new }
            }
            Error::ThresholdNotMet { role, found, threshold } => {
                Self::Threshold { role: one_line(role), found: *found, threshold: *threshold }
            }
            Error::DuplicateSignature { role, .. } => Self::OneKeyTwice { role: one_line(role) },
            // What cannot be fetched is told elsewhere: this is all that is left of the kind.
            Error::Transport { .. } => Self::TooMany {
                what: "new roots at once",
                limit: UpdaterConfig::default().max_root_rotations.into(),
            },
            Error::IntegrityMismatch(what) => Self::Altered(one_line(what)),
            error => Self::Malformed(one_line(&sentence(error))),
        }
    }
}

/// The role alone: the library says by whose word too.
fn role_of(text: &str) -> String {
    let role = text.split(" (via").next().unwrap_or(text);
    one_line(role.strip_suffix(".json").unwrap_or(role))
}
