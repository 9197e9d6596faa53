//! Header names and values, and the changes of headers.

use super::diagnostics::Diagnostics;
use super::table::{Item, Table};
use super::words::one_of;
use crate::mitigation::HeaderChange;
use crate::problem::Problem;
use crate::request::is_token_byte;

/// Whether `text` can be the name of a header.
pub(super) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_token_byte)
}

/// Whether `text` is visible ASCII without blanks, and not empty.
pub(super) fn is_visible(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic())
}

/// The header's name as written, and its change, of a `request-header` action: `remove` names the
/// header itself, `set` goes with `header`.
pub(super) fn of_request(
    log: &mut Diagnostics<'_>,
    table: &Table<'_>,
) -> Option<(String, HeaderChange)> {
    let change = only_change(log, table, &["set", "remove"])?;
    if change.key != "remove" {
        let value = value(log, &change);
        return Some((required_name(log, table)?, HeaderChange::Set(value?)));
    }
    if let Some(header) = table.get("header") {
        let problem = Problem::new(header.key_span, "`header` is not allowed beside `remove`");
        log.report(problem.help("`remove` names the header itself; `header` goes with `set`"));
    }
    Some((name(log, &change)?, HeaderChange::Remove))
}

/// The header's name as written, and its change, of a `response-header` action: `header` names
/// it, and one of `set`, `append` and `remove = true` says what is done.
pub(super) fn of_response(
    log: &mut Diagnostics<'_>,
    table: &Table<'_>,
) -> Option<(String, HeaderChange)> {
    let header = required_name(log, table);
    let item = only_change(log, table, &["set", "append", "remove"])?;
    let change = match item.key {
        "set" => HeaderChange::Set(value(log, &item)?),
        "append" => HeaderChange::Append(value(log, &item)?),
        _ if item.boolean(log)? => HeaderChange::Remove,
        _ => {
            let problem = Problem::new(item.span, "the action would do nothing");
            log.report(problem.expected("`remove = true`"));
            return None;
        }
    };
    Some((header?, change))
}

/// The one change that is there; reports none and each one too many.
fn only_change<'a>(
    log: &mut Diagnostics<'_>,
    table: &Table<'a>,
    keys: &[&str],
) -> Option<Item<'a>> {
    let mut changes: Vec<Item<'a>> = keys.iter().filter_map(|key| table.get(key)).collect();
    changes.sort_by_key(|item| item.key_span.start);
    for item in changes.iter().skip(1) {
        let problem = Problem::new(item.key_span.clone(), "a header is changed in one way");
        log.report(problem.help("write the second change as an action of its own"));
    }
    if changes.is_empty() {
        let problem = Problem::new(table.span.clone(), "what is done to the header is missing");
        log.missing(problem.expected(one_of(keys.iter().copied())));
    }
    changes.into_iter().next()
}

fn required_name(log: &mut Diagnostics<'_>, table: &Table<'_>) -> Option<String> {
    let expected = "such as `header = \"Content-Security-Policy\"`";
    table.required(log, "header", expected).and_then(|item| name(log, &item))
}

/// The name of a header, as written.
pub(super) fn name(log: &mut Diagnostics<'_>, item: &Item<'_>) -> Option<String> {
    let text = item.text(log)?;
    if !is_token(text) {
        item.refuse(log, "a header name: letters, digits and `-`");
        return None;
    }
    Some(text.to_owned())
}

/// A value that cannot begin another header.
fn value(log: &mut Diagnostics<'_>, item: &Item<'_>) -> Option<String> {
    item.single_line(log).map(str::to_owned)
}
