//! A folder with a server's files in it: a disk of this machine, or a folder with those of another one.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use stopgap_model::Digest;

use super::folder::{Folder, READ, SHARE_ALL, read_rest};
use super::replace::{remove_leftover, replace};
use crate::error::{FsError, ReplaceError};
use crate::facts::Kind;
use crate::find::find;
use crate::name::is_windows_name;
use crate::search::{FindLimits, FoundFiles};

/// A folder with a server's files in it, opened once.
///
/// Files are named by the parts of their path below the folder, found as Windows finds them. Nothing in
/// the folder can lead out of it: no link and no junction is followed.
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
    /// The way there leads over a link or a file.
    pub fn resolve(&self, parts: &[&str]) -> Result<Option<PathBuf>, FsError> {
        Ok(self.place(parts)?.map(|(folder, name)| folder.path_of(&name)))
    }

    /// What is at a path; `None` if nothing is there.
    ///
    /// # Errors
    /// The way there leads over a link or a file; or it is a link.
    pub fn kind(&self, parts: &[&str]) -> Result<Option<Kind>, FsError> {
        self.place(parts)?.map_or(Ok(None), |(folder, name)| folder.kind(&name))
    }

    /// The bytes of a regular file of at most `max` bytes; `None` if it is not there.
    ///
    /// # Errors
    /// The way there leads over a link or a file; the file is a link, not a regular file, too large, in
    /// use for longer than it is waited for, or cannot be read.
    pub fn read(&self, parts: &[&str], max: u64) -> Result<Option<Vec<u8>>, FsError> {
        let Some((folder, name)) = self.way(parts)? else { return Ok(None) };
        let Some(file) = folder.file(name.as_ref(), READ, SHARE_ALL)? else { return Ok(None) };
        read_rest(&file, max, &folder.path_of(name.as_ref())).map(Some)
    }

    /// Replaces the file whose digest is `expected` by one with the bytes `new`, the same owner, access
    /// list, attributes, alternate streams and creation time: at once, on the disk when this returns, or
    /// not at all. A file that is in use is waited for.
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
            Some((folder, name)) => replace(&folder, &name, expected, new),
            None => Err(ReplaceError::Missing { path: self.path().join(parts.join("\\")) }),
        }
    }

    /// Removes what a broken-off [`Root::replace`] of this file left beside it, and puts the old file
    /// back where nothing has its name; `false` if there is nothing to do.
    ///
    /// # Errors
    /// As for [`Root::read`], or it cannot be done.
    pub fn remove_leftover(&self, parts: &[&str]) -> Result<bool, FsError> {
        let Some((folder, name)) = self.way(parts)? else { return Ok(false) };
        // Where the file is there, what lies beside it has its name as it is spelled on the disk.
        let name = folder.spelled(name)?.unwrap_or_else(|| name.into());
        remove_leftover(&folder, &name)
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
        let top = match parts {
            // The disk itself.
            [] => Some(self.0.clone()),
            parts => match self.way(parts)? {
                Some((folder, name)) => folder.child(name.as_ref())?,
                None => None,
            },
        };
        Ok(top.map_or_else(FoundFiles::default, |folder| find(folder, name, limits)))
    }

    fn place(&self, parts: &[&str]) -> Result<Option<Place>, FsError> {
        let Some((folder, name)) = self.way(parts)? else { return Ok(None) };
        Ok(folder.spelled(name)?.map(|name| (folder, name)))
    }

    /// The folder of a path, held open, and the last name, as it was asked for; `None` where the folder
    /// is not there.
    fn way<'p>(&self, parts: &[&'p str]) -> Result<Option<(Folder, &'p str)>, FsError> {
        if let Some(bad) = parts.iter().find(|part| !is_windows_name(part)) {
            return Err(FsError::BadName { name: (*bad).to_owned() });
        }
        let Some((last, above)) = parts.split_last() else {
            return Err(FsError::BadName { name: String::new() });
        };
        let mut folder = self.0.clone();
        for part in above {
            let Some(next) = folder.child(part.as_ref())? else { return Ok(None) };
            folder = next;
        }
        Ok(Some((folder, *last)))
    }
}
