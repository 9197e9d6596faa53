//! A request as a line of a file of requests says it.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::request::{NotARequest, Request, Response};

/// The longest line of a file of requests, in bytes: a request with a body of 64 KiB, escaped.
pub const MAX_LINE: u64 = 1024 * 1024;

/// One request of a file of requests: an object of JSON a line, in the form of `stopgap try
/// --requests`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestLine {
    method: String,
    uri: String,
    #[serde(default)]
    headers: BTreeMap<String, Values>,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    response: Option<ResponseLine>,
}

/// The response to a request of a file of requests.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ResponseLine {
    #[serde(default)]
    status: Option<u16>,
    #[serde(default)]
    headers: BTreeMap<String, Values>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Values {
    One(String),
    Many(Vec<String>),
}

/// The header lines of an object of headers.
fn header_lines(headers: BTreeMap<String, Values>) -> impl Iterator<Item = String> {
    headers.into_iter().flat_map(|(name, values)| {
        let values = match values {
            Values::One(value) => vec![value],
            Values::Many(values) => values,
        };
        values.into_iter().map(move |value| format!("{name}: {value}"))
    })
}

/// Why a line is no request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotARequestLine {
    /// Its request or a header of it.
    #[error(transparent)]
    Request(#[from] NotARequest),
    /// The status of its response, which has three digits.
    #[error("{0} is not a status")]
    Status(u16),
}

impl RequestLine {
    /// The request, and the response to it where one is said.
    ///
    /// # Errors
    /// It is no request, or its response is none.
    pub fn read(self) -> Result<(Request, Option<Response>), NotARequestLine> {
        let line = format!("{} {}", self.method, self.uri);
        let mut request = Request::from_line(&line)?;
        for line in header_lines(self.headers) {
            request.add_header_line(&line)?;
        }
        request.body = self.body.unwrap_or_default().into_bytes();
        Ok((request, self.response.map(ResponseLine::read).transpose()?))
    }
}

impl ResponseLine {
    fn read(self) -> Result<Response, NotARequestLine> {
        let mut response = Response::default();
        response.status = self.status.unwrap_or(response.status);
        if !(100..=999).contains(&response.status) {
            return Err(NotARequestLine::Status(response.status));
        }
        for line in header_lines(self.headers) {
            response.add_header_line(&line)?;
        }
        Ok(response)
    }
}
