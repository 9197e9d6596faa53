//! A folder whose files are for everybody to read, such as what a web server gives away.

use std::fs::File;
use std::path::Path;

use super::folder::Folder;
use super::own::{OwnDir, make_dir_all};
use crate::error::FsError;

/// A folder whose files are for everybody to read who may read the folder: they get the access list
/// that it hands down.
///
/// Files in it are named by relative paths with `/`. No link in it is followed.
#[derive(Debug)]
pub struct PublicDir(OwnDir);

impl PublicDir {
    /// Opens the folder at `path`.
    ///
    /// # Errors
    /// It is not there, not a folder, or cannot be opened.
    pub fn open(path: &Path) -> Result<Self, FsError> {
        Ok(Self(OwnDir { folder: Folder::open(path)?, descriptors: None }))
    }

    /// Opens the folder at `path`, or creates it and the folders above it.
    ///
    /// # Errors
    /// It is not a folder, or cannot be created or opened.
    pub fn open_or_create(path: &Path) -> Result<Self, FsError> {
        match Self::open(path) {
            Err(FsError::NotFound { .. }) => {
                make_dir_all(path, None)?;
                Self::open(path)
            }
            other => other,
        }
    }

    /// The folder's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.folder.path()
    }

    /// Writes a file, wholly or not at all; it is on the disk when this returns.
    ///
    /// # Errors
    /// The path is not below this folder, its folder is not there, or it cannot be written.
    pub fn write_atomic(&self, rel: &str, bytes: &[u8]) -> Result<(), FsError> {
        self.0.write_atomic(rel, bytes)
    }

    /// Writes files of one folder, each wholly or not at all; all are on the disk when this returns.
    ///
    /// # Errors
    /// The folder is not below this one or not there, a name is not that of a file in it, or a file
    /// cannot be written. Some may be written then.
    pub fn write_batch(&self, rel: &str, files: &[(String, Vec<u8>)]) -> Result<(), FsError> {
        self.0.write_batch(rel, files)
    }

    /// The bytes of a file of at most `max` bytes; `None` if it is not there.
    ///
    /// # Errors
    /// The file is too large, not a regular file, or cannot be read.
    pub fn read(&self, rel: &str, max: u64) -> Result<Option<Vec<u8>>, FsError> {
        self.0.read(rel, max)
    }

    /// The names in a folder, sorted, without what a broken-off write left; `""` is this folder.
    /// A folder that is not there has none.
    ///
    /// # Errors
    /// It is not a folder or cannot be read.
    pub fn list(&self, rel: &str) -> Result<Vec<String>, FsError> {
        self.0.list(rel)
    }

    /// Creates the folder `name` in this one, unless it is there.
    ///
    /// # Errors
    /// It is not the name of a folder, or cannot be created.
    pub fn create_dir(&self, name: &str) -> Result<(), FsError> {
        self.0.create_dir(name)
    }

    /// Removes a file; `false` if it is not there.
    ///
    /// # Errors
    /// It cannot be removed.
    pub fn remove_file(&self, rel: &str) -> Result<bool, FsError> {
        self.0.remove_file(rel)
    }

    /// Opens a file for reading and writing, created if need be.
    pub(crate) fn open_file(&self, name: &str) -> Result<File, FsError> {
        Ok(self.0.open_or_make(name)?.0)
    }
}
