//! The door to the server: facts and files.
//!
//! A [`Host`] is where files are read and replaced, by the paths that the server itself uses.
//! [`TreeHost`] is a server's files under a folder, such as a mounted disk or a golden image;
//! [`LinuxHost`] is this machine, with the web servers that run on it, and what can be done with
//! them is [`Live`]. [`exchange_facts`], [`php_facts`] and [`packages`] say what is installed; all but
//! rpm's packages from the files alone.

mod exchange;
mod host;
mod linux;
mod live;
mod packages;
mod path;
pub mod pe;
mod php;
mod rpm;
mod tree;
mod unix;

pub use exchange::exchange_facts;
pub use host::{Found, Host, Named, Read};
pub use linux::LinuxHost;
pub use live::{Answer, Asking, Heard, Live, Question, ReloadError, Stop, TestError};
pub use packages::packages;
pub use path::{NotAbsolute, parts};
pub use php::php_facts;
pub use stopgap_fs::{FsError, ReplaceError, Replacing, Writers};
pub use tree::TreeHost;
