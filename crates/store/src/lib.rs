//! What Stopgap remembers, in files that a person can read, under one private folder:
//!
//! ```text
//! lock               who holds the lock
//! decisions.toml     switched off, blocked: who, when, why
//! decisions.spare    room to write it when the disk is full
//! changes/<n>/       change.json, and before/<k> with the bytes of each file before the change;
//!                    spare: room to write what became of it, until that is written
//! evidence.json      which probe was last seen blocked on which site, and what kept a change from being
//!                    made; lost, it is seen again by the next check
//! audit.jsonl        what happened; each line carries the digest of the one before
//! trust/audit.head   the number and the digest of its last line
//! trust/revisions.json   the content of every revision ever seen
//! ```
//!
//! What is in place on the server is a fold over the change records; there is no second copy of
//! the truth. With the program gone, an administrator can put a before-image back by hand.

mod audit;
mod change;
mod changes;
mod decisions;
mod error;
mod event;
mod evidence;
mod evidence_file;
mod fold;
mod kept_evidence;
mod layout;
mod line;
mod record;
mod rest;
mod revisions;
mod store;
mod text;
mod trail;

pub use audit::{AuditFault, Head, Trail};
pub use change::{Change, FailedAttempt, FailedRollback, FileChange, Status};
pub use decisions::{Decision, Decisions};
pub use error::StoreError;
pub use event::Event;
pub use fold::{Folded, fold};
pub use kept_evidence::{Hindrance, KeptEvidence};
pub use line::Line;
pub use revisions::Revisions;
pub use store::Store;
pub use trail::Entry;
