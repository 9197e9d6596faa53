//! One cycle: collect, plan, capture, apply, verify, commit, or undo.
//!
//! A cycle makes one attempt; the loop is the next cycle. Nothing is changed on a server before
//! the bytes it had and the intent are on disk, and nothing counts as done before it was read back
//! and its probes end as they should.

mod apply;
mod baseline;
mod collect;
mod cycle;
mod evidence;
mod files;
mod judging;
mod live;
mod merged;
mod probing;
mod recover;
mod refused;
mod sites;
mod stop;
mod trouble;
mod undo;
mod unfinished;

use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;
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
pub use stop::Halt;
pub use trouble::{NotBack, Trouble};

/// How long the sites of one web server are asked for one change, if nobody says otherwise.
pub const PROBE_TIME: Duration = Duration::from_secs(20);

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
    /// How long the sites of one web server are asked for one change, before it and after it.
    pub probe_time: Duration,
    /// Who or what ordered the cycle, for the records.
    pub by: &'a str,
    /// The time.
    pub now: fn() -> Timestamp,
    /// Set when the process is asked to stop: nothing further is begun, and what was begun and not
    /// yet found good is taken back.
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
    /// Why the cycle ended before all of it was done, if it did: automatic mitigation was switched
    /// off while it ran.
    pub halted: Option<Halt>,
}

/// How long a change of a web server took, from the decision until it was verified or undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timing {
    /// The server.
    pub server: ServerId,
    /// All of it.
    pub total: Duration,
    /// The part of it until the server had taken the rules; `None` where it did not, where they went
    /// again, or where it does not run.
    pub enforced: Option<Duration>,
    /// The part in which the server was waited for: its own test, its reload, its answers.
    pub waiting: Duration,
    begun: Instant,
}

impl Timing {
    /// Of a change that begins now.
    fn of(server: ServerId) -> Self {
        let (total, waiting, begun) = (Duration::ZERO, Duration::ZERO, Instant::now());
        Self { server, total, enforced: None, waiting, begun }
    }

    /// Does something that waits for the server.
    fn spend<T>(&mut self, wait: impl FnOnce() -> T) -> T {
        let begun = Instant::now();
        let done = wait();
        self.waiting += begun.elapsed();
        done
    }
}

/// What became of a cycle that ended before its end.
#[derive(Debug)]
pub struct Ending {
    /// How many changes were made, found good and stay.
    pub made: usize,
    /// What was begun and taken back: `IIS`, or a web server; `None`: nothing was.
    pub taken_back: Option<String>,
    /// What went wrong before, or when it was taken back.
    pub troubles: Vec<Trouble>,
}

impl std::fmt::Display for Ending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.taken_back, self.made) {
            (None, 0) => write!(f, "nothing was changed"),
            (None, 1) => write!(f, "the change that was made before stays, nothing else was begun"),
            (None, made) => {
                write!(f, "the {made} changes that were made before stay, nothing else was begun")
            }
            (Some(of), 0) => write!(f, "the change of {of} was taken back"),
            (Some(of), 1) => {
                write!(f, "the change of {of} was taken back, the one that was made before stays")
            }
            (Some(of), made) => {
                write!(f, "the change of {of} was taken back, the {made} made before stay")
            }
        }
    }
}

/// A cycle could not be carried out: what is on the servers by our doing is not known. What goes wrong
/// on one server is no such error; it is in the report, and the others are attempted.
#[derive(Debug, thiserror::Error)]
pub enum CycleError {
    /// What is remembered could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The program was asked to end.
    #[error("the program was asked to end: {0}")]
    Asked(Ending),
}

impl Engine<'_> {
    /// Looks at the server and says what a cycle would do. Changes nothing.
    ///
    /// # Errors
    /// What is remembered cannot be read.
    pub fn look(&self, order: &Order) -> Result<View, CycleError> {
        let known = Known::remembered(self.store.evidence());
        let mut view = self.view(order, self.policy, &known)?;
        let Plan { report, standing, altered, .. } = &mut view.plan;
        self.tell_evidence(report, (standing, altered), &known.evidence, &BTreeSet::new());
        self.tell_unfinished(&mut view.plan.report)?;
        Ok(view)
    }
}
