//! `stopgap-publish try`: what a mitigation document does with a request, by its own meaning.

use std::path::Path;

use stopgap_fs::{lines, read_bounded};
use stopgap_model::document::{MAX_DOCUMENT, parse};
use stopgap_model::request::NotARequest;
use stopgap_model::request_line::MAX_LINE;
use stopgap_model::{Request, RequestLine, Response};
use stopgap_pattern::check_document_pattern;
use stopgap_terminal::{Actions, render};

use crate::args::Try;
use crate::error::PublishError;
use crate::json;
use crate::stdout::print_line;

pub(crate) fn run(arguments: &Try, as_json: bool) -> Result<u8, PublishError> {
    let actions = actions(&arguments.file)?;
    if let Some(file) = &arguments.requests {
        answer_lines(&actions, file)?;
        return Ok(0);
    }
    let answer = actions.answer(&request(arguments)?, response(arguments)?.as_ref());
    if as_json {
        json::print(&answer.as_object());
    } else {
        print_line!("{}", answer.text());
    }
    Ok(0)
}

fn actions(file: &Path) -> Result<Actions, PublishError> {
    let bytes = read_bounded(file, MAX_DOCUMENT as u64)?;
    let mitigation = parse(&bytes, &check_document_pattern).map_err(|problems| {
        PublishError::Document { rendered: render(&file.display().to_string(), &bytes, &problems) }
    })?;
    Actions::of(&mitigation)
        .map_err(|error| PublishError::Config { file: file.into(), why: error.to_string() })
}

fn wrong(error: NotARequest) -> PublishError {
    PublishError::usage(error.to_string(), "see: stopgap-publish try --help")
}

fn request(arguments: &Try) -> Result<Request, PublishError> {
    let line = arguments.request.as_deref().unwrap_or_default();
    let mut request = Request::from_line(line).map_err(wrong)?;
    for header in &arguments.headers {
        request.add_header_line(header).map_err(wrong)?;
    }
    request.body = arguments.body.clone().unwrap_or_default().into_bytes();
    Ok(request.with_host())
}

/// The response that the application would give, if any of it is said.
fn response(arguments: &Try) -> Result<Option<Response>, PublishError> {
    if arguments.response_headers.is_empty() {
        return Ok(None);
    }
    let mut response = Response::default();
    for line in &arguments.response_headers {
        response.add_header_line(line).map_err(wrong)?;
    }
    Ok(Some(response))
}

/// Answers a file of requests, one JSON line for each.
fn answer_lines(actions: &Actions, file: &Path) -> Result<(), PublishError> {
    for (at, line) in lines(file, MAX_LINE)?.enumerate() {
        let wrong = |why: String| {
            PublishError::usage(
                format!("line {} of {}: {why}", at + 1, file.display()),
                r#"write one request a line: {"method":"GET","uri":"/x","headers":{"Cookie":"a=b"}}"#,
            )
        };
        let line = line?;
        if line.trim_ascii().is_empty() {
            continue;
        }
        let parsed: RequestLine =
            serde_json::from_slice(&line).map_err(|error| wrong(error.to_string()))?;
        let (request, response) = parsed.read().map_err(|error| wrong(error.to_string()))?;
        let request = request.with_host();
        print_line!("{}", actions.answer(&request, response.as_ref()).as_object());
    }
    Ok(())
}
