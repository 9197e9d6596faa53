//! Rules in the languages of the three servers: what they mean, and how they are written.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod headers;
mod meaning;
mod model;
mod text;
