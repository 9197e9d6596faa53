//! Rules that are not ours, judged by what they do.

use std::collections::BTreeMap;

use stopgap_edit::iis::{Effective, Level};
use stopgap_rules::iis::{
    Coverage, PreCondition, covers, covers_request_header, covers_response_header,
};

use crate::RULE_PREFIX;
use crate::ground::Ground;
use crate::observe::text;
use crate::work::{Goal, Rewrite};

/// The most remarks on rules that fall short: more would hide the state.
const MAX_HINTS: usize = 3;

/// What the rules of others do of what an action wants.
pub(crate) enum Others {
    /// All of it, everywhere in the scope.
    Cover {
        /// The rules' names.
        names: Vec<String>,
        /// Whether it takes more than one of them to do it everywhere.
        together: bool,
        /// What a person should know of them, without a full stop.
        remark: Option<String>,
    },
    /// Not all of it: what falls short, each as a sentence without a full stop.
    FallShort(Vec<String>),
}

/// A rule of others, as it was judged once.
struct Judged {
    enabled: bool,
    coverage: Coverage,
    /// At how many places of the scope it is in effect.
    places: usize,
}

/// What the rules of others do of what `rewrite` wants.
pub(crate) fn others(rewrite: &Rewrite<'_>, ground: &Ground<'_>) -> Others {
    let Ok(levels) = ground.levels(rewrite.scope) else { return Others::FallShort(Vec::new()) };
    let mut judged: BTreeMap<String, Judged> = BTreeMap::new();
    let mut uncovered: Vec<&Level> = Vec::new();
    for level in &levels {
        let found = ground.at(level);
        let Ok(effective) = found.as_ref() else {
            uncovered.push(level);
            continue;
        };
        if !is_covered(rewrite, effective, &mut judged) {
            uncovered.push(level);
        }
    }
    let full = |judged: &Judged| judged.enabled && is_full(&judged.coverage);
    if uncovered.is_empty() && !levels.is_empty() {
        let used = || judged.iter().filter(|(_, judged)| full(judged));
        let mut remarks: Vec<String> = used().filter_map(|(_, judged)| remark(judged)).collect();
        remarks.dedup();
        let remark = (!remarks.is_empty()).then(|| remarks.join("; "));
        let together = used().all(|(_, judged)| judged.places < levels.len());
        return Others::Cover {
            names: used().map(|(name, _)| name.clone()).collect(),
            together,
            remark,
        };
    }
    let hints = judged.iter().filter_map(|(name, judged)| hint(name, judged, &uncovered));
    Others::FallShort(hints.take(MAX_HINTS).collect())
}

/// Whether one place is covered. Every rule there is judged, once.
fn is_covered(
    rewrite: &Rewrite<'_>,
    effective: &Effective,
    judged: &mut BTreeMap<String, Judged>,
) -> bool {
    if !effective.module {
        return false;
    }
    let mut covered = false;
    let mut judge = |name: &str, enabled: bool, coverage: &dyn Fn() -> Coverage| {
        let known = judged.entry(name.to_owned()).or_insert_with(|| Judged {
            enabled,
            coverage: coverage(),
            places: 0,
        });
        known.places += 1;
        covered |= known.enabled && is_full(&known.coverage);
    };
    match rewrite.goal {
        Goal::Block(block) => {
            for rule in effective.rules.iter().filter(|rule| !is_ours(&rule.name)) {
                let Ok(says) = &rule.item else { continue };
                judge(&rule.name, says.enabled, &|| covers(says, block));
            }
        }
        Goal::RequestHeader { header, change } => {
            for rule in effective.rules.iter().filter(|rule| !is_ours(&rule.name)) {
                let Ok(says) = &rule.item else { continue };
                let works = effective.forbidden(rule).is_none();
                judge(&rule.name, says.enabled && works, &|| {
                    covers_request_header(says, header, change)
                });
            }
        }
        Goal::ResponseHeader { header, change, when } => {
            let Ok(outbound) = &effective.outbound else { return false };
            for rule in outbound.rules.iter().filter(|rule| !is_ours(&rule.name)) {
                let Ok(says) = &rule.item else { continue };
                let named =
                    |found: &&PreCondition| found.name.eq_ignore_ascii_case(&says.precondition);
                let mut known = outbound.preconditions.iter().filter_map(|p| p.item.as_ref().ok());
                let precondition = known.find(named);
                if precondition.is_none() && !says.precondition.is_empty() {
                    continue;
                }
                judge(&rule.name, says.enabled, &|| {
                    covers_response_header(says, precondition, header, change, when)
                });
            }
        }
    }
    covered
}

fn is_ours(name: &str) -> bool {
    name.starts_with(RULE_PREFIX)
}

/// Whether a rule does what is wanted, perhaps with a remark.
fn is_full(coverage: &Coverage) -> bool {
    coverage.is_full() || matches!(coverage, Coverage::ExceptLineFeeds(_))
}

fn remark(judged: &Judged) -> Option<String> {
    match &judged.coverage {
        Coverage::More(remark) | Coverage::ExceptLineFeeds(remark) => Some(remark.clone()),
        _ => None,
    }
}

/// Why a rule that could be thought to protect does not.
fn hint(name: &str, judged: &Judged, uncovered: &[&Level]) -> Option<String> {
    match &judged.coverage {
        coverage if is_full(coverage) && !judged.enabled => {
            Some(format!("the rule `{name}` would do it, but is disabled"))
        }
        coverage if is_full(coverage) => {
            let at = uncovered.first().map(|level| text(level)).unwrap_or_default();
            Some(format!("the rule `{name}` does it, but not for {at}"))
        }
        Coverage::Less(why) => Some(format!("the rule `{name}` does not do all of it: {why}")),
        _ => None,
    }
}
