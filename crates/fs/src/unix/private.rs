//! Stopgap's own folder: closed to everybody else from its first byte.

use std::ffi::OsStr;
use std::fs::{DirBuilder, File};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::batch::write_batch;
use super::folder::{Folder, PRIVATE_FILE, read_rest};
use super::temp::Temp;
use crate::error::{At as _, FsError, PrivateDirError};
use crate::name::{LEFTOVER_SUFFIX, file_name, parts};

/// Folders are for their owner only.
const PRIVATE_FOLDER: Mode = Mode::RWXU;

/// Files by which an earlier state folder is known.
const MARKERS: [&str; 2] = ["audit.jsonl", "lock"];

/// A folder that only this user can get at, and everything in it.
///
/// Files in it are named by relative paths with `/`, such as `changes/0001/change.json`. They are
/// for their owner only, whatever the umask says.
#[derive(Debug)]
pub struct PrivateDir(Folder);

impl PrivateDir {
    /// Opens the folder at `path`, or creates it and the folders above it.
    ///
    /// A folder of this user that others can read is closed to them if it is empty, or known as a
    /// Stopgap state folder that others could not write to.
    ///
    /// # Errors
    /// It is a link, belongs to somebody else, is open to others and holds other things, or cannot
    /// be used.
    pub fn open_or_create(path: &Path) -> Result<Self, PrivateDirError> {
        // Without the slash at the end, which would follow a link.
        let path: PathBuf = path.components().collect();
        let folder = match Folder::open_unlinked(&path)? {
            Some(folder) => folder,
            None => {
                DirBuilder::new().recursive(true).mode(0o700).create(&path).at("create", &path)?;
                Folder::open_unlinked(&path)?.ok_or(FsError::NotFound { path })?
            }
        };
        require_own(&folder)?;
        close(&folder)?;
        Ok(Self(folder))
    }

    /// The folder's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// A folder in this one, which is as private.
    ///
    /// # Errors
    /// It is not there, or cannot be used.
    pub fn folder_in(&self, rel: &str) -> Result<Self, FsError> {
        self.folder(rel).map(Self)
    }

    /// Writes a file, wholly or not at all; it is on the disk when this returns.
    ///
    /// # Errors
    /// The path is not below this folder, its folder is not there, or it cannot be written.
    pub fn write_atomic(&self, rel: &str, bytes: &[u8]) -> Result<(), FsError> {
        let (folder, name) = self.place(rel)?;
        let temp = Temp::write(&folder, name, bytes)?;
        make_private(temp.file()).at("write", &folder.path_of(name))?;
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
        write_batch(&self.folder(rel)?, files, PRIVATE_FILE)
    }

    /// Removes files of one folder; those that are not there already are no error.
    ///
    /// # Errors
    /// The folder is not below this one or not there, a name is not that of a file in it, or a file
    /// cannot be removed.
    pub fn remove_batch(&self, rel: &str, names: &[String]) -> Result<(), FsError> {
        let folder = self.folder(rel)?;
        for name in names {
            folder.unlink(file_name(name)?)?;
        }
        folder.sync().at("write", folder.path())
    }

    /// The bytes of a file of at most `max` bytes; `None` if it is not there.
    ///
    /// # Errors
    /// The file is too large, not a regular file, or cannot be read.
    pub fn read(&self, rel: &str, max: u64) -> Result<Option<Vec<u8>>, FsError> {
        let (folder, name) = match self.place(rel) {
            Err(FsError::NotFound { .. }) => return Ok(None),
            place => place?,
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

    /// Creates a folder and those above it, where they are not there yet.
    ///
    /// # Errors
    /// The path is not below this folder, or it cannot be created.
    pub fn create_dir(&self, rel: &str) -> Result<(), FsError> {
        let mut folder = self.0.again()?;
        for name in parts(rel)? {
            let name = OsStr::new(name);
            let created = match rustix::fs::mkdirat(&folder, name, PRIVATE_FOLDER) {
                Ok(()) => true,
                Err(Errno::EXIST) => false,
                Err(errno) => return Err(errno).at("create", &folder.path_of(name)),
            };
            let child = next(&folder, name)?;
            if created {
                // Undoes what an odd umask did.
                rustix::fs::fchmod(&child, PRIVATE_FOLDER).at("create", child.path())?;
                folder.sync().at("write", folder.path())?;
            }
            folder = child;
        }
        Ok(())
    }

    /// Removes a file; `false` if it is not there.
    ///
    /// # Errors
    /// It cannot be removed.
    pub fn remove_file(&self, rel: &str) -> Result<bool, FsError> {
        let (folder, name) = match self.place(rel) {
            Err(FsError::NotFound { .. }) => return Ok(false),
            place => place?,
        };
        let removed = folder.unlink(name)?;
        folder.sync().at("write", folder.path())?;
        Ok(removed)
    }

    /// Removes a folder and everything in it; `false` if it is not there.
    ///
    /// # Errors
    /// It cannot be removed.
    pub fn remove_dir_all(&self, rel: &str) -> Result<bool, FsError> {
        let (folder, name) = match self.place(rel) {
            Err(FsError::NotFound { .. }) => return Ok(false),
            place => place?,
        };
        if folder.child(name)?.is_none() {
            return Ok(false);
        }
        let path = folder.path_of(name);
        std::fs::remove_dir_all(&path).at("remove", &path)?;
        folder.sync().at("write", folder.path())?;
        Ok(true)
    }

    /// Opens a file of this folder for its lock, created if need be. On a disk that cannot be written
    /// the one that is there does.
    pub(crate) fn open_file(&self, name: &str) -> Result<File, FsError> {
        match self.open_at(name, OFlags::RDWR) {
            Err(error) if error.is_read_only() => {
                self.0.file(OsStr::new(name), OFlags::RDONLY)?.ok_or(error)
            }
            opened => Ok(opened?.0),
        }
    }

    /// Opens a file, created if need be, for its owner only.
    pub(crate) fn open_at(&self, rel: &str, flags: OFlags) -> Result<(File, PathBuf), FsError> {
        let (folder, name) = self.place(rel)?;
        let path = folder.path_of(name);
        if let Some(file) = folder.file(name, flags)? {
            return Ok((file, path));
        }
        let file = open(&folder, name, flags | OFlags::CREATE)?;
        make_private(&file).at("write", &path)?;
        folder.sync().at("write", folder.path())?;
        Ok((file, path))
    }

    /// Opens a file that is added to, which is created if need be; with its path.
    pub(crate) fn open_to_add(&self, rel: &str) -> Result<(File, PathBuf), FsError> {
        self.open_at(rel, OFlags::RDWR | OFlags::APPEND)
    }

    /// Opens a file for reading, if it is there.
    pub(crate) fn existing_file(&self, name: &str) -> Result<Option<File>, FsError> {
        self.0.file(OsStr::new(name), OFlags::RDONLY)
    }

    fn folder(&self, rel: &str) -> Result<Folder, FsError> {
        let mut folder = self.0.again()?;
        if !rel.is_empty() {
            for name in parts(rel)? {
                folder = next(&folder, OsStr::new(name))?;
            }
        }
        Ok(folder)
    }

    pub(crate) fn place<'a>(&self, rel: &'a str) -> Result<(Folder, &'a OsStr), FsError> {
        parts(rel)?;
        let (above, name) = rel.rsplit_once('/').unwrap_or(("", rel));
        Ok((self.folder(above)?, OsStr::new(name)))
    }
}

fn next(folder: &Folder, name: &OsStr) -> Result<Folder, FsError> {
    folder.child(name)?.ok_or_else(|| FsError::NotFound { path: folder.path_of(name) })
}

fn open(folder: &Folder, name: &OsStr, flags: OFlags) -> Result<File, FsError> {
    folder.file(name, flags)?.ok_or_else(|| FsError::NotFound { path: folder.path_of(name) })
}

/// Undoes what an odd umask or a default access control list did.
fn make_private(file: &File) -> Result<(), Errno> {
    rustix::fs::fchmod(file, PRIVATE_FILE)
}

fn require_own(folder: &Folder) -> Result<(), PrivateDirError> {
    let owner = rustix::fs::fstat(folder).at("read", folder.path())?.st_uid;
    let user = rustix::process::geteuid().as_raw();
    if owner == user {
        Ok(())
    } else {
        Err(PrivateDirError::Foreign {
            path: folder.path().to_owned(),
            owner: owner.to_string(),
            user: user.to_string(),
        })
    }
}

/// Closes the folder to others, if what is in it can be trusted.
fn close(folder: &Folder) -> Result<(), PrivateDirError> {
    let path = folder.path();
    let mode = rustix::fs::fstat(folder).at("read", path)?.st_mode & 0o7777;
    if mode & 0o077 == 0 {
        // Only an odd umask takes the owner's own permissions away.
        let usable = mode & 0o700 == 0o700;
        return if usable { Ok(()) } else { set_private(folder) };
    }
    let access = format!("mode {mode:04o}");
    let is_empty = || folder.names().map(|names| names.is_empty());
    let was_empty = is_empty()?;
    if !was_empty && !is_state(folder)? {
        return Err(PrivateDirError::Open { path: path.to_owned(), access });
    }
    let writable = mode & 0o022 != 0;
    if writable && !was_empty {
        return Err(PrivateDirError::Writable { path: path.to_owned(), access });
    }
    set_private(folder)?;
    // Somebody may have put a file there just before the door closed.
    if writable && !is_empty()? {
        return Err(PrivateDirError::Writable { path: path.to_owned(), access });
    }
    Ok(())
}

fn set_private(folder: &Folder) -> Result<(), PrivateDirError> {
    Ok(rustix::fs::fchmod(folder, PRIVATE_FOLDER).at("close", folder.path())?)
}

fn is_state(folder: &Folder) -> Result<bool, FsError> {
    Ok(folder.names()?.iter().any(|name| MARKERS.iter().any(|marker| name == marker)))
}
