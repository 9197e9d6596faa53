//! One cycle: collect, plan, capture, apply, verify, commit, or undo.
//!
//! A cycle makes one attempt; the loop is the next cycle. Nothing is changed on a server before
//! the bytes it had and the intent are on disk, and nothing counts as done before it was read back
//! and its probes end as they should.

mod apply;
mod collect;
mod cycle;
mod files;
mod live;
mod probing;
mod recover;
mod trouble;
mod undo;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use stopgap_host::Host;
use stopgap_model::host::Declared;
use stopgap_model::policy::Policy;
use stopgap_model::report::MitigationReport;
use stopgap_model::{Catalog, HostFacts, ServerId};
use stopgap_plan::{FileEdit, Order, Plan};
use stopgap_store::{Store, StoreError};

use crate::cycle::Known;

pub use collect::{Collected, collect};
pub use trouble::{NotBack, Trouble};

/// All that a cycle works with.
pub struct Engine<'a> {
    /// The server.
    pub host: &'a dyn Host,
    /// What is remembered.
    pub store: &'a Store,
    /// The verified mitigations.
    pub catalog: &'a Catalog,
    /// Whether the revisions are remembered: not those of a catalog that nobody signed.
    pub remember: bool,
    /// What is allowed.
    pub policy: &'a Policy,
    /// What the administrator says is installed.
    pub declared: &'a [Declared],
    /// Who or what ordered the cycle, for the records.
    pub by: &'a str,
    /// The time.
    pub now: fn() -> Timestamp,
    /// Set when the process is asked to stop: nothing further is begun.
    pub stop: &'a AtomicBool,
}

/// What was seen on a server, without touching anything.
#[derive(Debug)]
#[must_use]
pub struct View {
    /// What was identified.
    pub facts: HostFacts,
    /// What a cycle would do, and the state of everything.
    pub plan: Plan,
}

/// What a cycle found and did.
#[derive(Debug)]
#[must_use]
pub struct CycleReport {
    /// What was identified.
    pub facts: HostFacts,
    /// Every mitigation with its state after the cycle.
    pub mitigations: Vec<MitigationReport>,
    /// The files that were replaced, with their bytes before and after; in a dry run, those that
    /// would be.
    pub edits: Vec<FileEdit>,
    /// Whether anything on the server was changed.
    pub changed: bool,
    /// How long each change of a web server took.
    pub timings: Vec<Timing>,
    /// What went wrong beside the states of mitigations, on one server or in what is remembered.
    pub troubles: Vec<Trouble>,
}

/// How long a change of a web server took, from the decision until it was verified or undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timing {
    /// The server.
    pub server: ServerId,
    /// All of it.
    pub total: Duration,
    /// The part in which the server was waited for: its own test, its reload, its answers.
    pub waiting: Duration,
}

impl Timing {
    fn of(server: ServerId) -> Self {
        Self { server, total: Duration::ZERO, waiting: Duration::ZERO }
    }

    /// Does something that waits for the server.
    fn spend<T>(&mut self, wait: impl FnOnce() -> T) -> T {
        let begun = Instant::now();
        let done = wait();
        self.waiting += begun.elapsed();
        done
    }
}

/// A cycle could not be carried out: what is on the servers by our doing is not known. What goes wrong
/// on one server is no such error; it is in the report, and the others are attempted.
#[derive(Debug, thiserror::Error)]
pub enum CycleError {
    /// What is remembered could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Engine<'_> {
    /// Looks at the server and says what a cycle would do. Changes nothing.
    ///
    /// # Errors
    /// What is remembered cannot be read.
    pub fn look(&self, order: &Order) -> Result<View, CycleError> {
        self.view(order, &Known::default())
    }

    fn asked_to_stop(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}
