//! A file that is to be replaced: held open so that nobody writes it, and made sure of.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{Seek as _, SeekFrom};
use std::path::PathBuf;

use stopgap_model::Digest;
use stopgap_win32::{self as win32, FileFacts};

use super::folder::{Folder, READ, SHARE_ALL, SHARE_READ, read_rest};
use crate::error::{At as _, ReplaceError};

/// The largest file that is replaced, in bytes: as much as is read of a server's configuration in all,
/// and as a before-image is read back.
pub(crate) const MAX_TARGET: u64 = 64 << 20;

const READ_ONLY: u32 = 0x1;

/// The file to be replaced. As long as this lives, others may read it or take its name, and not write
/// it.
pub(crate) struct Target<'a> {
    pub(crate) folder: &'a Folder,
    /// Spelled as on the disk.
    pub(crate) name: &'a OsStr,
    pub(crate) file: File,
    pub(crate) facts: FileFacts,
}

impl<'a> Target<'a> {
    pub(crate) fn open(folder: &'a Folder, name: &'a OsString) -> Result<Self, ReplaceError> {
        let path = folder.path_of(name);
        let file = folder.file(name, READ, SHARE_READ)?;
        let file = file.ok_or_else(|| ReplaceError::Missing { path: path.clone() })?;
        let facts = win32::facts(&file).at("look at", &path)?;
        Ok(Self { folder, name, file, facts })
    }

    /// Whoever marked the file as read-only wants it to stay. A second name would part from the first.
    pub(crate) fn require_replaceable(&self) -> Result<(), ReplaceError> {
        if self.facts.attributes & READ_ONLY != 0 {
            return Err(ReplaceError::ReadOnly { path: self.path() });
        }
        if self.facts.links > 1 {
            return Err(ReplaceError::HardLinked { path: self.path() });
        }
        Ok(())
    }

    /// The file still has the content that was planned for.
    pub(crate) fn require(&self, expected: Digest) -> Result<(), ReplaceError> {
        let path = self.path();
        (&self.file).seek(SeekFrom::Start(0)).at("read", &path)?;
        let found = Digest::of(&read_rest(&self.file, MAX_TARGET, &path)?);
        if found == expected { Ok(()) } else { Err(ReplaceError::Changed { path, found }) }
    }

    /// The name still leads to the file that is held open.
    pub(crate) fn require_in_place(&self) -> Result<(), ReplaceError> {
        let path = self.path();
        let now = self.folder.file(self.name, READ, SHARE_ALL)?;
        let now = now.ok_or_else(|| ReplaceError::Missing { path: path.clone() })?;
        let facts = win32::facts(&now).at("look at", &path)?;
        if (facts.volume, facts.number) == (self.facts.volume, self.facts.number) {
            return Ok(());
        }
        let found = Digest::of(&read_rest(&now, MAX_TARGET, &path)?);
        Err(ReplaceError::Changed { path, found })
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path_of(self.name)
    }
}
