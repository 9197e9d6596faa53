//! A folder with a server's files in it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use stopgap_model::Digest;

use super::folder::{Folder, read_rest};
use super::replace::replace;
use super::replacing::Guarded;
use crate::error::{FsError, ReplaceError};
use crate::facts::Kind;
use crate::find::find;
use crate::name::{is_windows_name, leftover_of};
use crate::search::{FindLimits, FoundFiles};

/// A folder with a server's files in it, opened once.
///
/// Files are named by the parts of their path below the folder, found without regard to the case
/// of ASCII letters. Nothing in the folder can lead out of it: no link is followed.
#[derive(Debug)]
pub struct Root(Folder);

/// A file's folder, held open, and its name as it is spelled on the disk.
type Place = (Folder, OsString);

impl Root {
    /// Opens the folder at `path`.
    ///
    /// # Errors
    /// It is not there, not a folder, or cannot be opened.
    pub fn open(path: &Path) -> Result<Self, FsError> {
        Folder::open(path).map(Self)
    }

    /// The folder's path, as it was opened.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Where a file or folder is on the disk; `None` if it is not there.
    ///
    /// # Errors
    /// The way there leads over a link, a file, or a name that is there twice.
    pub fn resolve(&self, parts: &[&str]) -> Result<Option<PathBuf>, FsError> {
        Ok(self.place(parts)?.map(|(folder, name)| folder.path_of(&name)))
    }

    /// What is at a path; `None` if nothing is there.
    ///
    /// # Errors
    /// The way there leads over a link, a file, or a name that is there twice; or it is a link.
    pub fn kind(&self, parts: &[&str]) -> Result<Option<Kind>, FsError> {
        self.place(parts)?.map_or(Ok(None), |(folder, name)| folder.kind(&name))
    }

    /// The bytes of a regular file of at most `max` bytes; `None` if it is not there.
    ///
    /// # Errors
    /// The way there leads over a link, a file, or a name that is there twice; the file is a link,
    /// not a regular file, too large, or cannot be read.
    pub fn read(&self, parts: &[&str], max: u64) -> Result<Option<Vec<u8>>, FsError> {
        let Some((folder, name)) = self.place(parts)? else { return Ok(None) };
        let Some(file) = folder.file(&name, OFlags::RDONLY)? else { return Ok(None) };
        read_rest(&file, max, &folder.path_of(&name)).map(Some)
    }

    /// Replaces the file whose digest is `expected` by one with the bytes `new`, the same owner,
    /// permissions and extended attributes: at once, on the disk when this returns, or not at all.
    ///
    /// # Errors
    /// As [`ReplaceError`] says. But for [`ReplaceError::NotDurable`], the file is as it was.
    pub fn replace(
        &self,
        parts: &[&str],
        expected: Digest,
        new: &[u8],
    ) -> Result<(), ReplaceError> {
        match self.place(parts)? {
            Some((folder, name)) => replace(&folder, &name, expected, new, Guarded::No),
            None => Err(ReplaceError::Missing { path: self.path().join(parts.join("/")) }),
        }
    }

    /// Removes what a broken-off [`Root::replace`] of this file left beside it; `false` if there
    /// is nothing.
    ///
    /// # Errors
    /// As for [`Root::read`], or it cannot be removed.
    pub fn remove_leftover(&self, parts: &[&str]) -> Result<bool, FsError> {
        let Some((name, above)) = parts.split_last() else { return Ok(false) };
        let leftover = leftover_of((*name).as_ref()).to_string_lossy().into_owned();
        let mut beside = above.to_vec();
        beside.push(&leftover);
        let Some((folder, name)) = self.place(&beside)? else { return Ok(false) };
        let removed = folder.unlink(&name)?;
        // If this is lost in a power failure, the next run removes it again.
        let _ = folder.sync();
        Ok(removed)
    }

    /// Every regular file that is `name`, but for the case of ASCII letters, in the folder `parts`
    /// and below it. No link is followed. What could not be searched is in the result, and is no error; a
    /// folder that is not there has no files.
    ///
    /// # Errors
    /// `name` or the way to the folder is not one, as for [`Root::read`], or the folder cannot be
    /// opened.
    pub fn find(
        &self,
        parts: &[&str],
        name: &str,
        limits: FindLimits,
    ) -> Result<FoundFiles, FsError> {
        if !is_windows_name(name) {
            return Err(FsError::BadName { name: name.to_owned() });
        }
        let Some((above, spelled)) = self.place(parts)? else { return Ok(FoundFiles::default()) };
        let folder = above.child(&spelled)?;
        Ok(folder.map_or_else(FoundFiles::default, |folder| find(folder, name, limits)))
    }

    fn place(&self, parts: &[&str]) -> Result<Option<Place>, FsError> {
        let Some((last, above)) = parts.split_last() else {
            return Err(FsError::BadName { name: String::new() });
        };
        let mut folder: Option<Folder> = None;
        for part in above {
            let here = folder.as_ref().unwrap_or(&self.0);
            let Some(name) = spelled(here, part)? else { return Ok(None) };
            let Some(next) = here.child(&name)? else { return Ok(None) };
            folder = Some(next);
        }
        let folder = match folder {
            Some(folder) => folder,
            None => self.0.again()?,
        };
        Ok(spelled(&folder, last)?.map(|name| (folder, name)))
    }
}

fn spelled(folder: &Folder, part: &str) -> Result<Option<OsString>, FsError> {
    if !is_windows_name(part) {
        return Err(FsError::BadName { name: part.to_owned() });
    }
    folder.spelled(part)
}
