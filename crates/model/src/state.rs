//! The states of actions and mitigations, and their order.

use serde::{Serialize, Serializer};

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
