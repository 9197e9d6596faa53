//! This machine, where it runs Windows: its files and its services.
//!
//! Web servers other than IIS (Apache httpd, nginx) are not looked for on Windows.

mod machine;
mod services;
mod setup_text;

pub use machine::WindowsHost;
