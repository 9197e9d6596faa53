//! A new file beside the one that it will replace.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Write as _;

use rustix::fs::{Gid, OFlags, RenameFlags, Uid};
use rustix::io::Errno;

use super::folder::Folder;
use crate::error::{At as _, FsError};
use crate::name::leftover_of;

/// A new file, removed again unless it took its target's place.
pub(crate) struct Temp<'a> {
    file: File,
    beside: Beside<'a>,
}

/// A new file that is not held open any more.
pub(crate) struct Beside<'a> {
    folder: &'a Folder,
    target: &'a OsStr,
    name: OsString,
    placed: bool,
}

impl<'a> Temp<'a> {
    /// Writes `bytes` to a new file beside `target`, for its owner only, in place of what an
    /// earlier run may have left.
    pub(crate) fn write(
        folder: &'a Folder,
        target: &'a OsStr,
        bytes: &[u8],
    ) -> Result<Self, FsError> {
        let name = leftover_of(target);
        folder.unlink(&name)?;
        let path = folder.path_of(&name);
        let file = folder
            .file(&name, OFlags::RDWR.union(OFlags::CREATE).union(OFlags::EXCL))?
            .ok_or_else(|| FsError::NotFound { path: folder.path().to_owned() })?;
        let mut temp = Self { file, beside: Beside { folder, target, name, placed: false } };
        temp.file.write_all(bytes).at("write", &path)?;
        Ok(temp)
    }

    /// The new file.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// Puts the new file on the disk; the name is still its own.
    pub(crate) fn sync(&self) -> Result<(), FsError> {
        let Beside { folder, name, .. } = &self.beside;
        self.file.sync_all().at("write", &folder.path_of(name))
    }

    /// Closes the new file, which is still to be placed.
    pub(crate) fn close(self) -> Beside<'a> {
        self.beside
    }

    /// Gives the new file its target's name, in one step.
    pub(crate) fn place(self) -> Result<(), FsError> {
        self.close().place()
    }

    /// Gives the new file its target's name, in one step, unless something has that name.
    pub(crate) fn place_anew(mut self) -> Result<(), Errno> {
        let Beside { folder, target, name, .. } = &self.beside;
        rustix::fs::renameat_with(folder, name, folder, *target, RenameFlags::NOREPLACE)?;
        self.beside.placed = true;
        Ok(())
    }
}

impl Beside<'_> {
    /// Gives the new file its target's name, in one step.
    pub(crate) fn place(mut self) -> Result<(), FsError> {
        rustix::fs::renameat(self.folder, &self.name, self.folder, self.target)
            .at("replace", &self.folder.path_of(self.target))?;
        self.placed = true;
        Ok(())
    }
}

impl Drop for Beside<'_> {
    fn drop(&mut self) {
        if !self.placed {
            // Nothing more can be done here; the next run removes it.
            let _ = self.folder.unlink(&self.name);
        }
    }
}

/// A file beside another one that is there only for a while, removed when this is dropped.
#[derive(Debug)]
pub struct Staged {
    folder: Folder,
    name: OsString,
}

impl Staged {
    /// Writes `bytes` beside `target`, for its owner only, in place of what an earlier run may have
    /// left; for `owner`, a user and a group, where there is one.
    pub(crate) fn write(
        folder: Folder,
        target: &OsStr,
        bytes: &[u8],
        owner: Option<(u32, u32)>,
    ) -> Result<Self, FsError> {
        let name = leftover_of(target);
        let mut temp = Temp::write(&folder, target, bytes)?;
        if let Some((uid, gid)) = owner {
            let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
            rustix::fs::fchown(temp.file(), Some(uid), Some(gid))
                .at("write", &folder.path_of(&name))?;
        }
        // Whole, so from here on it is removed when this is dropped, and no sooner.
        temp.beside.placed = true;
        drop(temp);
        Ok(Self { folder, name })
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // Nothing more can be done here; the next run removes it.
        let _ = self.folder.unlink(&self.name);
    }
}
