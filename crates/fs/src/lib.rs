//! Bounded reads, durable atomic replace, private folders, the lock.
//!
//! The base that every other edge stands on. Four kinds of folder are told apart:
//! - a [`Root`] holds files that belong to somebody else. They are found as Windows finds them,
//!   without regard to ASCII case, no symbolic link in it is followed, and a file is replaced only
//!   while it still is the one that was read;
//! - a [`UnixRoot`] holds those of a Unix server: case counts, and links are followed as the server
//!   follows them, but for those that lead to what is neither their owner's nor were laid by root;
//! - a [`PrivateDir`] is Stopgap's own: closed to everybody else from its first byte;
//! - a [`PublicDir`] is Stopgap's own too, and what is in it is for everybody to read.

mod batch;
mod error;
mod find;
mod folder;
mod glob;
mod held;
mod lines;
mod lock;
mod log;
mod obeyed;
mod private;
mod public;
mod replace;
mod replacing;
mod room;
mod root;
mod temp;
mod unix;
mod way;
mod xattr;

pub use error::{FsError, LockError, PrivateDirError, ReplaceError};
pub use find::{FindLimits, FoundFiles, NotSearched};
pub use folder::{Kind, open_regular, read_below, read_bounded};
pub use lines::{Lines, lines};
pub use lock::Lock;
pub use log::Log;
pub use obeyed::read_obeyed;
pub use private::PrivateDir;
pub use public::PublicDir;
pub use replacing::Replacing;
pub use root::Root;
pub use rustix::io::Errno;
pub use temp::{LEFTOVER_SUFFIX, Staged, leftover_path};
pub use unix::UnixRoot;
pub use way::{Identity, Writers};
