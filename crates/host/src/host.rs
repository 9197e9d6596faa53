//! What every kind of server can be asked to do.

use std::error::Error;

use stopgap_fs::{FsError, ReplaceError};
use stopgap_model::{Digest, ServerPath};

/// What reading a file came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Read {
    /// The file's bytes.
    Found(Vec<u8>),
    /// There is no such file.
    Absent,
    /// There may be one, but it could not be read; the reason is a sentence without a full stop.
    Unreadable(String),
}

/// A server's files, by the paths that the server uses.
pub trait Host {
    /// Reads a regular file of at most `max` bytes.
    fn read(&self, path: &ServerPath, max: u64) -> Read;

    /// Replaces the file whose digest is `expected` by one with the bytes `new`: wholly and on the
    /// disk when this returns, or not at all.
    ///
    /// # Errors
    /// As [`ReplaceError`] says. But for [`ReplaceError::NotDurable`], the file is as it was.
    fn replace(&self, path: &ServerPath, expected: Digest, new: &[u8]) -> Result<(), ReplaceError>;

    /// Removes what a broken-off [`Host::replace`] of this file left beside it; `false` if there is
    /// nothing.
    ///
    /// # Errors
    /// It cannot be found out, or not be removed.
    fn remove_leftover(&self, path: &ServerPath) -> Result<bool, FsError>;

    /// What kind of server this is, and where; for people.
    fn name(&self) -> String;
}

/// The error and its causes as one sentence.
pub(crate) fn sentence(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
