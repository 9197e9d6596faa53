//! The organisation's policy, as its own feed carries it.

use serde::Deserialize;
use stopgap_model::MitigationId;
use stopgap_model::problem::one_line;

/// The name that the policy is offered under.
pub const POLICY_NAME: &str = "policy.toml";

/// What the organisation says to all its servers. A server's own word can only be stricter.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrganisationPolicy {
    /// Whether mitigations are applied and taken back by themselves.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Mitigations that must not be applied.
    #[serde(default)]
    pub blocked: Vec<MitigationId>,
}

/// Why an organisation's policy cannot be read; each a sentence without a full stop.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoPolicy {
    /// It is not UTF-8.
    #[error("it is not UTF-8")]
    NotUtf8,
    /// It says what no policy says.
    #[error("line {line}: {what}")]
    Wrong {
        /// The line, from 1.
        line: usize,
        /// What is wrong there.
        what: String,
    },
    /// What was taken of the feed is lost.
    #[error("what was taken of it is lost")]
    Lost,
    /// Its file cannot be read, and none was kept.
    #[error("{0}")]
    NotRead(String),
}

const fn yes() -> bool {
    true
}

impl OrganisationPolicy {
    /// Reads the policy.
    ///
    /// # Errors
    /// It is not UTF-8, or says what no policy says.
    pub fn read(bytes: &[u8]) -> Result<Self, NoPolicy> {
        let text = std::str::from_utf8(bytes).map_err(|_| NoPolicy::NotUtf8)?;
        toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            let line = 1 + text.get(..at).unwrap_or_default().matches('\n').count();
            NoPolicy::Wrong { line, what: one_line(error.message()) }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_switch_in_the_organisations_policy_is_no_open_door() {
        let read = |text: &str| OrganisationPolicy::read(text.as_bytes());
        let misspelt = read("enabeld = false\n");
        assert!(matches!(misspelt, Err(NoPolicy::Wrong { line: 1, .. })), "{misspelt:?}");
        let policy = read("blocked = [\"M1\"]\n").unwrap();
        assert!(policy.enabled && policy.blocked.len() == 1);
        assert!(!read("enabled = false").unwrap().enabled);
    }
}
