//! One cycle: collect, plan, then a transaction for each target, and a report.
//!
//! A cycle makes one attempt; the loop is the next cycle. Nothing is changed on a server before the bytes
//! it had and the intent are on disk, and nothing counts as done before it was read back and its probes
//! end as they should.
//!
//! - `cycle.rs` is the one place that runs a cycle; `view.rs` looks and plans, `report.rs` says what was done.
//! - `transaction.rs` is one attempt at one target, `rollback.rs` its way back, `effect/` what differs
//!   between the kinds of targets.
//! - `recover.rs` rolls back what an earlier run left unfinished.
//! - `probing/` asks the sites of web servers before and after a change, `evidence/` keeps what was seen.

mod collect;
mod cycle;
mod effect;
mod engine;
mod evidence;
mod failure;
mod files;
mod learned;
mod merged;
mod probing;
mod progress;
mod read_services;
mod read_web;
mod recover;
mod report;
mod rollback;
mod stop;
mod timing;
mod trail;
mod transaction;
mod trouble;
mod unfinished;
mod view;

pub use collect::{Collected, collect};
pub use engine::{CycleError, CycleReport, Engine, PROBE_TIME, View};
pub use stop::Halt;
pub use stopgap_plan::TargetId;
pub use timing::Timing;
pub use trouble::{Ending, NotBack, Trouble};
