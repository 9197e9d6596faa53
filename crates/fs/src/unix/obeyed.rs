//! Files that are obeyed: what they say is done, so nobody but root and this process's own user may
//! have written them.

use std::path::Path;

use super::unix_root::UnixRoot;
use crate::error::{At as _, FsError};

/// The bytes of a regular file of at most `max` bytes that is to be obeyed: neither it nor any folder or
/// link on the way to it is somebody else's, or open to a group or to everybody. What was opened is
/// judged. A sticky folder, such as `/tmp`, may be open: whose something in it is, he alone puts
/// something else in its place. (The `StrictModes` of sshd refuse that too; they judge names, not what
/// was opened.)
///
/// # Errors
/// [`FsError::Exposed`] with what somebody else can change; otherwise the file is not there, not a
/// regular one, too large, or cannot be read.
pub fn read_obeyed(path: &Path, max: u64) -> Result<Vec<u8>, FsError> {
    let missing = || FsError::NotFound { path: path.to_owned() };
    let bad = || FsError::BadName { name: path.display().to_string() };
    let whole = std::path::absolute(path).at("find", path)?;
    let text = whole.to_str().ok_or_else(bad)?;
    let root = UnixRoot::open(Path::new("/"))?;
    // Of what is not there nothing is obeyed, wherever that is.
    root.identity(text)?.ok_or_else(missing)?;
    root.read_guarded(text, max)?.ok_or_else(missing)
}
