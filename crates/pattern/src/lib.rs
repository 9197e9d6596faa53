//! ECMAScript patterns over bytes, matched in linear time.
//!
//! `.` is any byte but a line feed or a carriage return; `\d`, `\w` and `\s` are ASCII; ignoring case
//! means ASCII letters; `^` and `$` are the input's ends. A literal character beyond ASCII is its
//! UTF-8 bytes. Look-aheads are understood at the head of the whole pattern, and elsewhere but for
//! repetitions without a bound, if the automaton stays small.
//!
//! IIS's engine is of ECMA-262's third edition: a named group and looking behind are not in it, and
//! `\p` is a `p`.

#![cfg_attr(not(test), warn(clippy::indexing_slicing))]

pub mod ast;
mod captures;
mod cost;
mod emit;
mod error;
pub mod language;
mod limits;
mod literal;
mod parse;
mod pattern;
pub mod search;
mod starts;
mod table;
pub mod target;

pub use captures::Captures;
pub use cost::{
    MAX_SHORT_REPEAT, check_document_pattern, is_long, pattern_size, without_edge_repetitions,
};
pub use error::{NotLinear, PatternError};
pub use literal::{Literal, literal, required, shortest};
pub use parse::{braces_without_count, parse};
pub use pattern::Pattern;
