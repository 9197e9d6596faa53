//! Real servers whose sites answer in ways of their own: what is judged is whether the attack reaches the
//! application, and whether visitors see what they saw before.
#![cfg(unix)] // nginx, Apache httpd and HAProxy of Unix
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
#[path = "web_judged/many.rs"]
mod many;
#[path = "web_judged/varying.rs"]
mod varying;

use std::process::Command;

/// A key and a certificate that nobody signed, as one text; `None`, with a word of it, without openssl.
fn certificate() -> Option<String> {
    let arguments = "req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=x -keyout - -out -";
    let made = Command::new("openssl").args(arguments.split(' ')).output().ok();
    let made = made.filter(|made| made.status.success());
    if made.is_none() {
        println!("skipped: openssl is not installed");
    }
    made.map(|made| String::from_utf8(made.stdout).unwrap())
}
