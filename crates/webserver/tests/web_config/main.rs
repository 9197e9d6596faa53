//! The configurations of the three servers: what they say, and what is put into them.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod apache;
mod config_files;
mod haproxy;
mod nginx;
mod properties;
