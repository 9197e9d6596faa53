//! What can go wrong with files, one small enum for each operation.

use std::fmt;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use stopgap_model::Digest;

/// An error number of the operating system, with the system's own text for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OsError(i32);

impl OsError {
    /// A disk or another device failed. It also stands for an error that has no number.
    pub const IO: Self = Self(if cfg!(windows) { 1117 } else { 5 });

    /// The error of this number.
    #[must_use]
    pub const fn from_raw(number: i32) -> Self {
        Self(number)
    }

    /// What kind of error it is, the same for every operating system.
    #[must_use]
    pub fn kind(self) -> ErrorKind {
        io::Error::from_raw_os_error(self.0).kind()
    }
}

impl From<&io::Error> for OsError {
    fn from(error: &io::Error) -> Self {
        error.raw_os_error().map_or(Self::IO, Self)
    }
}

impl fmt::Display for OsError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        io::Error::from_raw_os_error(self.0).fmt(out)
    }
}

impl std::error::Error for OsError {}

/// A file or folder could not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FsError {
    /// There is nothing at the path.
    #[error("{} does not exist", path.display())]
    NotFound {
        /// The path.
        path: PathBuf,
    },
    /// A symbolic link is where a file or folder should be.
    #[error("{} is a symbolic link, and links are not followed", path.display())]
    Link {
        /// The link.
        path: PathBuf,
    },
    /// Something else is where a regular file should be.
    #[error("{} is not a regular file", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// Something else is where a folder should be.
    #[error("{} is not a folder", path.display())]
    NotAFolder {
        /// The path.
        path: PathBuf,
    },
    /// The file has more bytes than the reader allows.
    #[error("{} is larger than {max} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit, in bytes.
        max: u64,
    },
    /// A line has more bytes than the reader allows.
    #[error("{} has a line of more than {max} bytes", path.display())]
    LongLine {
        /// The file.
        path: PathBuf,
        /// The limit, in bytes.
        max: u64,
    },
    /// Two names differ in case only: Windows would have one file, here are two.
    #[error("{} has both `{first}` and `{second}`, which are one name on Windows", folder.display())]
    Ambiguous {
        /// The folder of both.
        folder: PathBuf,
        /// The first name in the order of their bytes.
        first: String,
        /// Another one.
        second: String,
    },
    /// The text cannot be the name of one file or folder.
    #[error("`{name}` is not the name of a file or folder")]
    BadName {
        /// The text.
        name: String,
    },
    /// Others than root may write it, so it is not trusted: it is not obeyed, and as a program not run.
    #[error("others than root may write to {}, so what is there is not trusted", path.display())]
    Exposed {
        /// The folder or file.
        path: PathBuf,
    },
    /// A link leads to what is neither its owner's nor was the link laid by root.
    #[error(
        "{} is a link of user {owner}'s to what belongs to user {other}, so it is not followed",
        path.display()
    )]
    ForeignLink {
        /// The link.
        path: PathBuf,
        /// The user id of its owner.
        owner: u32,
        /// The user id of the owner of what it leads to.
        other: u32,
    },
    /// Another program has it open in a way that keeps others from it, for longer than it is waited
    /// for.
    #[error("{} is in use by {by}", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
        /// The program, as far as the system tells.
        by: String,
    },
    /// Somebody had it included in a server's configuration whose file it is not.
    #[error(
        "{} is included by a file that others than root may write and is not theirs, so it is not \
         changed",
        path.display()
    )]
    NotTheirs {
        /// The file.
        path: PathBuf,
    },
    /// Another file has its name than the one that was looked at.
    #[error("{} was exchanged while it was opened", path.display())]
    Exchanged {
        /// The file.
        path: PathBuf,
    },
    /// Links lead in a circle, or the way is longer than anybody's.
    #[error("{} leads over too many folders or links", path.display())]
    TooManyLinks {
        /// The path that was followed.
        path: PathBuf,
    },
    /// There are more files than are looked at.
    #[error("{} has more than {max} names", path.display())]
    TooMany {
        /// The folder or the pattern.
        path: PathBuf,
        /// How many are looked at.
        max: usize,
    },
    /// The operating system refused.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// The path.
        path: PathBuf,
        /// Why it was refused.
        source: OsError,
    },
    /// Stopgap has no way to do it on this operating system yet.
    #[error("cannot {action}: Stopgap does not do that on this system yet")]
    Unsupported {
        /// What was asked for, as a verb and its object.
        action: &'static str,
    },
}

impl FsError {
    /// Whether the operating system refused for want of a permission.
    #[must_use]
    pub fn is_permission_denied(&self) -> bool {
        self.kind() == Some(ErrorKind::PermissionDenied)
    }

    /// Whether the disk cannot be written, by nobody.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.kind() == Some(ErrorKind::ReadOnlyFilesystem)
    }

    /// What kind of refusal of the operating system it is, if it is one.
    fn kind(&self) -> Option<ErrorKind> {
        match self {
            Self::Io { source, .. } => Some(source.kind()),
            _ => None,
        }
    }

    /// Whether there is no room on the disk, or no more of it for this user.
    #[must_use]
    pub fn is_full(&self) -> bool {
        matches!(self.kind(), Some(ErrorKind::StorageFull | ErrorKind::QuotaExceeded))
    }
}

/// A file was not replaced. But for [`ReplaceError::NotDurable`] and [`ReplaceError::Torn`], it is as
/// it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplaceError {
    /// The file is not there any more.
    #[error("{} does not exist any more", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// Another process holds a lock on the file.
    #[error("{} is locked by another process", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// The file is not the one that the change was made for.
    #[error("{} was changed by something else", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
        /// What it is now.
        found: Digest,
    },
    /// The file is marked as read-only.
    #[error("{} is read-only", path.display())]
    ReadOnly {
        /// The file.
        path: PathBuf,
    },
    /// The file has a second name; replacing it would part the two.
    #[error("{} has more than one name (hard links)", path.display())]
    HardLinked {
        /// The file.
        path: PathBuf,
    },
    /// The file or its folder has the attribute that keeps it from being changed.
    #[error("{} is immutable (chattr +i or +a)", path.display())]
    Immutable {
        /// The file.
        path: PathBuf,
    },
    /// The file is on a file system that nothing can be written to.
    #[error("{} is on a read-only file system", path.display())]
    ReadOnlyDisk {
        /// The file.
        path: PathBuf,
    },
    /// The file is a mount point, so that another one cannot take its name, and others than root may
    /// write it or a folder above it, so that it is not written itself either.
    #[error("{} is a mount point that others than root may write", path.display())]
    Mounted {
        /// The file.
        path: PathBuf,
    },
    /// The file was written itself, that failed, and so did giving it its old bytes again.
    #[error("{} was written half", path.display())]
    Torn {
        /// The file.
        path: PathBuf,
        /// Why.
        source: OsError,
    },
    /// The owner, the permissions or an extended attribute could not be given to the new file.
    #[error("the {what} of {} cannot be carried over", path.display())]
    NotCarriedOver {
        /// The file.
        path: PathBuf,
        /// What could not be carried over.
        what: String,
        /// Why.
        source: OsError,
    },
    /// The file **was** replaced, but the folder could not be written to the disk: after a power
    /// failure it may be the old one again.
    #[error("{} was replaced, but may not survive a power failure", path.display())]
    NotDurable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: OsError,
    },
    /// A file or folder could not be used.
    #[error(transparent)]
    Fs(#[from] FsError),
}

/// The folder cannot be Stopgap's private folder.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PrivateDirError {
    /// Somebody else owns it.
    #[error("{} belongs to user {owner}, and this is user {user}", path.display())]
    Foreign {
        /// The folder.
        path: PathBuf,
        /// Its owner: a user id, or the name of an account.
        owner: String,
        /// The user of this process, said in the same way.
        user: String,
    },
    /// Others can get at it, and what is in it is not Stopgap's.
    #[error("{} is open to others ({access}) and not a Stopgap state folder", path.display())]
    Open {
        /// The folder.
        path: PathBuf,
        /// Who may do what: its permission bits, or those that its access list names.
        access: String,
    },
    /// Others can write to it: what is in it cannot be trusted.
    #[error("others may have written to {} ({access})", path.display())]
    Writable {
        /// The folder.
        path: PathBuf,
        /// Who may do what: its permission bits, or those that its access list names.
        access: String,
    },
    /// A file or folder could not be used.
    #[error(transparent)]
    Fs(#[from] FsError),
}

/// The lock was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LockError {
    /// Another process holds it.
    #[error("the lock is held by {by}")]
    Held {
        /// Who says to hold it.
        by: String,
    },
    /// The lock file could not be used.
    #[error(transparent)]
    Fs(#[from] FsError),
}

/// Puts what was tried and where to an error of the operating system.
pub(crate) trait At<T> {
    /// `action` is a verb: "read".
    fn at(self, action: &'static str, path: &Path) -> Result<T, FsError>;
}

impl<T> At<T> for io::Result<T> {
    fn at(self, action: &'static str, path: &Path) -> Result<T, FsError> {
        self.map_err(|error| FsError::Io {
            action,
            path: path.to_owned(),
            source: OsError::from(&error),
        })
    }
}
