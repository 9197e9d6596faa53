//! Room on the disk that is taken before it is needed, so that what must be written can be written
//! when the disk is full.

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::fs::FileExt as _;

use rustix::fs::{FallocateFlags, OFlags, RenameFlags};
use rustix::io::{Errno, retry_on_intr};

use super::folder::Folder;
use super::private::PrivateDir;
use crate::error::{At as _, FsError};

impl PrivateDir {
    /// Takes room on the disk for `bytes` more at the end of the file `rel`, which is created empty
    /// if need be. What can be read of it stays as it is.
    ///
    /// # Errors
    /// The path is not below this folder, its folder is not there, or there is no room. A file
    /// system that cannot take room is no error.
    pub fn keep_room(&self, rel: &str, bytes: u64) -> Result<(), FsError> {
        let (file, path) = self.open_at(rel, OFlags::RDWR)?;
        let length = file.metadata().at("write", &path)?.len();
        keep(&file, length, bytes).at("write", &path)
    }

    /// Makes the file `rel` with `bytes` zeros, for [`PrivateDir::write_onto`].
    ///
    /// # Errors
    /// The path is not below this folder, its folder is not there, or there is no room.
    pub fn make_spare(&self, rel: &str, bytes: u64) -> Result<(), FsError> {
        let (mut file, path) = self.open_at(rel, OFlags::RDWR)?;
        let taken = retry_on_intr(|| {
            rustix::fs::fallocate(&file, FallocateFlags::empty(), 0, bytes.max(1))
        });
        match taken {
            // A file system that cannot take room has it taken by zeros.
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => {
                let written =
                    std::io::copy(&mut std::io::Read::take(std::io::repeat(0), bytes), &mut file);
                written.at("write", &path)?;
            }
            taken => taken.at("write", &path)?,
        }
        file.sync_all().at("write", &path)
    }

    /// How many bytes the file `rel` has; `None` if it is not there.
    ///
    /// # Errors
    /// It is not a regular file, or cannot be looked at.
    pub fn length(&self, rel: &str) -> Result<Option<u64>, FsError> {
        let (folder, name) = match self.place(rel) {
            Err(FsError::NotFound { .. }) => return Ok(None),
            place => place?,
        };
        let Some(file) = folder.file(name, OFlags::RDONLY)? else { return Ok(None) };
        Ok(Some(file.metadata().at("read", &folder.path_of(name))?.len()))
    }

    /// As [`PrivateDir::write_atomic`], with the room of the file `spare` in the same folder, which
    /// becomes the file `rel`.
    ///
    /// # Errors
    /// As there; or the spare is not there. It stays then.
    pub fn write_onto(&self, rel: &str, spare: &str, bytes: &[u8]) -> Result<(), FsError> {
        let (folder, name) = self.place(rel)?;
        let (file, path, spare) = self.spare(&folder, spare)?;
        file.write_all_at(bytes, 0).at("write", &path)?;
        file.set_len(bytes.len() as u64).at("write", &path)?;
        file.sync_all().at("write", &path)?;
        rustix::fs::renameat(&folder, &spare, &folder, name)
            .at("replace", &folder.path_of(name))?;
        folder.sync().at("write", folder.path())
    }

    /// As [`PrivateDir::write_atomic`]; where the disk is full, with the room of the file `spare` in
    /// the same folder, which changes places with the file `rel`. Then blanks and a line's end follow
    /// where the spare was longer: to shorten it would give room away.
    ///
    /// # Errors
    /// As there; or the spare is not there, or has not enough room.
    pub fn write_even_if_full(&self, rel: &str, spare: &str, bytes: &[u8]) -> Result<(), FsError> {
        let full = match self.write_atomic(rel, bytes) {
            Err(error) if error.is_full() => error,
            done => return done,
        };
        let (folder, name) = self.place(rel)?;
        let (file, path, spare) = match self.spare(&folder, spare) {
            Err(FsError::NotFound { .. }) => return Err(full),
            spare => spare?,
        };
        let length = file.metadata().at("write", &path)?.len();
        let mut text = bytes.to_vec();
        if let Some(blanks) = (length as usize).checked_sub(text.len()).filter(|&it| it > 0) {
            text.resize(text.len() + blanks - 1, b' ');
            text.push(b'\n');
        }
        file.write_all_at(&text, 0).at("write", &path)?;
        file.sync_all().at("write", &path)?;
        exchange(&folder, &spare, name).at("replace", &folder.path_of(name))?;
        folder.sync().at("write", folder.path())
    }

    /// Writes a record over the file `rel`, which is created if need be. It must be as long as the
    /// one before it and not longer than a disk's sector, 512 bytes, which is written whole or not
    /// at all; so it needs no room.
    ///
    /// # Errors
    /// The path is not below this folder, its folder is not there, or it cannot be written.
    pub fn write_in_place(&self, rel: &str, record: &[u8]) -> Result<(), FsError> {
        let (file, path) = self.open_at(rel, OFlags::RDWR)?;
        file.write_all_at(record, 0).and_then(|()| file.sync_data()).at("write", &path)
    }

    /// How much room the disk of this folder has, in bytes.
    ///
    /// # Errors
    /// It cannot be asked.
    pub fn free(&self) -> Result<u64, FsError> {
        let folder = self.place("x")?.0;
        let disk = rustix::fs::fstatvfs(&folder).at("read", self.path())?;
        // Some of it is for root only.
        let blocks =
            if rustix::process::geteuid().is_root() { disk.f_bfree } else { disk.f_bavail };
        Ok(blocks.saturating_mul(disk.f_frsize))
    }

    /// Opens a spare of `folder`.
    fn spare(
        &self,
        folder: &Folder,
        rel: &str,
    ) -> Result<(File, std::path::PathBuf, std::ffi::OsString), FsError> {
        let (_, name) = self.place(rel)?;
        let path = folder.path_of(name);
        let file = folder.file(name, OFlags::RDWR)?;
        let file = file.ok_or_else(|| FsError::NotFound { path: path.clone() })?;
        Ok((file, path, name.to_owned()))
    }
}

/// Takes room on the disk for the `bytes` from `from` on, without a change of what can be read. A
/// file system that cannot take room takes none.
pub(crate) fn keep(file: &File, from: u64, bytes: u64) -> Result<(), Errno> {
    if bytes == 0 {
        return Ok(());
    }
    let taken =
        retry_on_intr(|| rustix::fs::fallocate(file, FallocateFlags::KEEP_SIZE, from, bytes));
    match taken {
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(()),
        taken => taken,
    }
}

/// Lets two files of a folder change names; where the file system cannot, or the second is not there,
/// the first takes the second's name.
fn exchange(folder: &Folder, one: &OsStr, other: &OsStr) -> Result<(), Errno> {
    match rustix::fs::renameat_with(folder, one, folder, other, RenameFlags::EXCHANGE) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOENT) => {
            rustix::fs::renameat(folder, one, folder, other)
        }
        done => done,
    }
}
