//! How far a search for files goes, and what it answers.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::error::FsError;

/// How far a search goes. Beyond it, it says that it is incomplete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FindLimits {
    /// The most folders that are opened.
    pub folders: usize,
    /// The most names that are read, in all folders together.
    pub names: usize,
    /// How many folders deep; the folder that is searched is 0.
    pub depth: usize,
    /// The most files that are found.
    pub files: usize,
}

impl FindLimits {
    /// Enough for a large server, and a few seconds at most. Exchange serves some 2,000 folders; a
    /// path of Windows has room for 130 of one letter, and each level here holds one open file.
    pub const USUAL: Self = Self { folders: 200_000, names: 2_000_000, depth: 128, files: 10_000 };
}

/// What a search found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FoundFiles {
    /// The files, each as the parts of its path below the folder that was searched, spelled as on
    /// the disk; those of a folder before those of the folders in it.
    pub files: Vec<Vec<String>>,
    /// The first reason why there may be more.
    pub incomplete: Option<NotSearched>,
}

/// Why a search may have missed a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotSearched {
    /// A folder could not be read, or is a link, which is not followed.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// A name cannot be one on Windows, so nobody can be told where the folder or file is.
    #[error("`{name}` in {} cannot be a name on Windows", folder.display())]
    Name {
        /// The folder.
        folder: PathBuf,
        /// The name in it, made readable.
        name: String,
    },
    /// There are more folders, names, levels or files than are looked at.
    #[error("there are more than {limit} {what}")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// How many are looked at.
        limit: usize,
    },
}

/// What an entry of a folder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Listed {
    /// A folder.
    Folder,
    /// A link to something else.
    Link,
    /// A regular file.
    File,
    /// Something else, such as a pipe.
    Other,
}

/// An entry of a folder: its name, and what it is. Either may not be known.
pub(crate) type Entry = Result<(OsString, Result<Listed, FsError>), FsError>;
