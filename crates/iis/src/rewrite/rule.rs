//! An IIS URL Rewrite rule as its XML says it, defaults filled in.

/// An inbound rule of `system.webServer/rewrite/rules` or `globalRules`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// `name`.
    pub name: String,
    /// `enabled`, true unless said.
    pub enabled: bool,
    /// `patternSyntax`, ECMAScript unless said. It holds for the URL and for every condition.
    pub syntax: PatternSyntax,
    /// `stopProcessing`, false unless said.
    pub stop_processing: bool,
    /// `match`.
    pub url: UrlMatch,
    /// `conditions/@logicalGrouping`, `MatchAll` unless said.
    pub grouping: Grouping,
    /// `conditions/@trackAllCaptures`, false unless said.
    pub track_all_captures: bool,
    /// `conditions/add`.
    pub conditions: Vec<Condition>,
    /// `serverVariables/set`: what the rule sets when it matches, in order.
    pub server_variables: Vec<SetVariable>,
    /// `action`.
    pub action: Action,
}

/// A server variable or request header that a rule sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetVariable {
    /// `name`; `HTTP_X_FOO` is the request header `X-Foo`.
    pub name: String,
    /// `value`, a template.
    pub value: String,
    /// `replace`, true unless said: whether a value that is there already is replaced.
    pub replace: bool,
}

/// How the patterns of a rule are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatternSyntax {
    /// Regular expressions, found anywhere.
    EcmaScript,
    /// `*` and `?` are wildcards; the whole string must match.
    Wildcard,
    /// The whole string.
    ExactMatch,
}

/// The `match` element: the pattern for the URL's decoded path without the leading slash and
/// without the query, relative to where the rule is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UrlMatch {
    /// `url`.
    pub pattern: String,
    /// `ignoreCase`, true unless said.
    pub ignore_case: bool,
    /// `negate`, false unless said.
    pub negate: bool,
}

/// Whether all conditions must hold or one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grouping {
    /// All must hold.
    MatchAll,
    /// One must hold. Without any condition the rule matches on its URL alone.
    MatchAny,
}

/// A condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// `input`, such as `{UrlDecode:{REQUEST_URI}}`.
    pub input: String,
    /// `matchType`.
    pub match_type: MatchType,
    /// `pattern`; empty for the other match types.
    pub pattern: String,
    /// `ignoreCase`, true unless said.
    pub ignore_case: bool,
    /// `negate`, false unless said.
    pub negate: bool,
}

/// What a condition asks of its input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MatchType {
    /// It matches the pattern. Some tools write `0`.
    Pattern,
    /// It names a file. Some tools write `1`.
    IsFile,
    /// It names a folder. Some tools write `2`.
    IsDirectory,
}

/// What a rule does to a request that matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Nothing.
    None,
    /// The URL becomes this one.
    Rewrite {
        /// `url`, a template.
        url: String,
        /// `appendQueryString`, true unless said.
        append_query: bool,
    },
    /// The client is sent elsewhere.
    Redirect {
        /// `url`, a template.
        url: String,
        /// `appendQueryString`, true unless said.
        append_query: bool,
        /// `redirectType`, `Permanent` unless said.
        kind: RedirectType,
    },
    /// The request is answered with a status.
    CustomResponse {
        /// `statusCode`.
        status: u16,
        /// `subStatusCode`, 0 unless said.
        substatus: u16,
        /// `statusReason`.
        reason: String,
        /// `statusDescription`.
        description: String,
    },
    /// The connection is closed without an answer.
    AbortRequest,
}

/// The status of a redirection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedirectType {
    /// 301
    Permanent,
    /// 302
    Found,
    /// 303
    SeeOther,
    /// 307
    Temporary,
}

impl RedirectType {
    /// The HTTP status.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::Permanent => 301,
            Self::Found => 302,
            Self::SeeOther => 303,
            Self::Temporary => 307,
        }
    }
}
