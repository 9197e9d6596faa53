//! A file that only grows, by one writer at a time.

use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::error::{At as _, FsError};
use crate::system::PrivateDir;
use crate::system::file_lock::{busy, try_lock, unlock};
use crate::system::folder::read_rest;
use crate::system::space::keep;

/// How often a log that somebody else writes is tried again: a line is written in less.
const PAUSE: Duration = Duration::from_millis(5);

/// A file of a [`PrivateDir`] that only grows. Other writers are kept away until this is dropped.
#[derive(Debug)]
pub struct Log {
    file: File,
    path: PathBuf,
}

impl PrivateDir {
    /// Opens the log `rel`, which is created if need be, and waits up to `wait` for whoever else
    /// writes it.
    ///
    /// # Errors
    /// The path is not below this folder, its folder is not there, it cannot be written, or
    /// somebody else writes it for longer than `wait`.
    pub fn open_log(&self, rel: &str, wait: Duration) -> Result<Log, FsError> {
        let (file, path) = self.open_to_add(rel)?;
        let start = Instant::now();
        while !try_lock(&file, &path)? {
            if start.elapsed() >= wait {
                return Err(FsError::Io { action: "lock", path, source: busy() });
            }
            std::thread::sleep(PAUSE);
        }
        Ok(Log { file, path })
    }
}

impl Log {
    /// How many bytes it has.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn length(&self) -> Result<u64, FsError> {
        Ok(self.file.metadata().at("read", &self.path)?.len())
    }

    /// Its last bytes, at most `max` of them.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn end(&mut self, max: u64) -> Result<Vec<u8>, FsError> {
        let from = self.length()?.saturating_sub(max);
        self.file.seek(SeekFrom::Start(from)).at("read", &self.path)?;
        read_rest(&self.file, max, &self.path)
    }

    /// Cuts it to `length` bytes; it is so on the disk when this returns.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn cut(&mut self, length: u64) -> Result<(), FsError> {
        self.file.set_len(length).and_then(|()| self.file.sync_all()).at("shorten", &self.path)
    }

    /// Adds `bytes`, which are on the disk when this returns, and takes room on the disk for `room`
    /// more if there is some.
    ///
    /// # Errors
    /// It cannot be written. What was written of it then is taken back, if that is possible.
    pub fn add(&mut self, bytes: &[u8], room: u64) -> Result<(), FsError> {
        let (length, wanted) = (self.length()?, bytes.len() as u64);
        // The room comes first, so that nothing half is written where there is none: to cut that
        // off again would also give away the room that was taken before.
        keep(&self.file, length, wanted + room)
            .or_else(|_| keep(&self.file, length, wanted))
            .at("write", &self.path)?;
        let written = (self.file.seek(SeekFrom::Start(length)))
            .and_then(|_| self.file.write_all(bytes))
            .and_then(|()| self.file.sync_data());
        if written.is_err() && self.length() != Ok(length) {
            // A torn last line; readers reckon with one, so it is no harm if this fails too.
            let _ = self.file.set_len(length);
        }
        written.at("write", &self.path)
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        unlock(&self.file);
    }
}
