//! What is in place of ours that the catalog does not ask for.

use std::collections::{BTreeMap, BTreeSet};

use stopgap_edit::iis::{Entry, entries_named, pool};
use stopgap_model::report::{ActionReport, MitigationReport, State};
use stopgap_model::{ActionId, Digest, MitigationId};

use crate::decision::{places_of, rules_of};
use crate::planner::summary;
use crate::{Input, Part, Placed};

/// Rules of ours whose mitigation the catalog does not have. Absence withdraws nothing: they stay
/// until an administrator removes them.
pub(crate) fn orphans<'a>(input: &Input<'a>) -> Vec<&'a Placed> {
    let known = |placed: &Placed| {
        input.catalog.iter().any(|m| m.actions.iter().any(|action| action.id == placed.action))
    };
    input.in_place.actions.values().filter(|placed| !known(placed)).collect()
}

/// Why an orphan is to go, if it is. A revision that has dropped an action takes it back.
pub(crate) fn orphan_goes(input: &Input<'_>, record: &Placed) -> Option<&'static str> {
    let block = input.policy.blocked.get(&record.mitigation);
    if input.order.take_back.contains(&record.mitigation) || block.is_some_and(|b| b.take_back) {
        return Some("removed by an administrator");
    }
    let asked = input.order.only.as_ref().is_none_or(|only| only.contains(&record.mitigation));
    let dropped = input.catalog.iter().any(|m| m.id == record.mitigation);
    (dropped && asked && input.policy.enabled()).then_some("its mitigation has dropped it")
}

/// What is told of them; `stuck` are those that could not be taken back, with the error.
pub(crate) fn orphan_reports(
    input: &Input<'_>,
    orphans: &[&Placed],
    stuck: &BTreeMap<ActionId, String>,
) -> Vec<MitigationReport> {
    let ids: BTreeSet<&MitigationId> = orphans.iter().map(|placed| &placed.mitigation).collect();
    let in_catalog = |id: &MitigationId| input.catalog.iter().any(|m| m.id == *id);
    ids.into_iter()
        .filter(|id| !in_catalog(id))
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
        title: "(not in this catalog)".into(),
        state,
        blocked: input.policy.blocked.contains_key(id),
        reason: summary(state, &actions),
        source: "change records".into(),
        rules: of_it().flat_map(|placed| rules_of(placed)).collect(),
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
