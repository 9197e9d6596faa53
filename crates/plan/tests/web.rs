//! What is decided for nginx, Apache httpd and HAProxy: tables of situations, each with the state, the codes of
//! the reasons, and what is done.
//!
//! Configurations are texts in memory, and what was done before is what an earlier plan came to, so that
//! each row begins where a check begins. The files beside this one hold the rows by their subject.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says plainly what it expects"
)]

mod web {
    mod affected;
    mod commands;
    mod documents;
    mod drift;
    mod files;
    mod first;
    mod found;
    mod golden;
    mod machine;
    mod orphans;
    mod passed;
    mod policy;
    mod properties;
    mod reach;
    mod recognised;
    mod several;
    mod told;
    mod tries;
    mod unable;
    mod unread;
    mod world;
}
