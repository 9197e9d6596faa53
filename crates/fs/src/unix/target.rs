//! A file that is to be replaced or removed: held open, locked, and made sure of.

use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io::{Seek as _, SeekFrom};
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use rustix::fs::{AtFlags, FlockOperation, OFlags};
use rustix::io::Errno;
use stopgap_model::Digest;

use super::folder::{Folder, read_rest};
use super::lock_holder::is_held_by;
use crate::error::{At as _, FsError, ReplaceError};

/// The largest file that is replaced, in bytes: as much as is read of a server's configuration in all
/// (lists of addresses and comments make files of 17 MB), and as a before-image is read back.
pub(crate) const MAX_TARGET: u64 = 64 << 20;

/// The file to be replaced or removed, held open and locked.
pub(crate) struct Target<'a> {
    pub(crate) folder: &'a Folder,
    pub(crate) name: &'a OsStr,
    pub(crate) file: File,
    pub(crate) facts: Metadata,
}

impl<'a> Target<'a> {
    pub(crate) fn open(folder: &'a Folder, name: &'a OsStr) -> Result<Self, ReplaceError> {
        let path = || folder.path_of(name);
        let file = folder
            .file(name, OFlags::RDONLY)?
            .ok_or_else(|| ReplaceError::Missing { path: path() })?;
        let facts = file.metadata().at("read", &path())?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            // One that anybody took who may only read the file keeps nobody from anything.
            Err(Errno::WOULDBLOCK) if is_held_by(&file, facts.ino(), &[0, facts.uid()]) => {
                return Err(ReplaceError::InUse { path: path() });
            }
            Err(Errno::WOULDBLOCK) => {}
            Err(errno) => Err(errno).at("lock", &path())?,
        }
        Ok(Self { folder, name, file, facts })
    }

    /// The file still has the content that was planned for.
    pub(crate) fn require(&self, expected: Digest) -> Result<Vec<u8>, ReplaceError> {
        let path = self.path();
        (&self.file).seek(SeekFrom::Start(0)).at("read", &path)?;
        let bytes = read_rest(&self.file, MAX_TARGET, &path)?;
        let found = Digest::of(&bytes);
        if found == expected { Ok(bytes) } else { Err(ReplaceError::Changed { path, found }) }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path_of(self.name)
    }

    /// Another opening of the file is of the same one.
    pub(crate) fn require_same(&self, again: &File) -> Result<(), ReplaceError> {
        let path = self.path();
        let facts = again.metadata().at("read", &path)?;
        if (facts.dev(), facts.ino()) == (self.facts.dev(), self.facts.ino()) {
            return Ok(());
        }
        let found = Digest::of(&read_rest(again, MAX_TARGET, &path)?);
        Err(ReplaceError::Changed { path, found })
    }

    /// Whoever marked the file as read-only wants it to stay.
    pub(crate) fn require_writable(&self) -> Result<(), ReplaceError> {
        match self.facts.mode() & 0o200 {
            0 => Err(ReplaceError::ReadOnly { path: self.folder.path_of(self.name) }),
            _ => Ok(()),
        }
    }

    /// The name still leads to the file that is held open.
    pub(crate) fn require_in_place(&self) -> Result<(), ReplaceError> {
        let path = self.folder.path_of(self.name);
        let stat = match rustix::fs::statat(self.folder, self.name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(Errno::NOENT) => return Err(ReplaceError::Missing { path }),
            Err(errno) => return Err(errno).at("read", &path)?,
        };
        if (stat.st_dev, stat.st_ino) == (self.facts.dev(), self.facts.ino()) {
            return Ok(());
        }
        let now = self
            .folder
            .file(self.name, OFlags::RDONLY)?
            .ok_or_else(|| FsError::NotFound { path: path.clone() })?;
        let found = Digest::of(&read_rest(&now, MAX_TARGET, &path)?);
        Err(ReplaceError::Changed { path, found })
    }
}

impl Drop for Target<'_> {
    fn drop(&mut self) {
        // Closing the file would do, but for a child process that was forked just now and has not
        // yet closed its copy of it.
        let _ = rustix::fs::flock(&self.file, FlockOperation::Unlock);
    }
}
