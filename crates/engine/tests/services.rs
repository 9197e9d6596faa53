//! Services are disabled, kept so and given back: on a service manager in memory that refuses, hangs, brings
//! services back, and at whose every operation the program is killed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says plainly what it expects"
)]

mod common;

mod services {
    mod given_back;
    pub(crate) mod home;
    mod killed;
    mod trouble;
}
