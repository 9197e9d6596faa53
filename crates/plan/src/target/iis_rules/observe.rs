//! What is on IIS now of our rule for one action.

use std::collections::BTreeSet;

use stopgap_iis::config::{
    Collection, Effective, Entry, Fault, Gap, Level, Named, Place, dropped_by, entries_named,
};
use stopgap_iis::rewrite::Rule;
use stopgap_model::reason::{IisReason, IisRuleReason};
use stopgap_model::{Reason, ServerPath};

use super::desired::DesiredRule;
use super::place_text::{place_text, text};
use crate::effective_config::{EffectiveConfig, InEffect};
use crate::installed::{InstalledAction, InstalledEntry};
use crate::rule_name::action_of;

/// What became of the rule that we wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OurRule {
    /// As we wrote it, in effect everywhere in its scope but where that is not known.
    Intact(Vec<Reason>),
    /// As we wrote it for an earlier revision.
    Outdated,
    /// Something took it away.
    Gone(Reason),
    /// Something changed it.
    Changed(Reason),
    /// As we wrote it, and something keeps it from its effect.
    Hidden(Reason),
}

/// Whatever has the name of our rule. IIS allows a global rule with the same name, but we
/// identify our rules by name.
pub(crate) fn named(wanted: &DesiredRule<'_>, config: &EffectiveConfig<'_>) -> Vec<Named> {
    let mut found = entries_named(config.snapshot(), wanted.collection(), wanted.name());
    if wanted.scope.is_some() {
        let levels = config.levels(wanted.scope).unwrap_or_default();
        found.retain(|named| levels.iter().any(|level| is_met(named, wanted, &config.at(level))));
    }
    if wanted.collection() == Collection::Rules {
        let global = entries_named(config.snapshot(), Collection::GlobalRules, wanted.name());
        found.extend(global);
    }
    found
}

/// Whether something with our name is met at a place of the scope. Elsewhere it is in nobody's way;
/// what is dropped again on the way is found when a place is looked for.
fn is_met(named: &Named, wanted: &DesiredRule<'_>, found: &InEffect) -> bool {
    let Ok(effective) = found.as_ref() else { return false };
    let is = |name: &str, file: &ServerPath, place: &Place| {
        name.eq_ignore_ascii_case(wanted.name())
            && file.key() == named.file.key()
            && *place == named.place
    };
    match (wanted.collection(), &effective.outbound) {
        (Collection::OutboundRules, Ok(outbound)) => {
            outbound.rules.iter().any(|rule| is(&rule.name, &rule.file, &rule.place))
        }
        (Collection::OutboundRules, Err(_)) => false,
        _ => effective.rules.iter().any(|rule| is(&rule.name, &rule.file, &rule.place)),
    }
}

/// What became of what we wrote for an action, by its record.
pub(crate) fn our_rule(
    wanted: &DesiredRule<'_>,
    record: &InstalledAction,
    config: &EffectiveConfig<'_>,
) -> OurRule {
    for part in &record.entries {
        if let Some(changed) = observe_part(part, config) {
            return changed;
        }
    }
    if !carries_out(wanted, record, config) {
        return OurRule::Outdated;
    }
    // What has the name alone does not do the work: a copy that somebody edited.
    let ours = |entry: &Entry| record.entries.iter().any(|part| part.entry == *entry);
    let missing = missing(wanted, config, &ours);
    let (unknown, missing): (Vec<Missing>, Vec<Missing>) =
        missing.into_iter().partition(|missing| missing.unknown);
    match missing.first() {
        None => OurRule::Intact(unknown.into_iter().map(|missing| missing.why).collect()),
        Some(first) => OurRule::Hidden(first.why.clone()),
    }
}

/// What became of one thing that we installed; `None`: it stands as we wrote it.
fn observe_part(part: &InstalledEntry, config: &EffectiveConfig<'_>) -> Option<OurRule> {
    let place = part.undo.place();
    let collection = part.entry.collection(place);
    let found = entries_named(config.snapshot(), collection, part.entry.name());
    let mut here = found.iter().filter(|f| f.file.key() == part.file.key() && f.place == *place);
    let what = match &part.entry {
        Entry::PreCondition(_) => "the rule's precondition",
        Entry::AllowedVariable(_) => "the rule's variable on the list of those that may be set",
        _ => "the rule",
    };
    let what = what.to_owned();
    let Some(here) = here.next() else {
        let gone = match config.snapshot().file(&part.file) {
            Some(file) if file.bytes().is_none() => {
                IisRuleReason::GoneWithFile { what, file: part.file.to_string() }
            }
            _ => IisRuleReason::Gone { what, at: place_text(&part.file, place) },
        };
        return Some(OurRule::Gone(gone.into()));
    };
    let changed = match &here.entry {
        Err(why) => IisRuleReason::Unreadable { what, why: why.clone().into() },
        Ok(entry) if *entry == part.entry => return None,
        Ok(entry) => difference(what, &part.entry, entry),
    };
    Some(OurRule::Changed(changed.into()))
}

/// What was done to something of ours.
fn difference(what: String, was: &Entry, is: &Entry) -> IisRuleReason {
    let (disabled, parts) = match (was, is) {
        (Entry::Rule(was), Entry::Rule(is)) => {
            let conditions = was.conditions != is.conditions || was.grouping != is.grouping;
            let parts = vec![
                (was.action != is.action, "its action"),
                (conditions, "its conditions"),
                (was.url != is.url, "the path that it looks for"),
                (was.server_variables != is.server_variables, "the headers that it sets"),
            ];
            (was.enabled && !is.enabled, parts)
        }
        (Entry::Outbound(was), Entry::Outbound(is)) => {
            let parts = vec![
                (was.precondition != is.precondition, "the precondition that it names"),
                (was.action != is.action, "its action"),
            ];
            (was.enabled && !is.enabled, parts)
        }
        _ => (false, Vec::new()),
    };
    if disabled {
        return IisRuleReason::Disabled { what };
    }
    let changed = parts.iter().filter(|(is, _)| *is).map(|(_, part)| (*part).to_owned()).collect();
    IisRuleReason::Edited { what, changed }
}

/// Whether what is installed is what is wanted, where it is wanted.
pub(crate) fn carries_out(
    wanted: &DesiredRule<'_>,
    record: &InstalledAction,
    config: &EffectiveConfig<'_>,
) -> bool {
    says_the_same(wanted, record)
        && (record.hash == wanted.revision || is_placed_as_wanted(wanted, record, config))
}

/// Whether the rules of another revision are in the places where they would be written today: it may have
/// another scope. Where no place is known, they are left where they are.
fn is_placed_as_wanted(
    wanted: &DesiredRule<'_>,
    record: &InstalledAction,
    config: &EffectiveConfig<'_>,
) -> bool {
    let Ok(placement) = wanted.placement(config, Some(record)) else { return true };
    let targets = placement.targets.iter();
    let wanted_at: BTreeSet<_> =
        targets.map(|target| (target.file.key(), target.place.clone())).collect();
    let rules = rules_of(record);
    let installed_at: BTreeSet<_> =
        rules.map(|part| (part.file.key(), part.undo.place().clone())).collect();
    wanted_at == installed_at
}

/// The rules among what is installed for an action.
fn rules_of(record: &InstalledAction) -> impl Iterator<Item = &InstalledEntry> {
    let is_rule =
        |part: &&InstalledEntry| matches!(part.entry, Entry::Rule(_) | Entry::Outbound(_));
    record.entries.iter().filter(is_rule)
}

/// Whether what is installed says what would be written today.
fn says_the_same(wanted: &DesiredRule<'_>, record: &InstalledAction) -> bool {
    let mut rules = rules_of(record).peekable();
    rules.peek().is_some()
        && rules.all(|part| {
            let suffix = part.entry.name().strip_prefix(wanted.name());
            suffix.is_some_and(|suffix| wanted.rule_at(suffix) == part.entry)
        })
        && wanted.precondition_stands(record)
}

/// A place in the scope at which a rule is not in effect, or it is not known whether it is.
pub(crate) struct Missing {
    pub(crate) why: Reason,
    pub(crate) unknown: bool,
}

/// The places in the scope of a rule at which none that passes `ours` is in effect.
pub(crate) fn missing(
    wanted: &DesiredRule<'_>,
    config: &EffectiveConfig<'_>,
    ours: &dyn Fn(&Entry) -> bool,
) -> Vec<Missing> {
    let levels = match config.levels(wanted.scope) {
        Ok(levels) => levels,
        Err(why) => {
            let why = IisRuleReason::PlacesUnknown { why: why.into() }.into();
            return vec![Missing { why, unknown: true }];
        }
    };
    let at = |level: Level| {
        let at = text(&level);
        let (why, unknown) = match &*config.at(&level) {
            Ok(effective) => absent(wanted, config, &level, effective, ours)?,
            Err(Fault::Unknown(why)) => {
                (IisRuleReason::EffectUnknown { at, why: why.clone().into() }, true)
            }
            Err(fault @ Fault::Broken { .. }) => {
                let why = IisReason::from(fault.clone()).into();
                (IisRuleReason::Broken { at: Some(at), why }, false)
            }
        };
        Some(Missing { why: why.into(), unknown })
    };
    levels.into_iter().filter_map(at).collect()
}

/// Why a rule is not in effect at a place, and whether that is only not known; `None` if it is.
fn absent(
    wanted: &DesiredRule<'_>,
    config: &EffectiveConfig<'_>,
    level: &Level,
    effective: &Effective,
    ours: &dyn Fn(&Entry) -> bool,
) -> Option<(IisRuleReason, bool)> {
    let at = text(level);
    if !effective.module {
        return Some((IisRuleReason::ModuleOff { at }, false));
    }
    // Only what has the name of our rule can be it.
    let action = action_of(wanted.name()).unwrap_or_default();
    let there = match wanted.collection() {
        Collection::OutboundRules => match &effective.outbound {
            Ok(_) => config
                .outbound_of(level, effective, action)
                .into_iter()
                .filter_map(|rule| rule.item.as_ref().ok())
                .any(|says| ours(&Entry::Outbound(says.clone()))),
            Err(why) => {
                let why = why.clone().into();
                return Some((IisRuleReason::OutboundUnknown { at, why }, true));
            }
        },
        _ => {
            let is_ours = |says: &Rule| ours(&Entry::Rule(says.clone()));
            let mut named = config.rules_of(level, effective, action).into_iter();
            let found = named.find(|rule| rule.item.as_ref().is_ok_and(is_ours));
            if let Some(variable) = found.and_then(|rule| effective.forbidden(rule)) {
                let variable = variable.to_string();
                return Some((IisRuleReason::VariableForbidden { variable, at }, false));
            }
            found.is_some()
        }
    };
    if there {
        return None;
    }
    let dropped = dropped_by(config.snapshot(), level, wanted.collection(), wanted.name());
    let why = match dropped {
        Some((file, true)) => IisRuleReason::DroppedByName { at, file: file.to_string() },
        Some((file, false)) => IisRuleReason::DroppedByClear { at, file: file.to_string() },
        None => IisRuleReason::WithoutEffect { at },
    };
    Some((why, false))
}

/// The places of a rule's scope at which IIS runs no rule, whoever wrote it.
pub(crate) fn without_rules(wanted: &DesiredRule<'_>, config: &EffectiveConfig<'_>) -> Vec<Gap> {
    let dead = |level: Level| {
        let why = match &*config.at(&level) {
            Ok(effective) if effective.module => return None,
            Ok(_) => IisReason::ModuleOffThere,
            Err(fault @ Fault::Broken { .. }) => fault.clone().into(),
            Err(Fault::Unknown(_)) => return None,
        };
        Some(Gap { at: text(&level), why })
    };
    config.levels(wanted.scope).unwrap_or_default().into_iter().filter_map(dead).collect()
}
