//! Files that are only read.

use std::ffi::OsStr;
use std::fs::File;
use std::path::Path;

use stopgap_win32::{self as win32, Descriptor};

use super::folder::{
    Folder, READ, SHARE_ALL, open_followed, open_unlinked, read_rest, require_file, shown_path,
};
use super::paths::verbatim;
use super::trust::require_guarded_above;
use crate::error::{At as _, FsError};

/// The bytes of a regular file of at most `max` bytes. If `path` is a link, it is not followed.
///
/// # Errors
/// The file is not there, a link, not a regular file, too large, in use, or cannot be read.
pub fn read_bounded(path: &Path, max: u64) -> Result<Vec<u8>, FsError> {
    let missing = || FsError::NotFound { path: path.to_owned() };
    let full = verbatim(path).map_err(|_| FsError::NotAFile { path: path.to_owned() })?;
    let (file, facts) = open_unlinked(&full, path, READ, SHARE_ALL)?.ok_or_else(missing)?;
    read_rest(&require_file(file, &facts, path)?, max, path)
}

/// Opens the regular file at `path` for reading. Links on the way are followed. A device or a pipe is
/// not opened.
///
/// # Errors
/// It is not there, is not a regular file, in use, or cannot be opened.
pub fn open_regular(path: &Path) -> Result<File, FsError> {
    let missing = || FsError::NotFound { path: path.to_owned() };
    let full = verbatim(path).map_err(|_| FsError::NotAFile { path: path.to_owned() })?;
    let file = open_followed(&full, path, READ)?.ok_or_else(missing)?;
    let facts = win32::facts(&file).at("look at", path)?;
    require_file(file, &facts, path)
}

/// The bytes of a regular file of at most `max` bytes below the folder at `root`, by the parts of
/// its path; `None` if the folder or the file is not there. The way to `root` is the administrator's;
/// below it no link is followed.
///
/// # Errors
/// A part is not the name of one file or folder; the way leads over a link or a file; the file is
/// a link, not a regular file, too large, in use, or cannot be read.
pub fn read_below(root: &Path, parts: &[&str], max: u64) -> Result<Option<Vec<u8>>, FsError> {
    let is_bad = |part: &&&str| !crate::name::is_windows_name(part);
    let (Some((name, above)), None) = (parts.split_last(), parts.iter().find(is_bad)) else {
        return Err(FsError::BadName { name: parts.join("/") });
    };
    let mut folder = match Folder::open(root) {
        Err(FsError::NotFound { .. }) => return Ok(None),
        folder => folder?,
    };
    for part in above {
        let Some(next) = folder.child(OsStr::new(part))? else { return Ok(None) };
        folder = next;
    }
    let name = OsStr::new(name);
    let Some(file) = folder.file(name, READ, SHARE_ALL)? else { return Ok(None) };
    read_rest(&file, max, &folder.path_of(name)).map(Some)
}

/// The bytes of a regular file of at most `max` bytes that is to be obeyed: only the system, the
/// administrators and this process's own user can change it, or put something else in its place. What
/// was opened is judged, and the folders above it, whatever links led to it.
///
/// # Errors
/// [`FsError::Exposed`] with what somebody else can change; otherwise the file is not there, not a
/// regular one, too large, in use, or cannot be read.
pub fn read_obeyed(path: &Path, max: u64) -> Result<Vec<u8>, FsError> {
    let file = open_regular(path)?;
    let real = shown_path(&file).at("look at", path)?;
    let descriptor = Descriptor::of(&file).at("look at", path)?;
    require_guarded_above(&real, &descriptor, false)?;
    read_rest(&file, max, path)
}
