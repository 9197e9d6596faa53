//! The calls of Windows that the standard library lacks, safe to call. On other systems it is empty.
//!
//! `unsafe` stands here and nowhere else in the project. Each block is one call, with the reason why
//! its arguments are what the call asks for. Nothing is decided here: each function is one call, or
//! the few that belong to one handle, and what Windows answers is copied into owned values.
#![cfg(windows)]

mod console;
mod create;
mod file;
mod holders;
mod memory;
mod privilege;
mod rename;
mod security;
mod services;
mod services_config;
mod streams;
mod text;

pub use console::on_console_end;
pub use create::{Creation, create_dir, create_file};
pub use file::{
    FileFacts, Times, disk_free, facts, final_path, is_disk_file, lock_byte, reparse_tag,
    set_attributes_and_times, unlock_byte,
};
pub use holders::holders;
pub use privilege::with_privilege;
pub use rename::{rename_anew, replace_file};
pub use security::{Descriptor, account_name, current_user, is_elevated};
pub use services::{Access, Manager, OpenService, ServiceStatus};
pub use services_config::{FailureAction, FailureActions, ServiceConfig};
pub use streams::{Stream, streams};
