//! Names of files and folders: which text can be one, and the name of the file that a write makes
//! beside its target.

use std::ffi::{OsStr, OsString};

use crate::error::FsError;

/// The end of the name of a file that a broken-off replacement may leave lying about; a dot stands
/// before the name.
pub const LEFTOVER_SUFFIX: &str = stopgap_model::web::BESIDE_SUFFIX;

/// The path of the file that a broken-off write of the file at `rel` leaves beside it.
#[must_use]
pub fn leftover_path(rel: &str) -> String {
    match rel.rsplit_once('/') {
        Some((folder, name)) => format!("{folder}/.{name}{LEFTOVER_SUFFIX}"),
        None => format!(".{rel}{LEFTOVER_SUFFIX}"),
    }
}

/// The name of the new file beside `name`.
pub(crate) fn leftover_of(name: &OsStr) -> OsString {
    let mut new = OsString::from(".");
    new.push(name);
    new.push(LEFTOVER_SUFFIX);
    new
}

/// Whether `text` is one name on Windows and no other place.
pub(crate) fn is_windows_name(text: &str) -> bool {
    // Windows drops dots and blanks at the end, takes `/` for `\`, and `:` begins a stream.
    !text.is_empty()
        && !text.ends_with(['.', ' '])
        && !text.chars().any(|c| c.is_control() || matches!(c, '/' | '\\' | ':'))
}

/// The parts of a path with `/` that cannot lead out of the folder in which it begins.
pub(crate) fn parts(rel: &str) -> Result<Vec<&str>, FsError> {
    let parts: Vec<&str> = rel.split('/').collect();
    let bad = |part: &&str| matches!(*part, "" | "." | "..") || part.contains('\0');
    match parts.iter().any(bad) {
        true => Err(FsError::BadName { name: rel.to_owned() }),
        false => Ok(parts),
    }
}

/// `name`, if it is the name of one file or folder and no path.
pub(crate) fn file_name(name: &str) -> Result<&OsStr, FsError> {
    match parts(name)?.as_slice() {
        [name] => Ok(OsStr::new(*name)),
        _ => Err(FsError::BadName { name: name.to_owned() }),
    }
}
