//! Rules that are not ours, judged by what they do.

use std::collections::BTreeMap;

use stopgap_iis::config::{Effective, InEffect, Level, Place};
use stopgap_iis::rewrite::{
    Coverage, PreCondition, may_shadow, subsumes, subsumes_request_header, subsumes_response_header,
};
use stopgap_model::Reason;
use stopgap_model::reason::IisRuleReason;

use super::desired::{DesiredRule, Goal};
use super::place_text::text;
use crate::effective_config::EffectiveConfig;
use crate::rule_name::is_ours;

/// The most remarks on rules that fall short: more would hide the state.
const MAX_HINTS: usize = 3;

/// What the rules of others do of what an action wants.
pub(crate) enum Existing {
    /// All of it, everywhere in the scope.
    Cover {
        /// The rules' names.
        names: Vec<String>,
        /// Whether it takes more than one of them to do it everywhere.
        together: bool,
        /// What a person should know of them, without a full stop.
        remark: Option<String>,
    },
    /// Not all of it: what falls short.
    Insufficient(Vec<Reason>),
}

/// By what a rule is told from others: two on different ways may share a name, and one rule may
/// work in one place and not in another.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    name: String,
    file: String,
    place: Place,
    works: bool,
    /// The file and place of its precondition.
    precondition: Option<(String, Place)>,
}

/// A rule of others, as it was judged once.
struct Judged {
    enabled: bool,
    coverage: Coverage,
    /// At how many places of the scope it is in effect.
    places: usize,
    /// Whether it keeps rules behind it from something that is wanted.
    hides: bool,
    /// The rule before it, somewhere, that does.
    behind: Option<String>,
}

/// What the rules of others do of what `wanted` wants.
pub(crate) fn existing(wanted: &DesiredRule<'_>, config: &EffectiveConfig<'_>) -> Existing {
    let Ok(levels) = config.levels(wanted.scope) else { return Existing::Insufficient(Vec::new()) };
    let mut judged: BTreeMap<Key, Judged> = BTreeMap::new();
    let mut uncovered: Vec<&Level> = Vec::new();
    for level in &levels {
        let found = config.at(level);
        let Ok(effective) = found.as_ref() else {
            uncovered.push(level);
            continue;
        };
        if !is_covered(wanted, effective, &mut judged) {
            uncovered.push(level);
        }
    }
    let full = |judged: &Judged| judged.enabled && is_full(&judged.coverage);
    if uncovered.is_empty() && !levels.is_empty() {
        let used = || judged.iter().filter(|(_, judged)| full(judged));
        let mut remarks: Vec<String> = used().filter_map(|(_, judged)| remark(judged)).collect();
        remarks.dedup();
        let remark = (!remarks.is_empty()).then(|| remarks.join("; "));
        let mut names: Vec<String> = used().map(|(key, _)| key.name.clone()).collect();
        names.dedup();
        let together = used().all(|(_, judged)| judged.places < levels.len());
        return Existing::Cover { names, together, remark };
    }
    let hints = judged.iter().filter_map(|(key, judged)| hint(&key.name, judged, &uncovered));
    Existing::Insufficient(hints.take(MAX_HINTS).collect())
}

/// The rules of one place, judged in their order.
struct Judging<'a> {
    judged: &'a mut BTreeMap<Key, Judged>,
    covered: bool,
    /// The rule that may let through what those behind it would block.
    hidden: Option<String>,
}

impl Judging<'_> {
    /// Takes the next rule; what it does is asked once, whatever the number of places is.
    fn rule(&mut self, key: Key, coverage: impl Fn() -> Coverage, hides: impl Fn() -> bool) {
        let (enabled, name) = (key.works, key.name.clone());
        let known = self.judged.entry(key).or_insert_with(|| Judged {
            enabled,
            coverage: coverage(),
            places: 0,
            hides: enabled && hides(),
            behind: None,
        });
        known.places += 1;
        match &self.hidden {
            None => self.covered |= enabled && is_full(&known.coverage),
            Some(first) => {
                known.behind.get_or_insert_with(|| first.clone());
            }
        }
        if known.hides {
            self.hidden.get_or_insert(name);
        }
    }
}

/// Whether one place is covered. Every rule there is judged, once.
fn is_covered(
    wanted: &DesiredRule<'_>,
    effective: &Effective,
    judged: &mut BTreeMap<Key, Judged>,
) -> bool {
    if !effective.module {
        return false;
    }
    let mut judging = Judging { judged, covered: false, hidden: None };
    let inbound = || {
        let others = effective.rules.iter().filter(|rule| !is_ours(&rule.name));
        others.filter_map(|rule| Some((rule, rule.item.as_ref().ok()?)))
    };
    match wanted.goal {
        Goal::Block(block) => {
            for (rule, says) in inbound() {
                let key = key(rule, says.enabled, None);
                judging.rule(key, || subsumes(says, block), || may_shadow(says, block));
            }
        }
        Goal::RequestHeader { header, change } => {
            for (rule, says) in inbound() {
                let works = says.enabled && effective.forbidden(rule).is_none();
                let subsumes = || subsumes_request_header(says, header, change);
                judging.rule(key(rule, works, None), subsumes, || false);
            }
        }
        Goal::ResponseHeader { header, change, when } => {
            let Ok(outbound) = &effective.outbound else { return false };
            for rule in outbound.rules.iter().filter(|rule| !is_ours(&rule.name)) {
                let Ok(says) = &rule.item else { continue };
                let named = |found: &&InEffect<PreCondition>| {
                    found.name.eq_ignore_ascii_case(&says.precondition)
                };
                let found = outbound.preconditions.iter().find(named);
                let precondition = found.and_then(|found| found.item.as_ref().ok());
                if precondition.is_none() && !says.precondition.is_empty() {
                    continue;
                }
                let subsumes =
                    || subsumes_response_header(says, precondition, header, change, when);
                judging.rule(key(rule, says.enabled, found), subsumes, || false);
            }
        }
    }
    judging.covered
}

fn key<T>(rule: &InEffect<T>, works: bool, precondition: Option<&InEffect<PreCondition>>) -> Key {
    Key {
        name: rule.name.clone(),
        file: rule.file.key(),
        place: rule.place.clone(),
        works,
        precondition: precondition.map(|found| (found.file.key(), found.place.clone())),
    }
}

/// Whether a rule does what is wanted, perhaps with a remark.
fn is_full(coverage: &Coverage) -> bool {
    coverage.is_full() || matches!(coverage, Coverage::ExceptLineFeeds(_))
}

fn remark(judged: &Judged) -> Option<String> {
    match &judged.coverage {
        Coverage::Superset(remark) | Coverage::ExceptLineFeeds(remark) => Some(remark.clone()),
        _ => None,
    }
}

/// Why a rule that could be thought to protect does not.
fn hint(name: &str, judged: &Judged, uncovered: &[&Level]) -> Option<Reason> {
    let rule = name.to_owned();
    let hint = match &judged.coverage {
        coverage if is_full(coverage) && !judged.enabled => IisRuleReason::OtherDisabled { rule },
        coverage if is_full(coverage) => match &judged.behind {
            Some(first) => IisRuleReason::OtherBehind { rule, first: first.clone() },
            None => {
                let at = uncovered.first().map(|level| text(level)).unwrap_or_default();
                IisRuleReason::OtherElsewhere { rule, at }
            }
        },
        Coverage::Subset(why) => IisRuleReason::OtherFallsShort { rule, why: why.clone() },
        _ => return None,
    };
    Some(hint.into())
}
