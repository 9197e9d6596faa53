//! Rules of ours on web servers that the catalog does not ask for.

use std::collections::BTreeSet;

use stopgap_model::MitigationId;
use stopgap_model::evidence::Evidence;
use stopgap_model::report::{ActionReport, MitigationReport, State};

use super::beside;
use super::decide::{Here, Wish, told_left};
use super::server::{OnServer, Seen};
use super::{TakenOut, WebPlaced, is_rule};
use crate::orphans::{in_force, orphan_goes};
use crate::planner::summary;
use crate::{Input, rule_name};

/// Whether a mitigation of the catalog asks for the action that a rule carries out.
fn is_known(input: &Input<'_>, placed: &WebPlaced) -> bool {
    input.catalog.get(&placed.mitigation).is_some_and(|offer| {
        let mut actions = offer.mitigation.actions.iter();
        actions.any(|action| action.id == placed.action && is_rule(&action.kind))
    })
}

/// What becomes of them on one server: absence withdraws nothing.
pub(super) fn orphan_wishes(input: &Input<'_>, server: &OnServer<'_>) -> Vec<Wish> {
    let orphans = server.records().iter().filter(|placed| !is_known(input, placed));
    let out = |placed: &WebPlaced, why: String| {
        let (mitigation, action) = (placed.mitigation.clone(), placed.action.clone());
        Wish::Out(TakenOut { mitigation, action, why })
    };
    let wish = |placed: &WebPlaced| {
        if server.gone {
            return out(placed, "its web server is gone, with its configuration".into());
        }
        match orphan_goes(input, &placed.mitigation) {
            Some(why) if server.hindrance().is_none() => out(placed, why),
            Some(_) | None => Wish::Keep(placed.clone()),
        }
    };
    orphans.map(wish).chain(left_wishes(input, server)).collect()
}

/// What was taken out, is in no catalog any more, and of which a line of ours stayed.
fn left<'t>(
    input: &'t Input<'_>,
    server: &OnServer<'t>,
) -> impl Iterator<Item = &'t WebPlaced> + use<'t> {
    let is_alone = server.records().is_empty();
    let left = server.left().iter().filter(move |_| is_alone);
    left.filter(move |placed| !is_known(input, placed))
}

/// It goes now, if its file can be changed.
fn left_wishes(input: &Input<'_>, server: &OnServer<'_>) -> Vec<Wish> {
    let (_, others) = server.lines_left();
    if !others || server.hindrance().is_some() || input.policy.switched_off().is_some() {
        return Vec::new();
    }
    let out = |placed: &WebPlaced| {
        Wish::Out(TakenOut::of_what_is_left(placed.mitigation.clone(), placed.action.clone()))
    };
    let is_asked = |placed: &&WebPlaced| {
        input.order.only.as_ref().is_none_or(|only| only.contains(&placed.mitigation))
    };
    left(input, server).filter(is_asked).map(out).collect()
}

/// What is told of them: of a mitigation that the catalog has, the actions that it has dropped.
pub(super) fn orphan_reports(
    input: &Input<'_>,
    servers: &[OnServer<'_>],
    here: &[Here],
) -> Vec<MitigationReport> {
    let all = || {
        servers.iter().zip(here).flat_map(|(server, here)| {
            let orphans = server.records().iter().filter(|placed| !is_known(input, placed));
            let is_stuck = !server.lines_left().0.is_empty();
            let left = left(input, server).filter(move |_| is_stuck);
            orphans.chain(left).map(move |placed| (server, here, placed))
        })
    };
    let ids: BTreeSet<&MitigationId> = all().map(|(_, _, placed)| &placed.mitigation).collect();
    let report = |id: &MitigationId| {
        let of_it: Vec<_> = all().filter(|(_, _, placed)| placed.mitigation == *id).collect();
        orphan_report(input, id, &of_it)
    };
    ids.into_iter().filter_map(report).collect()
}

fn orphan_report(
    input: &Input<'_>,
    id: &MitigationId,
    of_it: &[(&OnServer<'_>, &Here, &WebPlaced)],
) -> Option<MitigationReport> {
    let (_, _, first) = of_it.first()?;
    let actions: Vec<ActionReport> = of_it
        .iter()
        .map(|(server, here, placed)| orphan_action(input, server, here, placed))
        .collect();
    let states: Vec<State> = actions.iter().map(|action| action.state).collect();
    let state = State::of_actions(&states);
    Some(MitigationReport {
        id: id.clone(),
        revision: of_it.iter().map(|(_, _, placed)| placed.revision).max().unwrap_or(0),
        hash: first.hash,
        in_force: in_force(input, id),
        evidence: Evidence::default(),
        title: "(not in this catalog)".into(),
        state,
        blocked: input.policy.blocked.contains_key(id),
        reason: summary(state, &actions),
        source: "change records".into(),
        rules: of_it.iter().map(|(_, _, placed)| rule_name(&placed.action)).collect(),
        in_place: standing(of_it),
        leftovers: Vec::new(),
        actions,
    })
}

/// The names of those that are there, each once.
fn standing(of_it: &[(&OnServer<'_>, &Here, &WebPlaced)]) -> Vec<String> {
    let there = of_it.iter().filter(|(server, _, _)| server.seen != Seen::Nothing);
    let names: BTreeSet<String> = there.map(|(_, _, placed)| rule_name(&placed.action)).collect();
    names.into_iter().collect()
}

fn orphan_action(
    input: &Input<'_>,
    server: &OnServer<'_>,
    here: &Here,
    placed: &WebPlaced,
) -> ActionReport {
    let id = &placed.mitigation;
    let (stuck, _) = server.lines_left();
    if !stuck.is_empty() {
        return ActionReport {
            id: placed.action.clone(),
            kind: placed.rule.kind().into(),
            state: State::Failed,
            reason: told_left(stuck),
            place: String::new(),
            notes: Vec::new(),
        };
    }
    let goes = orphan_goes(input, id);
    let known = input.catalog.get(id).is_some();
    let stuck = here.stuck.as_deref().map(|why| (State::Conflict, why)).or(server.hindrance());
    let (state, reason) = match (server.failure(&placed.action), goes, &server.seen) {
        (_, Some(_), _) if stuck.is_some() => {
            let (state, why) = stuck.unwrap_or((State::Unknown, ""));
            (state, format!("it could not be taken back: {why}"))
        }
        (Some(error), Some(_), _) => {
            (State::Failed, format!("it could not be taken back: {error}"))
        }
        (_, Some(why), _) => (State::Applied, format!("to be taken back: {why}")),
        (_, None, _) if server.stuck.is_some() && !server.gone => {
            (State::Failed, server.stuck.unwrap_or_default().to_owned())
        }
        (_, None, Seen::Unknown(why)) => (State::Unknown, format!("{why}; what is in place stays")),
        (_, None, Seen::Changed(how)) => (State::Drifted, format!("not in this catalog; {how}")),
        (_, None, _) if known => {
            beside(input, State::Applied, "in place; its mitigation has dropped it".to_owned())
        }
        (_, None, _) => beside(
            input,
            State::Applied,
            format!(
                "in place, but not in this catalog; it stays until it is removed: stopgap remove {id}"
            ),
        ),
    };
    ActionReport {
        id: placed.action.clone(),
        kind: placed.rule.kind().into(),
        state,
        reason,
        place: server.place_of(placed),
        notes: Vec::new(),
    }
}
