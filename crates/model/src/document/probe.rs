//! `[[probe]]`: requests and what must become of them.

use super::log::Log;
use super::table::{Item, Table};
use super::{MAX_LIST, MAX_PROBES};
use crate::mitigation::{Expect, Probe};
use crate::problem::{Problem, one_line};
use crate::request::Request;

/// The words of `expect`, and whether they say blocked.
const EXPECTATIONS: &[(&str, bool)] = &[("blocked", true), ("allowed", false)];

/// The probes; whether there are enough of them is the linter's question.
pub(super) fn all(log: &mut Log<'_>, top: &Table<'_>) -> Vec<Probe> {
    let mut probes: Vec<Probe> = Vec::new();
    let mut names: Vec<(&str, usize)> = Vec::new();
    let Some(list) = top.get("probe") else { return probes };
    for item in list.list(log, MAX_PROBES) {
        let Some(table) = item.table(log) else { continue };
        table.only(log, &["name", "request", "headers", "body", "expect", "live"]);
        let name = table
            .required(log, "name", "what the request stands for")
            .and_then(|item| name(log, &item, &mut names));
        probes.extend(probe(log, &table, name));
    }
    probes
}

fn name<'a>(
    log: &mut Log<'_>,
    item: &Item<'a>,
    names: &mut Vec<(&'a str, usize)>,
) -> Option<&'a str> {
    let text = item.line(log)?;
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

fn probe(log: &mut Log<'_>, table: &Table<'_>, name: Option<&str>) -> Option<Probe> {
    let request = table
        .required(log, "request", "such as `request = \"GET /owa/\"`")
        .and_then(|item| request(log, &item));
    let headers = table.get("headers").map_or_else(Vec::new, |item| headers(log, &item));
    let body = table.get("body").map_or(Some(""), |item| item.raw(log));
    let expect = table
        .required(log, "expect", "`expect = \"blocked\"` or `expect = \"allowed\"`")
        .and_then(|item| item.word(log, EXPECTATIONS))
        .map(|blocked| if blocked { Expect::Blocked } else { Expect::Allowed });
    let live = table.get("live").map_or(Some(false), |item| item.truth(log));
    let request = Request { headers, body: body?.into(), ..request? };
    Some(Probe { name: name?.to_owned(), request, response: None, expect: expect?, live: live? })
}

fn request(log: &mut Log<'_>, item: &Item<'_>) -> Option<Request> {
    let text = item.text(log)?;
    let request = Request::from_line(text).ok();
    if request.is_none() {
        let message = format!("`{}` is not a request", one_line(text));
        let problem = Problem::new(item.span.clone(), message);
        log.report(problem.expected("a method, one blank and a target, as in `GET /x?y`"));
    }
    request
}

fn headers(log: &mut Log<'_>, item: &Item<'_>) -> Vec<(String, Vec<u8>)> {
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
