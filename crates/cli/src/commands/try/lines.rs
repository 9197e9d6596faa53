//! A file of requests, one JSON object a line.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use serde::Deserialize;
use stopgap_model::{Request, Response};

use super::Subject;
use crate::error::CliError;

/// The longest line of a file of requests, in bytes: a request with a body of 64 KiB, escaped.
const MAX_LINE: u64 = 1024 * 1024;

/// One request of a file of requests.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RequestLine {
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

impl RequestLine {
    fn read(self) -> Result<(Request, Option<Response>), String> {
        let line = format!("{} {}", self.method, self.uri);
        let mut request = Request::from_line(&line).map_err(|error| error.to_string())?;
        for line in header_lines(self.headers) {
            request.add_header_line(&line).map_err(|error| error.to_string())?;
        }
        request.body = self.body.unwrap_or_default().into_bytes();
        Ok((request, self.response.map(ResponseLine::read).transpose()?))
    }
}

impl ResponseLine {
    fn read(self) -> Result<Response, String> {
        let mut response = Response::default();
        response.status = self.status.unwrap_or(response.status);
        if !(100..=999).contains(&response.status) {
            return Err(format!("{} is not a status", response.status));
        }
        for line in header_lines(self.headers) {
            response.add_header_line(&line).map_err(|error| error.to_string())?;
        }
        Ok(response)
    }
}

/// Answers a file of requests, one JSON line for each.
pub(super) fn answer_lines(subject: &mut Subject, file: &Path) -> Result<(), CliError> {
    let failed = |why: std::io::Error| CliError::Config { file: file.into(), why: why.to_string() };
    let source: Box<dyn Read> = if file.as_os_str() == "-" {
        Box::new(std::io::stdin())
    } else {
        Box::new(std::fs::File::open(file).map_err(failed)?)
    };
    let mut reader = BufReader::new(source);
    for number in 1.. {
        let mut line = String::new();
        let read = (&mut reader).take(MAX_LINE).read_line(&mut line).map_err(failed)?;
        if read == 0 {
            break;
        }
        let wrong = |why: &str| {
            CliError::usage(
                format!("line {number} of {}: {why}", file.display()),
                r#"write one request a line: {"method":"GET","uri":"/x","headers":{"Cookie":"a=b"}}"#,
            )
        };
        if read as u64 == MAX_LINE && !line.ends_with('\n') {
            return Err(wrong("the line is longer than 1 MiB"));
        }
        if line.trim().is_empty() {
            continue;
        }
        let parsed: RequestLine =
            serde_json::from_str(&line).map_err(|error| wrong(&error.to_string()))?;
        let (request, response) = parsed.read().map_err(|why| wrong(&why))?;
        say!("{}", subject.answer(&request, response.as_ref()).as_json());
    }
    Ok(())
}
