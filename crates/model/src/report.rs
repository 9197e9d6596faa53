//! What a cycle found and did: one state and its reasons for every mitigation and every action.
//! The terminal, JSON and CSV are renderings of these types.

use serde::{Serialize, Serializer};

use crate::digest::Digest;
use crate::evidence::Evidence;
use crate::id::{ActionId, MitigationId};
use crate::reason::{Reason, Reasons};
pub use crate::state::State;

/// One mitigation on this server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MitigationReport {
    /// The mitigation's id.
    pub id: MitigationId,
    /// The revision this is about.
    pub revision: u32,
    /// The digest of its document.
    pub hash: Digest,
    /// The revision that is in place by our doing, if any is.
    pub in_force: Option<u32>,
    /// What it is against.
    pub title: String,
    /// Its state here.
    pub state: State,
    /// Whether it is blocked here, whatever is in place.
    pub blocked: bool,
    /// Why it is in this state.
    #[serde(flatten, serialize_with = "reason_keys")]
    pub reason: Reasons,
    /// Where the mitigation came from, such as `built in`.
    pub source: String,
    /// The names of the rules found on the server that carry it out.
    pub rules: Vec<String>,
    /// How what is in place was seen to hold on web servers.
    pub evidence: Evidence,
    /// What of ours stands on the server for it, whatever the state: rules, and what goes with them,
    /// by name; pools that are set not to start.
    pub in_place: Vec<String>,
    /// What of ours, by its name or its text, stands where no record says so and is left for a person
    /// to take out.
    #[serde(flatten, serialize_with = "leftover_keys")]
    pub leftovers: Vec<Reason>,
    /// Its actions.
    pub actions: Vec<ActionReport>,
}

/// The most leftovers that are told beside one reason.
const MAX_LEFTOVERS: usize = 3;

impl MitigationReport {
    /// Whether an administrator has to look at it.
    #[must_use]
    pub fn needs_attention(&self) -> bool {
        self.state.needs_attention() || !self.leftovers.is_empty()
    }

    /// The reasons, with what is left over.
    #[must_use]
    pub fn told(&self) -> String {
        let reason = self.reason.to_string();
        let leftovers = self.leftovers.iter().map(Reason::to_string);
        let mut told: Vec<String> =
            leftovers.filter(|left| !reason.contains(left.as_str())).take(MAX_LEFTOVERS).collect();
        let more = self.leftovers.len().saturating_sub(MAX_LEFTOVERS);
        told.extend((more > 0).then(|| format!("and {more} more")));
        std::iter::once(reason).chain(told).collect::<Vec<_>>().join("; ")
    }
}

/// The sentence under the key that it always had, and the reasons as values beside it.
fn reason_keys<S: Serializer>(reasons: &Reasons, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Keys<'r> {
        reason: String,
        reasons: &'r Reasons,
    }
    Keys { reason: reasons.to_string(), reasons }.serialize(serializer)
}

/// The same for what is left over.
fn leftover_keys<S: Serializer>(reasons: &[Reason], serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Keys<'r> {
        leftovers: Vec<String>,
        leftover_reasons: &'r [Reason],
    }
    Keys { leftovers: sentences(reasons), leftover_reasons: reasons }.serialize(serializer)
}

/// The same for notes.
fn note_keys<S: Serializer>(reasons: &[Reason], serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Keys<'r> {
        notes: Vec<String>,
        note_reasons: &'r [Reason],
    }
    Keys { notes: sentences(reasons), note_reasons: reasons }.serialize(serializer)
}

fn sentences(reasons: &[Reason]) -> Vec<String> {
    reasons.iter().map(Reason::to_string).collect()
}

/// One action on this server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ActionReport {
    /// The action's id.
    pub id: ActionId,
    /// The action's kind, such as `block-request`.
    pub kind: String,
    /// Its state here.
    pub state: State,
    /// Why it is in this state.
    #[serde(flatten, serialize_with = "reason_keys")]
    pub reason: Reasons,
    /// Where on the server it is or would be; empty if nowhere.
    #[serde(rename = "where")]
    pub place: String,
    /// What a person should know beside the reason: why it is placed there, what it costs, what it does not
    /// reach.
    #[serde(flatten, serialize_with = "note_keys")]
    pub notes: Vec<Reason>,
}
