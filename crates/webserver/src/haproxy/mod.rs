//! HAProxy: lines of ours at the head of every frontend that reads requests.

mod answers;
mod gaps;
mod mark;
mod own;
mod parse;
mod passages;
mod place;
mod reach;
mod render;
mod sites;
mod tokens;
mod tree;

pub(super) use answers::own_answers;
pub(super) use gaps::gaps;
pub(super) use parse::{needs, read};
pub(super) use passages::passages;
pub(super) use place::{own_text, place, written_files};
pub(super) use reach::{holes, unreached};
pub(super) use render::text as rule_text;
pub(super) use sites::{listens, sites};
pub(super) use tree::{Tree, reads_requests};
