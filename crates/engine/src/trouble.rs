//! What goes wrong on one server, or in what is remembered, and keeps nothing else from being done.

use std::fmt;

use stopgap_model::{ServerId, ServerPath};
use stopgap_store::StoreError;

/// Something that went wrong in a cycle. The other servers were attempted all the same, and the
/// report says how each of them is.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// A change failed, and not all of its files could be put back. Nothing is done to the server
    /// until they are; the next cycle tries it again.
    #[error("a change of {} failed ({error}) and {}", named(server.as_ref()), list(files))]
    NotUndone {
        /// The server; `None` is IIS.
        server: Option<ServerId>,
        /// What failed.
        error: String,
        /// The files that are not as they were.
        files: Vec<NotBack>,
    },
    /// A change failed, its files were put back, and the server does not answer as before.
    #[error(
        "a change of {server} failed ({error}); its files are as before, but it does not answer as \
         before: {why}"
    )]
    NotHealthy {
        /// The server.
        server: ServerId,
        /// What failed.
        error: String,
        /// What is not as before.
        why: String,
    },
    /// A change that a crash cut short was taken back, and the server has not taken that.
    #[error("a change of {server} was cut short and taken back, but it has not taken that: {why}")]
    NotTaken {
        /// The server.
        server: ServerId,
        /// Why.
        why: String,
    },
    /// A change was not begun, since what it needs to be taken back could not be kept.
    #[error("a change of {} was not begun: it could not be written down", named(server.as_ref()))]
    NotBegun {
        /// The server; `None` is IIS.
        server: Option<ServerId>,
        /// Why.
        #[source]
        why: StoreError,
    },
    /// What became of a change could not be written down.
    #[error(
        "what became of a change of {} could not be written down; the next check looks again",
        named(server.as_ref())
    )]
    NotRecorded {
        /// The server; `None` is IIS.
        server: Option<ServerId>,
        /// Why.
        #[source]
        why: StoreError,
    },
    /// The state folder could not be put in order.
    #[error("what an earlier run left in the state folder could not be removed")]
    NotSwept(#[source] StoreError),
    /// The revisions that were seen could not be written down: one that comes again with other content
    /// would not be known.
    #[error("the revisions that were seen could not be written down")]
    NotRemembered(#[source] StoreError),
    /// What was done could not be written into the audit trail.
    #[error("the audit trail could not be written")]
    NotAudited(#[source] StoreError),
    /// What was seen of the rules in place could not be kept: the next check asks again.
    #[error("what the sites answered could not be written down; the next check asks them again")]
    NotKept(#[source] StoreError),
}

/// A file that could not be put back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotBack {
    /// The file.
    pub file: ServerPath,
    /// Why, a sentence without a full stop.
    pub why: String,
    /// Where its bytes of before are; `None`: it was not there.
    pub image: Option<String>,
}

impl fmt::Display for NotBack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, why, image } = self;
        write!(f, "{file} could not be put back: {why}; ")?;
        match image {
            Some(image) => write!(f, "its bytes before the change are in {image}"),
            None => f.write_str("before the change it was not there"),
        }
    }
}

impl Trouble {
    /// The server that it is about; `None`: IIS, or none.
    #[must_use]
    pub fn server(&self) -> Option<&ServerId> {
        match self {
            Self::NotUndone { server, .. }
            | Self::NotBegun { server, .. }
            | Self::NotRecorded { server, .. } => server.as_ref(),
            Self::NotHealthy { server, .. } | Self::NotTaken { server, .. } => Some(server),
            Self::NotSwept(_) | Self::NotRemembered(_) | Self::NotAudited(_) | Self::NotKept(_) => {
                None
            }
        }
    }
}

fn named(server: Option<&ServerId>) -> &str {
    server.map_or("IIS", ServerId::as_str)
}

fn list(files: &[NotBack]) -> String {
    files.iter().map(NotBack::to_string).collect::<Vec<_>>().join("; and ")
}
