//! HAProxy: lines of ours at the head of every frontend that reads requests.

mod own;
mod parse;
mod passages;
mod place;
mod render;
mod sites;
mod tokens;

pub(super) use own::own_answers;
pub(super) use parse::{Tree, gaps, needs, read, reads_requests};
pub(super) use passages::passages;
pub(super) use place::{holes, own_text, place, unreached, written_files};
pub(crate) use render::text as rule_text;
pub(super) use sites::{listens, sites};
