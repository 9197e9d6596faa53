//! Stopgap's own folders on Windows, their lock and their log.

use std::path::Path;
use std::time::Duration;

use crate::error::{FsError, LockError, PrivateDirError};

/// A folder that only this user can get at, and everything in it.
#[derive(Debug)]
pub enum PrivateDir {}

impl PrivateDir {
    /// Opens the folder at `path`, or creates it and the folders above it.
    ///
    /// # Errors
    /// [`FsError::Unsupported`], always.
    pub fn open_or_create(_: &Path) -> Result<Self, PrivateDirError> {
        Err(FsError::Unsupported { action: "open the state folder" }.into())
    }

    /// The folder's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        match *self {}
    }

    /// A folder in this one, which is as private.
    ///
    /// # Errors
    /// None: there is no such folder to call it on.
    pub fn folder_in(&self, _: &str) -> Result<Self, FsError> {
        match *self {}
    }

    /// Writes a file, wholly or not at all; it is on the disk when this returns.
    ///
    /// # Errors
    /// None: there is no such folder to call it on.
    pub fn write_atomic(&self, _: &str, _: &[u8]) -> Result<(), FsError> {
        match *self {}
    }

    /// Writes files of one folder, each wholly or not at all; all are on the disk when this
    /// returns, and for many the disk is waited for once.
    ///
    /// # Errors
    /// None: there is no such folder to call it on.
    pub fn write_batch(&self, _: &str, _: &[(String, Vec<u8>)]) -> Result<(), FsError> {
        match *self {}
    }

    /// Removes files of one folder; those that are not there already are no error.
    ///
    /// # Errors
    /// None: there is no such folder to call it on.
    pub fn remove_batch(&self, _: &str, _: &[String]) -> Result<(), FsError> {
        match *self {}
    }

    /// The bytes of a file of at most `max` bytes; `None` if it is not there.
    ///
    /// # Errors
    /// None: there is no such folder to call it on.
    pub fn read(&self, _: &str, _: u64) -> Result<Option<Vec<u8>>, FsError> {
        match *self {}
    }

    /// The names in a folder, sorted, without what a broken-off write left; `""` is this folder.
    /// A folder that is not there has none.
    ///
    /// # Errors
    /// None: there is no such folder to call it on.
    pub fn list(&self, _: &str) -> Result<Vec<String>, FsError> {
        match *self {}
    }

    /// Creates a folder and those above it, where they are not there yet.
    ///
    /// # Errors
    /// None: there is no such folder to call it on.
    pub fn create_dir(&self, _: &str) -> Result<(), FsError> {
        match *self {}
    }

    /// Removes a file; `false` if it is not there.
    ///
    /// # Errors
    /// None: there is no such folder to call it on.
    pub fn remove_file(&self, _: &str) -> Result<bool, FsError> {
        match *self {}
    }

    /// Removes a folder and everything in it; `false` if it is not there.
    ///
    /// # Errors
    /// None: there is no such folder to call it on.
    pub fn remove_dir_all(&self, _: &str) -> Result<bool, FsError> {
        match *self {}
    }

    /// Takes room on the disk for `bytes` more at the end of the file `rel`, which is created empty
    /// if need be. What can be read of it stays as it is.
    ///
    /// # Errors
    /// None: there is no such folder to call it on.
    pub fn keep_room(&self, _: &str, _: u64) -> Result<(), FsError> {
        match *self {}
    }

    /// Makes the file `rel` with `bytes` zeros, for [`PrivateDir::write_onto`].
    ///
    /// # Errors
    /// None: there is no such folder to call it on.
    pub fn make_spare(&self, _: &str, _: u64) -> Result<(), FsError> {
        match *self {}
    }

    /// How many bytes the file `rel` has; `None` if it is not there.
    ///
    /// # Errors
    /// None: there is no such folder to call it on.
    pub fn length(&self, _: &str) -> Result<Option<u64>, FsError> {
        match *self {}
    }

    /// As [`PrivateDir::write_atomic`], with the room of the file `spare` in the same folder, which
    /// becomes the file `rel`.
    ///
    /// # Errors
    /// None: there is no such folder to call it on.
    pub fn write_onto(&self, _: &str, _: &str, _: &[u8]) -> Result<(), FsError> {
        match *self {}
    }

    /// As [`PrivateDir::write_atomic`]; where the disk is full, with the room of the file `spare` in
    /// the same folder, which changes places with the file `rel`. Then blanks and a line's end follow
    /// where the spare was longer: to shorten it would give room away.
    ///
    /// # Errors
    /// None: there is no such folder to call it on.
    pub fn write_even_if_full(&self, _: &str, _: &str, _: &[u8]) -> Result<(), FsError> {
        match *self {}
    }

    /// Writes a record over the file `rel`, which is created if need be. It must be as long as the
    /// one before it and not longer than a disk's sector, 512 bytes, which is written whole or not
    /// at all; so it needs no room.
    ///
    /// # Errors
    /// None: there is no such folder to call it on.
    pub fn write_in_place(&self, _: &str, _: &[u8]) -> Result<(), FsError> {
        match *self {}
    }

    /// How much room the disk of this folder has, in bytes.
    ///
    /// # Errors
    /// None: there is no such folder to call it on.
    pub fn free(&self) -> Result<u64, FsError> {
        match *self {}
    }

    /// Opens the log `rel`, which is created if need be, and waits up to `wait` for whoever else
    /// writes it.
    ///
    /// # Errors
    /// None: there is no such folder to call it on.
    pub fn open_log(&self, _: &str, _: Duration) -> Result<Log, FsError> {
        match *self {}
    }
}

/// A folder whose files are for everybody to read.
#[derive(Debug)]
pub enum PublicDir {}

impl PublicDir {
    /// Opens the folder at `path`.
    ///
    /// # Errors
    /// [`FsError::Unsupported`], always.
    pub fn open(_: &Path) -> Result<Self, FsError> {
        Err(FsError::Unsupported { action: "open a public folder" })
    }

    /// Opens the folder at `path`, or creates it and the folders above it.
    ///
    /// # Errors
    /// [`FsError::Unsupported`], always.
    pub fn open_or_create(_: &Path) -> Result<Self, FsError> {
        Err(FsError::Unsupported { action: "open a public folder" })
    }

    /// The folder's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        match *self {}
    }

    /// Writes a file, wholly or not at all; it is on the disk when this returns.
    ///
    /// # Errors
    /// None: there is no such folder to call it on.
    pub fn write_atomic(&self, _: &str, _: &[u8]) -> Result<(), FsError> {
        match *self {}
    }

    /// Writes files of one folder, each wholly or not at all; all are on the disk when this
    /// returns, and for many the disk is waited for once.
    ///
    /// # Errors
    /// None: there is no such folder to call it on.
    pub fn write_batch(&self, _: &str, _: &[(String, Vec<u8>)]) -> Result<(), FsError> {
        match *self {}
    }

    /// The bytes of a file of at most `max` bytes; `None` if it is not there.
    ///
    /// # Errors
    /// None: there is no such folder to call it on.
    pub fn read(&self, _: &str, _: u64) -> Result<Option<Vec<u8>>, FsError> {
        match *self {}
    }

    /// The names in a folder, sorted, without what a broken-off write left; `""` is this folder.
    /// A folder that is not there has none.
    ///
    /// # Errors
    /// None: there is no such folder to call it on.
    pub fn list(&self, _: &str) -> Result<Vec<String>, FsError> {
        match *self {}
    }

    /// Creates the folder `name` in this one, unless it is there.
    ///
    /// # Errors
    /// None: there is no such folder to call it on.
    pub fn create_dir(&self, _: &str) -> Result<(), FsError> {
        match *self {}
    }

    /// Removes a file; `false` if it is not there.
    ///
    /// # Errors
    /// None: there is no such folder to call it on.
    pub fn remove_file(&self, _: &str) -> Result<bool, FsError> {
        match *self {}
    }
}

/// The lock of a state folder, held until this is dropped or the process ends, however it ends.
#[derive(Debug)]
pub enum Lock {}

impl Lock {
    /// Takes the lock of `folder`, waiting for at most `wait`.
    ///
    /// # Errors
    /// None: there is no such folder.
    pub fn acquire(
        folder: &PrivateDir,
        _: &str,
        _: Duration,
        _: &mut dyn FnMut(&str),
    ) -> Result<Self, LockError> {
        match *folder {}
    }

    /// Takes the lock of `folder` that has a file of this name, waiting for at most `wait`; see
    /// `acquire`.
    ///
    /// # Errors
    /// None: there is no such folder.
    pub fn acquire_named(
        folder: &PrivateDir,
        _: &str,
        _: &str,
        _: Duration,
        _: &mut dyn FnMut(&str),
    ) -> Result<Self, LockError> {
        match *folder {}
    }

    /// Who holds the lock of `folder` now, as he says himself; `None`: nobody. Nothing is written
    /// for it.
    ///
    /// # Errors
    /// None: there is no such folder.
    pub fn holder(folder: &PrivateDir) -> Result<Option<String>, FsError> {
        match *folder {}
    }

    /// Takes the lock of a public folder, or fails at once.
    ///
    /// # Errors
    /// None: there is no such folder.
    pub fn acquire_public(folder: &PublicDir, _: &str) -> Result<Self, LockError> {
        match *folder {}
    }
}

/// A file of a [`PrivateDir`] that only grows. Other writers are kept away until this is dropped.
#[derive(Debug)]
pub enum Log {}

impl Log {
    /// How many bytes it has.
    ///
    /// # Errors
    /// None: there is no such file.
    pub fn length(&self) -> Result<u64, FsError> {
        match *self {}
    }

    /// Its last bytes, at most `max` of them.
    ///
    /// # Errors
    /// None: there is no such file.
    pub fn end(&mut self, _: u64) -> Result<Vec<u8>, FsError> {
        match *self {}
    }

    /// Cuts it to `length` bytes; it is so on the disk when this returns.
    ///
    /// # Errors
    /// None: there is no such file.
    pub fn cut(&mut self, _: u64) -> Result<(), FsError> {
        match *self {}
    }

    /// Adds `bytes`, which are on the disk when this returns, and takes room on the disk for `room`
    /// more if there is some.
    ///
    /// # Errors
    /// None: there is no such file.
    pub fn add(&mut self, _: &[u8], _: u64) -> Result<(), FsError> {
        match *self {}
    }
}
