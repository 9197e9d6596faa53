//! What keeps something from being remembered.

use std::path::PathBuf;

use stopgap_fs::{FsError, LockError, PrivateDirError};

/// Something remembered could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The state folder is not fit to be used.
    #[error(transparent)]
    Folder(#[from] PrivateDirError),
    /// A file could not be read or written.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// A record is not what was written.
    #[error("{file} in the state folder cannot be read: {why}")]
    Unreadable {
        /// The file.
        file: String,
        /// Why.
        why: String,
    },
    /// A newer program wrote it, in a form that this one does not know.
    #[error(
        "{file} in the state folder was written by a newer Stopgap: it has schema {schema}, and this \
         one reads up to {known}"
    )]
    Newer {
        /// The file.
        file: String,
        /// The number of its form.
        schema: u32,
        /// The highest number that is known here.
        known: u32,
    },
    /// Another process holds one of the short locks.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// There is no room for what takes a change back, and for what became of it.
    #[error(
        "nothing was begun, because {} has no room for what takes a change back: about {} KiB are \
         needed, {} KiB are free",
        folder.display(), .needed.div_ceil(1024), .free / 1024
    )]
    NoRoom {
        /// The state folder.
        folder: PathBuf,
        /// What is needed, in bytes.
        needed: u64,
        /// What is free, in bytes.
        free: u64,
        /// What failed.
        source: FsError,
    },
}

pub(crate) fn unreadable(file: &str, why: &dyn std::fmt::Display) -> StoreError {
    StoreError::Unreadable { file: file.to_owned(), why: why.to_string() }
}
