//! From a mitigation back to a document that reads as it.

use std::fmt::Write as _;

use super::limits::SCHEMA;
use crate::mitigation::{Action, ActionKind, Affected, Expect, HeaderChange, Mitigation, Probe};
use crate::mitigation::{Scope, Severity};
use crate::request::Response;
use crate::rule::{BlockRule, Case, Condition, DEFAULT_BODY_LIMIT, Decode, Deny, Test};

/// A document is text, and something in the mitigation is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a document is UTF-8, and a request, header or body of the mitigation is not")]
pub struct NotText;

/// A document that [`parse`](super::parse) reads as `mitigation`, but for its hash, which is that
/// of the document's own bytes. `mitigation` must be one that a document can say.
///
/// # Errors
/// The bytes of a probe are not UTF-8.
pub fn write(mitigation: &Mitigation) -> Result<String, NotText> {
    let mut text = String::new();
    line(&mut text, "schema", &SCHEMA.to_string());
    line(&mut text, "id", &quoted(mitigation.id.as_str()));
    line(&mut text, "revision", &mitigation.revision.to_string());
    line(&mut text, "title", &quoted(&mitigation.title));
    list_line(&mut text, "cves", &mitigation.cves);
    line(&mut text, "severity", &quoted(Severity::as_str(mitigation.severity)));
    line(&mut text, "impact", &quoted(&mitigation.impact));
    list_line(&mut text, "references", &mitigation.references);
    for (key, value) in
        [("no_live_probe", &mitigation.no_live_probe), ("withdrawn", &mitigation.withdrawn)]
    {
        if let Some(value) = value {
            line(&mut text, key, &quoted(value));
        }
    }
    mitigation.affected.iter().for_each(|affected| write_affected(&mut text, affected));
    mitigation.actions.iter().for_each(|action| write_action(&mut text, action));
    mitigation.probes.iter().try_for_each(|probe| write_probe(&mut text, probe))?;
    Ok(text)
}

fn line(text: &mut String, key: &str, value: &str) {
    // Writing to a string does not fail.
    let _ = writeln!(text, "{key} = {value}");
}

fn list_line(text: &mut String, key: &str, values: &[String]) {
    if !values.is_empty() {
        line(text, key, &list(values.iter().map(|value| quoted(value))));
    }
}

/// A string in one line, whatever is in it.
fn quoted(text: &str) -> String {
    // A literal string, in which patterns are read more easily, has no way to say these.
    let plain = !text.contains('\'') && !text.contains(char::is_control);
    if plain && text.contains(['\\', '"']) {
        return format!("'{text}'");
    }
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

fn list(values: impl Iterator<Item = String>) -> String {
    format!("[{}]", values.collect::<Vec<_>>().join(", "))
}

fn text_of(bytes: &[u8]) -> Result<&str, NotText> {
    std::str::from_utf8(bytes).map_err(|_| NotText)
}

fn write_affected(text: &mut String, affected: &Affected) {
    text.push_str("\n[[affected]]\n");
    line(text, "product", &quoted(&affected.product));
    list_line(text, "roles", &affected.roles);
    if affected.ranges.is_empty() {
        return;
    }
    text.push_str("ranges = [\n");
    for range in &affected.ranges {
        let (introduced, fixed) = (&range.introduced, &range.fixed);
        let _ = writeln!(text, "  {{ introduced = \"{introduced}\", fixed = \"{fixed}\" }},");
    }
    text.push_str("]\n");
}

fn write_action(text: &mut String, action: &Action) {
    text.push_str("\n[[action]]\n");
    line(text, "id", &quoted(action.id.as_str()));
    line(text, "kind", &quoted(action.kind.name()));
    match &action.kind {
        ActionKind::BlockRequest { scope, rule } => {
            write_scope(text, scope.as_ref());
            write_rule(text, rule);
        }
        ActionKind::RequestHeader { scope, header, change } => {
            write_scope(text, scope.as_ref());
            // To remove a header is said with its name alone.
            if *change == HeaderChange::Remove {
                line(text, "remove", &quoted(header));
            } else {
                line(text, "header", &quoted(header));
                write_change(text, change);
            }
        }
        ActionKind::ResponseHeader { scope, header, change, when } => {
            write_scope(text, scope.as_ref());
            line(text, "header", &quoted(header));
            write_change(text, change);
            // No condition is the same as one that always holds.
            if *when != Condition::All(Vec::new()) {
                write_when(text, when);
            }
        }
        ActionKind::DisableService { services } => list_line(text, "services", services),
        ActionKind::DisableAppPool { pools } => list_line(text, "pools", pools),
        ActionKind::DoNothing => {}
    }
    if let Some(version) = &action.only_below {
        line(text, "only_if", &format!("{{ version_below = \"{version}\" }}"));
    }
}

fn write_scope(text: &mut String, scope: Option<&Scope>) {
    let Some(Scope { site, path }) = scope else { return };
    let path = if path.is_empty() { String::new() } else { format!(", path = {}", quoted(path)) };
    line(text, "scope", &format!("{{ site = {}{path} }}", quoted(site)));
}

fn write_rule(text: &mut String, rule: &BlockRule) {
    let deny = match rule.deny {
        Deny::Abort => quoted("abort"),
        Deny::Status(status) => format!("{{ status = {status} }}"),
    };
    line(text, "deny", &deny);
    if rule.body_limit != DEFAULT_BODY_LIMIT {
        line(text, "body_limit", &rule.body_limit.to_string());
    }
    write_when(text, &rule.when);
}

fn write_change(text: &mut String, change: &HeaderChange) {
    match change {
        HeaderChange::Remove => line(text, "remove", "true"),
        HeaderChange::Set(value) => line(text, "set", &quoted(value)),
        HeaderChange::Append(value) => line(text, "append", &quoted(value)),
    }
}

/// `when`, one condition a line. Another condition than a list of which all hold becomes one.
fn write_when(text: &mut String, when: &Condition) {
    let members = match when {
        Condition::All(members) if !members.is_empty() => members.as_slice(),
        single => std::slice::from_ref(single),
    };
    text.push_str("when = [\n");
    for member in members {
        let _ = writeln!(text, "  {},", condition(member));
    }
    text.push_str("]\n");
}

fn condition(given: &Condition) -> String {
    match given {
        Condition::All(members) => format!("{{ all = {} }}", list(members.iter().map(condition))),
        Condition::Any(members) => format!("{{ any = {} }}", list(members.iter().map(condition))),
        Condition::Not(inner) => format!("{{ not = {} }}", condition(inner)),
        Condition::Test(inner) => test(inner),
    }
}

fn test(given: &Test) -> String {
    let decoding = |decode: &Decode| match decode {
        Decode::Url => quoted("url"),
        Decode::Base64 => quoted("base64"),
    };
    let mut parts = vec![format!("field = {}", quoted(&given.field.to_string()))];
    if !given.decode.is_empty() {
        parts.push(format!("decode = {}", list(given.decode.iter().map(decoding))));
    }
    if given.case == Case::Exact {
        parts.push("case = \"exact\"".into());
    }
    parts.push(format!("{} = {}", given.operator.name(), quoted(given.operator.text())));
    format!("{{ {} }}", parts.join(", "))
}

fn write_probe(text: &mut String, probe: &Probe) -> Result<(), NotText> {
    text.push_str("\n[[probe]]\n");
    line(text, "name", &quoted(&probe.name));
    if probe.live {
        line(text, "live", "true");
    }
    let request = &probe.request;
    let request_line = format!("{} {}", request.method, text_of(&request.target)?);
    line(text, "request", &quoted(&request_line));
    if !request.headers.is_empty() {
        line(text, "headers", &headers(&request.headers)?);
    }
    if !request.body.is_empty() {
        line(text, "body", &quoted(text_of(&request.body)?));
    }
    // The status is written out even where it is the usual one: nothing has to be guessed.
    if let Some(Response { status, headers: given }) = &probe.response {
        let given = if given.is_empty() {
            String::new()
        } else {
            format!(", headers = {}", headers(given)?)
        };
        line(text, "response", &format!("{{ status = {status}{given} }}"));
    }
    line(text, "expect", &expectation(&probe.expect));
    Ok(())
}

fn headers(headers: &[(String, Vec<u8>)]) -> Result<String, NotText> {
    let one = |(name, value): &(String, Vec<u8>)| {
        text_of(value).map(|value| quoted(&format!("{name}: {value}")))
    };
    let lines = headers.iter().map(one).collect::<Result<Vec<_>, _>>()?;
    Ok(list(lines.into_iter()))
}

fn expectation(expect: &Expect) -> String {
    let (key, name, value) = match expect {
        Expect::Blocked => return quoted("blocked"),
        Expect::Allowed => return quoted("allowed"),
        Expect::RequestHeader { name, value } => ("request_header", name, value),
        Expect::ResponseHeader { name, value } => ("response_header", name, value),
    };
    let value = value.as_ref().map_or(String::new(), |v| format!(", value = {}", quoted(v)));
    format!("{{ {key} = {}{value} }}", quoted(name))
}
