//! What is decided for IIS: tables of situations, each with the state, the codes of the reasons, and what is
//! done.
//!
//! The files of a server are texts in memory, and what was done before is what an earlier plan came to, so
//! that each row begins where a check begins. The files beside this one hold the rows by their subject.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    dead_code,
    unreachable_pub,
    reason = "a test says plainly what it expects"
)]

mod iis {
    mod documents;
    mod drift;
    mod first;
    mod headers;
    mod orphans;
    mod policy;
    mod server;
    mod story;
}
