//! `[[probe]]`: requests and what must become of them.

use super::diagnostics::Diagnostics;
use super::header;
use super::limits::{MAX_LIST, MAX_PROBES};
use super::table::{Item, Table};
use crate::mitigation::{Expect, Probe};
use crate::problem::{Problem, one_line};
use crate::request::{Request, Response};

/// The words of `expect`, and whether they say blocked.
const EXPECTATIONS: &[(&str, bool)] = &[("blocked", true), ("allowed", false)];

/// The probes; whether there are enough of them is the linter's question.
pub(super) fn all(log: &mut Diagnostics<'_>, top: &Table<'_>) -> Vec<Probe> {
    let mut probes: Vec<Probe> = Vec::new();
    let mut names: Vec<(&str, usize)> = Vec::new();
    let Some(list) = top.get("probe") else { return probes };
    for item in list.list(log, MAX_PROBES) {
        let Some(table) = item.table(log) else { continue };
        table.deny_unknown(
            log,
            &["name", "request", "headers", "body", "response", "expect", "live"],
        );
        let name = table
            .required(log, "name", "what the request stands for")
            .and_then(|item| name(log, &item, &mut names));
        probes.extend(probe(log, &table, name));
    }
    probes
}

fn name<'a>(
    log: &mut Diagnostics<'_>,
    item: &Item<'a>,
    names: &mut Vec<(&'a str, usize)>,
) -> Option<&'a str> {
    let text = item.single_line(log)?;
    if let Some((_, at)) = names.iter().find(|(other, _)| *other == text) {
        let help = format!("line {} has it too", log.line(*at));
        let message = format!("another probe is `{}`", one_line(text));
        let problem = Problem::new(item.span.clone(), message);
        log.report(problem.expected("a name of its own").help(help));
    } else {
        names.push((text, item.span.start));
    }
    Some(text)
}

fn probe(log: &mut Diagnostics<'_>, table: &Table<'_>, name: Option<&str>) -> Option<Probe> {
    let request = table
        .required(log, "request", "such as `request = \"GET /owa/\"`")
        .and_then(|item| request(log, &item));
    let headers = table.get("headers").map_or_else(Vec::new, |item| headers(log, &item));
    let body = table.get("body").map_or(Some(""), |item| item.string(log));
    // The place of the response is kept: what is expected is held against it.
    let response = table.get("response").map(|item| (response(log, &item), item));
    let expect = table
        .required(log, "expect", "`expect = \"blocked\"` or `expect = \"allowed\"`")
        .and_then(|item| expect(log, &item, response.as_ref().map(|(_, item)| item)));
    let live = table.get("live").map_or(Some(false), |item| item.boolean(log));
    // From here on the first thing that is missing ends it; all was read and told before.
    let request = Request { headers, body: body?.into(), ..request? };
    let response = match response {
        Some((response, _)) => Some(response?),
        None => None,
    };
    Some(Probe { name: name?.to_owned(), request, response, expect: expect?, live: live? })
}

/// The response that the application gives: status 200 and no header unless said.
fn response(log: &mut Diagnostics<'_>, item: &Item<'_>) -> Option<Response> {
    let table = item.table(log)?;
    table.deny_unknown(log, &["status", "headers"]);
    let status = match table.get("status") {
        Some(item) => item.whole_number(log, 200..=599).and_then(|n| u16::try_from(n).ok()),
        None => Some(Response::default().status),
    };
    let headers = table.get("headers").map_or_else(Vec::new, |item| headers(log, &item));
    Some(Response { status: status?, headers })
}

/// What must become of the probe; `response` is what the application answers, where it is said.
fn expect(
    log: &mut Diagnostics<'_>,
    item: &Item<'_>,
    response: Option<&Item<'_>>,
) -> Option<Expect> {
    let expect = if item.is_string() {
        let blocked = item.keyword(log, EXPECTATIONS)?;
        if blocked { Expect::Blocked } else { Expect::Allowed }
    } else {
        header_as(log, item)?
    };
    match (&expect, response) {
        (Expect::ResponseHeader { .. }, None) => {
            let problem = Problem::new(item.span.clone(), "`response` is missing");
            let expected = "what the application answers, such as `response = { headers = [\"Content-Type: text/html\"] }`";
            log.missing(problem.expected(expected));
        }
        // What would be read by nobody is refused, as its author meant something by it.
        (Expect::Blocked, Some(response)) => {
            let help = "a blocked request does not reach the application, which answers nothing";
            beside(log, response, "`expect = \"blocked\"`", help);
        }
        (Expect::RequestHeader { .. }, Some(response)) => {
            let help = "nothing is asked of the response; leave it out, or write two probes";
            beside(log, response, "`request_header`", help);
        }
        _ => {}
    }
    Some(expect)
}

fn beside(log: &mut Diagnostics<'_>, response: &Item<'_>, other: &str, help: &str) {
    let message = format!("`response` is not allowed beside {other}");
    log.report(Problem::new(response.key_span.clone(), message).help(help));
}

/// What a header must be: `request_header` or `response_header` names it, and `value` is what it
/// must have; without one it must be gone.
fn header_as(log: &mut Diagnostics<'_>, item: &Item<'_>) -> Option<Expect> {
    let table = item.table(log)?;
    table.deny_unknown(log, &["request_header", "response_header", "value"]);
    let (of_request, of_response) = (table.get("request_header"), table.get("response_header"));
    let value = table.get("value").map(|item| item.single_line(log).map(str::to_owned));
    let name = match (&of_request, &of_response) {
        (Some(name), None) | (None, Some(name)) => header::name(log, name),
        (Some(one), Some(other)) => {
            // The second of the two is marked, in whatever order they stand.
            let at = one.key_span.start.max(other.key_span.start);
            let second = if one.key_span.start == at { one } else { other };
            let problem = Problem::new(second.key_span.clone(), "a probe expects one header");
            log.report(problem.help("write a probe for each header"));
            None
        }
        (None, None) => {
            let problem = Problem::new(table.span, "no header is named");
            log.missing(problem.expected("`request_header` or `response_header`"));
            None
        }
    }?;
    let value = match value {
        Some(value) => Some(value?),
        None => None,
    };
    Some(match of_request {
        Some(_) => Expect::RequestHeader { name, value },
        None => Expect::ResponseHeader { name, value },
    })
}

fn request(log: &mut Diagnostics<'_>, item: &Item<'_>) -> Option<Request> {
    let text = item.text(log)?;
    let request = Request::from_line(text).ok();
    if request.is_none() {
        let message = format!("`{}` is not a request", one_line(text));
        let problem = Problem::new(item.span.clone(), message);
        log.report(problem.expected("a method, one blank and a target, as in `GET /x?y`"));
    }
    request
}

fn headers(log: &mut Diagnostics<'_>, item: &Item<'_>) -> Vec<(String, Vec<u8>)> {
    let mut request = Request::default();
    for item in item.list(log, MAX_LIST) {
        let Some(line) = item.text(log) else { continue };
        if request.add_header_line(line).is_err() {
            let message = format!("`{}` is not a header", one_line(line));
            let problem = Problem::new(item.span, message);
            log.report(problem.expected("`Name: value`, as in `Cookie: a=b`"));
        }
    }
    request.headers
}
