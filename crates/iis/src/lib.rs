//! Everything of IIS as text. Pure: it asks for files, the host reads them.

#![cfg_attr(not(test), warn(clippy::indexing_slicing))]

pub mod config;
pub mod rewrite;
