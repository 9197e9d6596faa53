//! What a rule means: the reference evaluator of the one AST, and its analysis. Nothing of any server
//! but how a scope is held against a path. Pure, and linear in the request.

mod decode;
mod evaluate;
mod fields;
mod headers;
mod meaning;
pub mod path;
mod ruleset;
mod simplify;
mod unsupported;

pub use decode::url_decode;
pub use evaluate::{CompiledCondition, CompiledRule};
pub use fields::Subject;
pub use headers::{
    CompiledResponseChange, Headers, change_request_header, joined, trimmed, with_value,
};
pub use meaning::{Effect, Meaning, belied, belied_probe};
pub use ruleset::{RuleSet, Scratch};
pub use simplify::{simplify, simplify_condition};
pub use unsupported::{Unsupported, unsupported};
