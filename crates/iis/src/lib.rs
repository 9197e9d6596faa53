//! Everything of IIS as text. Pure: it asks for files, the host reads them.

pub mod config;
pub mod rewrite;
