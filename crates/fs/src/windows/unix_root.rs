//! The files of a Unix server. On Windows none can be opened: its names are not those of a disk of Windows
//! (`a:b`, `A` beside `a`), and its links and owners are lost there. Each attempt says so.

use std::path::{Path, PathBuf};

use stopgap_model::Digest;

use crate::error::{FsError, ReplaceError};
use crate::facts::{Identity, Reached, ReplaceMethod};

/// A folder with the files of a Unix server in it. It has no value on Windows, so that no operation needs
/// an answer that it does not have.
#[derive(Debug)]
pub enum UnixRoot {}

impl UnixRoot {
    /// Opens the folder at `path`.
    ///
    /// # Errors
    /// [`FsError::Unsupported`], always.
    pub fn open(_: &Path) -> Result<Self, FsError> {
        Err(FsError::Unsupported { action: "open the files of a Unix server" })
    }

    /// The folder's path, as it was opened.
    #[must_use]
    pub fn path(&self) -> &Path {
        match *self {}
    }

    /// The bytes of a regular file of at most `max` bytes; `None` if it is not there.
    ///
    /// # Errors
    /// None: there is no such folder to call it on.
    pub fn read(&self, _: &str, _: u64) -> Result<Option<Vec<u8>>, FsError> {
        match *self {}
    }

    /// The bytes of a regular file that only root can change, as for
    /// [`UnixRoot::require_guarded`]; `None` if it is not there.
    ///
    /// # Errors
    /// None: there is no such folder to call it on.
    pub fn read_guarded(&self, _: &str, _: u64) -> Result<Option<Vec<u8>>, FsError> {
        match *self {}
    }

    /// The path without a link that `path` leads to, below this folder and beginning with `/`;
    /// where no file is there, where one would be made. `None` if there is no folder to make it in.
    ///
    /// # Errors
    /// None: there is no such folder to call it on.
    pub fn real_path(&self, _: &str) -> Result<Option<PathBuf>, FsError> {
        match *self {}
    }

    /// Whether `path` leads to a folder.
    ///
    /// # Errors
    /// None: there is no such folder to call it on.
    pub fn is_folder(&self, _: &str) -> Result<bool, FsError> {
        match *self {}
    }

    /// Replaces the file whose digest is `expected` by one with the bytes `new`, the same owner,
    /// permissions and extended attributes: at once, on the disk when this returns, or not at all.
    ///
    /// # Errors
    /// None: there is no such folder to call it on.
    pub fn replace(&self, _: &str, _: Digest, _: &[u8]) -> Result<(), ReplaceError> {
        match *self {}
    }

    /// How [`UnixRoot::replace`] would replace a file.
    ///
    /// # Errors
    /// None: there is no such folder to call it on.
    pub fn replace_method(&self, _: &str) -> Result<ReplaceMethod, ReplaceError> {
        match *self {}
    }

    /// Makes a file for everybody to read, whatever the umask says: at once, on the disk when this
    /// returns, or not at all.
    ///
    /// # Errors
    /// None: there is no such folder to call it on.
    pub fn create(&self, _: &str, _: &[u8]) -> Result<(), ReplaceError> {
        match *self {}
    }

    /// Removes the file whose digest is `expected`; on the disk when this returns.
    ///
    /// # Errors
    /// None: there is no such folder to call it on.
    pub fn remove(&self, _: &str, _: Digest) -> Result<(), ReplaceError> {
        match *self {}
    }

    /// Removes what a broken-off operation on this file left beside it, and beside the link to it if
    /// `path` is one; `false` if there is nothing.
    ///
    /// # Errors
    /// None: there is no such folder to call it on.
    pub fn remove_leftover(&self, _: &str) -> Result<bool, FsError> {
        match *self {}
    }

    /// Writes `bytes` to a file in the folder that `path` is in, whose name is that of `path` with
    /// [`LEFTOVER_SUFFIX`](crate::LEFTOVER_SUFFIX); it is there until what is returned is dropped.
    /// If `path` is a link, it is beside the link: for nginx, relative paths begin there.
    /// It is for its owner only, as what it holds may be secret: for `owner`, a user and a group by
    /// their numbers, who tests his server's configuration with it; without one, for whoever runs
    /// this process.
    ///
    /// # Errors
    /// None: there is no such folder to call it on.
    pub fn stage(&self, _: &str, _: &[u8], _: Option<(u32, u32)>) -> Result<Staged, FsError> {
        match *self {}
    }

    /// The paths that a pattern names, as `glob(3)` does without flags and in the C locale: in the
    /// order of their bytes, without names that begin with a dot unless the pattern has it. Where a
    /// link is not followed, the path with the link stands for all behind it: reading that one says
    /// why, and one link does not hide the other files.
    ///
    /// # Errors
    /// None: there is no such folder to call it on.
    pub fn glob(&self, _: &str) -> Result<Vec<PathBuf>, FsError> {
        match *self {}
    }

    /// Whether only root (and this process's own user) can change what `path` leads to: neither the
    /// file or folder nor any folder or link on the way is somebody else's or open to a group or to
    /// everybody. A sticky folder may be open to others where what is in it is root's. It is what a
    /// program that is to be run is asked, and what is obeyed. Who else could change what has this
    /// name then? Nobody, so the name is as good as what was opened.
    ///
    /// # Errors
    /// None: there is no such folder to call it on.
    pub fn require_guarded(&self, _: &str) -> Result<(), FsError> {
        match *self {}
    }

    /// What only root can change, see [`UnixRoot::require_guarded`], by its device and its number.
    ///
    /// # Errors
    /// None: there is no such folder to call it on.
    pub fn guarded(&self, _: &str) -> Result<Identity, FsError> {
        match *self {}
    }

    /// What `path` leads to, by its device and its number; `None` if nothing is there.
    ///
    /// # Errors
    /// None: there is no such folder to call it on.
    pub fn identity(&self, _: &str) -> Result<Option<Identity>, FsError> {
        match *self {}
    }

    /// What `path` leads to, followed once: the bytes are those of the file at the end of the way that
    /// was judged. At most `max` of them. `None` if there is no folder that such a file could be in.
    ///
    /// # Errors
    /// None: there is no such folder to call it on.
    pub fn reach(&self, _: &str, _: u64) -> Result<Option<Reached>, FsError> {
        match *self {}
    }
}

/// A file beside another one that is there only for a while, removed when this is dropped.
#[derive(Debug)]
pub enum Staged {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_a_unix_server_are_not_opened_on_windows_and_that_is_said() {
        let error = UnixRoot::open(Path::new("x")).map(drop).expect_err("it was opened");
        assert!(error.to_string().ends_with("Stopgap does not do that on this system yet"));
    }
}
