//! Server configuration as text: find the sites, read rules back with their effective inheritance,
//! insert and remove exactly our own lines. Pure: it asks for files, the host reads them.

pub mod iis;
