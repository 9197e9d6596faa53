//! Server configuration as text: find the sites, read rules back with their effective inheritance,
//! insert and remove exactly our own lines. Pure: it asks for files, the host reads them.

mod file_edit;
pub mod iis;
pub mod web;

pub use file_edit::FileEdit;
