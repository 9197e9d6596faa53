//! Request rules: the reference evaluator of the one AST, its analysis, and its translation to each
//! server's language. Pure, and linear in the request.

mod decode;
mod evaluate;
mod fields;
mod headers;
pub mod iis;
mod meaning;
mod pattern;
mod ruleset;
mod simplify;
mod unsupported;
pub mod web;

pub use decode::url_decode;
pub use evaluate::CompiledRule;
pub use headers::{CompiledResponseChange, Headers, change_request_header};
pub use meaning::{Effect, Meaning, belied, belied_probe};
pub use pattern::{Captures, Pattern, PatternError, check_document_pattern, pattern_size};
pub use ruleset::{RuleSet, Scratch};
pub use simplify::simplify;
pub use unsupported::Unsupported;
