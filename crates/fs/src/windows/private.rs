//! Stopgap's own folder: closed to ordinary users from its first byte.

use std::fs::File;
use std::path::{Path, PathBuf};

use stopgap_win32::Descriptor;

use super::folder::{Folder, READ, READ_WRITE, SECURE, open_followed};
use super::own::{Descriptors, OwnDir, closed, make_dir_all};
use super::permissions::{READ as READABLE, Sid, WRITE as WRITABLE};
use super::trust::{named, own_sid, permissions, require_held_above};
use crate::error::{At as _, FsError, PrivateDirError};

/// Files by which an earlier state folder is known.
const MARKERS: [&str; 2] = ["audit.jsonl", "lock"];

/// A folder that only the system and the administrators can get at, and everything in it; for another
/// user, that user too.
///
/// Files in it are named by relative paths with `/`, such as `changes/0001/change.json`.
#[derive(Debug)]
pub struct PrivateDir(pub(crate) OwnDir);

impl PrivateDir {
    /// Opens the folder at `path`, or creates it and the folders above it.
    ///
    /// A folder that others can read is closed to them if it is empty, or known as a Stopgap state folder
    /// that others could not write to.
    ///
    /// # Errors
    /// It is a link, belongs to somebody else, is open to others and holds other things, or cannot
    /// be used; or somebody else can put another folder in its place.
    pub fn open_or_create(path: &Path) -> Result<Self, PrivateDirError> {
        // Without the separator at the end, which would follow a link.
        let path: PathBuf = path.components().collect();
        let descriptors = Descriptors { of_folder: closed(true)?, of_file: closed(false)? };
        make_dir_all(&path, Some(&descriptors.of_folder))?;
        let folder = Folder::open_unlinked(&path)?;
        let folder = folder.ok_or_else(|| FsError::NotFound { path: path.clone() })?;
        require_own(&folder)?;
        let whole = std::path::absolute(&path).at("look at", &path)?;
        whole.parent().map_or(Ok(()), require_held_above)?;
        close(&folder, &descriptors.of_folder)?;
        Ok(Self(OwnDir { folder, descriptors: Some(descriptors) }))
    }

    /// The folder's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.folder.path()
    }

    /// A folder in this one, which is as private.
    ///
    /// # Errors
    /// It is not there, or cannot be used.
    pub fn folder_in(&self, rel: &str) -> Result<Self, FsError> {
        self.0.below(rel).map(Self)
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

    /// Removes files of one folder; those that are not there already are no error.
    ///
    /// # Errors
    /// The folder is not below this one or not there, a name is not that of a file in it, or a file
    /// cannot be removed.
    pub fn remove_batch(&self, rel: &str, names: &[String]) -> Result<(), FsError> {
        self.0.remove_batch(rel, names)
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

    /// Creates a folder and those above it, where they are not there yet.
    ///
    /// # Errors
    /// The path is not below this folder, or it cannot be created.
    pub fn create_dir(&self, rel: &str) -> Result<(), FsError> {
        self.0.create_dir(rel)
    }

    /// Removes a file; `false` if it is not there.
    ///
    /// # Errors
    /// It cannot be removed.
    pub fn remove_file(&self, rel: &str) -> Result<bool, FsError> {
        self.0.remove_file(rel)
    }

    /// Removes a folder and everything in it; `false` if it is not there.
    ///
    /// # Errors
    /// It cannot be removed.
    pub fn remove_dir_all(&self, rel: &str) -> Result<bool, FsError> {
        self.0.remove_dir_all(rel)
    }

    /// Opens a file of this folder for its lock, created if need be. On a disk that cannot be written
    /// the one that is there does.
    pub(crate) fn open_file(&self, name: &str) -> Result<File, FsError> {
        match self.0.open_or_make(name) {
            Err(error) if error.is_read_only() => Ok(self.0.existing(name, READ)?.ok_or(error)?.0),
            opened => Ok(opened?.0),
        }
    }

    /// Opens a file that is added to, which is created if need be; with its path.
    pub(crate) fn open_to_add(&self, rel: &str) -> Result<(File, PathBuf), FsError> {
        self.0.open_or_make(rel)
    }

    /// Opens a file for reading and writing, if it is there.
    pub(crate) fn existing_file(&self, name: &str) -> Result<Option<File>, FsError> {
        Ok(self.0.existing(name, READ_WRITE)?.map(|(file, _)| file))
    }
}

fn require_own(folder: &Folder) -> Result<(), PrivateDirError> {
    let own = own_sid()?;
    let found = permissions(&folder.descriptor()?, folder.path())?;
    match found.foreign_owner(own) {
        None => Ok(()),
        Some(owner) => Err(PrivateDirError::Foreign {
            path: folder.path().to_owned(),
            owner: named(owner),
            user: named(own),
        }),
    }
}

/// Closes the folder to others, if what is in it can be trusted.
fn close(folder: &Folder, closed: &Descriptor) -> Result<(), PrivateDirError> {
    let (own, path) = (own_sid()?, folder.path());
    let found = permissions(&folder.descriptor()?, path)?;
    let (readers, writers) = (found.others(READABLE, own), found.others(WRITABLE, own));
    if readers.is_empty() && writers.is_empty() {
        return Ok(());
    }
    let names = folder.names()?;
    let is_state = names.iter().any(|name| MARKERS.iter().any(|marker| name == marker));
    if !names.is_empty() && !is_state {
        let access = access([readers, writers].concat(), "may use it");
        return Err(PrivateDirError::Open { path: path.to_owned(), access });
    }
    let is_writable = !writers.is_empty();
    let written = || PrivateDirError::Writable {
        path: path.to_owned(),
        access: access(writers, "may write to it"),
    };
    if is_writable && !names.is_empty() {
        return Err(written());
    }
    give(folder, closed)?;
    // Somebody may have put a file there just before the door closed.
    if is_writable && !folder.names()?.is_empty() {
        return Err(written());
    }
    Ok(())
}

/// Who may do something, for people.
fn access(mut who: Vec<Sid>, what: &str) -> String {
    who.sort();
    who.dedup();
    let names: Vec<String> = who.iter().map(named).collect();
    format!("{} {what}", names.join(", "))
}

/// Gives the folder the access list that a new one has.
fn give(folder: &Folder, closed: &Descriptor) -> Result<(), FsError> {
    let missing = || FsError::NotFound { path: folder.path().to_owned() };
    let open = open_followed(folder.full(), folder.path(), super::folder::LOOK | SECURE)?;
    closed.give_to(&open.ok_or_else(missing)?, false).at("close", folder.path())
}
