//! IIS URL Rewrite rules: what they are, what they do to a request, and their translation from and
//! to the one AST.
//!
//! What IIS does where its documentation is silent is modelled, not proved; see
//! `docs/iis-model.md`.

mod rule;

pub use rule::{
    Action, Condition, Grouping, MatchType, PatternSyntax, RedirectType, Rule, UrlMatch,
};
