//! The door to the server: its files, its web servers, its services, and what is installed.
//!
//! A [`Host`] is asked by the paths that the server itself uses. Its parts are traits: [`Files`],
//! [`WebServers`] (with [`ServerControl`] for those that run) and [`Services`]. [`TreeHost`] is a server's files
//! under a folder, such as a mounted disk or a golden image; [`LinuxHost`] is this machine.
//! [`exchange_facts`], [`php_facts`] and [`packages`] say what is installed; all but rpm's packages
//! from the files alone.
//!
//! By system: `linux/`, `windows/`, `tree/`. By web server: `web/`.

mod files;
mod host;
mod installed;
#[cfg(target_os = "linux")]
mod linux;
mod services;
mod tree;
mod unix_files;
mod web;
mod web_servers;
// On Linux it is built with the tests, so that it keeps compiling.
#[cfg(any(windows, test))]
#[cfg_attr(
    not(windows),
    allow(dead_code, unreachable_pub, reason = "only its own tests use it on this system")
)]
mod windows;
mod windows_path;

pub use files::{Files, Found, Read};
pub use host::Host;
pub use installed::{exchange_facts, packages, pe, php_facts};
#[cfg(target_os = "linux")]
pub use linux::LinuxHost;
pub use services::{
    Activity, Service, ServiceError, ServiceFacts, Services, StartMode, StartSetup, StopsToo,
    service_facts,
};
pub use stopgap_fs::{FsError, ReplaceError, ReplaceMethod, Writers};
pub use tree::TreeHost;
pub use web_servers::{
    Answer, NamedFile, ProbeEvent, ProbeRequest, Prober, ReloadError, ServerControl, Stop,
    TestError, WebServers,
};
#[cfg(windows)]
pub use windows::WindowsHost;
pub use windows_path::{NotAbsolute, parts};
