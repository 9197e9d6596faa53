//! What becomes of a request.

use stopgap_rules::Headers;

/// What becomes of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It reaches the application under the URL that was requested.
    Allowed,
    /// It does not reach the application; `None`: the connection is closed without an answer.
    Blocked {
        /// The status it is answered with.
        status: Option<u16>,
    },
    /// It reaches the application with another URL.
    Rewritten {
        /// The URL.
        url: String,
    },
    /// The client is sent elsewhere.
    Redirected {
        /// The status.
        status: u16,
        /// Where to.
        url: String,
    },
}

/// A rule that could not be evaluated for a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undecided {
    /// The rule's name.
    pub rule: String,
    /// Why.
    pub reason: String,
}

/// What becomes of a request, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// What becomes of it, as if the undecided rules did not match.
    pub verdict: Verdict,
    /// The name of the rule that decided.
    pub by: Option<String>,
    /// The name of the rule that kept the rules behind it from being asked, by `stopProcessing`.
    pub ended_by: Option<String>,
    /// The rules before the decision that could not be evaluated.
    pub undecided: Vec<Undecided>,
    /// What a person should know beside it.
    pub note: Option<String>,
    /// The request's headers as the application sees them, where rules change them.
    pub headers: Option<Headers>,
    /// Headers, not among `headers`, that rules set to what cannot be told.
    pub unknown_headers: Vec<UnknownHeader>,
}

/// A request header whose value as the application sees it cannot be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownHeader {
    /// Its name, in lower case.
    pub name: String,
    /// Why.
    pub reason: String,
}
