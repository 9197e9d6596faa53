//! The objects of the commands, and what several of them have.

use serde::Serialize;
use stopgap_agent::advice;
use stopgap_agent::blocks::BlockedBy;
use stopgap_engine::{Timing, Trouble};
use stopgap_model::problem::sentence;
use stopgap_model::{HostFacts, MitigationId};
use stopgap_plan::ServicesStep;
use stopgap_store::{Change, Line};

use super::facts::HostObject;

/// Of any command that fails.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ErrorObject {
    pub(crate) error: String,
    /// What to do next; empty where the error says it.
    pub(crate) hint: String,
    /// The exit code.
    pub(crate) exit: u8,
}

/// Of `facts`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct FactsObject {
    pub(crate) server: ServerObject,
}

/// A server.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ServerObject {
    name: String,
    facts: HostObject,
}

/// One who blocks a mitigation.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct BlockObject {
    id: String,
    /// `command`, which `unblock` ends; `server` or `organisation`, which it does not.
    origin: &'static str,
    by: String,
}

/// Of `block`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct BlockedObject {
    pub(crate) blocked: Vec<String>,
    /// The command that works on the server just now.
    pub(crate) running: Option<String>,
}

/// Of `unblock`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct UnblockedObject {
    pub(crate) unblocked: Vec<String>,
    /// The command that works on the server just now.
    pub(crate) running: Option<String>,
}

/// Of `enable` and `disable`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct SwitchObject {
    pub(crate) enabled: bool,
    /// What switches it off.
    pub(crate) switched_off: Option<String>,
    /// The command that works on the server just now.
    pub(crate) running: Option<String>,
}

/// Of `history`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct HistoryObject {
    pub(crate) history: Vec<LineObject>,
    pub(crate) intact: bool,
    /// What of the trail is not as it was written.
    pub(crate) faults: Vec<String>,
    pub(crate) interrupted: Vec<ChangeCutShort>,
}

/// A line of the audit trail.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct LineObject {
    seq: u64,
    at: String,
    who: String,
    event: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    mitigation: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    detail: String,
    /// The digest of the line before.
    prev: String,
}

/// A change that was cut short by a crash.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ChangeCutShort {
    change: u64,
    at: String,
    by: String,
    /// Null for IIS.
    server: Option<String>,
    mitigations: Vec<String>,
    files: Vec<String>,
}

/// Something that went wrong in a cycle beside the states of mitigations.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct TroubleObject {
    /// The web server; null where it is about IIS or the state folder.
    server: Option<String>,
    text: String,
    /// What to do next, if there is something.
    hint: String,
}

/// How long a change of a web server took.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct TimingObject {
    server: String,
    /// Until the server had taken the rules; null where it did not.
    enforced_ms: Option<f64>,
    /// Until it was verified or rolled back.
    total_ms: f64,
    /// Without what the server was waited for.
    own_ms: f64,
}

/// A file that a cycle changed, or would change.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct FileObject {
    pub(crate) path: String,
    /// `made`, `removed` or `changed`.
    pub(crate) change: &'static str,
    /// A unified diff in a dry run.
    pub(crate) diff: Option<String>,
}

/// The services that a cycle disabled for an action or gave back, or would.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ServicesObject {
    pub(crate) action: String,
    pub(crate) disabled: Vec<String>,
    pub(crate) given_back: Vec<String>,
}

impl From<&ServicesStep> for ServicesObject {
    fn from(step: &ServicesStep) -> Self {
        Self {
            action: step.action.to_string(),
            disabled: step.disables.iter().map(|it| it.service.name.clone()).collect(),
            given_back: step.gives_back.iter().map(|it| it.name.clone()).collect(),
        }
    }
}

/// Of `feed add`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct AddedObject {
    pub(crate) added: String,
}

/// Of `feed remove`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct RemovedObject {
    pub(crate) removed: String,
}

/// Of `test-connectivity`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ConnectivityObject {
    pub(crate) ok: bool,
    pub(crate) feeds: Vec<FeedTestObject>,
}

/// The test of one feed.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct FeedTestObject {
    pub(crate) name: String,
    pub(crate) ok: bool,
    /// The step that failed.
    pub(crate) hop: Option<&'static str>,
    pub(crate) message: String,
}

/// One check of a verification.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct CheckObject {
    pub(crate) name: String,
    pub(crate) ok: bool,
    pub(crate) detail: String,
}

/// Of `demo`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct DemoObject {
    pub(crate) ok: bool,
    pub(crate) steps: Vec<DemoStep>,
}

/// One step of the demo.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct DemoStep {
    pub(crate) name: &'static str,
    pub(crate) expected: String,
    pub(crate) observed: String,
    pub(crate) ok: bool,
}

impl ServerObject {
    /// A server with its facts.
    pub(crate) fn of(name: impl Into<String>, facts: &HostFacts) -> Self {
        Self { name: name.into(), facts: HostObject::from(facts) }
    }
}

/// The ids as text.
pub(crate) fn ids(ids: &[MitigationId]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}

impl From<&BlockedBy> for BlockObject {
    fn from(blocked: &BlockedBy) -> Self {
        Self { id: blocked.id.to_string(), origin: blocked.origin.as_str(), by: blocked.by.clone() }
    }
}

impl From<&Line> for LineObject {
    fn from(line: &Line) -> Self {
        Self {
            seq: line.seq,
            at: line.at.to_string(),
            who: line.who.clone(),
            event: line.event.as_str(),
            mitigation: line.mitigation.clone(),
            detail: line.detail.clone(),
            prev: line.prev.to_string(),
        }
    }
}

impl From<&Change> for ChangeCutShort {
    fn from(change: &Change) -> Self {
        Self {
            change: change.number,
            at: change.at.to_string(),
            by: change.by.clone(),
            server: change.target().server().map(ToString::to_string),
            mitigations: change.mitigations().into_iter().map(ToString::to_string).collect(),
            files: change.files.iter().map(|file| file.path.to_string()).collect(),
        }
    }
}

impl From<&Trouble> for TroubleObject {
    fn from(trouble: &Trouble) -> Self {
        Self {
            server: trouble.server().map(ToString::to_string),
            text: sentence(trouble),
            hint: advice::of_trouble(trouble),
        }
    }
}

impl From<&Timing> for TimingObject {
    fn from(timing: &Timing) -> Self {
        // To a microsecond.
        let millis =
            |time: std::time::Duration| (time.as_secs_f64() * 1_000_000.0).round() / 1_000.0;
        Self {
            server: timing.server.to_string(),
            enforced_ms: timing.enforced.map(millis),
            total_ms: millis(timing.total),
            own_ms: millis(timing.total.saturating_sub(timing.waiting)),
        }
    }
}
