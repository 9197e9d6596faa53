//! Bounded reads, durable atomic replace, private folders, the lock.
//!
//! The base of every other edge crate. There are four kinds of folder:
//! - a [`Root`] holds files that belong to somebody else. They are found as Windows finds them,
//!   without regard to ASCII case, no symbolic link in it is followed, and a file is replaced only
//!   while it still is the one that was read;
//! - a [`UnixRoot`] holds those of a Unix server: case counts, and links are followed as the server
//!   follows them, but for those that lead to what is neither their owner's nor were laid by root;
//! - a [`PrivateDir`] is Stopgap's own: closed to everybody else from its first byte;
//! - a [`PublicDir`] is Stopgap's own too, and what is in it is for everybody to read.
//!
//! The API is one; what is behind it stands in `unix/` and, for the system that the first users have,
//! in `windows/`, where nothing can be opened yet.

mod error;
mod facts;
mod lines;
mod name;
mod reason;
mod search;
#[cfg(unix)]
mod unix;
// On Unix it is built with the tests, so that it keeps compiling.
#[cfg(any(windows, test))]
#[cfg_attr(
    not(windows),
    allow(
        dead_code,
        unreachable_pub,
        unused_imports,
        reason = "only its own tests use it on this system"
    )
)]
mod windows;

#[cfg(unix)]
use unix as system;
#[cfg(windows)]
use windows as system;

pub use error::{FsError, LockError, OsError, PrivateDirError, ReplaceError};
pub use facts::{Identity, Kind, Reached, ReplaceMethod, Writers};
pub use lines::{Lines, lines};
pub use name::{LEFTOVER_SUFFIX, leftover_path};
pub use search::{FindLimits, FoundFiles, NotSearched};
pub use system::{
    Lock, Log, PrivateDir, PublicDir, Root, Staged, UnixRoot, open_regular, read_below,
    read_bounded, read_obeyed,
};
