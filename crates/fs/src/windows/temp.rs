//! A new file beside the one that it will replace.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write as _};
use std::path::PathBuf;

use stopgap_win32::{self as win32, Creation, Descriptor};

use super::folder::{Folder, READ_WRITE, SECURE, SHARE_ALL};
use super::waiting::{failed, patiently_renamed};
use crate::error::{At as _, FsError};
use crate::name::leftover_of;

/// What is made is a file that is not a link, whatever has its name.
const OPEN_REPARSE_POINT: u32 = 0x0020_0000;

/// A new file, removed again unless it took its target's place.
pub(crate) struct Temp<'a> {
    file: File,
    folder: &'a Folder,
    target: &'a OsStr,
    name: OsString,
    placed: bool,
}

impl<'a> Temp<'a> {
    /// Writes `bytes` to a new file beside `target`, with this descriptor from its first byte, in place
    /// of what an earlier run may have left.
    pub(crate) fn write(
        folder: &'a Folder,
        target: &'a OsStr,
        bytes: &[u8],
        descriptor: Option<&Descriptor>,
    ) -> Result<Self, FsError> {
        let name = leftover_of(target);
        folder.unlink(&name)?;
        let (full, path) = (folder.full_of(&name), folder.path_of(&name));
        let access = READ_WRITE | SECURE;
        let flags = OPEN_REPARSE_POINT;
        let made = win32::create_file(&full, access, SHARE_ALL, Creation::New, flags, descriptor);
        let file = made.map_err(|error| failed("create", &error, &full, &path))?;
        let mut temp = Self { file, folder, target, name, placed: false };
        temp.file.write_all(bytes).at("write", &path)?;
        Ok(temp)
    }

    /// The new file.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// Where the new file is, as Windows takes it.
    pub(crate) fn full(&self) -> PathBuf {
        self.folder.full_of(&self.name)
    }

    /// Puts the new file on the disk, with the name that it has now.
    pub(crate) fn sync(&self) -> Result<(), FsError> {
        self.file.sync_all().at("write", &self.folder.path_of(self.target))
    }

    /// Gives the new file its target's name, in one step; it is on the disk under that name when this
    /// returns.
    pub(crate) fn place(mut self) -> Result<(), FsError> {
        self.rename()?;
        self.sync()
    }

    /// Gives the new file its target's name, in one step. Who has the old file open is waited for.
    pub(crate) fn rename(&mut self) -> Result<(), FsError> {
        let to = self.folder.full_of(self.target);
        let renamed = patiently_renamed(|| self.try_rename());
        let path = self.folder.path_of(self.target);
        renamed.map_err(|error| failed("replace", &error, &to, &path))
    }

    /// The same, with one attempt.
    pub(crate) fn try_rename(&mut self) -> io::Result<()> {
        std::fs::rename(self.full(), self.folder.full_of(self.target))?;
        self.placed = true;
        Ok(())
    }

    /// Another file has taken its bytes and its place, so it need not be removed.
    pub(crate) fn is_placed(&mut self) {
        self.placed = true;
    }
}

impl Drop for Temp<'_> {
    fn drop(&mut self) {
        if !self.placed {
            // Nothing more can be done here; the next run removes it.
            let _ = std::fs::remove_file(self.full());
        }
    }
}
