//! The files of a server, by the paths that the server itself uses.

use stopgap_fs::{FsError, ReplaceError, ReplaceMethod};
use stopgap_model::{Digest, Reasons, ServerPath};

/// What reading a file came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Read {
    /// The file's bytes.
    Found(Vec<u8>),
    /// There is no such file.
    Absent,
    /// There may be one, but it could not be read.
    Unreadable(Reasons),
}

/// What a search for files came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// The files, those of a folder before those of the folders in it.
    pub files: Vec<ServerPath>,
    /// Why there may be more.
    pub incomplete: Option<Reasons>,
}

/// A server's files, by the paths that the server uses.
pub trait Files {
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

    /// How [`Files::replace`] would replace a file; one that is not there is made.
    ///
    /// # Errors
    /// Why it would not, as far as that can be seen without trying.
    fn replace_method(&self, _: &ServerPath) -> Result<ReplaceMethod, Reasons> {
        Ok(ReplaceMethod::Rename)
    }

    /// Makes the file with these bytes, for everybody to read: wholly and on the disk when this
    /// returns, or not at all.
    ///
    /// # Errors
    /// [`ReplaceError::Changed`] if it is there already; otherwise as for [`Files::replace`].
    fn create(&self, path: &ServerPath, new: &[u8]) -> Result<(), ReplaceError>;

    /// Removes the file whose digest is `expected`.
    ///
    /// # Errors
    /// As for [`Files::replace`]; [`ReplaceError::Missing`] if it is not there.
    fn remove(&self, path: &ServerPath, expected: Digest) -> Result<(), ReplaceError>;

    /// Removes what a broken-off [`Files::replace`] of this file left beside it; `false` if there is
    /// nothing.
    ///
    /// # Errors
    /// It cannot be found out, or not be removed.
    fn remove_leftover(&self, path: &ServerPath) -> Result<bool, FsError>;

    /// The file that a path of this server leads to, every link on the way followed as the server
    /// follows it. Where no file is there, it is where one would be made; the path itself where there
    /// is no folder for it.
    ///
    /// # Errors
    /// A link leads out of the root, in a circle, or is neither root's nor of whoever owns what it
    /// leads to.
    fn real_path(&self, path: &ServerPath) -> Result<ServerPath, Reasons>;

    /// The files that a pattern of the shell's kind (`*`, `?`, `[a-z]`) names, in the order in which
    /// the C library's `glob` gives them. Links are followed as by [`Files::real_path`].
    ///
    /// # Errors
    /// A folder cannot be read, or there are too many.
    fn glob(&self, pattern: &str) -> Result<Vec<ServerPath>, Reasons>;
}
