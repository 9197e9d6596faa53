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
//! The API is one; what is behind it stands in `unix/` and in `windows/`.

mod error;
mod facts;
mod find;
mod lines;
mod lock;
mod log;
mod name;
mod reason;
mod search;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;
// What an access list of Windows says is bytes: it is tested on every system.
#[cfg(all(test, not(windows)))]
#[path = "windows/permissions.rs"]
#[allow(dead_code, reason = "only its own tests use it on this system")]
mod windows_permissions;

#[cfg(unix)]
use unix as system;
#[cfg(windows)]
use windows as system;

pub use error::{FsError, LockError, OsError, PrivateDirError, ReplaceError};
pub use facts::{Identity, Kind, Reached, ReplaceMethod, Writers};
pub use lines::{Lines, lines};
pub use lock::Lock;
pub use log::Log;
pub use name::{LEFTOVER_SUFFIX, leftover_path};
pub use search::{FindLimits, FoundFiles, NotSearched};
pub use system::{
    PrivateDir, PublicDir, Root, Staged, UnixRoot, open_regular, read_below, read_bounded,
    read_obeyed,
};
#[cfg(windows)]
pub use windows::{account, is_administrator, others, require_guarded};
