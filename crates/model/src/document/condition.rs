//! Conditions: `when = [...]`, with `all`, `any` and `not` in it, and tests of fields.

use super::diagnostics::Diagnostics;
use super::header::{is_token, is_visible};
use super::limits::{MAX_DECODES, MAX_DEPTH, MAX_TESTS};
use super::table::{Item, Table};
use super::words::one_of;
use crate::problem::{Problem, one_line};
use crate::rule::{Case, Condition, Decode, Field, Operator, Test};

const GROUPS: &[&str] = &["all", "any", "not"];

type MakeOperator = fn(String) -> Operator;

const OPERATORS: &[(&str, MakeOperator)] = &[
    ("equals", Operator::Equals),
    ("contains", Operator::Contains),
    ("starts-with", Operator::StartsWith),
    ("ends-with", Operator::EndsWith),
    ("matches", Operator::Matches),
];

const DECODES: &[(&str, Decode)] = &[("url", Decode::Url), ("base64", Decode::Base64)];

const CASES: &[(&str, Case)] = &[("ignore", Case::Ignore), ("exact", Case::Exact)];

const FIELDS: &[(&str, Field)] = &[
    ("method", Field::Method),
    ("uri", Field::Uri),
    ("path", Field::Path),
    ("query", Field::Query),
    ("host", Field::Host),
    ("header-names", Field::HeaderNames),
    ("any-header", Field::AnyHeader),
    ("args", Field::Args),
    ("arg-names", Field::ArgNames),
    ("body", Field::Body),
    ("body-args", Field::BodyArgs),
    ("body-arg-names", Field::BodyArgNames),
    ("file-names", Field::FileNames),
    ("response-content-type", Field::ResponseContentType),
];

type MakeField = fn(String) -> Field;

/// The fields that are written with a name behind a colon.
const NAMED_FIELDS: &[(&str, MakeField)] = &[
    ("header", Field::Header),
    ("cookie", Field::Cookie),
    ("arg", Field::Arg),
    ("response-header", Field::ResponseHeader),
];

/// What the conditions of an action may look at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// The request and its body; there is no response yet.
    Request,
    /// The response and the request's head; its body is gone.
    Response,
}

/// Reads the conditions of one action.
pub(super) struct Conditions {
    phase: Phase,
    tests: usize,
    /// Whether any test needs the request's body.
    pub(super) needs_body: bool,
}

impl Conditions {
    /// Conditions that are judged in `phase`.
    pub(super) fn new(phase: Phase) -> Self {
        Self { phase, tests: 0, needs_body: false }
    }

    /// `when`: all of the list hold.
    pub(super) fn when(&mut self, log: &mut Diagnostics<'_>, item: &Item<'_>) -> Condition {
        let condition = Condition::All(self.list(log, item, 1));
        if self.tests > MAX_TESTS {
            let message = format!("the conditions have {} tests", self.tests);
            let problem = Problem::new(item.key_span.clone(), message);
            log.report(problem.expected(format!("at most {MAX_TESTS}")));
        }
        condition
    }

    fn list(&mut self, log: &mut Diagnostics<'_>, item: &Item<'_>, depth: usize) -> Vec<Condition> {
        let items = item.list(log, MAX_TESTS);
        items.iter().filter_map(|item| self.one(log, item, depth)).collect()
    }

    fn one(
        &mut self,
        log: &mut Diagnostics<'_>,
        item: &Item<'_>,
        depth: usize,
    ) -> Option<Condition> {
        let table = item.table(log)?;
        let Some(group) = table.items().find(|entry| GROUPS.contains(&entry.key)) else {
            return self.test(log, &table).map(Condition::Test);
        };
        // A test beside a group could be meant with `and` or with `or`.
        for other in table.items().filter(|entry| entry.key != group.key) {
            let message =
                format!("`{}` is not allowed beside `{}`", one_line(other.key), group.key);
            let help = "write each as a condition of its own, in braces";
            log.report(Problem::new(other.key_span, message).help(help));
        }
        if depth >= MAX_DEPTH {
            let problem = Problem::new(group.key_span, "the conditions nest too deep");
            log.report(problem.expected(format!("at most {MAX_DEPTH} levels")));
            return None;
        }
        match group.key {
            "all" => Some(Condition::All(self.list(log, &group, depth + 1))),
            "any" => Some(Condition::Any(self.list(log, &group, depth + 1))),
            _ => self.one(log, &group, depth + 1).map(|c| Condition::Not(Box::new(c))),
        }
    }

    fn test(&mut self, log: &mut Diagnostics<'_>, table: &Table<'_>) -> Option<Test> {
        self.tests += 1;
        let operators = OPERATORS.iter().map(|(name, _)| *name);
        let known: Vec<&str> = ["field", "decode", "case"].into_iter().chain(operators).collect();
        let unknown = |item: &Item<'_>| !known.contains(&item.key);
        // A group is no key of a test, but may be what was misspelt.
        let all_known: Vec<&str> = known.iter().chain(GROUPS).copied().collect();
        let mut misspelt = false;
        for item in table.items().filter(unknown) {
            item.unknown_key(log, &all_known);
            misspelt = true;
        }
        let field = table
            .required(log, "field", "such as `field = \"uri\"`")
            .and_then(|item| self.field(log, &item));
        let decode = table.get("decode").map_or_else(Vec::new, |item| {
            let items = item.list(log, MAX_DECODES);
            items.iter().filter_map(|item| item.keyword(log, DECODES)).collect()
        });
        let case = table.get("case").map_or(Some(Case::Ignore), |item| item.keyword(log, CASES));
        // A misspelt operator is told once, not again as a missing one.
        let operator = operator(log, table, !misspelt);
        Some(Test { field: field?, decode, operator: operator?, case: case? })
    }

    fn field(&mut self, log: &mut Diagnostics<'_>, item: &Item<'_>) -> Option<Field> {
        let field = field(log, item)?;
        if field.is_of_response() && self.phase == Phase::Request {
            let message = format!("`{field}` is not known when a request is judged");
            log.report(Problem::new(item.span.clone(), message).expected("a field of the request"));
            return None;
        }
        if field.is_of_body() && self.phase == Phase::Response {
            let message = format!("`{field}` is not kept until the response");
            let expected = "a field of the response or of the request's head";
            log.report(Problem::new(item.span.clone(), message).expected(expected));
            return None;
        }
        self.needs_body |= field.is_of_body();
        Some(field)
    }
}

fn operator(log: &mut Diagnostics<'_>, table: &Table<'_>, tell_missing: bool) -> Option<Operator> {
    let found = |(name, make): &(&str, MakeOperator)| table.get(name).map(|item| (item, *make));
    let mut operators: Vec<_> = OPERATORS.iter().filter_map(found).collect();
    // The first as it stands in the document is the one that is meant.
    operators.sort_by_key(|(item, _)| item.key_span.start);
    let expected = one_of(OPERATORS.iter().map(|(name, _)| *name));
    for (item, _) in operators.iter().skip(1) {
        let problem =
            Problem::new(item.key_span.clone(), "a test has one operator, this is another");
        log.report(problem.help("write the second test as a condition of its own"));
    }
    let Some((item, make)) = operators.first() else {
        if tell_missing {
            let problem = Problem::new(table.span.clone(), "the test has no operator");
            log.missing(problem.expected(expected));
        }
        return None;
    };
    let text = item.string(log)?;
    if text.is_empty() {
        let problem = Problem::new(item.span.clone(), format!("`{}` is empty", item.key));
        log.report(problem.expected("a text: nothing is in everything"));
        return None;
    }
    // Length before pattern: the pattern engine sees only what is short enough.
    if text.trim().is_empty() || item.text(log).is_some() {
        let operator = make(text.to_owned());
        if let Operator::Matches(pattern) = &operator {
            log.check_pattern(pattern, item.span.clone());
        }
        return Some(operator);
    }
    None
}

fn field(log: &mut Diagnostics<'_>, item: &Item<'_>) -> Option<Field> {
    let text = item.single_line(log)?;
    if let Some((_, field)) = FIELDS.iter().find(|(word, _)| *word == text) {
        return Some(field.clone());
    }
    let (word, name) = text.split_once(':').unwrap_or((text, ""));
    let Some((word, make)) = NAMED_FIELDS.iter().find(|(named, _)| *named == word) else {
        return unknown_field(log, item, word, text);
    };
    let is_header = word.ends_with("header");
    let good = if is_header {
        is_token(name)
    } else {
        is_visible(name) && !name.contains(['=', ';', '&'])
    };
    if !good {
        let problem = Problem::new(item.span.clone(), format!("`{}` needs a name", one_line(text)));
        log.report(problem.expected(format!("`{word}:NAME`")));
        return None;
    }
    Some(make(if is_header { name.to_ascii_lowercase() } else { name.to_owned() }))
}

fn unknown_field(
    log: &mut Diagnostics<'_>,
    item: &Item<'_>,
    word: &str,
    text: &str,
) -> Option<Field> {
    let plain = FIELDS.iter().map(|(word, _)| *word);
    if plain.clone().any(|known| known == word) {
        let message = format!("`{word}` takes no name");
        let expected = format!("`{word}`");
        log.report(Problem::new(item.span.clone(), message).expected(expected));
    } else if text.contains(':') {
        item.unknown_word(log, word, NAMED_FIELDS.iter().map(|(word, _)| *word));
    } else {
        item.unknown_word(log, word, plain.chain(NAMED_FIELDS.iter().map(|(word, _)| *word)));
    }
    None
}
