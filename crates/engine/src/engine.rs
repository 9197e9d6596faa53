//! What a cycle works with, and how it ends.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use jiff::Timestamp;
use stopgap_host::Host;
use stopgap_model::host::Declared;
use stopgap_model::policy::Policy;
use stopgap_model::report::MitigationReport;
use stopgap_model::{Catalog, HostFacts};
use stopgap_plan::{FileEdit, Plan, ServicesStep};
use stopgap_store::{Store, StoreError};

use crate::stop::Halt;
use crate::timing::Timing;
use crate::trouble::{Ending, Trouble};

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
    /// Set when the process is asked to stop: nothing further is begun, and what was begun and not yet
    /// verified is rolled back.
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
    /// The services that were disabled or given back; in a dry run, those that would be.
    pub services: Vec<ServicesStep>,
    /// Whether anything on the server was changed.
    pub changed: bool,
    /// How long each change of a web server took.
    pub timings: Vec<Timing>,
    /// What went wrong beside the states of mitigations, on one target or in what is remembered.
    pub troubles: Vec<Trouble>,
    /// Why the cycle ended before all of it was done, if it did: automatic mitigation was switched
    /// off while it ran.
    pub halted: Option<Halt>,
}

/// A cycle could not be carried out: it is not known what Stopgap installed on the targets. What goes wrong
/// on one target is no such error; it is in the report, and the others are attempted.
#[derive(Debug, thiserror::Error)]
pub enum CycleError {
    /// What is remembered could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The program was asked to end.
    #[error("the program was asked to end: {0}")]
    Asked(Ending),
}
