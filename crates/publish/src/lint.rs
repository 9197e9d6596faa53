//! What review of a mitigation document misses. Each finding is shown with its line, why it
//! matters, and how it is mended; where a request gets past a rule, that request is shown.

mod breadth;
mod bypass;
mod document;
mod finding;
mod payload;
mod place;
mod probes;
mod revision;
mod rules;
mod subject;
#[cfg(test)]
mod tests;
mod variants;

use stopgap_model::Mitigation;
use stopgap_model::document::{any_pattern, parse};
use stopgap_rules::ActionSemantics;

pub(crate) use self::finding::{Finding, Level};
use self::place::Places;
pub(crate) use self::revision::against;
use self::subject::{CompiledAction, Subject};

/// What is wrong in the document `bytes`, whose file has the name `name`, in the order of its lines.
pub(crate) fn lint(name: &str, bytes: &[u8]) -> Vec<Finding> {
    // A pattern that costs too much is refused here as it is everywhere, but the document around
    // it is looked at all the same: what gets past the pattern matters more than its cost.
    let mitigation = match parse(bytes, &any_pattern) {
        Ok(mitigation) => mitigation,
        Err(problems) => return problems.into_iter().map(document::unreadable).collect(),
    };
    let places = Places::of(bytes);
    let subject = Subject { mitigation: &mitigation, places: &places };
    let mut findings = document::check(&subject, name);
    if mitigation.withdrawn.is_none() {
        findings.extend(rules::check(&subject));
        if let Ok(meanings) = meanings(&mitigation) {
            findings.extend(probes::check(&subject, &meanings));
            findings.extend(payload::check(&subject));
            findings.extend(bypass::check(&subject, &meanings));
            findings.extend(breadth::check(&subject, &meanings));
        }
    }
    // A person reads them from top to bottom, beside the document.
    findings.sort_by_key(|finding| (finding.problem.span.start, finding.problem.span.end));
    findings
}

/// What the actions do, with the index of each; fails if a pattern cannot be used at all.
fn meanings(mitigation: &Mitigation) -> Result<Vec<CompiledAction>, stopgap_pattern::PatternError> {
    let mut meanings = Vec::new();
    for (action, item) in mitigation.actions.iter().enumerate() {
        meanings
            .extend(ActionSemantics::of(item)?.map(|meaning| CompiledAction { action, meaning }));
    }
    Ok(meanings)
}
