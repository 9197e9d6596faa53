//! The configuration of nginx, Apache httpd and HAProxy as text: which sites it describes, and the
//! exact bytes with our rules in it and without them.
//!
//! Reading goes through [`Files`]: it says what it needs, is given it, and answers with a
//! [`Layout`]. Everything is bytes; a configuration need not be UTF-8.

mod apache;
mod files;
mod glob;
mod haproxy;
mod layout;
mod listen;
mod nginx;
mod passage;
mod placement;
mod refused;
mod render;
pub mod rule;
mod rule_text;
mod source;
mod splice;

pub use files::{
    Files, MAX_FILES, MAX_INCLUDE_DEPTH, MAX_NGINX_DEPTH, MAX_TOTAL_BYTES, MAX_WALKED_BYTES,
    Missing, Need, OverBudget, Read, Trouble,
};
pub use layout::Layout;
pub use passage::Passage;
pub use placement::{EditError, Placement};
pub use refused::refused;
pub use render::text;
pub use rule_text::RuleText;
