//! The configuration of nginx, Apache httpd and HAProxy as text: which sites it describes, and the
//! exact bytes with our rules in it and without them.
//!
//! A rule goes from an action by [`rule::translate`] over [`text`] to a [`RuleText`], which is what the
//! server's files are to say, and by [`Layout::place`] into them.
//!
//! Reading goes through [`Files`]: it says what it needs, is given it, and answers with a
//! [`Layout`]. Everything is bytes; a configuration need not be UTF-8.
//!
//! Each server has a folder: its lexer, how its files are gone through (`walk`, `parse`), its sites, where
//! rules are placed, and how they are written (`render`). `rule` is what they have in common.

// What is indexed here comes from outside: a wrong index would be a panic.
#![warn(clippy::indexing_slicing)]

mod apache;
mod files;
mod glob;
mod haproxy;
mod layout;
mod listen;
mod nginx;
mod passage;
mod placement;
mod reading;
mod refused;
mod render;
pub mod rule;
mod rule_text;
mod source;
mod text_edits;

pub use files::{
    Files, MAX_FILES, MAX_INCLUDE_DEPTH, MAX_NGINX_DEPTH, MAX_TOTAL_BYTES, MAX_WALKED_BYTES,
    Matches, Missing, Need, NotListed, OverBudget, Read,
};
pub use layout::Layout;
pub use passage::Passage;
pub use placement::Placement;
pub use refused::refused;
pub use render::text;
pub use rule_text::RuleText;
