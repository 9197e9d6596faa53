//! An HTTP request, and the head of a response, as rules see them: bytes, not characters.

use crate::problem::one_line;

/// An HTTP request. Nothing in it is decoded.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Request {
    /// The method, such as `GET`.
    pub method: String,
    /// The request target exactly as sent, such as `/owa/?a=%20b`.
    pub target: Vec<u8>,
    /// The headers in the order sent: name as sent, and value without surrounding blanks.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body, empty if there is none.
    pub body: Vec<u8>,
}

/// A request line or a header line that cannot be one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotARequest {
    /// Not `METHOD TARGET`.
    #[error("`{0}` is not a request: write a method, one blank and a target, as in `GET /x?y`")]
    Line(String),
    /// Not `Name: value`.
    #[error("`{0}` is not a header: write `Name: value`")]
    Header(String),
}

/// Whether `byte` may stand in a method or a header name (RFC 9110, 5.6.2).
#[must_use]
pub fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// The scheme, the authority and what follows it of an absolute target; `None` if `target` does not begin
/// with a scheme (RFC 3986, 3.1) and `://`.
#[must_use]
pub fn absolute(target: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let of_scheme = |b: &u8| b.is_ascii_alphanumeric() || b"+-.".contains(b);
    let end = target.iter().position(|b| !of_scheme(b))?;
    let (scheme, rest) = target.split_at(end);
    let rest = rest.strip_prefix(b"://")?;
    scheme.first()?.is_ascii_alphabetic().then(|| {
        let end = rest.iter().position(|b| b"/?".contains(b)).unwrap_or(rest.len());
        let (authority, behind) = rest.split_at(end);
        (scheme, authority, behind)
    })
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_token_byte)
}

impl Request {
    /// A request without headers or body from `METHOD TARGET`.
    ///
    /// # Errors
    /// `NotARequest::Line` if the method is no token or the target is empty or has blanks or
    /// control characters.
    pub fn from_line(line: &str) -> Result<Self, NotARequest> {
        let wrong = || NotARequest::Line(one_line(line));
        let (method, target) = line.split_once(' ').ok_or_else(wrong)?;
        let target_is_good = !target.is_empty() && target.bytes().all(|b| b > b' ' && b != 0x7f);
        if !is_token(method) || !target_is_good {
            return Err(wrong());
        }
        Ok(Self { method: method.into(), target: target.into(), ..Self::default() })
    }

    /// Adds a header from `Name: value`.
    ///
    /// # Errors
    /// `NotARequest::Header` if the name is no token or the value has a line break.
    pub fn add_header_line(&mut self, line: &str) -> Result<(), NotARequest> {
        self.headers.push(header_line(line)?);
        Ok(())
    }

    /// The request target as an origin server sees it. Of an absolute one, as in
    /// `GET http://host/x?y` (RFC 9112, 3.2.2), it is what follows the authority, and `/` where
    /// nothing does; any other is as it was sent.
    #[must_use]
    pub fn uri(&self) -> &[u8] {
        match absolute(&self.target) {
            Some((_, _, b"")) => b"/",
            Some((_, _, rest)) => rest,
            None => &self.target,
        }
    }

    /// Whether an absolute target says that the request comes over HTTPS.
    #[must_use]
    pub fn is_https(&self) -> Option<bool> {
        let (scheme, ..) = absolute(&self.target)?;
        match scheme.to_ascii_lowercase().as_slice() {
            b"https" => Some(true),
            b"http" => Some(false),
            _ => None,
        }
    }

    /// The same with the host of an absolute target as its Host, as a client sends it (RFC 9112, 3.2),
    /// unless it has one.
    #[must_use]
    pub fn with_host(mut self) -> Self {
        let Some((_, authority, _)) = absolute(&self.target) else { return self };
        let host = authority.rsplit(|&byte| byte == b'@').next().unwrap_or_default().to_vec();
        if !host.is_empty() && self.header_values("host").next().is_none() {
            self.headers.insert(0, ("Host".into(), host));
        }
        self
    }

    /// The request target, as an origin server sees it, up to the first `?`.
    #[must_use]
    pub fn path(&self) -> &[u8] {
        self.split_uri().0
    }

    /// The request target after the first `?`, if there is one.
    #[must_use]
    pub fn query(&self) -> Option<&[u8]> {
        self.split_uri().1
    }

    fn split_uri(&self) -> (&[u8], Option<&[u8]>) {
        let uri = self.uri();
        match uri.iter().position(|&b| b == b'?') {
            Some(at) => (uri.get(..at).unwrap_or_default(), uri.get(at + 1..)),
            None => (uri, None),
        }
    }

    /// The values of the header `name` (any case), in the order sent.
    pub fn header_values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> + 'a {
        values_of(&self.headers, name)
    }
}

/// The head of an HTTP response, before outbound rules change it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The status, such as 200.
    pub status: u16,
    /// The headers in the order sent: name as sent, and value without surrounding blanks.
    pub headers: Vec<(String, Vec<u8>)>,
}

impl Default for Response {
    fn default() -> Self {
        Self { status: 200, headers: Vec::new() }
    }
}

impl Response {
    /// Adds a header from `Name: value`.
    ///
    /// # Errors
    /// `NotARequest::Header` if the name is no token or the value has a line break.
    pub fn add_header_line(&mut self, line: &str) -> Result<(), NotARequest> {
        self.headers.push(header_line(line)?);
        Ok(())
    }

    /// The values of the header `name` (any case), in the order sent.
    pub fn header_values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> + 'a {
        values_of(&self.headers, name)
    }
}

/// A header's name and value from `Name: value`.
fn header_line(line: &str) -> Result<(String, Vec<u8>), NotARequest> {
    let wrong = || NotARequest::Header(one_line(line));
    let (name, value) = line.split_once(':').ok_or_else(wrong)?;
    let value_is_good = !value.bytes().any(|b| matches!(b, b'\r' | b'\n' | 0));
    if !is_token(name) || !value_is_good {
        return Err(wrong());
    }
    Ok((name.into(), value.trim().into()))
}

fn values_of<'a>(
    headers: &'a [(String, Vec<u8>)],
    name: &'a str,
) -> impl Iterator<Item = &'a [u8]> + 'a {
    headers
        .iter()
        .filter(move |(n, _)| n.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.as_slice())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_query_begins_at_the_first_question_mark_and_may_be_empty() {
        let query = |line| Request::from_line(line).map(|r| r.query().map(<[u8]>::to_vec));
        assert_eq!(query("GET /x?a?b"), Ok(Some(b"a?b".to_vec())));
        assert_eq!(query("GET /x?"), Ok(Some(Vec::new())));
        assert_eq!(query("GET /x"), Ok(None));
    }

    #[test]
    fn an_absolute_target_hides_nothing_from_a_rule_on_the_path() {
        for (target, uri) in [
            ("http://h/setup/?x", "/setup/?x"),
            ("HTTPS://u@h:80/a://b", "/a://b"),
            ("a+b.c-1://h/x", "/x"),
            ("http:///x", "/x"),
            ("http://h", "/"),
            ("http://h?x", "?x"),
            ("http://h?x/y", "?x/y"),
            ("/a://h/x", "/a://h/x"),
            ("1http://h/x", "1http://h/x"),
            ("://h/x", "://h/x"),
            ("http:/h/x", "http:/h/x"),
            ("h:443", "h:443"),
            ("*", "*"),
        ] {
            let request = Request::from_line(&format!("GET {target}")).unwrap();
            assert_eq!(String::from_utf8_lossy(request.uri()), uri, "{target}");
        }
        let request = Request::from_line("GET http://h?x/y").unwrap();
        assert_eq!((request.path(), request.query()), (&b""[..], Some(&b"x/y"[..])));
    }

    #[test]
    fn an_absolute_target_tells_scheme_and_host() {
        let request = |target: &str| Request::from_line(&format!("GET {target}")).unwrap();
        let host = |request: Request| {
            request.with_host().header_values("host").map(<[u8]>::to_vec).collect::<Vec<_>>()
        };
        assert_eq!(request("HTTPS://h/x").is_https(), Some(true));
        assert_eq!(request("http://h").is_https(), Some(false));
        assert_eq!([request("/x").is_https(), request("ws://h/").is_https()], [None, None]);
        assert_eq!(host(request("http://u:p@h:81?x")), [b"h:81"]);
        assert!(host(request("/x")).is_empty() && host(request("http:///x")).is_empty());
        let mut named = request("http://h/x");
        named.add_header_line("host: other").unwrap();
        assert_eq!(host(named), [b"other"]);
    }

    #[test]
    fn a_request_that_would_smuggle_a_line_is_refused() {
        for bad in
            ["GET", "GET ", " /x", "G@T /x", "GET /x HTTP/1.1", "GET /x\r\nHost: y", "GET  /x"]
        {
            assert!(Request::from_line(bad).is_err(), "{bad:?}");
        }
        let mut request = Request::default();
        for bad in ["Cookie", ": x", "Coo kie: x", "Cookie: a\r\nX: b"] {
            assert!(request.add_header_line(bad).is_err(), "{bad:?}");
        }
        assert_eq!(request.add_header_line("Cookie:  a=b "), Ok(()));
        assert_eq!(request.header_values("cookie").collect::<Vec<_>>(), [b"a=b"]);
    }
}
