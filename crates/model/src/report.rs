//! What a cycle found and did: one state and its reasons for every mitigation and every action.
//! The terminal, JSON and CSV are renderings of these types.

use serde::{Serialize, Serializer};

use crate::digest::Digest;
use crate::evidence::Evidence;
use crate::id::{ActionId, MitigationId};
use crate::reason::{Reason, Reasons};

/// The state of an action or a mitigation on a server: what is in place.
///
/// The order is the order of precedence: a mitigation has the first state that fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// A fact that the decision needs could not be read.
    Unknown,
    /// Our name is taken, or applying would break the configuration: nothing done.
    Conflict,
    /// Tried, verification failed, undone.
    Failed,
    /// Was applied, and something changed it.
    Drifted,
    /// Some of its actions are in place and some that apply here are not.
    Partial,
    /// Every action that applies here is in place, observed intact.
    Applied,
    /// An equivalent rule that is not ours is in place.
    Covered,
    /// Taken back in this cycle.
    Withdrawn,
    /// An administrator blocked it and nothing of it is in place.
    Blocked,
    /// Affected, and waiting.
    Pending,
    /// This server or this version cannot express it.
    Unsupported,
    /// Not affected, or the fix is installed.
    NotAffected,
}

impl State {
    /// The word used in output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Conflict => "conflict",
            Self::Failed => "failed",
            Self::Drifted => "drifted",
            Self::Partial => "partial",
            Self::Applied => "applied",
            Self::Covered => "covered",
            Self::Withdrawn => "withdrawn",
            Self::Blocked => "blocked",
            Self::Pending => "pending",
            Self::Unsupported => "unsupported",
            Self::NotAffected => "not-affected",
        }
    }

    /// Whether an administrator has to look: `unsupported` means affected and not protected.
    #[must_use]
    pub fn needs_attention(self) -> bool {
        matches!(
            self,
            Self::Unknown
                | Self::Conflict
                | Self::Failed
                | Self::Drifted
                | Self::Partial
                | Self::Unsupported
        )
    }

    /// Whether the action's protection is in place.
    #[must_use]
    pub fn in_place(self) -> bool {
        matches!(self, Self::Applied | Self::Covered)
    }

    /// The state of a mitigation from the states of its actions.
    ///
    /// Where something of ours holds and another part is amiss, it is partial: neither may hide the
    /// other. What others have put there is no reason to call amiss by a milder word.
    #[must_use]
    pub fn of_actions(actions: &[Self]) -> Self {
        let first = actions.iter().copied().min().unwrap_or(Self::NotAffected);
        if first < Self::Partial {
            let ours = |s: &Self| matches!(s, Self::Partial | Self::Applied);
            return if actions.iter().any(ours) { Self::Partial } else { first };
        }
        let missing = |s: &Self| matches!(s, Self::Blocked | Self::Pending | Self::Unsupported);
        let in_place = actions.iter().any(|s| s.in_place());
        if in_place && actions.iter().any(missing) { Self::Partial } else { first }
    }
}

impl Serialize for State {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

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

#[cfg(test)]
mod tests {
    use super::State::{self, *};

    #[test]
    fn a_mitigation_has_the_first_state_that_fits() {
        assert_eq!(State::of_actions(&[]), NotAffected);
        assert_eq!(State::of_actions(&[Applied, Applied, NotAffected]), Applied);
        assert_eq!(State::of_actions(&[Applied, Covered]), Applied);
        assert_eq!(State::of_actions(&[Covered, NotAffected]), Covered);
        assert_eq!(State::of_actions(&[Applied, Unsupported]), Partial);
        assert_eq!(State::of_actions(&[Covered, Pending]), Partial);
        assert_eq!(State::of_actions(&[Covered, Conflict]), Conflict);
        assert_eq!(State::of_actions(&[Conflict, Unknown, Failed]), Unknown);
        assert_eq!(State::of_actions(&[Withdrawn, Unsupported]), Withdrawn);
        assert_eq!(State::of_actions(&[Unsupported, NotAffected]), Unsupported);
    }

    #[test]
    fn what_cannot_be_judged_does_not_hide_what_is_in_place() {
        for amiss in [Unknown, Conflict, Failed, Drifted] {
            assert_eq!(State::of_actions(&[Applied, amiss]), Partial);
            assert_eq!(State::of_actions(&[amiss, Partial, NotAffected]), Partial);
            assert_eq!(State::of_actions(&[amiss, Covered, Pending]), amiss);
        }
    }
}
