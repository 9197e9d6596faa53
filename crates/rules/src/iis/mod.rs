//! IIS URL Rewrite rules: what they are, what they do to a request, and their translation from and
//! to the one AST.
//!
//! What IIS does where its documentation is silent is modelled, not proved; see
//! `docs/iis-model.md`.

mod evaluate;
mod inputs;
mod outbound;
mod read;
mod rule;
mod template;
mod translate;
mod wildcard;

pub use evaluate::{Entry, Evaluator, Outcome, RewriteMap, Undecided, Verdict};
pub use outbound::{OutboundAction, OutboundMatch, OutboundRule, PreCondition};
pub use read::read;
pub use rule::{
    Action, Condition, Grouping, MatchType, PatternSyntax, RedirectType, Rule, SetVariable,
    UrlMatch,
};
pub use translate::{Unsupported, translate};
