//! What goes wrong on one target, or in what is remembered, and keeps nothing else from being done.

use std::fmt;

use stopgap_model::reason::ServiceReason;
use stopgap_model::{Reasons, ServerId, ServerPath};
use stopgap_plan::TargetId;
use stopgap_store::StoreError;

/// Something that went wrong in a cycle. The other targets were attempted all the same, and the report
/// says how each of them is.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// A change failed, and not all of its files could be put back. Nothing is done to its target until
    /// they are; the next cycle tries again.
    #[error("a change of {target} failed ({error}) and {}", list(files))]
    NotUndone {
        /// What was changed.
        target: TargetId,
        /// What failed.
        error: String,
        /// The files that are not as they were.
        files: Vec<NotBack>,
    },
    /// A change of services failed, and not all of them are as they were before it.
    #[error("a change of {target} failed ({error}) and could not be taken back whole: {why}")]
    NotGivenBack {
        /// What was changed.
        target: TargetId,
        /// What failed.
        error: String,
        /// What is not as it was, a sentence without a full stop.
        why: String,
    },
    /// A service was given back and did not start again.
    #[error(transparent)]
    NotStarted(ServiceReason),
    /// A change failed, its files were put back, and its target does not behave as before.
    #[error(
        "a change of {target} failed ({error}); its files are as before, but it does not answer as \
         before: {why}"
    )]
    NotHealthy {
        /// What was changed.
        target: TargetId,
        /// What failed.
        error: String,
        /// What is not as before.
        why: Reasons,
    },
    /// A change that a crash cut short was rolled back, and its target does not use what was put back.
    #[error("a change of {target} was cut short and rolled back, but it has not taken that: {why}")]
    NotTaken {
        /// What was changed.
        target: TargetId,
        /// Why.
        why: Reasons,
    },
    /// A change was not begun, because what is needed to roll it back could not be kept.
    #[error("a change of {target} was not begun: it could not be written down")]
    NotBegun {
        /// What was changed.
        target: TargetId,
        /// Why.
        #[source]
        why: StoreError,
    },
    /// The outcome of a change could not be written down.
    #[error(
        "what became of a change of {target} could not be written down; the next check looks again"
    )]
    NotRecorded {
        /// What was changed.
        target: TargetId,
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
    /// What was seen of the installed rules could not be kept: the next check asks again.
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
    /// Returns the web server that it is about; `None`: it is about IIS, about services, or about no target.
    #[must_use]
    pub fn server(&self) -> Option<&ServerId> {
        self.target().and_then(TargetId::server)
    }

    /// Returns what it is about; `None`: it is about no target.
    #[must_use]
    pub fn target(&self) -> Option<&TargetId> {
        match self {
            Self::NotUndone { target, .. }
            | Self::NotGivenBack { target, .. }
            | Self::NotHealthy { target, .. }
            | Self::NotTaken { target, .. }
            | Self::NotBegun { target, .. }
            | Self::NotRecorded { target, .. } => Some(target),
            Self::NotStarted(_)
            | Self::NotSwept(_)
            | Self::NotRemembered(_)
            | Self::NotAudited(_)
            | Self::NotKept(_) => None,
        }
    }
}

fn list(files: &[NotBack]) -> String {
    files.iter().map(NotBack::to_string).collect::<Vec<_>>().join("; and ")
}

/// What a cycle that was stopped leaves behind.
#[derive(Debug)]
pub struct Ending {
    /// How many changes were committed, and stay.
    pub made: usize,
    /// What was begun and rolled back; `None`: nothing was.
    pub rolled_back: Option<TargetId>,
    /// What went wrong before, or when it was rolled back.
    pub troubles: Vec<Trouble>,
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.rolled_back, self.made) {
            (None, 0) => write!(f, "nothing was changed"),
            (None, 1) => write!(f, "the change that was made before stays, nothing else was begun"),
            (None, made) => {
                write!(f, "the {made} changes that were made before stay, nothing else was begun")
            }
            (Some(of), 0) => write!(f, "the change of {of} was rolled back"),
            (Some(of), 1) => {
                write!(f, "the change of {of} was rolled back, the one that was made before stays")
            }
            (Some(of), made) => {
                write!(f, "the change of {of} was rolled back, the {made} made before stay")
            }
        }
    }
}
