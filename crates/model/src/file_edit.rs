//! What becomes of a file.

use crate::server_path::ServerPath;

/// A file with its bytes before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEdit {
    /// The file itself: no link leads to it.
    pub path: ServerPath,
    /// The bytes that the edit was made from; `None`: there was no file.
    pub before: Option<Vec<u8>>,
    /// The bytes it shall have; `None`: there shall be no file.
    pub after: Option<Vec<u8>>,
}
