//! The alternate streams of a file.

use std::io;
use std::path::Path;
use std::ptr;

use windows_sys::Win32::Foundation::{
    ERROR_HANDLE_EOF, ERROR_INVALID_PARAMETER, HANDLE, INVALID_HANDLE_VALUE,
};
use windows_sys::Win32::Storage::FileSystem::{
    FindClose, FindFirstStreamW, FindNextStreamW, FindStreamInfoStandard, WIN32_FIND_STREAM_DATA,
};

use crate::text::{done, narrow, wide};

/// A stream of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stream {
    /// Its name: `Zone.Identifier`.
    pub name: String,
    /// How many bytes it has.
    pub length: u64,
}

/// The streams of a file beside its own bytes; none where the file system has no such thing.
///
/// # Errors
/// As Windows says.
pub fn streams(path: &Path) -> io::Result<Vec<Stream>> {
    let path = wide(path)?;
    let mut found = WIN32_FIND_STREAM_DATA::default();
    let to = ptr::from_mut(&mut found).cast();
    // SAFETY: the path ends with a zero, and there is room for the structure of this level.
    let search = unsafe { FindFirstStreamW(path.as_ptr(), FindStreamInfoStandard, to, 0) };
    if search == INVALID_HANDLE_VALUE {
        return none_or(io::Error::last_os_error());
    }
    let search = Search(search);
    let mut all = Vec::new();
    loop {
        all.extend(named(&found));
        let to = ptr::from_mut(&mut found).cast();
        // SAFETY: the search is open, and there is room for the structure.
        if let Err(error) = done(unsafe { FindNextStreamW(search.0, to) }) {
            return match is(&error, ERROR_HANDLE_EOF) {
                true => Ok(all),
                false => Err(error),
            };
        }
    }
}

/// Nothing, where an error says that there are no streams at all.
fn none_or(error: io::Error) -> io::Result<Vec<Stream>> {
    let unknown = error.kind() == io::ErrorKind::Unsupported;
    match unknown || is(&error, ERROR_HANDLE_EOF) || is(&error, ERROR_INVALID_PARAMETER) {
        true => Ok(Vec::new()),
        false => Err(error),
    }
}

fn is(error: &io::Error, number: u32) -> bool {
    error.raw_os_error() == Some(number.cast_signed())
}

/// `:name:$DATA`; the file's own bytes are `::$DATA`.
fn named(found: &WIN32_FIND_STREAM_DATA) -> Option<Stream> {
    let text = narrow(&found.cStreamName);
    let name = text.strip_prefix(':')?.strip_suffix(":$DATA")?;
    let length = u64::try_from(found.StreamSize).ok()?;
    (!name.is_empty()).then(|| Stream { name: name.to_owned(), length })
}

struct Search(HANDLE);

impl Drop for Search {
    fn drop(&mut self) {
        // SAFETY: the search is open, and is closed once.
        unsafe { FindClose(self.0) };
    }
}
