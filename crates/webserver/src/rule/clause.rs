//! An action in a server's own terms: conditions that are patterns over what the server shows.

use stopgap_model::mitigation::HeaderChange;
use stopgap_model::rule::Deny;

/// One action in a server's own terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WebRule {
    /// Requests are blocked.
    Block {
        /// Which.
        when: Clause,
        /// How.
        deny: Deny,
    },
    /// A request header is changed before the application sees it.
    RequestHeader {
        /// The header's name.
        header: String,
        /// What is done to it: the value is quoted where it is written.
        change: HeaderChange,
    },
    /// A response header is changed before the client sees it.
    ResponseHeader {
        /// The header's name.
        header: String,
        /// What is done to it: the value is quoted where it is written.
        change: HeaderChange,
        /// The responses it is done to.
        when: Clause,
    },
}

impl WebRule {
    /// The kind of action that it carries out, as documents name it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Block { .. } => "block-request",
            Self::RequestHeader { .. } => "request-header",
            Self::ResponseHeader { .. } => "response-header",
        }
    }
}

/// A condition in a server's own terms.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Clause {
    /// All hold. True when empty.
    All(Vec<Clause>),
    /// At least one holds. False when empty.
    Any(Vec<Clause>),
    /// The pattern is not found.
    Not(Match),
    /// The pattern is found.
    Match(Match),
}

/// A pattern that is looked for in what a server shows of a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Match {
    /// What is looked at, in the server's language: `$request_uri`, `%{THE_REQUEST}`, `url`.
    pub input: String,
    /// A pattern of PCRE in a safe alphabet, at most `MAX_PATTERN` bytes. Case counts.
    pub pattern: String,
    /// Texts in lower case, one of which is in the input, as it is or percent-encoded, wherever
    /// the pattern is found. Empty: none is known.
    pub needs: Vec<String>,
}
