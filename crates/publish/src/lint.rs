//! What review of a mitigation document misses. Each finding is shown with its line, why it
//! matters, and how it is mended; where a request gets past a rule, that request is shown.

mod breadth;
mod bypass;
mod document;
mod payload;
mod place;
mod probes;
mod revision;
mod rules;
#[cfg(test)]
mod tests;
mod twin;

use stopgap_model::document::{any_pattern, parse};
use stopgap_model::{Mitigation, Problem};
use stopgap_rules::ActionSemantics;

use self::place::Places;
pub(crate) use self::revision::against;

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// Worth a second look; the document may be right.
    Warning,
    /// The document must not be published.
    Error,
}

impl Level {
    /// The word as it is shown.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// Something that a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) level: Level,
    /// The check's name, in kebab-case.
    pub(crate) name: &'static str,
    /// What, where, and how to mend it.
    pub(crate) problem: Problem,
}

impl Finding {
    fn error(name: &'static str, problem: Problem) -> Self {
        Self { level: Level::Error, name, problem }
    }

    fn warning(name: &'static str, problem: Problem) -> Self {
        Self { level: Level::Warning, name, problem }
    }
}

/// A document that can be read, with the places of what it says.
struct Subject<'a> {
    mitigation: &'a Mitigation,
    places: &'a Places<'a>,
}

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
    findings.sort_by_key(|finding| (finding.problem.span.start, finding.problem.span.end));
    findings
}

/// What the actions do, with the index of each; fails if a pattern cannot be used at all.
fn meanings(mitigation: &Mitigation) -> Result<Vec<Meant>, stopgap_pattern::PatternError> {
    let mut meanings = Vec::new();
    for (action, item) in mitigation.actions.iter().enumerate() {
        meanings.extend(ActionSemantics::of(item)?.map(|meaning| Meant { action, meaning }));
    }
    Ok(meanings)
}

/// What one action does.
struct Meant {
    /// Which action of the document.
    action: usize,
    meaning: ActionSemantics,
}
