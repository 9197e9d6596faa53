//! A folder whose files are for everybody to read, such as what a web server gives away.

use std::ffi::OsStr;
use std::fs::{DirBuilder, File};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::batch::write_batch;
use super::folder::{Folder, read_rest};
use super::temp::Temp;
use crate::error::{At as _, FsError};
use crate::name::{LEFTOVER_SUFFIX, parts};

/// Files are for everybody to read, whatever the umask says: a web server is another user.
const PUBLIC_FILE: Mode = Mode::RUSR.union(Mode::WUSR).union(Mode::RGRP).union(Mode::ROTH);

/// Folders are for everybody to enter.
const PUBLIC_FOLDER: Mode = Mode::from_raw_mode(0o755);

/// A folder whose files are for everybody to read.
///
/// Files in it are named by relative paths with `/`. No link in it is followed.
#[derive(Debug)]
pub struct PublicDir(Folder);

impl PublicDir {
    /// Opens the folder at `path`.
    ///
    /// # Errors
    /// It is not there, not a folder, or cannot be opened.
    pub fn open(path: &Path) -> Result<Self, FsError> {
        Folder::open(path).map(Self)
    }

    /// Opens the folder at `path`, or creates it and the folders above it.
    ///
    /// # Errors
    /// It is not a folder, or cannot be created or opened.
    pub fn open_or_create(path: &Path) -> Result<Self, FsError> {
        match Self::open(path) {
            Err(FsError::NotFound { .. }) => {
                DirBuilder::new().recursive(true).mode(0o755).create(path).at("create", path)?;
                Self::open(path)
            }
            other => other,
        }
    }

    /// The folder's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file, wholly or not at all; it is on the disk when this returns.
    ///
    /// # Errors
    /// The path is not below this folder, its folder is not there, or it cannot be written.
    pub fn write_atomic(&self, rel: &str, bytes: &[u8]) -> Result<(), FsError> {
        let (above, name) = split(rel)?;
        let folder = self.folder(above)?;
        let temp = Temp::write(&folder, name, bytes)?;
        rustix::fs::fchmod(temp.file(), PUBLIC_FILE).at("write", &folder.path_of(name))?;
        temp.sync()?;
        temp.place()?;
        folder.sync().at("write", folder.path())
    }

    /// Writes files of one folder, each wholly or not at all; all are on the disk when this
    /// returns, and for many the disk is waited for once.
    ///
    /// # Errors
    /// The folder is not below this one or not there, a name is not that of a file in it, or a file
    /// cannot be written. Some may be written then.
    pub fn write_batch(&self, rel: &str, files: &[(String, Vec<u8>)]) -> Result<(), FsError> {
        write_batch(&self.folder(rel)?, files, PUBLIC_FILE)
    }

    /// The bytes of a file of at most `max` bytes; `None` if it is not there.
    ///
    /// # Errors
    /// The file is too large, not a regular file, or cannot be read.
    pub fn read(&self, rel: &str, max: u64) -> Result<Option<Vec<u8>>, FsError> {
        let (above, name) = split(rel)?;
        let folder = match self.folder(above) {
            Err(FsError::NotFound { .. }) => return Ok(None),
            folder => folder?,
        };
        let Some(file) = folder.file(name, OFlags::RDONLY)? else { return Ok(None) };
        read_rest(&file, max, &folder.path_of(name)).map(Some)
    }

    /// The names in a folder, sorted, without what a broken-off write left; `""` is this folder.
    /// A folder that is not there has none.
    ///
    /// # Errors
    /// It is not a folder or cannot be read.
    pub fn list(&self, rel: &str) -> Result<Vec<String>, FsError> {
        let folder = match self.folder(rel) {
            Err(FsError::NotFound { .. }) => return Ok(Vec::new()),
            folder => folder?,
        };
        let names = folder.names()?.into_iter().map(|name| name.to_string_lossy().into_owned());
        Ok(names.filter(|name| !name.ends_with(LEFTOVER_SUFFIX)).collect())
    }

    /// Creates the folder `name` in this one, unless it is there.
    ///
    /// # Errors
    /// It is not the name of a folder, or cannot be created.
    pub fn create_dir(&self, name: &str) -> Result<(), FsError> {
        let (_, last) = split(name)?;
        match rustix::fs::mkdirat(&self.0, last, PUBLIC_FOLDER) {
            Err(Errno::EXIST) => return Ok(()),
            made => made.at("create", &self.0.path_of(last))?,
        }
        let child = self.folder(name)?;
        // Undoes what an odd umask did.
        rustix::fs::fchmod(&child, PUBLIC_FOLDER).at("create", child.path())?;
        self.0.sync().at("write", self.0.path())
    }

    /// Removes a file; `false` if it is not there.
    ///
    /// # Errors
    /// It cannot be removed.
    pub fn remove_file(&self, rel: &str) -> Result<bool, FsError> {
        let (above, name) = split(rel)?;
        let folder = match self.folder(above) {
            Err(FsError::NotFound { .. }) => return Ok(false),
            folder => folder?,
        };
        let removed = folder.unlink(name)?;
        folder.sync().at("write", folder.path())?;
        Ok(removed)
    }

    /// Opens a file for reading and writing, created if need be, for its owner only.
    pub(crate) fn open_file(&self, name: &str) -> Result<File, FsError> {
        let name = OsStr::new(name);
        let file = self.0.file(name, OFlags::RDWR | OFlags::CREATE)?;
        file.ok_or_else(|| FsError::NotFound { path: self.0.path_of(name) })
    }

    fn folder(&self, rel: &str) -> Result<Folder, FsError> {
        let mut folder = self.0.again()?;
        if !rel.is_empty() {
            for name in parts(rel)? {
                let name = OsStr::new(name);
                let missing = || FsError::NotFound { path: folder.path_of(name) };
                folder = folder.child(name)?.ok_or_else(missing)?;
            }
        }
        Ok(folder)
    }
}

/// The folder that a path names, and the name in it.
fn split(rel: &str) -> Result<(&str, &OsStr), FsError> {
    parts(rel)?;
    let (above, name) = rel.rsplit_once('/').unwrap_or(("", rel));
    Ok((above, OsStr::new(name)))
}
