//! The one place where an error becomes an exit code, a sentence and a hint.

use std::path::PathBuf;

use anstyle::{AnsiColor, Style};
use stopgap_feed::tuf::Refusal;
use stopgap_feed::{ConnectStep, TransportError};
use stopgap_fs::{FsError, LockError, PrivateDirError};
use stopgap_model::problem;
use stopgap_terminal::{plain, wrap};

use crate::json::{self, ErrorObject};
use crate::keys::KeyFileError;
use crate::passphrase::PassphraseError;

/// Something needs attention.
pub(crate) const ATTENTION: u8 = 1;
/// Wrong usage.
pub(crate) const USAGE: u8 = 2;
/// What was offered is not good: a document, a signature, a feed.
pub(crate) const REFUSED: u8 = 3;
/// Another process holds the lock.
pub(crate) const LOCKED: u8 = 4;
/// Not permitted.
pub(crate) const NOT_PERMITTED: u8 = 5;

/// A command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PublishError {
    /// The command line asks for something that cannot be.
    #[error("{message}")]
    Usage { message: String, hint: String },
    /// What was offered is not good.
    #[error("{message}")]
    Refused { message: String, hint: String },
    /// Documents are wrong. The text shows each place.
    #[error("{rendered}")]
    Document { rendered: String },
    /// A configuration file could not be read as one, or says nothing that can be taken over.
    #[error("{}: {why}", .file.display())]
    Config { file: PathBuf, why: String },
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] FsError),
    /// The folder of the keys cannot be used.
    #[error(transparent)]
    Folder(#[from] PrivateDirError),
    /// Another process is at work in the folder.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// A key cannot be used.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// There is no passphrase.
    #[error(transparent)]
    Passphrase(#[from] PassphraseError),
    /// A feed is not to be trusted.
    #[error(transparent)]
    Feed(#[from] Refusal),
    /// The place of a feed cannot be used.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// Something about the machine.
    #[error("{0}")]
    Machine(String),
}

impl PublishError {
    pub(crate) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), hint: hint.into() }
    }

    pub(crate) fn refused(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Refused { message: message.into(), hint: hint.into() }
    }

    /// The exit code.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::Usage { .. } => USAGE,
            Self::Transport(TransportError { step: ConnectStep::Name, .. }) => USAGE,
            Self::Refused { .. } | Self::Document { .. } | Self::Feed(_) | Self::Transport(_) => {
                REFUSED
            }
            Self::Lock(LockError::Held { .. }) => LOCKED,
            Self::Key(KeyFileError::File(error))
            | Self::Passphrase(PassphraseError::File(error))
            | Self::File(error)
            | Self::Folder(PrivateDirError::Fs(error))
            | Self::Lock(LockError::Fs(error)) => {
                if error.is_permission_denied() {
                    NOT_PERMITTED
                } else {
                    ATTENTION
                }
            }
            Self::Folder(_) | Self::Key(KeyFileError::WrongPassphrase { .. }) => NOT_PERMITTED,
            Self::Key(_) | Self::Passphrase(_) => USAGE,
            Self::Config { .. } | Self::Machine(_) => ATTENTION,
        }
    }

    /// What to do next; empty if the sentence says it.
    pub(crate) fn hint(&self) -> String {
        let text = match self {
            Self::Usage { hint, .. } | Self::Refused { hint, .. } => return hint.clone(),
            Self::Feed(Refusal::Unreachable { .. }) => "nothing was changed; try again later",
            Self::Feed(Refusal::Expired { .. }) => {
                "nothing was changed; the publisher must publish anew"
            }
            Self::Feed(_) => "nothing was changed; it is not what its publisher signed",
            Self::Document { .. } => "nothing was done; mend the document and try again",
            Self::Lock(LockError::Held { .. }) => "wait until it is done, and try again",
            Self::Folder(PrivateDirError::Fs(_)) => "",
            Self::Folder(_) => "keys are kept in a folder that is yours alone: chmod 700",
            Self::Key(KeyFileError::WrongPassphrase { .. }) => {
                "nothing was signed; the offline and the online keys may have different passphrases"
            }
            Self::Key(KeyFileError::NotEncrypted { .. }) => {
                "encrypt it with: openssl pkcs8 -topk8 -scrypt -in FILE -out FILE.key"
            }
            Self::Key(KeyFileError::Exists { .. }) => {
                "if it is what a broken-off `init` left, move it away and try again"
            }
            Self::Passphrase(PassphraseError::NoTerminal { .. }) => {
                "give it in a file or in the environment; see --help"
            }
            _ => "",
        };
        text.to_owned()
    }

    /// The whole sentence: what failed, and why, down to the first cause.
    pub(crate) fn sentence(&self) -> String {
        problem::sentence(self)
    }

    /// Prints the error: with `as_json` as an object on standard output, else for a person on
    /// standard error.
    pub(crate) fn print(&self, as_json: bool) {
        let (sentence, hint) = (self.sentence(), self.hint());
        if as_json {
            return json::print(&ErrorObject { error: sentence, hint, exit: self.code() });
        }
        let style = Style::new().fg_color(Some(AnsiColor::Red.into())).bold();
        match self {
            // A rendered problem begins with the word already.
            Self::Document { rendered } => anstream::eprintln!("{rendered}"),
            _ => {
                let text = format!("{style}error{style:#}: {}", plain(&sentence));
                anstream::eprintln!("{}", wrap(&text, "  "));
            }
        }
        if !hint.is_empty() {
            anstream::eprintln!("{}", wrap(&format!("hint: {hint}"), "      "));
        }
    }
}
