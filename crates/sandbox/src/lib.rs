//! A synthetic Exchange server's files, for the demo and for tests.
//!
//! The server is invented, and as hard to configure as a real one: Windows line ends, byte-order
//! marks in some files only, sections closed by location, comments that look like configuration,
//! entities in attributes, folders that several applications share, names that differ in case from
//! the way they are asked for. Pure: it says which files there are, and writes none.

mod build;
pub mod pe;
mod server;

pub use build::{Build, NotABuild};
pub use server::{
    APPLICATION_HOST, ExchangeServer, INSTALL_FOLDER, Newline, PHP_PROGRAM, SETUP_PROGRAM,
};
