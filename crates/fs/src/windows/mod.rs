//! Files and folders on Windows: folders are held open without letting anybody rename them, so that a
//! path that was looked at leads nowhere else later; what may be a link is opened itself and never
//! through it.

mod carry;
pub(crate) mod file_lock;
pub(crate) mod folder;
mod own;
mod paths;
mod permissions;
mod private;
mod public;
mod read;
mod replace;
mod root;
pub(crate) mod space;
mod target;
mod temp;
mod trust;
mod unix_root;
mod waiting;

pub use private::PrivateDir;
pub use public::PublicDir;
pub use read::{open_regular, read_below, read_bounded, read_obeyed};
pub use root::Root;
pub use trust::{account, is_administrator, others, require_guarded};
pub use unix_root::{Staged, UnixRoot};
