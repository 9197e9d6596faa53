//! What is put into a configuration file, and where such things stand in it.

use crate::rewrite::{OutboundRule, PreCondition, Rule};

use super::place::Place;

/// Something that is put into a configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// An inbound rule: of `globalRules` at [`Place::Server`], else of `rules`.
    Rule(Rule),
    /// An outbound rule.
    Outbound(OutboundRule),
    /// A precondition that outbound rules name.
    PreCondition(PreCondition),
    /// The name of a server variable that rules may set.
    AllowedVariable(String),
    /// The name of an application pool that is not to start.
    DisabledPool(String),
}

impl Entry {
    /// The name by which it is told from others of its collection.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Rule(rule) => &rule.name,
            Self::Outbound(rule) => &rule.name,
            Self::PreCondition(precondition) => &precondition.name,
            Self::AllowedVariable(name) | Self::DisabledPool(name) => name,
        }
    }

    /// The collection that it belongs to at `place`.
    #[must_use]
    pub fn collection(&self, place: &Place) -> Collection {
        match (self, place) {
            (Self::Rule(_), Place::Server) => Collection::GlobalRules,
            (Self::Rule(_), Place::Location { .. } | Place::WebConfig) => Collection::Rules,
            (Self::Outbound(_), _) => Collection::OutboundRules,
            (Self::PreCondition(_), _) => Collection::PreConditions,
            (Self::AllowedVariable(_), _) => Collection::AllowedVariables,
            (Self::DisabledPool(_), _) => Collection::Pools,
        }
    }
}

/// A collection of named elements in a configuration file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Collection {
    /// `globalRules`.
    GlobalRules,
    /// `rules`.
    Rules,
    /// `outboundRules`.
    OutboundRules,
    /// `preConditions` in `outboundRules`.
    PreConditions,
    /// `allowedServerVariables`.
    AllowedVariables,
    /// `applicationPools`. Its elements are changed, and none is ever put in.
    Pools,
}

impl Collection {
    /// The elements that lead to it from the root or a `<location>`, its own included.
    pub(crate) fn chain(self) -> &'static [&'static str] {
        match self {
            Self::GlobalRules => &["system.webServer", "rewrite", "globalRules"],
            Self::Rules => &["system.webServer", "rewrite", "rules"],
            Self::OutboundRules => &["system.webServer", "rewrite", "outboundRules"],
            Self::PreConditions => {
                &["system.webServer", "rewrite", "outboundRules", "preConditions"]
            }
            Self::AllowedVariables => &["system.webServer", "rewrite", "allowedServerVariables"],
            Self::Pools => &["system.applicationHost", "applicationPools"],
        }
    }

    /// The name of the section that it is or is in: what is declared and locked as a whole.
    pub(crate) fn section(self) -> &'static str {
        match self {
            Self::GlobalRules => "globalRules",
            Self::Rules => "rules",
            Self::OutboundRules | Self::PreConditions => "outboundRules",
            Self::AllowedVariables => "allowedServerVariables",
            Self::Pools => "applicationPools",
        }
    }

    /// Whether an element of this name is a member of it.
    pub(crate) fn has(self, element: &str) -> bool {
        match self {
            Self::GlobalRules | Self::Rules | Self::OutboundRules => {
                matches!(element, "rule" | "add")
            }
            Self::PreConditions => matches!(element, "preCondition" | "add"),
            Self::AllowedVariables | Self::Pools => element == "add",
        }
    }
}
