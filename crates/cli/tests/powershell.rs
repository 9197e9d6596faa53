//! The PowerShell module, as far as that can be told without PowerShell: its syntax by a grammar, its command
//! lines by the program's own parser, the names of JSON by the published schema, its recordings by the program.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says plainly what it expects"
)]

// The definitions that the program itself parses its command line by.
#[allow(dead_code, reason = "only parsed with")]
#[path = "../src/args.rs"]
mod args;
#[path = "powershell/calls.rs"]
mod calls;
#[path = "powershell/commands.rs"]
mod commands;
mod common;
#[path = "powershell/examples.rs"]
mod examples;
#[path = "powershell/layout.rs"]
mod layout;
#[path = "powershell/names.rs"]
mod names;
#[path = "powershell/recorded.rs"]
mod recorded;
#[path = "powershell/source.rs"]
mod source;
