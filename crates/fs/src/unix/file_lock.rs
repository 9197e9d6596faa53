//! Locks on files (`flock(2)`).

use std::fs::File;
use std::path::Path;

use rustix::fs::FlockOperation;
use rustix::io::Errno;

use crate::error::{At as _, FsError, OsError};

/// Locks a file for this opening of it alone; `false` if somebody else has a lock on it.
pub(crate) fn try_lock(file: &File, path: &Path) -> Result<bool, FsError> {
    lock(file, FlockOperation::NonBlockingLockExclusive, path)
}

/// Returns whether somebody has a lock on a file.
pub(crate) fn is_locked(file: &File, path: &Path) -> Result<bool, FsError> {
    if !lock(file, FlockOperation::NonBlockingLockShared, path)? {
        return Ok(true);
    }
    rustix::fs::flock(file, FlockOperation::Unlock).at("unlock", path)?;
    Ok(false)
}

/// Gives a lock back. Closing the file would do, but for a child process that was forked just now and has
/// not yet closed its copy of it.
pub(crate) fn unlock(file: &File) {
    let _ = rustix::fs::flock(file, FlockOperation::Unlock);
}

/// What the system says where somebody else has a lock.
pub(crate) fn busy() -> OsError {
    Errno::WOULDBLOCK.into()
}

fn lock(file: &File, how: FlockOperation, path: &Path) -> Result<bool, FsError> {
    match rustix::fs::flock(file, how) {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK) => Ok(false),
        Err(errno) => Err(errno).at("lock", path),
    }
}
