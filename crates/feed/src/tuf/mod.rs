//! The client of The Update Framework (TUF) 1.0.
//!
//! Every signature, threshold, version, hash and expiry is judged by `sigstore-tuf`, and the order
//! of the steps is its too. What is here: how bytes get to it, what is remembered from one time to
//! the next and never gone behind, and which files a repository offers.

mod client;
mod feed;
mod listing;
mod refusal;
mod seen;
mod session;
mod state;

pub use client::Client;
pub use feed::{Loaded, Refreshed};
pub use listing::{File, Listing, RefusedFile, Target};
pub use refusal::Refusal;
pub use seen::Seen;
pub use session::{Cost, Memory};
pub use state::TufFeed;
pub(crate) use state::lock_cache;
