//! Real servers whose sites answer in ways of their own: what is judged is whether the attack reaches the
//! application, and whether visitors see what they saw before.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says plainly what it expects"
)]

mod common;
#[path = "web_servers/scene.rs"]
mod scene;

#[path = "web_judged/application.rs"]
mod application;
#[path = "web_judged/by_itself.rs"]
mod by_itself;
#[path = "web_judged/cached.rs"]
mod cached;
#[path = "web_judged/denied.rs"]
mod denied;
#[path = "web_judged/limits.rs"]
mod limits;
#[path = "web_judged/varying.rs"]
mod varying;
