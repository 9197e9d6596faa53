//! A file that takes the name of another.

use std::io;
use std::path::Path;
use std::ptr;

use windows_sys::Win32::Storage::FileSystem::{MOVEFILE_WRITE_THROUGH, MoveFileExW, ReplaceFileW};

use crate::text::{done, wide};

/// Has the file `by` take the name of `target`, which keeps its creation time, short name, access
/// list, encryption, compression and streams; the old file becomes `backup`.
///
/// # Errors
/// As Windows says. The old file may be `backup` then, and nothing have its name.
pub fn replace_file(target: &Path, by: &Path, backup: &Path) -> io::Result<()> {
    let (target, by, backup) = (wide(target)?, wide(by)?, wide(backup)?);
    // SAFETY: each path ends with a zero and lives until the call is over; the last two are reserved.
    done(unsafe {
        ReplaceFileW(target.as_ptr(), by.as_ptr(), backup.as_ptr(), 0, ptr::null(), ptr::null())
    })
}

/// Renames a file, unless something has the new name; on the disk when this returns.
///
/// # Errors
/// As Windows says.
pub fn rename_anew(from: &Path, to: &Path) -> io::Result<()> {
    let (from, to) = (wide(from)?, wide(to)?);
    // SAFETY: each path ends with a zero and lives until the call is over.
    done(unsafe { MoveFileExW(from.as_ptr(), to.as_ptr(), MOVEFILE_WRITE_THROUGH) })
}
