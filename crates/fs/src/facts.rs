//! What can be said of a file or a folder, on every operating system.

use std::path::PathBuf;

use crate::error::FsError;

/// What is at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// Something else, such as a pipe.
    Other,
}

/// A file or a folder, whatever its name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity {
    /// The number of its file system.
    pub device: u64,
    /// Its number there.
    pub inode: u64,
}

/// Who may change what a path leads to: its bytes, or what is there instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Writers {
    /// Root and this process's own user, nobody else.
    Root,
    /// They and this user.
    User(u32),
    /// More: several users, a group, everybody.
    Several,
}

impl Writers {
    /// Who may change something that depends on both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (one, Self::Root) | (Self::Root, one) => one,
            (Self::User(one), Self::User(another)) if one == another => self,
            _ => Self::Several,
        }
    }
}

/// What a path led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reached {
    /// The path without a link; where no file is there, where one would be made.
    pub real: PathBuf,
    /// The bytes of the regular file; `None` if nothing is there. Else why it is not read.
    pub bytes: Result<Option<Vec<u8>>, FsError>,
    /// Who may change it, and whose it is; `None` if nothing is there.
    pub writers: Option<(Writers, u32)>,
}

/// How a file is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplaceMethod {
    /// Another file takes its name, at once.
    Rename,
    /// It is written itself, as its name cannot go to another one: it is a mount point. For a moment
    /// it is neither what it was nor what it is to be.
    InPlace,
}
