//! HAProxy: lines of ours at the head of every frontend that reads requests.

mod own;
mod passages;
mod place;
mod read;
mod sites;
mod words;

pub(super) use own::own_answers;
pub(super) use passages::passages;
pub(super) use place::{holes, own_text, place, unreached, written_files};
pub(super) use read::{Tree, gaps, needs, read, reads_requests};
pub(super) use sites::{listens, sites};
