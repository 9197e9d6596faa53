//! What administrators decided by a command: who, when and why.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use stopgap_model::MitigationId;
use stopgap_model::policy::{Block, Policy, Switch};

/// The content of `decisions.toml`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decisions {
    /// Automatic mitigation was switched off on this server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub switched_off: Option<Said>,
    /// The mitigations that were blocked.
    #[serde(default)]
    pub blocked: BTreeMap<MitigationId, Said>,
}

/// A decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Said {
    /// Who decided.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Why; empty if nothing was said.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// Whether what is in place is to be taken back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub take_back: bool,
}

impl Decisions {
    /// Makes a policy as strict as what was decided. What it does not allow already it keeps.
    pub fn restrict(&self, policy: &mut Policy) {
        if let (Some(said), Switch::On) = (&self.switched_off, &policy.server) {
            policy.server = Switch::Off(said.phrase());
        }
        for (id, said) in &self.blocked {
            let known = policy.blocked.get(id);
            if known.is_none_or(|known| said.take_back && !known.take_back) {
                let block = Block { by: said.phrase(), take_back: said.take_back };
                policy.blocked.insert(id.clone(), block);
            }
        }
    }
}

impl Said {
    /// Who, when and why, as a phrase.
    #[must_use]
    pub fn phrase(&self) -> String {
        let at = self.at.strftime("%Y-%m-%d %H:%M UTC");
        let why = if self.why.is_empty() { String::new() } else { format!(": {}", self.why) };
        format!("{}, {at}{why}", self.by)
    }
}
