//! Room on the disk that is taken before it is needed, so that what must be written can be written
//! when the disk is full.
//!
//! Windows takes room for a file only with its length: what is taken behind its end is given back when
//! the file is closed. So a spare file is as long as the room that it takes; where room behind the end of
//! a file is asked for, it is only looked whether there is enough.

use std::fs::File;
use std::os::windows::fs::FileExt as _;
use std::path::PathBuf;

use stopgap_win32 as win32;

use super::folder::{Folder, READ_WRITE, SHARE_ALL};
use super::private::PrivateDir;
use super::waiting::{failed, patiently_renamed};
use crate::error::{At as _, FsError, OsError};

/// There is not enough room on the disk.
const DISK_FULL: OsError = OsError::from_raw(112);

impl PrivateDir {
    /// Looks whether there is room on the disk for `bytes` more at the end of the file `rel`, which is
    /// created empty if need be.
    ///
    /// # Errors
    /// The path is not below this folder, its folder is not there, or there is no room.
    pub fn keep_room(&self, rel: &str, bytes: u64) -> Result<(), FsError> {
        let (_, path) = self.0.open_or_make(rel)?;
        match self.free()? >= bytes {
            true => Ok(()),
            false => Err(FsError::Io { action: "make room in", path, source: DISK_FULL }),
        }
    }

    /// Makes the file `rel` with `bytes` zeros, for [`PrivateDir::write_onto`].
    ///
    /// # Errors
    /// The path is not below this folder, its folder is not there, or there is no room.
    pub fn make_spare(&self, rel: &str, bytes: u64) -> Result<(), FsError> {
        let (file, path) = self.0.open_or_make(rel)?;
        let length = file.metadata().at("write", &path)?.len();
        file.set_len(bytes.max(length)).and_then(|()| file.sync_all()).at("write", &path)
    }

    /// How many bytes the file `rel` has; `None` if it is not there.
    ///
    /// # Errors
    /// It is not a regular file, or cannot be looked at.
    pub fn length(&self, rel: &str) -> Result<Option<u64>, FsError> {
        let Some((file, path)) = self.0.existing(rel, super::folder::READ)? else {
            return Ok(None);
        };
        Ok(Some(file.metadata().at("read", &path)?.len()))
    }

    /// As [`PrivateDir::write_atomic`], with the room of the file `spare` in the same folder, which
    /// becomes the file `rel`.
    ///
    /// # Errors
    /// As there; or the spare is not there. It stays then.
    pub fn write_onto(&self, rel: &str, spare: &str, bytes: &[u8]) -> Result<(), FsError> {
        let (folder, name) = self.0.place(rel)?;
        let (file, path, from) = self.spare(&folder, spare)?;
        write_at_start(&file, bytes).at("write", &path)?;
        file.set_len(bytes.len() as u64).and_then(|()| file.sync_all()).at("write", &path)?;
        let to = folder.full_of(name);
        patiently_renamed(|| std::fs::rename(&from, &to))
            .map_err(|error| failed("replace", &error, &to, &folder.path_of(name)))?;
        file.sync_all().at("write", &path)
    }

    /// As [`PrivateDir::write_atomic`]; where the disk is full, with the room of the file `spare` in
    /// the same folder, which becomes the file `rel`. Then blanks and a line's end follow where the spare
    /// was longer: to shorten it would give room away.
    ///
    /// # Errors
    /// As there; or the spare is not there, or has not enough room.
    pub fn write_even_if_full(&self, rel: &str, spare: &str, bytes: &[u8]) -> Result<(), FsError> {
        let full = match self.write_atomic(rel, bytes) {
            Err(error) if error.is_full() => error,
            done => return done,
        };
        let (folder, _) = self.0.place(rel)?;
        let length = match self.spare(&folder, spare) {
            Err(FsError::NotFound { .. }) => return Err(full),
            spare => spare?.0.metadata().at("write", self.path())?.len(),
        };
        let mut text = bytes.to_vec();
        if let Some(blanks) = (length as usize).checked_sub(text.len()).filter(|&it| it > 0) {
            text.resize(text.len() + blanks - 1, b' ');
            text.push(b'\n');
        }
        self.write_onto(rel, spare, &text)
    }

    /// Writes a record over the file `rel`, which is created if need be. It must be as long as the
    /// one before it and not longer than a disk's sector, 512 bytes, which is written whole or not
    /// at all; so it needs no room.
    ///
    /// # Errors
    /// The path is not below this folder, its folder is not there, or it cannot be written.
    pub fn write_in_place(&self, rel: &str, record: &[u8]) -> Result<(), FsError> {
        let (file, path) = self.0.open_or_make(rel)?;
        write_at_start(&file, record).and_then(|()| file.sync_data()).at("write", &path)
    }

    /// How much room the disk of this folder has for this user, in bytes.
    ///
    /// # Errors
    /// It cannot be asked.
    pub fn free(&self) -> Result<u64, FsError> {
        win32::disk_free(self.0.folder.full()).at("read", self.path())
    }

    /// Opens a spare of `folder`: the file, its path for people, and as Windows takes it.
    fn spare(&self, folder: &Folder, rel: &str) -> Result<(File, PathBuf, PathBuf), FsError> {
        let (_, name) = self.0.place(rel)?;
        let path = folder.path_of(name);
        let file = folder.file(name, READ_WRITE, SHARE_ALL)?;
        let file = file.ok_or_else(|| FsError::NotFound { path: path.clone() })?;
        Ok((file, path, folder.full_of(name)))
    }
}

fn write_at_start(file: &File, mut bytes: &[u8]) -> std::io::Result<()> {
    let mut at = 0;
    while !bytes.is_empty() {
        let written = file.seek_write(bytes, at)?;
        at += written as u64;
        bytes = bytes.get(written..).unwrap_or_default();
        if written == 0 {
            return Err(std::io::ErrorKind::WriteZero.into());
        }
    }
    Ok(())
}

/// Takes no room behind the end of a file: Windows gives it back when the file is closed. What there is
/// none for is refused when it is written.
pub(crate) fn keep(_: &File, _: u64, _: u64) -> std::io::Result<()> {
    Ok(())
}
