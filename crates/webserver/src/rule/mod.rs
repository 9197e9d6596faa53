//! Rules of web servers other than IIS: each translated exactly, or not at all.
//!
//! What a server shows of a request is looked at as it was sent; what the field and its decoding
//! mean is part of the pattern, which is PCRE on all of them.

mod clause;
mod condition;
mod fields;
mod headers;
pub(crate) mod pcre;
mod percent_encoding;
mod server;
mod target;
mod translate;
pub(crate) mod ways;

pub use clause::{Clause, Match, WebRule};
pub use server::{MAX_PATTERN, Server};
pub use translate::translate;
