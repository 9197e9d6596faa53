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
    unreachable_pub,
    reason = "a test says plainly what it expects"
)]

mod iis {
    mod affected;
    mod commands;
    mod documents;
    mod drift;
    mod first;
    mod headers;
    mod leftovers;
    mod orphans;
    mod others;
    mod places;
    mod policy;
    mod pools;
    mod properties;
    mod server;
    mod story;
    mod told;
    mod tries;
    mod unknown;
}
