//! The configuration of nginx, Apache httpd and HAProxy as text: which sites it describes, and the
//! exact bytes of its files with Stopgap's rules and without them. Comments here say "ours" for what
//! Stopgap writes, and "others" for everything else.
//!
//! [`rule::translate`] turns an action into a rule of one server, [`text`] writes all rules of the server as
//! one [`RuleText`], and [`Layout::place`] puts that into the files.
//!
//! [`Files`] says which files it needs, is given them, and makes a [`Layout`] of them. Everything is bytes;
//! a configuration need not be UTF-8.
//!
//! Each server has a folder: its lexer, how its files are gone through (`walk`, `parse`), its sites, where
//! rules are placed, and how they are written (`render`). `rule` is what they have in common.

// What is indexed here comes from outside: a wrong index would be a panic.
#![warn(clippy::indexing_slicing)]

mod apache;
mod early_rejection;
mod files;
mod haproxy;
mod layout;
mod listen;
mod nginx;
mod passage;
mod placement;
mod reading;
mod render;
pub mod rule;
mod rule_text;
mod source;
mod text_edits;

pub use early_rejection::rejects_early;
pub use files::{
    Files, MAX_FILES, MAX_INCLUDE_DEPTH, MAX_NGINX_DEPTH, MAX_TOTAL_BYTES, MAX_WALKED_BYTES,
    Matches, Missing, Need, OverBudget, Read,
};
pub use layout::Layout;
pub use passage::Passage;
pub use placement::Placement;
pub use render::text;
pub use rule_text::RuleText;
