//! The one abstract syntax of request rules. What it means is said by the reference evaluator in
//! the `rules` crate; every server's translation is held to it.

use std::fmt;

/// A rule that blocks the requests for which `when` holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockRule {
    /// The requests that are blocked.
    pub when: Condition,
    /// How they are blocked.
    pub deny: Deny,
    /// How many bytes of a body are inspected; what lies past them is not.
    pub body_limit: usize,
}

/// How many bytes of a body are inspected unless the document says otherwise.
pub const DEFAULT_BODY_LIMIT: usize = 64 * 1024;

/// How a request is blocked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Deny {
    /// The connection is closed without an answer.
    Abort,
    /// The request is answered with this status, 400 to 599.
    Status(u16),
}

/// A condition on a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// All hold. True when empty.
    All(Vec<Condition>),
    /// At least one holds. False when empty.
    Any(Vec<Condition>),
    /// The condition does not hold.
    Not(Box<Condition>),
    /// One test of one field.
    Test(Test),
}

impl Condition {
    /// How many tests it has.
    #[must_use]
    pub fn count(&self) -> usize {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().map(Self::count).sum(),
            Self::Not(part) => part.count(),
            Self::Test(_) => 1,
        }
    }
}

/// A test of one field of a request. A field with several values (a repeated header, arguments)
/// passes if any of its values does; a field that is not there has no value, so no test passes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Test {
    /// What is looked at.
    pub field: Field,
    /// The decodings applied to each value first, in order.
    pub decode: Vec<Decode>,
    /// The comparison.
    pub operator: Operator,
    /// Whether the case of ASCII letters counts.
    pub case: Case,
}

/// A comparison with a value of the field. The text's UTF-8 bytes are compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operator {
    /// The whole value is the text.
    Equals(String),
    /// The text occurs in the value.
    Contains(String),
    /// The value begins with the text.
    StartsWith(String),
    /// The value ends with the text.
    EndsWith(String),
    /// The ECMAScript pattern is found in the value. It is unanchored; `.` is any byte but a line
    /// feed or a carriage return.
    Matches(String),
}

impl Operator {
    /// The operator's name in a mitigation document.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Equals(_) => "equals",
            Self::Contains(_) => "contains",
            Self::StartsWith(_) => "starts-with",
            Self::EndsWith(_) => "ends-with",
            Self::Matches(_) => "matches",
        }
    }

    /// The text or pattern that the value is compared with.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Equals(text)
            | Self::Contains(text)
            | Self::StartsWith(text)
            | Self::EndsWith(text)
            | Self::Matches(text) => text,
        }
    }
}

/// Whether the case of letters counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Case {
    /// ASCII letters of either case are the same. The default, as it is in IIS.
    #[default]
    Ignore,
    /// Bytes are compared as they are.
    Exact,
}

/// A decoding of a field's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Decode {
    /// `%` and two hexadecimal digits become the byte, once. A `%` without two digits stays; `+`
    /// and `%uXXXX` are not decoded.
    Url,
    /// Standard or URL-safe base64, padded or not. A value that is not base64 is not changed.
    Base64,
}

/// What a test looks at.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Field {
    /// The method, such as `GET`.
    Method,
    /// The request target exactly as it was sent; of an absolute one what follows its authority
    /// (`Request::uri`).
    Uri,
    /// The same up to the first `?`.
    Path,
    /// The same after the first `?`; no value when there is no `?`.
    Query,
    /// The `Host` header's value.
    Host,
    /// The values of the header of this name (lower case). `cookie` is one value: repeated
    /// Cookie headers are joined by `; `, as HTTP/2 (RFC 9113, 8.2.3) and the servers do.
    Header(String),
    /// The names of all headers.
    HeaderNames,
    /// The values of all headers.
    AnyHeader,
    /// The values of the cookie of this name (case counts).
    Cookie(String),
    /// The values of the query argument of this name (case counts, name and value as sent).
    Arg(String),
    /// The values of all query arguments, as sent.
    Args,
    /// The names of all query arguments, as sent.
    ArgNames,
    /// The body, up to the limit.
    Body,
    /// The values of the arguments of a form body.
    BodyArgs,
    /// The names of the arguments of a form body.
    BodyArgNames,
    /// The file names in a multipart body.
    FileNames,
    /// The media type of the response, without parameters.
    ResponseContentType,
    /// The values of the response header of this name (lower case).
    ResponseHeader(String),
}

impl Field {
    /// Whether the field needs the request's body.
    #[must_use]
    pub fn is_of_body(&self) -> bool {
        matches!(self, Self::Body | Self::BodyArgs | Self::BodyArgNames | Self::FileNames)
    }

    /// Whether the field is of the response: a rule that blocks requests cannot test it.
    #[must_use]
    pub fn is_of_response(&self) -> bool {
        matches!(self, Self::ResponseContentType | Self::ResponseHeader(_))
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Method => f.write_str("method"),
            Self::Uri => f.write_str("uri"),
            Self::Path => f.write_str("path"),
            Self::Query => f.write_str("query"),
            Self::Host => f.write_str("host"),
            Self::Header(name) => write!(f, "header:{name}"),
            Self::HeaderNames => f.write_str("header-names"),
            Self::AnyHeader => f.write_str("any-header"),
            Self::Cookie(name) => write!(f, "cookie:{name}"),
            Self::Arg(name) => write!(f, "arg:{name}"),
            Self::Args => f.write_str("args"),
            Self::ArgNames => f.write_str("arg-names"),
            Self::Body => f.write_str("body"),
            Self::BodyArgs => f.write_str("body-args"),
            Self::BodyArgNames => f.write_str("body-arg-names"),
            Self::FileNames => f.write_str("file-names"),
            Self::ResponseContentType => f.write_str("response-content-type"),
            Self::ResponseHeader(name) => write!(f, "response-header:{name}"),
        }
    }
}
