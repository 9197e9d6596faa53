//! The plan as a whole: decisions, edits, a look at the result, the report.

use std::collections::BTreeSet;

use stopgap_edit::iis::{Snapshot, rules_named};
use stopgap_model::report::{ActionReport, MitigationReport, State};
use stopgap_model::{ActionId, Digest, Mitigation, MitigationId};

use crate::assemble::{Assembled, Assembly};
use crate::decide::{Decision, Wish, decide};
use crate::observe::place_text;
use crate::verify::verify;
use crate::{FileEdit, Input, Placed, Plan, Step};

/// A mitigation with the decisions on its actions.
struct Decided<'a> {
    mitigation: &'a Mitigation,
    actions: Vec<Decision>,
}

/// Decides what is to be done on a server and says why, for everything done and left undone.
pub fn plan(input: &Input<'_>) -> Plan {
    let decide_all = |mitigation| Decided {
        mitigation,
        actions: mitigation
            .actions
            .iter()
            .map(|action| decide(input, mitigation, action))
            .collect(),
    };
    let mut decided: Vec<Decided<'_>> = input.catalog.iter().map(decide_all).collect();
    judge_what_is_in_place(input, &mut decided);
    let orphans = orphans(input);

    // Each round but the last takes the wish from at least one action.
    loop {
        let Some((edits, steps)) = assemble(input, &mut decided, &orphans) else { continue };
        if !drop_what_would_not_work(input, &mut decided, &edits, &steps) {
            let mut report: Vec<_> = decided.iter().map(|d| report(input, d)).collect();
            report.extend(orphan_reports(input, &orphans));
            return Plan { edits, steps, report };
        }
    }
}

/// Assembles the edits. An action whose edit is refused becomes a conflict, and nothing of it may
/// stay in the edits: `None` asks for another round.
fn assemble(
    input: &Input<'_>,
    decided: &mut [Decided<'_>],
    orphans: &[&Placed],
) -> Option<(Vec<FileEdit>, Vec<Step>)> {
    let mut assembly = Assembly::new(input.snapshot, input.in_place);
    for decided in decided.iter() {
        let mitigation = decided.mitigation;
        for (action, decision) in mitigation.actions.iter().zip(&decided.actions) {
            assembly.add(mitigation, &action.id, &decision.wish);
        }
    }
    for record in orphans {
        if let Some(why) = orphan_goes(input, record) {
            assembly.take_out(record, why);
        }
    }
    let Assembled { edits, steps, refused } = assembly.finish();
    let mut again = false;
    for (id, error) in refused {
        let all = decided.iter_mut().flat_map(|d| d.mitigation.actions.iter().zip(&mut d.actions));
        for (_, decision) in all.filter(|(action, _)| action.id == id) {
            *decision = conflict(decision, error.to_string());
            again = true;
        }
    }
    (!again).then_some((edits, steps))
}

fn conflict(decision: &Decision, reason: String) -> Decision {
    Decision { state: State::Conflict, reason, wish: Wish::Leave, ..decision.clone() }
}

/// Looks at the configuration as it would be. A mitigation that would not do there what its
/// probes say is not applied at all; answers whether one was dropped.
fn drop_what_would_not_work(
    input: &Input<'_>,
    decided: &mut [Decided<'_>],
    edits: &[FileEdit],
    steps: &[Step],
) -> bool {
    if edits.is_empty() {
        return false;
    }
    let mut planned: Snapshot = input.snapshot.clone();
    for edit in edits {
        match planned.with_file(&edit.path, edit.after.clone()) {
            Ok(changed) => planned = changed,
            // The edits do not fit the bounds of a snapshot: none of them can be judged.
            Err(_) => return drop_all(decided),
        }
    }
    let inserted: BTreeSet<&ActionId> = steps
        .iter()
        .filter_map(|step| match step {
            Step::Insert(placed) => Some(&placed.action),
            Step::Remove { .. } => None,
        })
        .collect();
    let mut dropped = false;
    for decided in decided {
        let actions = decided.mitigation.actions.iter();
        let placed: Vec<ActionId> =
            actions.map(|a| a.id.clone()).filter(|id| inserted.contains(id)).collect();
        if placed.is_empty() {
            continue;
        }
        if let Err(why) = verify(decided.mitigation, &placed, input.facts, &planned) {
            for decision in &mut decided.actions {
                if matches!(decision.wish, Wish::PutIn { .. }) {
                    *decision = conflict(decision, format!("it would not work here: {why}"));
                    dropped = true;
                }
            }
        }
    }
    dropped
}

fn drop_all(decided: &mut [Decided<'_>]) -> bool {
    let mut dropped = false;
    for decision in decided.iter_mut().flat_map(|decided| &mut decided.actions) {
        if matches!(decision.wish, Wish::PutIn { .. }) {
            *decision = conflict(decision, "the configuration would become too large".into());
            dropped = true;
        }
    }
    dropped
}

/// A rule that stands as we wrote it but no longer does its work is told as drift.
fn judge_what_is_in_place(input: &Input<'_>, decided: &mut [Decided<'_>]) {
    for decided in decided {
        let actions = decided.mitigation.actions.iter().zip(&decided.actions);
        let placed: Vec<ActionId> = actions
            .filter(|(_, d)| d.state == State::Applied && d.rule.is_some() && d.wish == Wish::Leave)
            .map(|(action, _)| action.id.clone())
            .collect();
        if placed.is_empty() {
            continue;
        }
        if let Err(why) = verify(decided.mitigation, &placed, input.facts, input.snapshot) {
            for (action, decision) in decided.mitigation.actions.iter().zip(&mut decided.actions) {
                if placed.contains(&action.id) {
                    decision.state = State::Drifted;
                    decision.reason = format!("the rule stands, but {why}");
                }
            }
        }
    }
}

fn report(input: &Input<'_>, decided: &Decided<'_>) -> MitigationReport {
    let mitigation = decided.mitigation;
    let states: Vec<State> = decided.actions.iter().map(|decision| decision.state).collect();
    let state = State::of_actions(&states);
    let action_report = |(action, decision): (&stopgap_model::Action, &Decision)| ActionReport {
        id: action.id.clone(),
        kind: action.kind.name().to_owned(),
        state: decision.state,
        reason: decision.reason.clone(),
        place: decision.place.clone(),
    };
    let actions: Vec<ActionReport> =
        mitigation.actions.iter().zip(&decided.actions).map(action_report).collect();
    MitigationReport {
        id: mitigation.id.clone(),
        revision: mitigation.revision,
        hash: mitigation.hash,
        title: mitigation.title.clone(),
        state,
        blocked: input.policy.blocked.contains_key(&mitigation.id),
        reason: summary(state, &actions),
        source: input.source.to_owned(),
        rules: decided
            .actions
            .iter()
            .filter_map(|decision| decision.rule.clone())
            .chain(dropped_rules(input, mitigation))
            .collect(),
        actions,
    }
}

/// The rules of ours that an earlier revision put there and this one has dropped.
fn dropped_rules<'a>(
    input: &Input<'a>,
    mitigation: &'a Mitigation,
) -> impl Iterator<Item = String> + use<'a> {
    let of_it = input.in_place.actions.values().filter(|placed| placed.mitigation == mitigation.id);
    of_it
        .filter(|placed| mitigation.actions.iter().all(|action| action.id != placed.action))
        .map(|placed| crate::rule_name(&placed.action))
}

/// The reason of a mitigation's state: that of the action that decided it, with the count where
/// only some are in place.
#[must_use]
pub fn summary(state: State, actions: &[ActionReport]) -> String {
    if state == State::Partial {
        let here = |action: &&ActionReport| action.state != State::NotAffected;
        let count = actions.iter().filter(here).count();
        let in_place = actions.iter().filter(|action| action.state.in_place()).count();
        let missing = actions.iter().filter(here).filter(|action| !action.state.in_place());
        let reasons: Vec<String> =
            missing.map(|action| format!("{}: {}", action.id, action.reason)).collect();
        return format!("{in_place} of {count} actions in place; {}", reasons.join("; "));
    }
    let decisive = actions.iter().find(|action| action.state == state);
    decisive.map(|action| action.reason.clone()).unwrap_or_default()
}

/// Rules of ours whose mitigation the catalog does not have. Absence withdraws nothing: they stay
/// until an administrator removes them.
fn orphans<'a>(input: &Input<'a>) -> Vec<&'a Placed> {
    let known = |placed: &Placed| {
        input.catalog.iter().any(|m| m.actions.iter().any(|action| action.id == placed.action))
    };
    input.in_place.actions.values().filter(|placed| !known(placed)).collect()
}

/// Why an orphan is to go, if it is. A revision that has dropped an action takes it back.
fn orphan_goes(input: &Input<'_>, record: &Placed) -> Option<&'static str> {
    let block = input.policy.blocked.get(&record.mitigation);
    if input.order.take_back.contains(&record.mitigation) || block.is_some_and(|b| b.take_back) {
        return Some("removed by an administrator");
    }
    let asked = input.order.only.as_ref().is_none_or(|only| only.contains(&record.mitigation));
    let dropped = input.catalog.iter().any(|m| m.id == record.mitigation);
    (dropped && asked && input.policy.enabled()).then_some("its mitigation has dropped it")
}

fn orphan_reports(input: &Input<'_>, orphans: &[&Placed]) -> Vec<MitigationReport> {
    let ids: BTreeSet<&MitigationId> = orphans.iter().map(|placed| &placed.mitigation).collect();
    let in_catalog = |id: &MitigationId| input.catalog.iter().any(|m| m.id == *id);
    ids.into_iter()
        .filter(|id| !in_catalog(id))
        .map(|id| orphan_report(input, id, orphans))
        .collect()
}

fn orphan_report(input: &Input<'_>, id: &MitigationId, orphans: &[&Placed]) -> MitigationReport {
    let of_it = || orphans.iter().filter(|placed| placed.mitigation == *id);
    let actions: Vec<ActionReport> = of_it().map(|placed| orphan_action(input, placed)).collect();
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
        rules: of_it().map(|placed| crate::rule_name(&placed.action)).collect(),
        actions,
    }
}

fn orphan_action(input: &Input<'_>, placed: &Placed) -> ActionReport {
    let name = crate::rule_name(&placed.action);
    let here = rules_named(input.snapshot, &name);
    let is_here = here.iter().any(|rule| rule.file.key() == placed.file.key());
    let (state, reason) = if is_here {
        let id = &placed.mitigation;
        let reason = format!(
            "in place, but not in this catalog; it stays until it is removed: stopgap remove {id}"
        );
        (State::Applied, reason)
    } else {
        (State::Drifted, "not in this catalog, and its rule is gone".to_owned())
    };
    ActionReport {
        id: placed.action.clone(),
        kind: "block-request".into(),
        state,
        reason,
        place: place_text(&placed.file, &placed.undo.place),
    }
}
