//! Signed metadata of The Update Framework (TUF) 1.0: keys, roles, envelopes.
//!
//! What is made here is what a publisher gives away. Files, passphrases and the order in which
//! things are put in place are the publisher's; nothing here touches them. The program that runs on
//! a server uses this for the throwaway keys of its demo and for nothing else.

#![cfg_attr(not(test), warn(clippy::indexing_slicing))]

mod canonical;
mod envelope;
mod key;
mod metadata;

pub use envelope::{Envelope, EnvelopeError};
pub use key::{KeyError, PublicKey, SigningKey};
pub use metadata::{
    Delegation, NotOurs, Role, RoleKeys, Roles, TargetFile, expires, files, root, snapshot,
    targets, timestamp,
};
