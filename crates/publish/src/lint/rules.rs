//! What can be told of rules by looking at them: patterns that cost too much, anchors that hold
//! nothing, words that are bound to an order, and what no server here can say.

use std::ops::Range;

use stopgap_iis::rewrite::{translate, translate_request_header, translate_response_header};
use stopgap_model::problem::turns_text;
use stopgap_model::rule::{Condition, Decode, Field, Operator, Test};
use stopgap_model::{Action, ActionKind, Problem, Scope};
use stopgap_pattern::{PatternError, check_document_pattern};
use stopgap_terminal::plain;

use super::finding::Finding;
use super::subject::Subject;
use crate::lookahead::in_order;

pub(super) fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (at, action) in subject.mitigation.actions.iter().enumerate() {
        let mut all_usable = true;
        for (test, place) in subject.places.tests(at, &action.kind) {
            let cost = cost(test, &place);
            all_usable &= cost.is_none();
            findings.extend(cost);
            findings.extend(anchor(test, &place));
            findings.extend(order(test, &place));
        }
        if all_usable {
            findings.extend(unsayable(subject, at, action));
        }
    }
    findings
}

fn cost(test: &Test, place: &Range<usize>) -> Option<Finding> {
    let Operator::Matches(pattern) = &test.operator else { return None };
    let error = check_document_pattern(pattern).err()?;
    let (name, help) = match &error {
        PatternError::Invalid(_) => ("invalid-pattern", "a pattern is ECMAScript"),
        PatternError::NotLinear(_) => (
            "not-linear",
            "a request could be made to cost a server more than a site can bear; words that must \
             all be there are tests of their own, each with `contains`",
        ),
    };
    Some(Finding::error(name, Problem::new(place.clone(), error.to_string()).help(help)))
}

/// An anchor that no value can meet, because the field begins with something else.
fn anchor(test: &Test, place: &Range<usize>) -> Option<Finding> {
    let text = match &test.operator {
        Operator::StartsWith(text) | Operator::Equals(text) => text.as_str(),
        Operator::Matches(pattern) => {
            let rest = pattern.strip_prefix('^')?;
            let rest =
                rest.strip_prefix('\\').filter(|r| r.starts_with(['/', '?'])).unwrap_or(rest);
            // Only what stands for itself can be compared.
            let first =
                rest.starts_with(|c: char| c.is_ascii_alphanumeric() || "/?_-%~".contains(c));
            if first && !rest.contains('|') { rest } else { return None }
        }
        _ => return None,
    };
    let of_target = matches!(test.field, Field::Uri | Field::Path);
    // `*`, and an address as proxies are sent it, are targets too.
    let (begins, help) = if of_target && !text.starts_with(['/', '*']) && !text.starts_with("http")
    {
        (
            "with its first slash",
            "`match url` of IIS sees a path without its first slash, and relative to where the \
             rule is; the fields of a document see the request target as it was sent",
        )
    } else if test.field == Field::Query && text.starts_with('?') {
        ("behind the question mark", "leave the question mark out")
    } else {
        return None;
    };
    let message = format!("no request has this: `{}` begins {begins}", test.field);
    Some(Finding::error("anchor", Problem::new(place.clone(), message).help(help)))
}

/// Whether a test looks at a part of the request target, which a client orders as it likes.
pub(super) fn is_of_target(field: &Field) -> bool {
    matches!(field, Field::Uri | Field::Path | Field::Query | Field::Args | Field::ArgNames)
        || matches!(field, Field::Arg(_))
}

fn order(test: &Test, place: &Range<usize>) -> Option<Finding> {
    let Operator::Matches(pattern) = &test.operator else { return None };
    if !is_of_target(&test.field) {
        return None;
    }
    let words = in_order(pattern)?;
    let (first, last) = (words.first()?, words.last()?);
    if words.len() < 2 {
        return None;
    }
    let message = format!("the words must come in this order: `GET /{last}?{first}` passes");
    let problem = Problem::new(place.clone(), plain(&message)).help(
        "if the attack does not need the order, or not every word, write each word that it needs \
         as a test of its own, with `contains`",
    );
    Some(Finding::warning("word-order", problem))
}

/// An action for a site of IIS that IIS cannot say.
fn unsayable(subject: &Subject<'_>, at: usize, action: &Action) -> Option<Finding> {
    let name = action.id.as_str();
    let is_for_iis = |scope: &Option<Scope>| scope.is_some();
    let why = match &action.kind {
        ActionKind::BlockRequest { scope, rule } if is_for_iis(scope) => {
            translate(name, rule).err()
        }
        ActionKind::RequestHeader { scope, header, change } if is_for_iis(scope) => {
            translate_request_header(name, header, change).err()
        }
        ActionKind::ResponseHeader { scope, header, change, when } if is_for_iis(scope) => {
            translate_response_header(name, name, header, change, when).err()
        }
        _ => None,
    }?;
    let message = format!("IIS cannot say this exactly: {}", plain(&why.to_string()));
    let problem = Problem::new(subject.places.value_in("action", at, "kind"), message)
        .help("on a server with IIS the action will be `unsupported`, and do nothing");
    Some(Finding::warning("not-for-iis", problem))
}

/// `condition` with every pattern changed.
pub(super) fn with_patterns(condition: &Condition, change: &dyn Fn(&str) -> String) -> Condition {
    let all = |members: &[Condition]| members.iter().map(|m| with_patterns(m, change)).collect();
    match condition {
        Condition::All(members) => Condition::All(all(members)),
        Condition::Any(members) => Condition::Any(all(members)),
        Condition::Not(inner) => Condition::Not(Box::new(with_patterns(inner, change))),
        Condition::Test(test) => {
            let operator = match &test.operator {
                Operator::Matches(pattern) => Operator::Matches(change(pattern)),
                operator => operator.clone(),
            };
            Condition::Test(Test { operator, ..test.clone() })
        }
    }
}

/// Whether a value of this test can have a line feed: none is in a URL or a header as it is sent.
pub(super) fn may_see_line_feed(test: &Test) -> bool {
    test.field.is_of_body() || test.decode.contains(&Decode::Url)
}

/// The longest request that is shown, in characters: what gets past a rule may stand at its end.
const MAX_SHOWN: usize = 400;

/// A part of a request for a message.
pub(super) fn told(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let shown = |c: char| match c.is_control() || turns_text(c) {
        true => c.escape_default().to_string(),
        false => c.to_string(),
    };
    let mut told: String = text.chars().take(MAX_SHOWN).map(shown).collect();
    if text.chars().nth(MAX_SHOWN).is_some() {
        told.push('…');
    }
    told
}
