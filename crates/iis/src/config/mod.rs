//! IIS configuration files: what a server's files say, which rules a request meets, and lossless
//! insertion and removal of one thing.
//!
//! Reading goes through a [`Snapshot`]: it asks for files, is given them, and answers questions from
//! what it extracted once. Editing works on the bytes of one file and changes nothing but what it
//! inserts or removes.

mod adopt;
mod collect;
mod edit;
mod edit_error;
mod effective;
mod entry;
mod entry_read;
mod entry_write;
mod evaluator;
mod facts;
mod folders;
mod handlers;
mod in_effect;
mod levels;
mod merge;
mod parsed_config;
mod place;
mod placement;
mod pools;
mod remove;
mod section;
mod site_placement;
mod snapshot;
mod target;
mod xml;

pub use adopt::adopt;
pub use edit::{Element, Inserted, Undo, Wrapper, insert, insert_all};
pub use edit_error::EditError;
pub use effective::{
    Dependency, Named, dependencies, effective_rules, entries_called, entries_named,
    standalone_rules,
};
pub use entry::{Collection, Entry};
pub use facts::RewriteSupport;
pub use in_effect::{Effective, EffectiveRule, Fault, InEffect, Outbound};
pub use levels::{Level, dropped_by, levels, nearest};
pub use place::Place;
pub use placement::find_placement;
pub use pools::{AttributeUndo, Pool, PoolUndo, pool};
pub use remove::{remove, remove_all};
pub use snapshot::{
    APPLICATION_HOST, File, MAX_FILES, MAX_TOTAL_BYTES, Need, OverBudget, Read, Snapshot,
};
pub use target::{Gap, Placement, PlacementRequest, PlacementTarget, Refusal};
pub use xml::{MAX_ATTRIBUTES, MAX_DEPTH, MAX_FILE_BYTES, MAX_NAMESPACES, NotReadable};
