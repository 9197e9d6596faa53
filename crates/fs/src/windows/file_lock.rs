//! Locks on files.

use std::fs::File;
use std::path::Path;

use stopgap_win32 as win32;

use crate::error::{At as _, FsError, OsError};

/// The byte that is locked. Nobody can read one that is, so it is far behind what the file says.
const LOCKED: u64 = 1 << 62;
/// Another process has a lock on it (`ERROR_LOCK_VIOLATION`).
const LOCK_VIOLATION: i32 = 33;

/// Locks a file for this opening of it alone; `false` if somebody else has a lock on it.
pub(crate) fn try_lock(file: &File, path: &Path) -> Result<bool, FsError> {
    win32::lock_byte(file, LOCKED, false).at("lock", path)
}

/// Returns whether somebody has a lock on a file.
pub(crate) fn is_locked(file: &File, path: &Path) -> Result<bool, FsError> {
    if !win32::lock_byte(file, LOCKED, true).at("lock", path)? {
        return Ok(true);
    }
    win32::unlock_byte(file, LOCKED).at("unlock", path)?;
    Ok(false)
}

/// Gives a lock back. Closing the file would do, but Windows may take its time with that.
pub(crate) fn unlock(file: &File) {
    let _ = win32::unlock_byte(file, LOCKED);
}

/// What the system says where somebody else has a lock.
pub(crate) fn busy() -> OsError {
    OsError::from_raw(LOCK_VIOLATION)
}
