//! Rules on web servers other than IIS.

use serde::{Deserialize, Serialize};
use stopgap_model::{mitigation, rule};
use stopgap_webserver::rule as theirs;

use super::all::all;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum WebRule {
    Block { when: Clause, deny: Deny },
    RequestHeader { header: String, change: HeaderChange },
    ResponseHeader { header: String, change: HeaderChange, when: Clause },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Clause {
    All(Vec<Clause>),
    Any(Vec<Clause>),
    Not(Match),
    Match(Match),
}

#[derive(Serialize, Deserialize)]
pub(super) struct Match {
    input: String,
    pattern: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    needs: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Deny {
    Abort,
    Status(u16),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum HeaderChange {
    Remove,
    Set(String),
    Append(String),
}

impl From<WebRule> for theirs::WebRule {
    fn from(it: WebRule) -> Self {
        match it {
            WebRule::Block { when, deny } => Self::Block { when: when.into(), deny: deny.into() },
            WebRule::RequestHeader { header, change } => {
                Self::RequestHeader { header, change: change.into() }
            }
            WebRule::ResponseHeader { header, change, when } => {
                Self::ResponseHeader { header, change: change.into(), when: when.into() }
            }
        }
    }
}

impl From<theirs::WebRule> for WebRule {
    fn from(it: theirs::WebRule) -> Self {
        use theirs::WebRule as Theirs;
        match it {
            Theirs::Block { when, deny } => Self::Block { when: when.into(), deny: deny.into() },
            Theirs::RequestHeader { header, change } => {
                Self::RequestHeader { header, change: change.into() }
            }
            Theirs::ResponseHeader { header, change, when } => {
                Self::ResponseHeader { header, change: change.into(), when: when.into() }
            }
        }
    }
}

impl From<Clause> for theirs::Clause {
    fn from(it: Clause) -> Self {
        match it {
            Clause::All(of) => Self::All(all(of)),
            Clause::Any(of) => Self::Any(all(of)),
            Clause::Not(of) => Self::Not(of.into()),
            Clause::Match(of) => Self::Match(of.into()),
        }
    }
}

impl From<theirs::Clause> for Clause {
    fn from(it: theirs::Clause) -> Self {
        match it {
            theirs::Clause::All(of) => Self::All(all(of)),
            theirs::Clause::Any(of) => Self::Any(all(of)),
            theirs::Clause::Not(of) => Self::Not(of.into()),
            theirs::Clause::Match(of) => Self::Match(of.into()),
        }
    }
}

impl From<Match> for theirs::Match {
    fn from(Match { input, pattern, needs }: Match) -> Self {
        Self { input, pattern, needs }
    }
}

impl From<theirs::Match> for Match {
    fn from(theirs::Match { input, pattern, needs }: theirs::Match) -> Self {
        Self { input, pattern, needs }
    }
}

impl From<Deny> for rule::Deny {
    fn from(it: Deny) -> Self {
        match it {
            Deny::Abort => Self::Abort,
            Deny::Status(status) => Self::Status(status),
        }
    }
}

impl From<rule::Deny> for Deny {
    fn from(it: rule::Deny) -> Self {
        match it {
            rule::Deny::Abort => Self::Abort,
            rule::Deny::Status(status) => Self::Status(status),
        }
    }
}

impl From<HeaderChange> for mitigation::HeaderChange {
    fn from(it: HeaderChange) -> Self {
        match it {
            HeaderChange::Remove => Self::Remove,
            HeaderChange::Set(value) => Self::Set(value),
            HeaderChange::Append(value) => Self::Append(value),
        }
    }
}

impl From<mitigation::HeaderChange> for HeaderChange {
    fn from(it: mitigation::HeaderChange) -> Self {
        match it {
            mitigation::HeaderChange::Remove => Self::Remove,
            mitigation::HeaderChange::Set(value) => Self::Set(value),
            mitigation::HeaderChange::Append(value) => Self::Append(value),
        }
    }
}
