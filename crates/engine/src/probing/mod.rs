//! What the sites of a web server are asked before and after a change, and what their answers show.

mod answers;
mod baseline;
mod judging;
mod questions;
mod sites;

pub(crate) use answers::answered_so;
pub(crate) use baseline::Baseline;
pub(crate) use questions::{Probing, Seen, What};
