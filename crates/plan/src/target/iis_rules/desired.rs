//! What an action asks of IIS: the rule, and what must stand beside it.

use stopgap_iis::config::{
    APPLICATION_HOST, Collection, Entry, Place, Placement, PlacementRequest, PlacementTarget,
    Refusal, entries_named, find_placement,
};
use stopgap_iis::rewrite::{
    PreCondition, translate, translate_request_header, translate_response_header,
};
use stopgap_model::mitigation::HeaderChange;
use stopgap_model::reason::RuleReason;
use stopgap_model::rule::{BlockRule, Condition};
use stopgap_model::{Action, ActionId, ActionKind, Digest, Mitigation, Scope, ServerPath};

use crate::effective_config::EffectiveConfig;
use crate::installed::{InstalledAction, InstalledEntry, InstalledState};
use crate::rule_name::rule_name;

/// A rule of URL Rewrite, and what it takes.
pub(crate) struct DesiredRule<'a> {
    /// The digest of the document that asks for it.
    pub(crate) revision: Digest,
    pub(crate) scope: Option<&'a Scope>,
    pub(crate) goal: Goal<'a>,
    /// The rule that does the work.
    pub(crate) rule: Entry,
    /// The precondition that it names.
    precondition: Option<PreCondition>,
}

/// What a rule is for.
#[derive(Clone, Copy)]
pub(crate) enum Goal<'a> {
    Block(&'a BlockRule),
    RequestHeader { header: &'a str, change: &'a HeaderChange },
    ResponseHeader { header: &'a str, change: &'a HeaderChange, when: &'a Condition },
}

/// Something that is to stand in a place of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DesiredEntry {
    pub(crate) file: ServerPath,
    pub(crate) place: Place,
    pub(crate) entry: Entry,
}

impl DesiredEntry {
    /// Whether a part that was put in is this.
    pub(crate) fn is(&self, part: &InstalledEntry) -> bool {
        self.file.key() == part.file.key()
            && self.place == *part.undo.place()
            && self.entry == part.entry
    }
}

/// The rule that an action asks for, where IIS can say it; else why not. `None`: the action asks
/// for no rule.
pub(crate) fn desired_rule<'a>(
    mitigation: &'a Mitigation,
    action: &'a Action,
) -> Option<Result<DesiredRule<'a>, RuleReason>> {
    let name = rule_name(&action.id);
    let made = match &action.kind {
        ActionKind::BlockRequest { scope, rule } => {
            translate(&name, rule).map(|made| DesiredRule {
                revision: mitigation.hash,
                scope: scope.as_ref(),
                goal: Goal::Block(rule),
                rule: Entry::Rule(made),
                precondition: None,
            })
        }
        ActionKind::RequestHeader { scope, header, change } => {
            translate_request_header(&name, header, change).map(|made| DesiredRule {
                revision: mitigation.hash,
                scope: scope.as_ref(),
                goal: Goal::RequestHeader { header, change },
                rule: Entry::Rule(made),
                precondition: None,
            })
        }
        ActionKind::ResponseHeader { scope, header, change, when } => {
            let shared = precondition_name(mitigation, scope.as_ref(), when, &action.id);
            let made = translate_response_header(&name, &shared, header, change, when);
            made.map(|(made, precondition)| DesiredRule {
                revision: mitigation.hash,
                scope: scope.as_ref(),
                goal: Goal::ResponseHeader { header, change, when },
                rule: Entry::Outbound(made),
                precondition,
            })
        }
        ActionKind::DisableService { .. }
        | ActionKind::DisableAppPool { .. }
        | ActionKind::DoNothing => return None,
    };
    Some(made)
}

/// Actions of one scope that ask for the same responses share a precondition, which is named after
/// the first of them.
fn precondition_name(
    mitigation: &Mitigation,
    scope: Option<&Scope>,
    when: &Condition,
    action: &ActionId,
) -> String {
    let same = |other: &&Action| match &other.kind {
        ActionKind::ResponseHeader { scope: theirs, when: asked, .. } => {
            theirs.as_ref() == scope && asked == when
        }
        _ => false,
    };
    let first = mitigation.actions.iter().find(same).map_or(action, |first| &first.id);
    format!("{} precondition", rule_name(first))
}

impl DesiredRule<'_> {
    pub(crate) fn name(&self) -> &str {
        self.rule.name()
    }

    /// Whether a rule of this name is this one, in whichever of its places.
    pub(crate) fn is_named(&self, name: &str) -> bool {
        let rest = name.strip_prefix(self.name());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    }

    /// The collection of a site that the rule belongs to.
    pub(crate) fn collection(&self) -> Collection {
        match self.rule {
            Entry::Outbound(_) => Collection::OutboundRules,
            _ => Collection::Rules,
        }
    }

    /// The names of the variables that must be allowed for the rule to set them.
    pub(crate) fn variables(&self) -> Vec<&str> {
        match &self.rule {
            Entry::Rule(rule) => {
                rule.server_variables.iter().map(|set| set.name.as_str()).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The rule as it stands in one of its places.
    pub(crate) fn rule_at(&self, suffix: &str) -> Entry {
        match &self.rule {
            Entry::Rule(rule) => {
                let mut rule = rule.clone();
                rule.name.push_str(suffix);
                Entry::Rule(rule)
            }
            Entry::Outbound(rule) => {
                let mut rule = rule.clone();
                rule.name.push_str(suffix);
                if !rule.precondition.is_empty() {
                    rule.precondition.push_str(suffix);
                }
                Entry::Outbound(rule)
            }
            other => other.clone(),
        }
    }

    /// Whether the preconditions that were put in are those that the rule names today.
    pub(crate) fn precondition_stands(&self, record: &InstalledAction) -> bool {
        let mut there = record.entries.iter().filter_map(|part| match &part.entry {
            Entry::PreCondition(precondition) => Some(precondition),
            _ => None,
        });
        match &self.precondition {
            None => there.next().is_none(),
            Some(wanted) => there.all(|found| {
                found.name.starts_with(&wanted.name)
                    && PreCondition { name: wanted.name.clone(), ..found.clone() } == *wanted
            }),
        }
    }

    /// Where the rule goes, beside what is there of `record`.
    pub(crate) fn placement(
        &self,
        config: &EffectiveConfig<'_>,
        record: Option<&InstalledAction>,
    ) -> Result<Placement, Refusal> {
        self.placed_beside(config, &|file, place, name| {
            let parts = record.into_iter().flat_map(|record| &record.entries);
            parts.into_iter().any(|part| {
                part.file.key() == file.key()
                    && part.undo.place() == place
                    && part.entry.name().eq_ignore_ascii_case(name)
            })
        })
    }

    /// What of it stands word for word where it would be put today: the rule with what it needs.
    pub(crate) fn standing_already(&self, config: &EffectiveConfig<'_>) -> Vec<DesiredEntry> {
        let stands = |standing: &DesiredEntry| {
            let collection = standing.entry.collection(&standing.place);
            let found = entries_named(config.snapshot(), collection, standing.entry.name());
            found.iter().any(|found| {
                found.file.key() == standing.file.key()
                    && found.place == standing.place
                    && found.entry.as_ref() == Ok(&standing.entry)
            })
        };
        let at = |file: &ServerPath, place: &Place, entry: Entry| DesiredEntry {
            file: file.clone(),
            place: place.clone(),
            entry,
        };
        let own = |file: &ServerPath, place: &Place, name: &str| {
            let suffix = name.get(self.name().len()..).unwrap_or_default();
            stands(&at(file, place, self.rule_at(suffix)))
        };
        let Ok(placement) = self.placed_beside(config, &own) else { return Vec::new() };
        let (mut rules, mut preconditions) = (Vec::new(), Vec::new());
        for PlacementTarget { file, place, suffix, .. } in &placement.targets {
            let rule = at(file, place, self.rule_at(suffix));
            let precondition = self.precondition_at(suffix).map(|entry| at(file, place, entry));
            if stands(&rule) && precondition.as_ref().is_none_or(stands) {
                rules.push(rule);
                preconditions.extend(precondition);
            }
        }
        if rules.is_empty() {
            return rules;
        }
        let host = ServerPath::new(APPLICATION_HOST);
        let root = Place::Location { path: String::new() };
        let variables = self.variables().into_iter();
        let variables =
            variables.map(|name| at(&host, &root, Entry::AllowedVariable(name.to_owned())));
        let variables: Vec<DesiredEntry> = variables.filter(stands).collect();
        rules.into_iter().chain(preconditions).chain(variables).collect()
    }

    /// The precondition as it stands in one of the rule's places.
    fn precondition_at(&self, suffix: &str) -> Option<Entry> {
        let mut precondition = self.precondition.clone()?;
        precondition.name.push_str(suffix);
        Some(Entry::PreCondition(precondition))
    }

    fn placed_beside(
        &self,
        config: &EffectiveConfig<'_>,
        own: &dyn Fn(&ServerPath, &Place, &str) -> bool,
    ) -> Result<Placement, Refusal> {
        let (scope, name) = (self.scope, self.name());
        let placing = PlacementRequest { scope, collection: self.collection(), name, own };
        find_placement(config.snapshot(), &placing)
    }

    /// All that is to stand on the server for the rule to hold in these places.
    pub(crate) fn entries(
        &self,
        config: &EffectiveConfig<'_>,
        placement: &Placement,
        installed: &InstalledState,
    ) -> Result<Vec<DesiredEntry>, Refusal> {
        let mut all = Vec::new();
        for target in &placement.targets {
            let (file, place) = (target.file.clone(), target.place.clone());
            all.push(DesiredEntry { file, place, entry: self.rule_at(&target.suffix) });
        }
        for target in &placement.targets {
            if let Some(entry) = self.precondition_at(&target.suffix) {
                let (file, place) = (target.file.clone(), target.place.clone());
                all.push(DesiredEntry { file, place, entry });
            }
        }
        for variable in self.variables() {
            if needs_allowance(config, placement, variable, installed)? {
                let place = Place::Location { path: String::new() };
                let entry = Entry::AllowedVariable(variable.to_owned());
                all.push(DesiredEntry { file: ServerPath::new(APPLICATION_HOST), place, entry });
            }
        }
        Ok(all)
    }
}

/// Whether a variable must be put on the server's list of those that may be set. The list of the
/// whole server is the one place: there it is once, whichever rules need it.
fn needs_allowance(
    config: &EffectiveConfig<'_>,
    placement: &Placement,
    variable: &str,
    installed: &InstalledState,
) -> Result<bool, Refusal> {
    let distributed = |target: &&PlacementTarget| target.place != Place::Server;
    if !placement.targets.iter().any(|target| distributed(&target)) {
        return Ok(false);
    }
    let recorded =
        |part: &InstalledEntry| matches!(&part.entry, Entry::AllowedVariable(v) if v == variable);
    if installed.actions.values().flat_map(|placed| &placed.entries).any(recorded) {
        return Ok(true);
    }
    let allowed = |target: &PlacementTarget| {
        let (site, path) = target.path.split_once('/').unwrap_or((&target.path, ""));
        let effective = config.at(&config.level_of(site, path));
        let names = effective.as_ref().as_ref().ok().and_then(|found| found.allowed.as_ref().ok());
        names.is_some_and(|names| names.iter().any(|name| name.eq_ignore_ascii_case(variable)))
    };
    if placement.targets.iter().filter(distributed).all(allowed) {
        return Ok(false);
    }
    let there = entries_named(config.snapshot(), Collection::AllowedVariables, variable);
    match there.into_iter().next() {
        Some(found) => Err(Refusal::NameTaken {
            name: variable.to_owned(),
            file: found.file,
            place: found.place,
        }),
        None => Ok(true),
    }
}
