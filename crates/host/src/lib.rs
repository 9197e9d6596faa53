//! The door to the server: its files, its web servers, its services, and what is installed.
//!
//! A [`Host`] is asked by the paths that the server itself uses. Its parts are traits: [`Files`],
//! [`WebServers`] (with [`ServerControl`] for those that run) and [`Services`]. [`TreeHost`] is a server's files
//! under a folder, such as a mounted disk or a golden image; `LinuxHost` or `WindowsHost` is this machine
//! ([`LocalHost`]).
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
// Of a running server only Linux asks.
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "for servers that run"))]
mod unix_files;
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "for servers that run"))]
mod web;
mod web_servers;
#[cfg(windows)]
mod windows;
mod windows_path;
// What is captured of a service is text: it is tested on every system.
#[cfg(all(test, not(windows)))]
#[path = "windows/setup_text.rs"]
#[allow(dead_code, reason = "only its own tests use it on this system")]
mod windows_setup_text;

pub use files::{Files, Found, Read};
pub use host::Host;
pub use installed::{exchange_facts, packages, pe, php_facts};
#[cfg(target_os = "linux")]
pub use linux::{LinuxHost, LinuxHost as LocalHost};
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
pub use windows::{WindowsHost, WindowsHost as LocalHost, WindowsServices};
pub use windows_path::{NotAbsolute, parts};
