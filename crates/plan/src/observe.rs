//! What is on the server now for one action that asks for a rule.

use stopgap_iis::config::{
    Collection, Effective, Entry, Fault, Gap, Level, Named, Place, dropped_by, entries_named,
};
use stopgap_iis::rewrite::Rule;
use stopgap_model::ServerPath;
use stopgap_model::reason::IisReason;

use crate::foreign::{Others, others};
use crate::ground::{Ground, InEffect};
use crate::work::Rewrite;
use crate::{Part, Placed, action_of};

/// What is on the server for one action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Observation {
    /// Nothing that does what the action wants; what is there that falls short of it.
    Absent(Vec<String>),
    /// What we put in, as we wrote it, in effect everywhere in its scope but where that is not
    /// known.
    Intact(Vec<String>),
    /// What we put in for an earlier revision, as we wrote it.
    Outdated,
    /// What we put in was there, and something took it away; what, as a sentence.
    Gone(String),
    /// What we put in is there, and something changed it; how, as a sentence.
    Changed(String),
    /// What we put in is there as we wrote it, and something keeps it from its effect; what.
    Hidden(String),
    /// Rules that are not ours do the same.
    Equivalent(Equivalent),
    /// Our name is taken by something else; where.
    NameTaken(String),
}

/// Rules that are not ours and do what an action wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Equivalent {
    pub(crate) names: Vec<String>,
    /// Whether it takes more than one of them to do it everywhere.
    pub(crate) together: bool,
    /// What to know about them.
    pub(crate) remark: Option<String>,
}

/// Where something stands, for a person.
pub(crate) fn place_text(file: &ServerPath, place: &Place) -> String {
    format!("{}, {place}", file.file_name())
}

pub(crate) fn observe(
    rewrite: &Rewrite<'_>,
    record: Option<&Placed>,
    ground: &Ground<'_>,
) -> Observation {
    if let Some(record) = record {
        return observe_ours(rewrite, record, ground);
    }
    if let Some(other) = named(rewrite, ground).into_iter().next() {
        let name = rewrite.name();
        let same = other.entry.as_ref().is_ok_and(|entry| *entry == rewrite.rule);
        if same && missing(rewrite, ground, &|entry| *entry == rewrite.rule).is_empty() {
            let names = vec![name.to_owned()];
            return Observation::Equivalent(Equivalent { names, together: false, remark: None });
        }
        return Observation::NameTaken(place_text(&other.file, &other.place));
    }
    match others(rewrite, ground) {
        Others::Cover { names, together, remark } => {
            Observation::Equivalent(Equivalent { names, together, remark })
        }
        Others::FallShort(hints) => Observation::Absent(hints),
    }
}

/// Whatever has the name of our rule. IIS minds no global rule of the same name, but by their names
/// ours are known.
pub(crate) fn named(rewrite: &Rewrite<'_>, ground: &Ground<'_>) -> Vec<Named> {
    let mut found = entries_named(ground.snapshot(), rewrite.collection(), rewrite.name());
    if rewrite.scope.is_some() {
        let levels = ground.levels(rewrite.scope).unwrap_or_default();
        found.retain(|named| levels.iter().any(|level| is_met(named, rewrite, &ground.at(level))));
    }
    if rewrite.collection() == Collection::Rules {
        let global = entries_named(ground.snapshot(), Collection::GlobalRules, rewrite.name());
        found.extend(global);
    }
    found
}

/// Whether something with our name is met at a place of the scope. Elsewhere it is in nobody's way;
/// what is dropped again on the way is found when a place is looked for.
fn is_met(named: &Named, rewrite: &Rewrite<'_>, found: &InEffect) -> bool {
    let Ok(effective) = found.as_ref() else { return false };
    let is = |name: &str, file: &ServerPath, place: &Place| {
        name.eq_ignore_ascii_case(rewrite.name())
            && file.key() == named.file.key()
            && *place == named.place
    };
    match (rewrite.collection(), &effective.outbound) {
        (Collection::OutboundRules, Ok(outbound)) => {
            outbound.rules.iter().any(|rule| is(&rule.name, &rule.file, &rule.place))
        }
        (Collection::OutboundRules, Err(_)) => false,
        _ => effective.rules.iter().any(|rule| is(&rule.name, &rule.file, &rule.place)),
    }
}

fn observe_ours(rewrite: &Rewrite<'_>, record: &Placed, ground: &Ground<'_>) -> Observation {
    for part in &record.parts {
        if let Some(observation) = observe_part(part, ground) {
            return observation;
        }
    }
    if !says_the_same(rewrite, record) {
        return Observation::Outdated;
    }
    // What has the name alone does not do the work: a copy that somebody edited.
    let ours = |entry: &Entry| record.parts.iter().any(|part| part.entry == *entry);
    let missing = missing(rewrite, ground, &ours);
    let (unknown, missing): (Vec<Missing>, Vec<Missing>) =
        missing.into_iter().partition(|missing| missing.unknown);
    match missing.first() {
        None => Observation::Intact(unknown.into_iter().map(|missing| missing.why).collect()),
        Some(first) => Observation::Hidden(first.why.clone()),
    }
}

/// What became of one thing that we put in; `None`: it stands as we wrote it.
fn observe_part(part: &Part, ground: &Ground<'_>) -> Option<Observation> {
    let place = part.undo.place();
    let collection = part.entry.collection(place);
    let found = entries_named(ground.snapshot(), collection, part.entry.name());
    let mut here = found.iter().filter(|f| f.file.key() == part.file.key() && f.place == *place);
    let what = match &part.entry {
        Entry::PreCondition(_) => "the rule's precondition",
        Entry::AllowedVariable(_) => "the rule's variable on the list of those that may be set",
        _ => "the rule",
    };
    let Some(here) = here.next() else {
        let at = place_text(&part.file, place);
        let why = match ground.snapshot().file(&part.file) {
            Some(file) if file.bytes().is_none() => format!("{what} is gone with {}", part.file),
            _ => format!("{what} is gone from {at}"),
        };
        return Some(Observation::Gone(why));
    };
    match &here.entry {
        Err(why) => Some(Observation::Changed(format!("{what} cannot be read: {why}"))),
        Ok(entry) if *entry == part.entry => None,
        Ok(entry) => {
            let how = difference(&part.entry, entry);
            Some(Observation::Changed(format!("{what} {how}")))
        }
    }
}

/// What was done to something, in plain words.
fn difference(was: &Entry, is: &Entry) -> String {
    match (was, is) {
        (Entry::Rule(was), Entry::Rule(is)) => rule_difference(was, is),
        (Entry::Outbound(was), Entry::Outbound(is)) => {
            if was.enabled && !is.enabled {
                "was disabled".to_owned()
            } else if was.precondition != is.precondition {
                "was edited: it names another precondition".to_owned()
            } else if was.action != is.action {
                "was edited: its action is another".to_owned()
            } else {
                "was edited: it looks for something else".to_owned()
            }
        }
        _ => "was edited".to_owned(),
    }
}

fn rule_difference(was: &Rule, is: &Rule) -> String {
    if was.enabled && !is.enabled {
        return "was disabled".to_owned();
    }
    let parts = [
        (was.action != is.action, "its action"),
        (was.conditions != is.conditions || was.grouping != is.grouping, "its conditions"),
        (was.url != is.url, "the path that it looks for"),
        (was.server_variables != is.server_variables, "the headers that it sets"),
    ];
    let changed: Vec<&str> = parts.iter().filter(|(is, _)| *is).map(|(_, what)| *what).collect();
    match changed.as_slice() {
        [] => "was edited".to_owned(),
        _ => format!("was edited: changed are {}", changed.join(" and ")),
    }
}

/// Whether what is in place says what would be written today.
fn says_the_same(rewrite: &Rewrite<'_>, record: &Placed) -> bool {
    let rules = record
        .parts
        .iter()
        .filter(|part| matches!(part.entry, Entry::Rule(_) | Entry::Outbound(_)));
    let mut rules = rules.peekable();
    rules.peek().is_some()
        && rules.all(|part| {
            let suffix = part.entry.name().strip_prefix(rewrite.name());
            suffix.is_some_and(|suffix| rewrite.rule_at(suffix) == part.entry)
        })
        && rewrite.precondition_stands(record)
}

/// A place in the scope at which a rule is not in effect, or it is not known whether it is.
pub(crate) struct Missing {
    pub(crate) why: String,
    pub(crate) unknown: bool,
}

/// The places in the scope of a rule at which none that has its action's name and passes `ours` is in
/// effect.
pub(crate) fn missing(
    rewrite: &Rewrite<'_>,
    ground: &Ground<'_>,
    ours: &dyn Fn(&Entry) -> bool,
) -> Vec<Missing> {
    let levels = match ground.levels(rewrite.scope) {
        Ok(levels) => levels,
        Err(why) => {
            return vec![Missing { why, unknown: true }];
        }
    };
    let at = |level: Level| {
        let (why, unknown) = match &*ground.at(&level) {
            Ok(effective) => absent(rewrite, ground, &level, effective, ours)?,
            Err(Fault::Unknown(why)) => {
                (format!("whether it holds for {} is not known: {why}", text(&level)), true)
            }
            Err(fault @ Fault::Broken { .. }) => (format!("{}: {fault}", text(&level)), false),
        };
        Some(Missing { why, unknown })
    };
    levels.into_iter().filter_map(at).collect()
}

/// Why a rule is not in effect at a place, and whether that is only not known; `None` if it is.
fn absent(
    rewrite: &Rewrite<'_>,
    ground: &Ground<'_>,
    level: &Level,
    effective: &Effective,
    ours: &dyn Fn(&Entry) -> bool,
) -> Option<(String, bool)> {
    let at = text(level);
    let no = |why: String| Some((why, false));
    if !effective.module {
        return no(format!("the URL Rewrite module does not run for {at}"));
    }
    // Only what has the name of our rule can be it.
    let action = action_of(rewrite.name()).unwrap_or_default();
    let there = match rewrite.collection() {
        Collection::OutboundRules => match &effective.outbound {
            Ok(_) => ground
                .outbound_of(level, effective, action)
                .into_iter()
                .filter_map(|rule| rule.item.as_ref().ok())
                .any(|says| ours(&Entry::Outbound(says.clone()))),
            Err(why) => {
                return Some((format!("the outbound rules of {at} are not known: {why}"), true));
            }
        },
        _ => {
            let is_ours = |says: &Rule| ours(&Entry::Rule(says.clone()));
            let mut named = ground.rules_of(level, effective, action).into_iter();
            let found = named.find(|rule| rule.item.as_ref().is_ok_and(is_ours));
            if let Some(variable) = found.and_then(|rule| effective.forbidden(rule)) {
                return no(format!("the rule may not set {variable} for {at}"));
            }
            found.is_some()
        }
    };
    if there {
        return None;
    }
    let dropped = dropped_by(ground.snapshot(), level, rewrite.collection(), rewrite.name());
    no(match dropped {
        Some((file, true)) => {
            format!("the rule has no effect on {at}: {file} drops it by its name")
        }
        Some((file, false)) => {
            format!("the rule has no effect on {at}: {file} drops what it inherits, by <clear/>")
        }
        None => format!("the rule has no effect on {at}"),
    })
}

/// The places of a rule's scope at which IIS runs no rule, whoever wrote it.
pub(crate) fn without_rules(rewrite: &Rewrite<'_>, ground: &Ground<'_>) -> Vec<Gap> {
    let dead = |level: Level| {
        let why = match &*ground.at(&level) {
            Ok(effective) if effective.module => return None,
            Ok(_) => IisReason::ModuleOffThere,
            Err(fault @ Fault::Broken { .. }) => fault.clone().into(),
            Err(Fault::Unknown(_)) => return None,
        };
        Some(Gap { at: text(&level), why })
    };
    ground.levels(rewrite.scope).unwrap_or_default().into_iter().filter_map(dead).collect()
}

/// A place for a person, such as `Default Web Site/owa`.
pub(crate) fn text(level: &Level) -> String {
    format!("{}{}", level.site, level.path)
}
