//! A file of requests, one JSON object a line.

use std::path::Path;

use stopgap_fs::lines;
use stopgap_model::RequestLine;
use stopgap_model::request_line::MAX_LINE;

use super::subject::Subject;
use crate::error::CliError;

/// Answers a file of requests, one JSON line for each.
pub(super) fn answer_lines(subject: &mut Subject, file: &Path) -> Result<(), CliError> {
    for (at, line) in lines(file, MAX_LINE)?.enumerate() {
        let wrong = |why: String| {
            CliError::usage(
                format!("line {} of {}: {why}", at + 1, file.display()),
                r#"write one request a line: {"method":"GET","uri":"/x","headers":{"Cookie":"a=b"}}"#,
            )
        };
        let line = line?;
        // A file that was written by hand often ends with an empty line.
        if line.trim_ascii().is_empty() {
            continue;
        }
        let parsed: RequestLine =
            serde_json::from_slice(&line).map_err(|error| wrong(error.to_string()))?;
        let (request, response) = parsed.read().map_err(|error| wrong(error.to_string()))?;
        let request = request.with_host();
        print_line!("{}", subject.answer(&request, response.as_ref()).as_object());
    }
    Ok(())
}
