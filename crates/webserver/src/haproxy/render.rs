//! Rules in the language of HAProxy.
//!
//! A line has a list of conditions that all hold, so a rule is as many lines as there are ways in
//! which it can hold.

use stopgap_model::mitigation::HeaderChange;
use stopgap_model::rule::Deny;

use crate::rule::{Clause, Match, WebRule};
use crate::rule_text::HEADING;
use stopgap_rules::{Unsupported, unsupported};

/// HAProxy reads no more words in a line (`MAX_LINE_ARGS` in its `defaults.h`).
const MAX_WORDS: usize = 64;
/// The words of a line around its conditions, at most, and those of a condition.
const WORDS_AROUND: usize = 8;
const WORDS_OF_CONDITION: usize = 7;
/// The conditions of a line, at most.
const MAX_CONDITIONS: usize = (MAX_WORDS - WORDS_AROUND) / WORDS_OF_CONDITION;
/// The lines of a rule, at most: more than any rule of the field needs.
const MAX_LINES: usize = 64;

/// A list of conditions that all hold, each a pattern that is found or is not.
type Line<'a> = Vec<(&'a Match, bool)>;

/// Whether `clause` can be written.
pub(crate) fn check(clause: &Clause) -> Result<(), Unsupported> {
    let lines = lines(clause)
        .ok_or_else(|| unsupported(format!("it can hold in more than {MAX_LINES} ways")))?;
    match lines.iter().all(|line| line.len() <= MAX_CONDITIONS) {
        true => Ok(()),
        false => {
            let why =
                format!("more than {MAX_CONDITIONS} conditions are too long a line for HAProxy");
            Err(unsupported(why))
        }
    }
}

/// The lines that `clause` is: it holds where one of them does. `None`: too many.
fn lines(clause: &Clause) -> Option<Vec<Line<'_>>> {
    match clause {
        Clause::Match(found) => Some(vec![vec![(found, true)]]),
        Clause::Not(found) => Some(vec![vec![(found, false)]]),
        Clause::Any(members) => {
            let mut all = Vec::new();
            for member in members {
                all.extend(lines(member)?);
                within(&all)?;
            }
            Some(all)
        }
        Clause::All(members) => {
            let mut all = vec![Vec::new()];
            for member in members {
                let member = lines(member)?;
                let pairs = all.iter().flat_map(|left: &Line<'_>| {
                    member.iter().map(move |right| [left.as_slice(), right.as_slice()].concat())
                });
                all = pairs.take(MAX_LINES + 1).collect();
                within(&all)?;
            }
            Some(all)
        }
    }
}

fn within(lines: &[Line<'_>]) -> Option<()> {
    (lines.len() <= MAX_LINES).then_some(())
}

/// The lines for `rules`, each with its comment.
pub(crate) fn text(rules: &[(String, &WebRule)]) -> Vec<String> {
    let mut out: Vec<String> = HEADING.map(str::to_owned).into();
    let mut rules: Vec<_> = rules.iter().collect();
    // Rules that block look at the headers as they were sent.
    rules.sort_by_key(|(_, rule)| !matches!(rule, WebRule::Block { .. }));
    for (comment, rule) in rules {
        out.push(comment.clone());
        out.extend(lines_of(rule));
    }
    out
}

fn lines_of(rule: &WebRule) -> Vec<String> {
    match rule {
        WebRule::Block { when, deny } => {
            let action = match deny {
                Deny::Abort => "http-request reject".to_owned(),
                Deny::Status(status) => format!("http-request deny deny_status {status}"),
            };
            conditioned(&action, when)
        }
        WebRule::RequestHeader { header, change } => vec![changing("request", header, change)],
        WebRule::ResponseHeader { header, change, when } => {
            conditioned(&changing("response", header, change), when)
        }
    }
}

fn changing(what: &str, header: &str, change: &HeaderChange) -> String {
    match change {
        HeaderChange::Remove => format!("http-{what} del-header {header}"),
        HeaderChange::Set(text) | HeaderChange::Append(text) => {
            format!("http-{what} set-header {header} '{text}'")
        }
    }
}

/// `action` where `when` holds, as one line for each way in which that can be.
fn conditioned(action: &str, when: &Clause) -> Vec<String> {
    let lines = lines(when).unwrap_or_default();
    lines.iter().map(|line| with_conditions(action, line)).collect()
}

fn with_conditions(action: &str, line: &Line<'_>) -> String {
    if line.is_empty() {
        return action.to_owned();
    }
    let conditions = line.iter().map(|(Match { input, pattern, .. }, found)| {
        let not = if *found { "" } else { "!" };
        // In single quotes everything stands for itself.
        format!("{not}{{ {input} -m reg -- '{pattern}' }}")
    });
    format!("{action} if {}", conditions.collect::<Vec<_>>().join(" "))
}
