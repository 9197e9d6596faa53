//! Simulators for tests: a server's files in a folder, a host that fails on demand, publishers
//! of feeds with throwaway keys, small disks, the real web servers of this machine, a throwaway
//! host that boots systemd, state folders of older versions, and a real server's files where they are at hand.
//!
//! A dev-dependency only. What goes wrong here is a broken test, so it panics, and says why.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a test that cannot be set up must fail"
)]

#[cfg(unix)]
mod disk;
mod document;
mod failing;
pub mod feed;
mod python;
mod real;
#[cfg(unix)]
pub mod records;
pub mod repository;
#[cfg(unix)]
pub mod servers;
mod services;
pub mod simulated;
#[cfg(unix)]
pub mod throwaway;
mod tree;
pub mod web;

#[cfg(unix)]
pub use disk::Disk;
pub use document::denying;
pub use failing::{FailingHost, Fault};
pub use python::python_tuf;
pub use real::{RealServer, real_data};
pub use services::{ServiceMood, SimulatedServices};
pub use tree::Tree;
