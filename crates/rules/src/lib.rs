//! What a rule means: the reference evaluator of the one AST, and its analysis. Nothing of any server
//! but how a scope is held against a path. Pure, and linear in the request.

#![cfg_attr(not(test), warn(clippy::indexing_slicing))]

mod action_semantics;
mod decode;
mod evaluate;
mod fields;
mod header_values;
mod headers;
pub mod path;
mod ruleset;
mod simplify;

pub use action_semantics::{ActionEffect, ActionSemantics, contradicted_probe, contradiction};
pub use decode::url_decode;
pub use evaluate::{CompiledCondition, CompiledRule};
pub use fields::Subject;
pub use header_values::{Headers, joined, trimmed, with_value};
pub use headers::{CompiledResponseChange, change_request_header};
pub use ruleset::{RuleSet, Scratch};
pub use simplify::{simplify, simplify_condition};
