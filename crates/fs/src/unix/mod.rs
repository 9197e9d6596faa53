//! Files and folders on Unix, by `rustix`: folders are held open, and what is in them is reached from
//! there, so that a path that is exchanged meanwhile leads nowhere else.

mod batch;
pub(crate) mod file_lock;
pub(crate) mod folder;
mod lock_holder;
mod obeyed;
mod private;
mod public;
mod replace;
mod replacing;
mod resolve;
mod root;
pub(crate) mod space;
mod target;
mod temp;
mod unix_root;
mod xattr;

use std::path::Path;

use rustix::io::Errno;

use crate::error::{At, FsError, OsError};

pub use folder::{open_regular, read_below, read_bounded};
pub use obeyed::read_obeyed;
pub use private::PrivateDir;
pub use public::PublicDir;
pub use root::Root;
pub use temp::Staged;
pub use unix_root::UnixRoot;

impl From<Errno> for OsError {
    fn from(errno: Errno) -> Self {
        Self::from_raw(errno.raw_os_error())
    }
}

impl<T> At<T> for Result<T, Errno> {
    fn at(self, action: &'static str, path: &Path) -> Result<T, FsError> {
        self.map_err(|errno| FsError::Io { action, path: path.to_owned(), source: errno.into() })
    }
}
