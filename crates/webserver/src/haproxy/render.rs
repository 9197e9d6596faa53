//! Rules in the language of HAProxy.
//!
//! A line has a list of conditions that all hold, so a rule is as many lines as there are ways in
//! which it can hold.

use stopgap_model::mitigation::HeaderChange;
use stopgap_model::rule::Deny;

use crate::rule::ways::{Way, ways};
use crate::rule::{Clause, Match, WebRule};
use crate::rule_text::HEADING;

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
    // The translation refused what has too many.
    let ways = ways(when).unwrap_or_default();
    ways.iter().map(|way| with_conditions(action, way)).collect()
}

fn with_conditions(action: &str, way: &Way<'_>) -> String {
    if way.is_empty() {
        return action.to_owned();
    }
    let conditions = way.iter().map(|(Match { input, pattern, .. }, found)| {
        let not = if *found { "" } else { "!" };
        // In single quotes everything stands for itself.
        format!("{not}{{ {input} -m reg -- '{pattern}' }}")
    });
    format!("{action} if {}", conditions.collect::<Vec<_>>().join(" "))
}
