//! Files that another program has open in a way that keeps us from them: waited for with a bound, and
//! the program is named where Windows knows it.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::error::{FsError, OsError};

/// How long a file that is in use is waited for: longer than a virus scanner or IIS reads one, and
/// shorter than the five seconds in which a service has to answer that it stops.
pub(crate) const PATIENCE: Duration = Duration::from_secs(3);

/// How often it is tried again.
const PAUSE: Duration = Duration::from_millis(50);

/// Sharing and lock violations, a file that is being deleted, one that is mapped, one that cannot be
/// removed for `ReplaceFileW`.
const IN_USE: [i32; 5] = [32, 33, 303, 1224, 1175];

/// Tries again as long as a file is in use and it is waited for.
pub(crate) fn patiently<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    let start = Instant::now();
    loop {
        match call() {
            Err(error) if is_in_use(&error) && start.elapsed() < PATIENCE => {
                std::thread::sleep(PAUSE);
            }
            done => return done,
        }
    }
}

/// The same of a rename, which Windows denies, where it cannot do it with POSIX semantics, as long as
/// anybody has the file open that is to lose its name.
pub(crate) fn patiently_renamed<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    let start = Instant::now();
    loop {
        match call() {
            Err(error) if is_held(&error) && start.elapsed() < PATIENCE => {
                std::thread::sleep(PAUSE);
            }
            done => return done,
        }
    }
}

/// Whether a rename or an exchange failed because somebody, or this process itself, has the file open.
pub(crate) fn is_held(error: &io::Error) -> bool {
    is_in_use(error) || error.kind() == io::ErrorKind::PermissionDenied
}

/// Whether another program keeps us from a file.
pub(crate) fn is_in_use(error: &io::Error) -> bool {
    error.raw_os_error().is_some_and(|number| IN_USE.contains(&number))
}

/// Who has a file open, for people.
pub(crate) fn by(full: &Path) -> String {
    let holders = stopgap_win32::holders(full).unwrap_or_default();
    match holders.is_empty() {
        true => "another process".to_owned(),
        false => holders.join(", "),
    }
}

/// The error of an operation on the file at `full`, shown as `path`.
pub(crate) fn failed(action: &'static str, error: &io::Error, full: &Path, path: &Path) -> FsError {
    match is_in_use(error) {
        true => FsError::InUse { path: path.to_owned(), by: by(full) },
        false => FsError::Io { action, path: path.to_owned(), source: OsError::from(error) },
    }
}
