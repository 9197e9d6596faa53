//! What is in place of ours that the catalog does not ask for.

use std::collections::{BTreeMap, BTreeSet};

use stopgap_iis::config::{Entry, File, entries_named, pool};
use stopgap_model::evidence::Evidence;
use stopgap_model::report::{ActionReport, MitigationReport, State};
use stopgap_model::{ActionId, Digest, Mitigation, MitigationId, Refused};

use crate::decision::{places_of, rules_of};
use crate::planner::summary;
use crate::{Input, Part, Placed};

/// Rules of ours whose mitigation the catalog does not have. Absence withdraws nothing: they stay
/// until an administrator removes them.
pub(crate) fn orphans<'a>(input: &Input<'a>) -> Vec<&'a Placed> {
    let known = |placed: &Placed| {
        input.catalog.get(&placed.mitigation).is_some_and(|offer| {
            offer.mitigation.actions.iter().any(|action| action.id == placed.action)
        })
    };
    input.in_place.actions.values().filter(|placed| !known(placed)).collect()
}

/// Why an orphan is to go, if it is. A revision that has dropped an action takes it back.
pub(crate) fn orphan_goes(input: &Input<'_>, mitigation: &MitigationId) -> Option<String> {
    let block = input.policy.blocked.get(mitigation);
    if input.order.take_back.contains(mitigation) || block.is_some_and(|b| b.take_back) {
        return Some("removed by an administrator".into());
    }
    let asked = input.order.only.as_ref().is_none_or(|only| only.contains(mitigation));
    // Who blocks a mitigation wants nothing done about it; what is in place stays.
    if !asked || !input.policy.enabled() || block.is_some() {
        return None;
    }
    let offer = input.catalog.get(mitigation).filter(|offer| offer.hold.is_none())?;
    Some(match &offer.mitigation.withdrawn {
        Some(why) => format!("withdrawn by its publisher: {why}"),
        None => "its mitigation has dropped it".into(),
    })
}

/// What is told of them; `stuck` are those that could not be taken back, with the error.
pub(crate) fn orphan_reports(
    input: &Input<'_>,
    orphans: &[&Placed],
    stuck: &BTreeMap<ActionId, String>,
) -> Vec<MitigationReport> {
    let ids: BTreeSet<&MitigationId> = orphans.iter().map(|placed| &placed.mitigation).collect();
    ids.into_iter()
        .filter(|id| input.catalog.get(id).is_none())
        .map(|id| orphan_report(input, id, orphans, stuck))
        .collect()
}

fn orphan_report(
    input: &Input<'_>,
    id: &MitigationId,
    orphans: &[&Placed],
    stuck: &BTreeMap<ActionId, String>,
) -> MitigationReport {
    let of_it = || orphans.iter().filter(|placed| placed.mitigation == *id);
    let actions: Vec<ActionReport> =
        of_it().map(|placed| orphan_action(input, placed, stuck)).collect();
    let states: Vec<State> = actions.iter().map(|action| action.state).collect();
    let state = State::of_actions(&states);
    MitigationReport {
        id: id.clone(),
        revision: of_it().map(|placed| placed.revision).max().unwrap_or(0),
        hash: of_it().map(|placed| placed.hash).next().unwrap_or(Digest::of(b"")),
        in_force: in_force(input, id),
        evidence: Evidence::default(),
        title: "(not in this catalog)".into(),
        state,
        blocked: input.policy.blocked.contains_key(id),
        reason: summary(state, &actions),
        source: "change records".into(),
        rules: of_it().flat_map(|placed| rules_of(placed)).collect(),
        in_place: standing(input, id),
        leftovers: Vec::new(),
        actions,
    }
}

fn orphan_action(
    input: &Input<'_>,
    placed: &Placed,
    stuck: &BTreeMap<ActionId, String>,
) -> ActionReport {
    let is_here = placed.parts.iter().all(|part| stands(input, part));
    let (state, reason) = if let Some(error) = stuck.get(&placed.action) {
        (State::Failed, format!("not in this catalog, and it could not be taken back: {error}"))
    } else if is_here {
        let id = &placed.mitigation;
        let reason = format!(
            "in place, but not in this catalog; it stays until it is removed: stopgap remove {id}"
        );
        (State::Applied, reason)
    } else {
        (State::Drifted, "not in this catalog, and something of it is gone".to_owned())
    };
    ActionReport {
        id: placed.action.clone(),
        kind: kind_of(placed).into(),
        state,
        reason,
        place: places_of(placed),
        notes: Vec::new(),
    }
}

/// The revision of the mitigation `id` that is in place by our doing.
pub(crate) fn in_force(input: &Input<'_>, id: &MitigationId) -> Option<u32> {
    let of_it = input.in_place.actions.values().filter(|placed| placed.mitigation == *id);
    let on_web = input.in_place.web.values().flat_map(|own| &own.rules);
    let on_web = on_web.filter(|placed| placed.mitigation == *id);
    of_it.map(|placed| placed.revision).chain(on_web.map(|placed| placed.revision)).max()
}

/// The actions that an earlier revision of `mitigation` put there and this one has dropped.
pub(crate) fn dropped_actions<'a>(
    input: &'a Input<'_>,
    mitigation: &'a Mitigation,
    orphans: &'a [&Placed],
    stuck: &'a BTreeMap<ActionId, String>,
) -> impl Iterator<Item = ActionReport> + 'a {
    orphans.iter().filter(|placed| placed.mitigation == mitigation.id).map(|placed| {
        let (state, reason) =
            match (stuck.get(&placed.action), orphan_goes(input, &placed.mitigation)) {
                (Some(error), _) => (State::Failed, format!("it could not be taken back: {error}")),
                (None, Some(why)) => (State::Applied, format!("to be taken back: {why}")),
                (None, None) => {
                    (State::Applied, "in place; its mitigation has dropped it".to_owned())
                }
            };
        ActionReport { state, reason, ..orphan_action(input, placed, stuck) }
    })
}

/// What was offered and is not taken is told: of a mitigation that is not known otherwise as one
/// that this version does not carry out.
pub(crate) fn tell_refusals(input: &Input<'_>, report: &mut Vec<MitigationReport>) {
    for refused in &input.catalog.refused {
        let Refused { id, revision, hash, title, source, reason } = refused;
        let offer =
            if *revision == 0 { String::new() } else { format!(" as its revision {revision}") };
        match report.iter_mut().find(|report| report.id == *id) {
            Some(known) => {
                let told = format!("what {source} offers{offer} is refused: {reason}");
                known.reason = match known.reason.as_str() {
                    "" => told,
                    why => format!("{why}; {told}"),
                };
            }
            None => report.push(MitigationReport {
                id: id.clone(),
                revision: *revision,
                hash: *hash,
                in_force: in_force(input, id),
                evidence: Evidence::default(),
                title: title.clone(),
                state: State::Unsupported,
                blocked: input.policy.blocked.contains_key(id),
                reason: reason.clone(),
                source: source.clone(),
                rules: Vec::new(),
                in_place: standing(input, id),
                leftovers: Vec::new(),
                actions: Vec::new(),
            }),
        }
    }
}

/// What of ours stands in the files of IIS for the mitigation `id`, by name, each once.
pub(crate) fn standing(input: &Input<'_>, id: &MitigationId) -> Vec<String> {
    let of_it = input.in_place.actions.values().filter(|placed| placed.mitigation == *id);
    let mut names: Vec<String> = Vec::new();
    for part in of_it.flat_map(|placed| &placed.parts) {
        let name = match &part.entry {
            Entry::DisabledPool(name) => format!("pool {name}"),
            Entry::AllowedVariable(name) => format!("variable {name}"),
            entry => entry.name().to_owned(),
        };
        // Of a file that cannot be read the records are all that is known.
        let (name, there) = match input.snapshot.file(&part.file).and_then(File::problem) {
            Some(_) => (format!("{name} (by the records)"), true),
            None => (name, stands(input, part)),
        };
        if there && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// Whether something that we put in is there.
fn stands(input: &Input<'_>, part: &Part) -> bool {
    if let Entry::DisabledPool(name) = &part.entry {
        return pool(input.snapshot, name).ok().flatten().is_some_and(|pool| pool.is_disabled());
    }
    let collection = part.entry.collection(part.undo.place());
    let found = entries_named(input.snapshot, collection, part.entry.name());
    found.iter().any(|found| found.file.key() == part.file.key())
}

/// The kind of an action, from what was put in for it.
fn kind_of(placed: &Placed) -> &'static str {
    match placed.parts.first().map(|part| &part.entry) {
        Some(Entry::Outbound(_)) => "response-header",
        Some(Entry::DisabledPool(_)) => "disable-app-pool",
        Some(Entry::Rule(rule)) if !rule.server_variables.is_empty() => "request-header",
        _ => "block-request",
    }
}
