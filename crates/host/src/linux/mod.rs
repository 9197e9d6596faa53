//! Web servers of a Linux system: what is installed, what runs, and what can be done with it.

mod about;
mod envvars;
mod packaged;

pub(crate) use packaged::packaged_in_tree;
