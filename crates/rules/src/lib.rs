//! Request rules: the reference evaluator of the one AST, its analysis, and its translation to each
//! server's language. Pure, and linear in the request.

pub mod iis;
