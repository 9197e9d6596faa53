//! Paths as Windows takes them without a change: of any length, and with every name that a disk can
//! have.

use std::ffi::OsString;
use std::io;
use std::path::{Component, Path, PathBuf, Prefix};

/// What stands before a path of which Windows changes nothing.
const VERBATIM: &str = r"\\?\";
/// The same, of a server's share.
const VERBATIM_SHARE: &str = r"\\?\UNC\";

/// The whole path, with `\\?\` before it.
///
/// # Errors
/// It is a device, such as `CON` or `\\.\pipe\x`, which may do something when it is opened.
pub(crate) fn verbatim(path: &Path) -> io::Result<PathBuf> {
    let whole = std::path::absolute(path)?;
    let prefix = match whole.components().next() {
        Some(Component::Prefix(prefix)) => prefix.kind(),
        _ => return Err(io::ErrorKind::InvalidInput.into()),
    };
    let (before, text) = match prefix {
        Prefix::VerbatimDisk(_) | Prefix::VerbatimUNC(..) => return Ok(whole),
        Prefix::Disk(_) => (VERBATIM, whole.as_os_str().to_owned()),
        Prefix::UNC(..) => (VERBATIM_SHARE, without(&whole, r"\\")),
        Prefix::DeviceNS(_) | Prefix::Verbatim(_) => {
            return Err(io::ErrorKind::InvalidInput.into());
        }
    };
    let mut verbatim = OsString::from(before);
    verbatim.push(text);
    Ok(verbatim.into())
}

/// A path without `\\?\`, for people.
pub(crate) fn shown(path: &Path) -> PathBuf {
    let text = path.to_string_lossy();
    match (text.strip_prefix(VERBATIM_SHARE), text.strip_prefix(VERBATIM)) {
        (Some(_), _) => {
            let mut share = OsString::from(r"\\");
            share.push(without(path, VERBATIM_SHARE));
            share.into()
        }
        (None, Some(_)) => without(path, VERBATIM).into(),
        (None, None) => path.to_owned(),
    }
}

/// The path without what it begins with.
fn without(path: &Path, prefix: &str) -> OsString {
    use std::os::windows::ffi::{OsStrExt as _, OsStringExt as _};
    let units: Vec<u16> = path.as_os_str().encode_wide().skip(prefix.len()).collect();
    OsString::from_wide(&units)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_any_kind_is_made_one_that_windows_does_not_change() {
        let long = format!(r"C:\{}", "ä".repeat(300));
        let whole = [
            (r"C:\a/b\..\c", r"\\?\C:\a\c"),
            (r"\\server\share\a", r"\\?\UNC\server\share\a"),
            (r"\\?\C:\a.", r"\\?\C:\a."),
            (&long, &format!(r"\\?\{long}")),
        ];
        for (path, expected) in whole {
            assert_eq!(verbatim(Path::new(path)).unwrap(), Path::new(expected), "{path}");
        }
        assert_eq!(shown(Path::new(r"\\?\C:\a")), Path::new(r"C:\a"));
        assert_eq!(shown(Path::new(r"\\?\UNC\s\x\a")), Path::new(r"\\s\x\a"));
        for device in [r"\\.\pipe\x", r"\\.\C:", r"\\?\GLOBALROOT\Device\x"] {
            assert!(verbatim(Path::new(device)).is_err(), "{device}");
        }
    }
}
