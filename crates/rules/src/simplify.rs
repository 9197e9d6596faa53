//! The canonical form of a rule, with the same meaning.

use stopgap_model::rule::{BlockRule, Condition, Field, Operator, Test};

use stopgap_pattern::literal;

/// `rule` in its canonical form: nested lists flattened, single members unwrapped, negations at the
/// tests, patterns without idle `.*` at their edges, and a pattern that is only a text as a text.
#[must_use]
pub fn simplify(rule: &BlockRule) -> BlockRule {
    BlockRule { when: simplify_condition(&rule.when), ..rule.clone() }
}

/// `given` in its canonical form.
pub fn simplify_condition(given: &Condition) -> Condition {
    condition(given, false)
}

/// The canonical form of `given`, or of its negation.
fn condition(given: &Condition, negate: bool) -> Condition {
    match (given, negate) {
        (Condition::Not(inner), _) => condition(inner, !negate),
        (Condition::Test(given), false) => Condition::Test(test(given)),
        (Condition::Test(given), true) => Condition::Not(Box::new(Condition::Test(test(given)))),
        // De Morgan: the negation of a list is the other list of the negations.
        (Condition::All(given), false) | (Condition::Any(given), true) => {
            unwrap_single(flatten(given, negate, true), Condition::All)
        }
        (Condition::Any(given), false) | (Condition::All(given), true) => {
            unwrap_single(flatten(given, negate, false), Condition::Any)
        }
    }
}

fn flatten(given: &[Condition], negate: bool, into_all: bool) -> Vec<Condition> {
    let mut flat = Vec::new();
    for member in given {
        match condition(member, negate) {
            Condition::All(members) if into_all => flat.extend(members),
            Condition::Any(members) if !into_all => flat.extend(members),
            other => flat.push(other),
        }
    }
    flat
}

fn unwrap_single(mut members: Vec<Condition>, list: fn(Vec<Condition>) -> Condition) -> Condition {
    if members.len() == 1 { members.remove(0) } else { list(members) }
}

fn test(given: &Test) -> Test {
    let field = match &given.field {
        Field::Header(name) if name == "host" => Field::Host,
        field => field.clone(),
    };
    let Operator::Matches(source) = &given.operator else {
        return Test { field, ..given.clone() };
    };
    let source = without_idle_edges(source);
    // What is only a text is compared as one, which costs least on every server.
    let operator = match literal(source) {
        Some(literal) => match (literal.at_start, literal.at_end) {
            (false, false) => Operator::Contains(literal.text),
            (true, false) => Operator::StartsWith(literal.text),
            (false, true) => Operator::EndsWith(literal.text),
            (true, true) => Operator::Equals(literal.text),
        },
        None => Operator::Matches(source.to_owned()),
    };
    Test { field, operator, ..given.clone() }
}

/// A pattern without `.*` at its edges, which an unanchored search does not need. A pattern of
/// nothing else stays.
fn without_idle_edges(source: &str) -> &str {
    let mut text = source;
    // A choice at the top would have edges of its own; a look-ahead's `.*` binds words together; a
    // reference counts the groups before it.
    let refers = text.as_bytes().windows(2).any(|pair| matches!(pair, [b'\\', b'1'..=b'9']));
    if text.contains('|') || text.contains("(?") || refers {
        return text;
    }
    while let Some(rest) = head_stripped(text) {
        text = rest;
    }
    while let Some(rest) = tail_stripped(text) {
        text = rest;
    }
    if text.is_empty() { source } else { text }
}

fn head_stripped(text: &str) -> Option<&str> {
    let rest = ["(.*?)", "(.*)", ".*?", ".*"].iter().find_map(|idle| text.strip_prefix(idle))?;
    (!rest.starts_with(['*', '+', '?', '{'])).then_some(rest)
}

fn tail_stripped(text: &str) -> Option<&str> {
    let rest = ["(.*?)", "(.*)", ".*?", ".*"].iter().find_map(|idle| text.strip_suffix(idle))?;
    let backslashes = rest.bytes().rev().take_while(|&b| b == b'\\').count();
    (backslashes % 2 == 0).then_some(rest)
}
