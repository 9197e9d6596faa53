//! What is on the server now for one action that blocks requests.

use stopgap_edit::iis::{
    EffectiveRule, Fault, NamedRule, Place, Snapshot, effective_rules, rules_named,
};
use stopgap_model::rule::BlockRule;
use stopgap_model::{Fact, HostFacts, Scope, ServerPath};
use stopgap_rules::iis::{Rule, read};
use stopgap_rules::simplify;

use crate::Placed;

/// What is on the server for one action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Observation {
    /// Nothing that does what the action wants.
    Absent,
    /// Our rule, as we wrote it, in effect everywhere in its scope.
    Intact,
    /// Our rule of an earlier revision, as we wrote it.
    Outdated,
    /// Our rule was there, and something took it away; what, as a sentence.
    Gone(String),
    /// Our rule is there, and something changed it; how, as a sentence.
    Changed(String),
    /// Our rule is there as we wrote it, and something keeps it from its effect; what.
    Hidden(String),
    /// A rule that is not ours does the same; its name.
    Equivalent(String),
    /// Our name is taken by something else; where.
    NameTaken(String),
    /// It could not be read; why.
    Unknown(String),
}

/// What is asked of the server for one action.
pub(crate) struct Wanted<'a> {
    pub(crate) scope: Option<&'a Scope>,
    pub(crate) block: &'a BlockRule,
    pub(crate) rule: &'a Rule,
    pub(crate) record: Option<&'a Placed>,
}

/// Where a rule stands, for a person.
pub(crate) fn place_text(file: &ServerPath, place: &Place) -> String {
    format!("{}, {place}", file.file_name())
}

pub(crate) fn observe(wanted: &Wanted<'_>, facts: &HostFacts, snapshot: &Snapshot) -> Observation {
    let named = rules_named(snapshot, &wanted.rule.name);
    let ours = wanted.record.and_then(|record| {
        named.iter().find(|r| r.file.key() == record.file.key() && r.place == record.undo.place)
    });
    if let Some(record) = wanted.record {
        let Some(ours) = ours else {
            let at = place_text(&record.file, &record.undo.place);
            return Observation::Gone(format!("the rule is gone from {at}"));
        };
        return observe_ours(wanted, record, ours, facts, snapshot);
    }
    if let Some(other) = named.first() {
        let name = &wanted.rule.name;
        let missing = || missing_from(wanted, facts, snapshot, |rule| rule.name == *name);
        let same = other.rule.as_ref().is_ok_and(|rule| rule == wanted.rule)
            && missing().is_ok_and(|missing| missing.is_none());
        let at = place_text(&other.file, &other.place);
        return if same {
            Observation::Equivalent(wanted.rule.name.clone())
        } else {
            Observation::NameTaken(at)
        };
    }
    equivalent(wanted, facts, snapshot)
}

fn observe_ours(
    wanted: &Wanted<'_>,
    record: &Placed,
    ours: &NamedRule,
    facts: &HostFacts,
    snapshot: &Snapshot,
) -> Observation {
    let rule = match &ours.rule {
        Ok(rule) => rule,
        Err(why) => return Observation::Changed(format!("the rule cannot be read: {why}")),
    };
    if !rule.enabled {
        return Observation::Changed("the rule was disabled".into());
    }
    if rule != wanted.rule {
        let as_we_wrote_it = *rule == record.rule;
        return if as_we_wrote_it {
            Observation::Outdated
        } else {
            Observation::Changed("the rule was edited".into())
        };
    }
    match missing_from(wanted, facts, snapshot, |effective| {
        effective.name == wanted.rule.name && effective.file.key() == record.file.key()
    }) {
        Ok(None) => Observation::Intact,
        Ok(Some(at)) => Observation::Hidden(format!("the rule has no effect on {at}")),
        Err(fault @ Fault::Broken { .. }) => Observation::Hidden(fault.to_string()),
        Err(Fault::Unknown(why)) => Observation::Unknown(why),
    }
}

/// A foreign rule that does what is wanted everywhere in the scope.
fn equivalent(wanted: &Wanted<'_>, facts: &HostFacts, snapshot: &Snapshot) -> Observation {
    let goal = simplify(wanted.block);
    let does_the_same = |effective: &EffectiveRule| match &effective.rule {
        Ok(rule) => rule.enabled && read(rule).is_ok_and(|block| block == goal),
        Err(_) => false,
    };
    let mut name = None;
    let missing = missing_from(wanted, facts, snapshot, |effective| {
        let same = does_the_same(effective);
        if same && name.is_none() {
            name = Some(effective.name.clone());
        }
        same
    });
    match (missing, name) {
        (Ok(None), Some(name)) => Observation::Equivalent(name),
        // A fault is met again, and told, when a place for the rule is looked for.
        _ => Observation::Absent,
    }
}

/// The first application in the scope in which no effective rule passes `found`.
fn missing_from(
    wanted: &Wanted<'_>,
    facts: &HostFacts,
    snapshot: &Snapshot,
    mut found: impl FnMut(&EffectiveRule) -> bool,
) -> Result<Option<String>, Fault> {
    for (site, path) in places_in_scope(wanted.scope, facts) {
        let effective = effective_rules(snapshot, &site, &path)?;
        if !effective.module || !effective.rules.iter().any(&mut found) {
            return Ok(Some(format!("{site}{path}")));
        }
    }
    Ok(None)
}

/// Every application in a scope, as site and path.
pub(crate) fn places_in_scope(scope: Option<&Scope>, facts: &HostFacts) -> Vec<(String, String)> {
    let Fact::Known(iis) = &facts.iis else { return Vec::new() };
    let mut places = Vec::new();
    for site in &iis.sites {
        let root = match scope {
            Some(scope) if !scope.site.eq_ignore_ascii_case(&site.name) => continue,
            Some(scope) => scope.path.as_str(),
            None => "",
        };
        places.push((site.name.clone(), if root.is_empty() { "/".into() } else { root.into() }));
        for application in &site.applications {
            if is_below(&application.path, root) {
                places.push((site.name.clone(), application.path.clone()));
            }
        }
    }
    places
}

/// Whether `path` lies below the folder `root` (`""` for the site's root), itself not included.
pub(crate) fn is_below(path: &str, root: &str) -> bool {
    let head = path.get(..root.len()).is_some_and(|head| head.eq_ignore_ascii_case(root));
    head && path[root.len()..].starts_with('/') && path.len() > root.len() + 1
}

#[cfg(test)]
mod tests {
    use super::is_below;

    #[test]
    fn an_application_is_below_its_folder_and_not_below_a_name_that_begins_alike() {
        assert!(is_below("/owa/Calendar", "/OWA"));
        assert!(is_below("/owa", ""));
        assert!(!is_below("/", ""));
        assert!(!is_below("/owa", "/owa"));
        assert!(!is_below("/owa2", "/owa"));
        assert!(!is_below("/é", "/é/x"));
    }
}
