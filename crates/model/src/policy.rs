//! What the administrator and the organisation allow.

use std::collections::BTreeMap;

use crate::id::MitigationId;

/// What is allowed on this server, from the policy file and the commands together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The organisation's switch.
    pub organisation: Switch,
    /// This server's switch.
    pub server: Switch,
    /// The mitigations that must not be applied here.
    pub blocked: BTreeMap<MitigationId, Block>,
    /// What becomes of an applied mitigation that something else changed.
    pub drift: Drift,
}

/// What becomes of an applied mitigation that something else changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Drift {
    /// It is told and put right in the next cycle.
    #[default]
    Reapply,
    /// It is told and left as it is.
    Report,
}

/// A switch for automatic mitigation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Switch {
    /// Mitigations are applied and taken back by themselves.
    On,
    /// Hands off; who said so, as a phrase such as `policy.toml` or `root, 2026-11-23 02:10 UTC`.
    Off(String),
}

/// A mitigation that must not be applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// Who blocked it, when and why, as a phrase.
    pub by: String,
    /// Whether what is installed is to be withdrawn: `remove` says so, `block` does not.
    pub take_back: bool,
}

impl Policy {
    /// What is allowed where nobody said anything: everything.
    #[must_use]
    pub fn everything_on() -> Self {
        let (organisation, server) = (Switch::On, Switch::On);
        Self { organisation, server, blocked: BTreeMap::new(), drift: Drift::default() }
    }

    /// Whether changes may be made by themselves: the stricter of the two switches wins.
    #[must_use]
    pub fn enabled(&self) -> bool {
        self.switched_off().is_none()
    }

    /// Who switched it off, if anyone did: the organisation's word is named first.
    #[must_use]
    pub fn switched_off(&self) -> Option<String> {
        match (&self.organisation, &self.server) {
            (Switch::Off(by), _) => Some(format!("for the organisation by {by}")),
            (Switch::On, Switch::Off(by)) => Some(format!("on this server by {by}")),
            (Switch::On, Switch::On) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stricter_switch_wins() {
        let policy = |organisation, server| Policy {
            organisation,
            server,
            blocked: BTreeMap::new(),
            drift: Drift::Reapply,
        };
        let off = || Switch::Off("policy.toml".into());
        assert!(policy(Switch::On, Switch::On).enabled());
        assert!(!policy(Switch::On, off()).enabled());
        assert!(!policy(off(), Switch::On).enabled());
        let both = policy(off(), off()).switched_off();
        assert_eq!(both.as_deref(), Some("for the organisation by policy.toml"));
    }
}
