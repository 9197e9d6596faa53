//! IIS URL Rewrite rules: what they are, what they do to a request, and their translation from and
//! to the one AST.
//!
//! What IIS does where its documentation is silent is modelled, not proved; see
//! `docs/iis-model.md`.

mod caching;
mod compiled;
mod evaluate;
mod inputs;
mod map;
mod matcher;
mod outbound;
mod outcome;
mod outcomes;
mod pass;
mod question;
mod read;
mod read_error;
mod read_headers;
mod response;
mod rule;
mod subsumes;
mod subsumes_headers;
mod template;
mod translate;
mod translate_headers;
mod url;
mod variables;
mod wildcard;

pub use caching::uncached_variables;
pub use evaluate::{Asked, Entry, Evaluator};
pub use map::RewriteMap;
pub use outbound::{OutboundAction, OutboundMatch, OutboundRule, PreCondition};
pub use outcome::{Outcome, Undecided, UnknownHeader, Verdict};
pub use outcomes::{Outcomes, Possible};
pub use question::{Answers, Circumstances, Question, SITE, Served};
pub use read::read;
pub use read_error::ReadError;
pub use read_headers::{read_request_header, read_response_header};
pub use response::{HeaderRewrite, ResponseEntry, ResponseEvaluator, ResponseOutcome};
pub use rule::{
    Action, Condition, Grouping, MatchType, PatternSyntax, RedirectType, Rule, SetVariable,
    UrlMatch,
};
pub use stopgap_rules::path::canonical_path;
pub use subsumes::{Coverage, may_shadow, subsumes, subsumes_conditions};
pub use subsumes_headers::{subsumes_request_header, subsumes_response_header};
pub use translate::translate;
pub use translate_headers::{translate_request_header, translate_response_header};

pub use stopgap_model::reason::RuleReason;
