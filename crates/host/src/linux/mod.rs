//! This machine, where it runs Linux: its files, its processes, its web servers and its service manager.

mod command;
mod file_identity;
mod host;
mod locked;
mod machine;
mod privileges;
mod probe;
mod process;
mod process_trust;
mod read_as;
mod read_named;
mod rpm;
mod sockets;
mod systemd;
mod users;
mod web;

pub use machine::LinuxHost;
