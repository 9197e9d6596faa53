//! This machine, where it runs Windows: its files, and apart from them its services.
//!
//! Web servers other than IIS (Apache httpd, nginx) are not looked for on Windows.

mod machine;
mod services;
mod setup_text;

pub use machine::WindowsHost;
// No cycle uses the service control manager yet: Exchange's health managers start again what they miss, and
// what else starts a service is not known.
pub use services::WindowsServices;
