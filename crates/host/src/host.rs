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

/// What a search for files came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// The files, those of a folder before those of the folders in it.
    pub files: Vec<ServerPath>,
    /// Why there may be more; a sentence without a full stop.
    pub incomplete: Option<String>,
}

/// A server's files, by the paths that the server uses.
pub trait Host {
    /// Reads a regular file of at most `max` bytes.
    fn read(&self, path: &ServerPath, max: u64) -> Read;

    /// Finds every file that is `name`, but for the case of ASCII letters, in `folder` and below it.
    /// No link is followed; one is a reason why there may be more. A folder that is not there has
    /// no files.
    fn find(&self, folder: &ServerPath, name: &str) -> Found;

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
