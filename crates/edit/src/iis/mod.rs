//! IIS configuration files: what a server's files say, which rules a request meets, and lossless
//! insertion and removal of one rule.
//!
//! Reading goes through a [`Snapshot`]: it asks for files, is given them, and answers questions from
//! what it extracted once. Editing works on the bytes of one file and changes nothing but what it
//! inserts or removes.

mod edit;
mod effective;
mod evaluator;
mod facts;
mod handlers;
mod merge;
mod place;
mod placement;
mod remove;
mod rule_read;
mod rule_write;
mod snapshot;
mod summary;
mod xml;

pub use edit::{EditError, Inserted, Scaffold, Undo, insert, insert_all};
pub use effective::{
    Effective, EffectiveRule, Fault, NamedRule, effective_rules, effective_rules_named,
    rules_named, standalone_rules,
};
pub use facts::{OverrideMode, RewriteSupport};
pub use place::Place;
pub use placement::{Refusal, Target, place_for};
pub use remove::remove;
pub use snapshot::{
    APPLICATION_HOST, File, MAX_FILES, MAX_TOTAL_BYTES, OverBudget, Read, Snapshot,
};
pub use xml::{MAX_ATTRIBUTES, MAX_DEPTH, MAX_FILE_BYTES, MAX_NAMESPACES, NotReadable};
