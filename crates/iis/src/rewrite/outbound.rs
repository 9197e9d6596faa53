//! An IIS URL Rewrite outbound rule and its precondition, as their XML says them, defaults filled
//! in.

use super::rule::{Condition, Grouping, PatternSyntax};

/// A rule of `system.webServer/rewrite/outboundRules`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboundRule {
    /// `name`.
    pub name: String,
    /// `enabled`, true unless said.
    pub enabled: bool,
    /// `patternSyntax`, ECMAScript unless said. It holds for `match` and for every condition.
    pub syntax: PatternSyntax,
    /// `stopProcessing`, false unless said.
    pub stop_processing: bool,
    /// `preCondition`, the name of one. Empty: none.
    pub precondition: String,
    /// `match`.
    pub target: OutboundMatch,
    /// `conditions/@logicalGrouping`, `MatchAll` unless said.
    pub grouping: Grouping,
    /// `conditions/@trackAllCaptures`, false unless said.
    pub track_all_captures: bool,
    /// `conditions/add`.
    pub conditions: Vec<Condition>,
    /// `action`.
    pub action: OutboundAction,
}

/// What of a response an outbound rule looks at, and the pattern it must match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboundMatch {
    /// `serverVariable`, such as `RESPONSE_Content_Security_Policy`. Empty: the body.
    pub variable: String,
    /// `pattern`.
    pub pattern: String,
    /// `ignoreCase`, true unless said.
    pub ignore_case: bool,
    /// `negate`, false unless said.
    pub negate: bool,
}

/// What an outbound rule does to what it matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OutboundAction {
    /// Nothing.
    None,
    /// It becomes this.
    Rewrite {
        /// `value`, a template.
        value: String,
        /// `replace`, true unless said: whether a header that is there already is replaced.
        replace: bool,
    },
}

/// A precondition: what a response must be for a rule to be asked at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreCondition {
    /// `name`.
    pub name: String,
    /// `patternSyntax`, ECMAScript unless said.
    pub syntax: PatternSyntax,
    /// `logicalGrouping`, `MatchAll` unless said.
    pub grouping: Grouping,
    /// `add`: input, pattern, ignoreCase, negate.
    pub conditions: Vec<Condition>,
}
