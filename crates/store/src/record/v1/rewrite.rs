//! Rules of IIS, as their XML says them.

use serde::{Deserialize, Serialize};
use stopgap_iis::rewrite;

use super::all::all;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Rule {
    name: String,
    enabled: bool,
    syntax: PatternSyntax,
    stop_processing: bool,
    url: UrlMatch,
    grouping: Grouping,
    track_all_captures: bool,
    conditions: Vec<Condition>,
    server_variables: Vec<SetVariable>,
    action: Action,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct SetVariable {
    name: String,
    value: String,
    replace: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum PatternSyntax {
    EcmaScript,
    Wildcard,
    ExactMatch,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct UrlMatch {
    pattern: String,
    ignore_case: bool,
    negate: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Grouping {
    MatchAll,
    MatchAny,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Condition {
    input: String,
    match_type: MatchType,
    pattern: String,
    ignore_case: bool,
    negate: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum MatchType {
    Pattern,
    IsFile,
    IsDirectory,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Action {
    None,
    Rewrite { url: String, append_query: bool },
    Redirect { url: String, append_query: bool, kind: RedirectType },
    CustomResponse { status: u16, substatus: u16, reason: String, description: String },
    AbortRequest,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum RedirectType {
    Permanent,
    Found,
    SeeOther,
    Temporary,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct OutboundRule {
    name: String,
    enabled: bool,
    syntax: PatternSyntax,
    stop_processing: bool,
    precondition: String,
    target: OutboundMatch,
    grouping: Grouping,
    track_all_captures: bool,
    conditions: Vec<Condition>,
    action: OutboundAction,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct OutboundMatch {
    variable: String,
    pattern: String,
    ignore_case: bool,
    negate: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum OutboundAction {
    None,
    Rewrite { value: String, replace: bool },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct PreCondition {
    name: String,
    syntax: PatternSyntax,
    grouping: Grouping,
    conditions: Vec<Condition>,
}

impl From<Rule> for rewrite::Rule {
    fn from(it: Rule) -> Self {
        Self {
            name: it.name,
            enabled: it.enabled,
            syntax: it.syntax.into(),
            stop_processing: it.stop_processing,
            url: it.url.into(),
            grouping: it.grouping.into(),
            track_all_captures: it.track_all_captures,
            conditions: all(it.conditions),
            server_variables: all(it.server_variables),
            action: it.action.into(),
        }
    }
}

impl From<rewrite::Rule> for Rule {
    fn from(it: rewrite::Rule) -> Self {
        Self {
            name: it.name,
            enabled: it.enabled,
            syntax: it.syntax.into(),
            stop_processing: it.stop_processing,
            url: it.url.into(),
            grouping: it.grouping.into(),
            track_all_captures: it.track_all_captures,
            conditions: all(it.conditions),
            server_variables: all(it.server_variables),
            action: it.action.into(),
        }
    }
}

impl From<SetVariable> for rewrite::SetVariable {
    fn from(it: SetVariable) -> Self {
        Self { name: it.name, value: it.value, replace: it.replace }
    }
}

impl From<rewrite::SetVariable> for SetVariable {
    fn from(it: rewrite::SetVariable) -> Self {
        Self { name: it.name, value: it.value, replace: it.replace }
    }
}

impl From<PatternSyntax> for rewrite::PatternSyntax {
    fn from(it: PatternSyntax) -> Self {
        match it {
            PatternSyntax::EcmaScript => Self::EcmaScript,
            PatternSyntax::Wildcard => Self::Wildcard,
            PatternSyntax::ExactMatch => Self::ExactMatch,
        }
    }
}

impl From<rewrite::PatternSyntax> for PatternSyntax {
    fn from(it: rewrite::PatternSyntax) -> Self {
        match it {
            rewrite::PatternSyntax::EcmaScript => Self::EcmaScript,
            rewrite::PatternSyntax::Wildcard => Self::Wildcard,
            rewrite::PatternSyntax::ExactMatch => Self::ExactMatch,
        }
    }
}

impl From<UrlMatch> for rewrite::UrlMatch {
    fn from(it: UrlMatch) -> Self {
        Self { pattern: it.pattern, ignore_case: it.ignore_case, negate: it.negate }
    }
}

impl From<rewrite::UrlMatch> for UrlMatch {
    fn from(it: rewrite::UrlMatch) -> Self {
        Self { pattern: it.pattern, ignore_case: it.ignore_case, negate: it.negate }
    }
}

impl From<Grouping> for rewrite::Grouping {
    fn from(it: Grouping) -> Self {
        match it {
            Grouping::MatchAll => Self::MatchAll,
            Grouping::MatchAny => Self::MatchAny,
        }
    }
}

impl From<rewrite::Grouping> for Grouping {
    fn from(it: rewrite::Grouping) -> Self {
        match it {
            rewrite::Grouping::MatchAll => Self::MatchAll,
            rewrite::Grouping::MatchAny => Self::MatchAny,
        }
    }
}

impl From<Condition> for rewrite::Condition {
    fn from(it: Condition) -> Self {
        Self {
            input: it.input,
            match_type: it.match_type.into(),
            pattern: it.pattern,
            ignore_case: it.ignore_case,
            negate: it.negate,
        }
    }
}

impl From<rewrite::Condition> for Condition {
    fn from(it: rewrite::Condition) -> Self {
        Self {
            input: it.input,
            match_type: it.match_type.into(),
            pattern: it.pattern,
            ignore_case: it.ignore_case,
            negate: it.negate,
        }
    }
}

impl From<MatchType> for rewrite::MatchType {
    fn from(it: MatchType) -> Self {
        match it {
            MatchType::Pattern => Self::Pattern,
            MatchType::IsFile => Self::IsFile,
            MatchType::IsDirectory => Self::IsDirectory,
        }
    }
}

impl From<rewrite::MatchType> for MatchType {
    fn from(it: rewrite::MatchType) -> Self {
        match it {
            rewrite::MatchType::Pattern => Self::Pattern,
            rewrite::MatchType::IsFile => Self::IsFile,
            rewrite::MatchType::IsDirectory => Self::IsDirectory,
        }
    }
}

impl From<Action> for rewrite::Action {
    fn from(it: Action) -> Self {
        match it {
            Action::None => Self::None,
            Action::Rewrite { url, append_query } => Self::Rewrite { url, append_query },
            Action::Redirect { url, append_query, kind } => {
                Self::Redirect { url, append_query, kind: kind.into() }
            }
            Action::CustomResponse { status, substatus, reason, description } => {
                Self::CustomResponse { status, substatus, reason, description }
            }
            Action::AbortRequest => Self::AbortRequest,
        }
    }
}

impl From<rewrite::Action> for Action {
    fn from(it: rewrite::Action) -> Self {
        match it {
            rewrite::Action::None => Self::None,
            rewrite::Action::Rewrite { url, append_query } => Self::Rewrite { url, append_query },
            rewrite::Action::Redirect { url, append_query, kind } => {
                Self::Redirect { url, append_query, kind: kind.into() }
            }
            rewrite::Action::CustomResponse { status, substatus, reason, description } => {
                Self::CustomResponse { status, substatus, reason, description }
            }
            rewrite::Action::AbortRequest => Self::AbortRequest,
        }
    }
}

impl From<RedirectType> for rewrite::RedirectType {
    fn from(it: RedirectType) -> Self {
        match it {
            RedirectType::Permanent => Self::Permanent,
            RedirectType::Found => Self::Found,
            RedirectType::SeeOther => Self::SeeOther,
            RedirectType::Temporary => Self::Temporary,
        }
    }
}

impl From<rewrite::RedirectType> for RedirectType {
    fn from(it: rewrite::RedirectType) -> Self {
        match it {
            rewrite::RedirectType::Permanent => Self::Permanent,
            rewrite::RedirectType::Found => Self::Found,
            rewrite::RedirectType::SeeOther => Self::SeeOther,
            rewrite::RedirectType::Temporary => Self::Temporary,
        }
    }
}

impl From<OutboundRule> for rewrite::OutboundRule {
    fn from(it: OutboundRule) -> Self {
        Self {
            name: it.name,
            enabled: it.enabled,
            syntax: it.syntax.into(),
            stop_processing: it.stop_processing,
            precondition: it.precondition,
            target: it.target.into(),
            grouping: it.grouping.into(),
            track_all_captures: it.track_all_captures,
            conditions: all(it.conditions),
            action: it.action.into(),
        }
    }
}

impl From<rewrite::OutboundRule> for OutboundRule {
    fn from(it: rewrite::OutboundRule) -> Self {
        Self {
            name: it.name,
            enabled: it.enabled,
            syntax: it.syntax.into(),
            stop_processing: it.stop_processing,
            precondition: it.precondition,
            target: it.target.into(),
            grouping: it.grouping.into(),
            track_all_captures: it.track_all_captures,
            conditions: all(it.conditions),
            action: it.action.into(),
        }
    }
}

impl From<OutboundMatch> for rewrite::OutboundMatch {
    fn from(it: OutboundMatch) -> Self {
        Self {
            variable: it.variable,
            pattern: it.pattern,
            ignore_case: it.ignore_case,
            negate: it.negate,
        }
    }
}

impl From<rewrite::OutboundMatch> for OutboundMatch {
    fn from(it: rewrite::OutboundMatch) -> Self {
        Self {
            variable: it.variable,
            pattern: it.pattern,
            ignore_case: it.ignore_case,
            negate: it.negate,
        }
    }
}

impl From<OutboundAction> for rewrite::OutboundAction {
    fn from(it: OutboundAction) -> Self {
        match it {
            OutboundAction::None => Self::None,
            OutboundAction::Rewrite { value, replace } => Self::Rewrite { value, replace },
        }
    }
}

impl From<rewrite::OutboundAction> for OutboundAction {
    fn from(it: rewrite::OutboundAction) -> Self {
        match it {
            rewrite::OutboundAction::None => Self::None,
            rewrite::OutboundAction::Rewrite { value, replace } => Self::Rewrite { value, replace },
        }
    }
}

impl From<PreCondition> for rewrite::PreCondition {
    fn from(it: PreCondition) -> Self {
        Self {
            name: it.name,
            syntax: it.syntax.into(),
            grouping: it.grouping.into(),
            conditions: all(it.conditions),
        }
    }
}

impl From<rewrite::PreCondition> for PreCondition {
    fn from(it: rewrite::PreCondition) -> Self {
        Self {
            name: it.name,
            syntax: it.syntax.into(),
            grouping: it.grouping.into(),
            conditions: all(it.conditions),
        }
    }
}
