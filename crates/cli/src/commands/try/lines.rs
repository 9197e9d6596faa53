//! A file of requests, one JSON object a line.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use stopgap_model::RequestLine;

use super::Subject;
use crate::error::CliError;

/// The longest line of a file of requests, in bytes: a request with a body of 64 KiB, escaped.
const MAX_LINE: u64 = 1024 * 1024;

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
