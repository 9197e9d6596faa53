//! The one place where an error becomes an exit code, a sentence and a hint.

use std::path::PathBuf;
use std::process::ExitCode;

use stopgap_agent::AgentError;
use stopgap_agent::advice::AS_ROOT;
use stopgap_agent::cause::Cause;
use stopgap_engine::{CycleError, Ending};
use stopgap_feed::{FeedName, FeedsError};
use stopgap_fs::{FsError, LockError};
use stopgap_model::problem::sentence;
use stopgap_store::StoreError;

use crate::signals;

/// Something needs attention.
pub(crate) const ATTENTION: u8 = 1;
/// Wrong usage.
pub(crate) const USAGE: u8 = 2;
/// What was offered as a source of mitigations was refused.
pub(crate) const REFUSED: u8 = 3;
/// Another process holds the lock.
pub(crate) const LOCKED: u8 = 4;
/// Not permitted.
pub(crate) const NOT_PERMITTED: u8 = 5;

/// A command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// The command line asks for something that cannot be.
    #[error("{message}")]
    Usage { message: String, hint: String },
    /// What the command line and the service share failed.
    #[error(transparent)]
    Agent(AgentError),
    /// A file could not be written.
    #[error("{} could not be written: {why}", .file.display())]
    Write { file: PathBuf, why: std::io::Error },
    /// A configuration file could not be read as one.
    #[error("{}: {why}", .file.display())]
    Config { file: PathBuf, why: String },
    /// A file is no bundle of a feed.
    #[error("{} cannot be taken: {why}", .file.display())]
    Bundle { file: PathBuf, why: String },
    /// A feed was not taken.
    #[error("feed {name} was refused: {why}")]
    Feed { name: FeedName, why: String },
    /// A decision holds, and what was to follow it could not be done.
    #[error("{what}: {}", .why.sentence())]
    Decided { what: String, then: String, why: Box<CliError> },
    /// A signal ended a cycle.
    #[error("ended by {}: {_0}", signals::seen().unwrap_or("a signal"))]
    Signal(Ending),
    /// Signals would not be noticed.
    #[error(transparent)]
    Unnoticed(#[from] signals::NotReceived),
    /// Something about the machine.
    #[error("{0}")]
    Machine(String),
}

impl From<AgentError> for CliError {
    fn from(error: AgentError) -> Self {
        match error {
            AgentError::Stopped(ending) => Self::Signal(ending),
            error => Self::Agent(error),
        }
    }
}

/// Errors of the crates below that commands use directly.
macro_rules! from_below {
    ($($error:ty),+) => {
        $(impl From<$error> for CliError {
            fn from(error: $error) -> Self {
                AgentError::from(error).into()
            }
        })+
    };
}

from_below!(FsError, StoreError, LockError, CycleError, FeedsError);

impl CliError {
    pub(crate) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), hint: hint.into() }
    }

    /// Returns the exit code.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::Usage { .. } => USAGE,
            Self::Agent(error) => exit_code_of(error.cause()),
            Self::Bundle { .. } | Self::Feed { .. } => REFUSED,
            Self::Write { why, .. } => exit_code_of_io(why),
            Self::Decided { why, .. } => why.code(),
            Self::Signal(_) => exit_code_of(Cause::Stopped),
            Self::Config { .. } | Self::Unnoticed(_) | Self::Machine(_) => ATTENTION,
        }
    }

    /// Returns what to do next; empty if the sentence says it.
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::Usage { hint, .. } => hint.clone(),
            Self::Agent(error) => error.advice(),
            Self::Bundle { .. } => {
                "nothing was changed; copy the bundle again, or ask its publisher".into()
            }
            Self::Feed { name, .. } => format!(
                "installed mitigations stay active, nothing new is applied; to see the step that failed: \
                 stopgap test-connectivity {name}"
            ),
            Self::Decided { then, why, .. } => {
                let hints = [then.clone(), why.hint()].into_iter().filter(|hint| !hint.is_empty());
                hints.collect::<Vec<_>>().join("; ")
            }
            Self::Write { .. } if self.code() == NOT_PERMITTED => AS_ROOT.into(),
            Self::Write { .. }
            | Self::Config { .. }
            | Self::Signal(_)
            | Self::Unnoticed(_)
            | Self::Machine(_) => String::new(),
        }
    }

    /// Returns the whole sentence: what failed, and why, down to the first cause.
    pub(crate) fn sentence(&self) -> String {
        sentence(self)
    }

    /// Returns the exit code as the process gives it.
    pub(crate) fn exit(&self) -> ExitCode {
        ExitCode::from(self.code())
    }
}

/// Returns the exit code that stands for a kind of failure.
pub(crate) fn exit_code_of(cause: Cause) -> u8 {
    match cause {
        Cause::Request => USAGE,
        Cause::Refused => REFUSED,
        Cause::Locked => LOCKED,
        Cause::NotPermitted => NOT_PERMITTED,
        Cause::Stopped => signals::exit_code().unwrap_or(ATTENTION),
        Cause::Other => ATTENTION,
    }
}

fn exit_code_of_io(error: &std::io::Error) -> u8 {
    let denied = error.kind() == std::io::ErrorKind::PermissionDenied;
    if denied { NOT_PERMITTED } else { ATTENTION }
}
