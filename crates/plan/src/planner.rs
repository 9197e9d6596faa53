//! The plan as a whole: decisions, edits, a look at the result, the report.

use std::collections::{BTreeMap, BTreeSet};

use stopgap_iis::config::{Fault, Snapshot};
use stopgap_model::evidence::Evidence;
use stopgap_model::policy::Drift;
use stopgap_model::report::{ActionReport, MitigationReport, State};
use stopgap_model::{Action, ActionId, Fact, Mitigation, Offer};

use crate::assemble::{Assembled, Assembly};
use crate::decide::decide;
use crate::decision::{Decision, Wish, is_held, rules_of};
use crate::ground::Ground;
use crate::orphans::{
    dropped_actions, in_force, orphan_goes, orphan_reports, orphans, standing, tell_refusals,
};
use crate::rest::rest_on_iis;
use crate::verify::{Probes, verify};
use crate::web::WebPlan;
use crate::work::rewrite;
use crate::{FileEdit, Input, Placed, Plan, Step, found};

/// A mitigation with the decisions on its actions.
struct Decided<'a> {
    offer: &'a Offer,
    mitigation: &'a Mitigation,
    actions: Vec<Decision>,
}

impl<'a> Decided<'a> {
    fn new(input: &Input<'_>, ground: &Ground<'_>, web: &WebPlan, offer: &'a Offer) -> Self {
        let mitigation = &offer.mitigation;
        let decide = |action: &Action| match web.decisions.get(&action.id) {
            Some(decision) => decision.clone(),
            None => decide(input, ground, offer, action),
        };
        let actions = mitigation.actions.iter().map(decide).collect();
        Self { offer, mitigation, actions }
    }
}

/// Decides what is to be done on a server and says why, for everything done and left undone.
pub fn plan(input: &Input<'_>) -> Plan {
    let ground = Ground::new(input.snapshot);
    let adopted = found::adopted(input, &ground);
    let in_place = found::with(input.in_place, &adopted);
    let input = &Input { in_place: &in_place, ..*input };
    let offers = input.catalog.offers.iter();
    let web = WebPlan::new(input);
    let decided = offers.map(|offer| Decided::new(input, &ground, &web, offer));
    let mut decided: Vec<_> = decided.collect();
    judge_what_is_in_place(input, &ground, &mut decided);
    tell_adopted(&adopted, &mut decided);
    let orphans = orphans(input);
    let whole = input.failures.stuck_iis();
    let mut stuck: BTreeMap<ActionId, String> = orphans
        .iter()
        .filter_map(|placed| Some((placed.action.clone(), whole?.to_owned())))
        .collect();

    // Each round but the last takes the wish from at least one action.
    loop {
        let assembled = assemble(input, &mut decided, &orphans, &mut stuck);
        let Some((edits, mut steps)) = assembled else { continue };
        if !drop_what_would_not_work(input, &ground, &mut decided, &edits, &steps) {
            let mut report: Vec<_> =
                decided.iter().map(|d| report(input, d, &orphans, &stuck)).collect();
            report.extend(orphan_reports(input, &orphans, &stuck));
            web.tell_orphans(&mut report);
            tell_refusals(input, &mut report);
            found::tell(found::leftovers(input, &ground), &mut report);
            steps.extend(records_of(input, &adopted, &decided));
            let (standing, altered) = (web.standing, web.altered);
            let mut plan = Plan { edits, steps, web: web.changes, standing, altered, report };
            rest_on_iis(input, &mut plan);
            return plan;
        }
    }
}

/// What was found as we would write it is told as that, until a record tells of it.
fn tell_adopted(adopted: &BTreeMap<ActionId, Placed>, decided: &mut [Decided<'_>]) {
    for decided in decided {
        for (action, decision) in decided.mitigation.actions.iter().zip(&mut decided.actions) {
            if adopted.contains_key(&action.id) {
                let told = "known by its text: this state folder's records do not tell of it";
                decision.reason = format!("{}; {told}", decision.reason);
            }
        }
    }
}

/// A record for each thing that was found as we would write it and that stays, so that it is known
/// whatever the catalog says later. Nothing on the server is changed for that.
fn records_of(
    input: &Input<'_>,
    adopted: &BTreeMap<ActionId, Placed>,
    decided: &[Decided<'_>],
) -> Vec<Step> {
    let stays = |id: &ActionId, placed: &Placed| {
        let asked = input.order.only.as_ref().is_none_or(|only| only.contains(&placed.mitigation));
        let blocked = input.policy.blocked.contains_key(&placed.mitigation);
        let mut all = decided.iter().flat_map(|d| d.mitigation.actions.iter().zip(&d.actions));
        let holds = all.any(|(action, decision)| {
            let in_force = matches!(decision.state, State::Applied | State::Partial);
            action.id == *id && in_force && decision.wish == Wish::Leave
        });
        asked && !blocked && input.policy.enabled() && holds
    };
    let found = adopted.iter().filter(|(id, placed)| stays(id, placed));
    found.map(|(_, placed)| Step::Insert(Box::new(placed.clone()))).collect()
}

/// Assembles the edits. An action whose edit is refused becomes a conflict, or is `stuck` if no
/// mitigation asks for it, and nothing of it may stay in the edits: `None` asks for another round.
fn assemble(
    input: &Input<'_>,
    decided: &mut [Decided<'_>],
    orphans: &[&Placed],
    stuck: &mut BTreeMap<ActionId, String>,
) -> Option<(Vec<FileEdit>, Vec<Step>)> {
    let mut assembly = Assembly::new(input.snapshot, input.in_place);
    let all = || {
        let of = |d: &'_ Decided<'_>| d.mitigation.actions.len();
        decided.iter().flat_map(move |d| {
            (0..of(d)).map(move |at| (d.mitigation, &d.mitigation.actions[at], &d.actions[at]))
        })
    };
    for (_, action, decision) in all() {
        assembly.clear(&action.id, &decision.wish);
    }
    for record in orphans.iter().filter(|record| !stuck.contains_key(&record.action)) {
        if let Some(why) = orphan_goes(input, &record.mitigation) {
            assembly.take_out(record, &why);
        }
    }
    for (mitigation, action, decision) in all() {
        assembly.add(mitigation, &action.id, &decision.wish);
    }
    let Assembled { edits, steps, refused } = assembly.finish();
    let again = !refused.is_empty();
    for (id, error) in refused {
        let all = decided.iter_mut().flat_map(|d| d.mitigation.actions.iter().zip(&mut d.actions));
        let mut of_it = all.filter(|(action, _)| action.id == id).peekable();
        if of_it.peek().is_none() {
            stuck.insert(id, error.to_string());
            continue;
        }
        for (_, decision) in of_it {
            *decision = conflict(decision, error.to_string());
        }
    }
    (!again).then_some((edits, steps))
}

/// The action is not put in after all. What drifted stays told as that.
fn conflict(decision: &Decision, reason: String) -> Decision {
    let (state, reason) = match decision.state {
        State::Drifted => (State::Drifted, format!("{}; {reason}", decision.reason)),
        _ => (State::Conflict, reason),
    };
    Decision { state, reason, wish: Wish::Leave, ..decision.clone() }
}

/// Looks at the configuration as it would be. A mitigation that would not do there what its
/// probes say, or would break a site, is not applied at all; answers whether one was dropped.
fn drop_what_would_not_work(
    input: &Input<'_>,
    before: &Ground<'_>,
    decided: &mut [Decided<'_>],
    edits: &[FileEdit],
    steps: &[Step],
) -> bool {
    // Without edits it is judged all the same: what does not work as it stands is no work to do.
    let mut planned: Snapshot = input.snapshot.clone();
    for edit in edits {
        match planned.with_file(&edit.path, edit.after.clone().unwrap_or_default()) {
            Ok(changed) => planned = changed,
            // The edits do not fit the bounds of a snapshot: none of them can be judged.
            Err(_) => return drop_all(decided, "the configuration would become too large"),
        }
    }
    let after = Ground::new(&planned);
    let inserted: BTreeSet<&ActionId> = steps
        .iter()
        .filter_map(|step| match step {
            Step::Insert(placed) => Some(&placed.action),
            Step::Remove { .. } | Step::Rules { .. } => None,
        })
        .collect();
    if inserted.is_empty() {
        return false;
    }
    let mut dropped = false;
    for decided in decided.iter_mut() {
        let actions = decided.mitigation.actions.iter();
        let placed: Vec<ActionId> =
            actions.map(|a| a.id.clone()).filter(|id| inserted.contains(id)).collect();
        if placed.is_empty() {
            continue;
        }
        let judged = verify(decided.mitigation, &placed, input.facts, &after, Probes::All);
        // What breaks a place names it, which a probe cannot.
        let broken = breaks(before, &after, decided.mitigation, &placed);
        match (broken, judged) {
            (None, Ok(remarks)) => tell(decided, &placed, &remarks),
            (Some(why), _) => {
                dropped |= drop_wishes(decided, &format!("it would not work here: {why}"));
            }
            (None, Err(why)) => {
                dropped |= drop_wishes(decided, &format!("it would not work here: {why}"));
            }
        }
    }
    dropped
}

/// A place that what carries out `placed` breaks and that was sound before, or whose rules of ours
/// set what they may not: a sentence without a full stop.
#[must_use]
pub fn breaks(
    before: &Ground<'_>,
    after: &Ground<'_>,
    mitigation: &Mitigation,
    placed: &[ActionId],
) -> Option<String> {
    for action in mitigation.actions.iter().filter(|action| placed.contains(&action.id)) {
        let Some(Ok(rewrite)) = rewrite(mitigation, action) else { continue };
        // The list of variables that may be set reaches every site.
        let scope = rewrite.scope.filter(|_| rewrite.variables().is_empty());
        for level in after.levels(scope).unwrap_or_default() {
            let now = after.at(&level);
            match now.as_ref() {
                Err(fault @ Fault::Broken { .. }) if before.at(&level).is_ok() => {
                    return Some(fault.to_string());
                }
                Err(_) => {}
                Ok(effective) => {
                    let ours = after.rules_of(&level, effective, action.id.as_str()).into_iter();
                    let mut ours = ours.filter(|rule| rewrite.is_named(&rule.name));
                    let variable = ours.find_map(|rule| effective.forbidden(rule));
                    if let Some(variable) = variable {
                        let at = crate::observe::text(&level);
                        return Some(format!(
                            "{at} would answer 500: rules there may not set {variable}"
                        ));
                    }
                }
            }
        }
    }
    None
}

/// What a person should know of a judgement stands beside what was judged, once.
fn tell(decided: &mut Decided<'_>, placed: &[ActionId], remarks: &[String]) {
    for (action, decision) in decided.mitigation.actions.iter().zip(&mut decided.actions) {
        if placed.contains(&action.id) {
            let new = remarks.iter().filter(|remark| !decision.notes.contains(remark));
            let new: Vec<String> = new.cloned().collect();
            decision.notes.extend(new);
        }
    }
}

fn drop_all(decided: &mut [Decided<'_>], why: &str) -> bool {
    let dropped: Vec<bool> = decided.iter_mut().map(|one| drop_wishes(one, why)).collect();
    dropped.contains(&true)
}

fn drop_wishes(decided: &mut Decided<'_>, why: &str) -> bool {
    let mut dropped = false;
    for decision in &mut decided.actions {
        if matches!(decision.wish, Wish::PutIn { .. }) {
            *decision = conflict(decision, why.to_owned());
            dropped = true;
        }
    }
    dropped
}

/// A rule that stands as we wrote it but no longer does its work is told as drift, and put in anew:
/// in front of what stands before it now.
fn judge_what_is_in_place(input: &Input<'_>, ground: &Ground<'_>, decided: &mut [Decided<'_>]) {
    // Of another web server nothing is judged but what stands there, and its answers.
    if !matches!(input.facts.iis, Fact::Known(_)) {
        return;
    }
    for decided in decided {
        let actions = decided.mitigation.actions.iter().zip(&decided.actions);
        let placed: Vec<ActionId> = actions
            .filter(|(_, d)| matches!(d.state, State::Applied | State::Partial))
            .filter(|(_, d)| d.is_ours() && d.wish == Wish::Leave)
            .map(|(action, _)| action.id.clone())
            .collect();
        if placed.is_empty() {
            continue;
        }
        let judged = verify(decided.mitigation, &placed, input.facts, ground, Probes::All);
        let why = match judged {
            Ok(remarks) => {
                tell(decided, &placed, &remarks);
                continue;
            }
            Err(why) => why,
        };
        for (action, decision) in decided.mitigation.actions.iter().zip(&mut decided.actions) {
            if placed.contains(&action.id) {
                decision.state = State::Drifted;
                decision.reason = format!("the rule stands, but {why}");
                decision.wish = anew(input, decided.offer, action);
            }
        }
    }
}

/// The same put in again, unless somebody forbids it.
fn anew(input: &Input<'_>, offer: &Offer, action: &Action) -> Wish {
    let id = &offer.mitigation.id;
    let told = input.policy.drift == Drift::Report && !input.order.reapply.contains(id);
    let asked = input.order.only.as_ref().is_none_or(|only| only.contains(id));
    let held = told || !asked || !input.policy.enabled() || input.policy.blocked.contains_key(id);
    match input.in_place.actions.get(&action.id) {
        Some(record) if !held && !is_held(offer, Some(record)) => {
            let standing = |part: &crate::Part| crate::work::Standing {
                file: part.file.clone(),
                place: part.undo.place().clone(),
                entry: part.entry.clone(),
            };
            Wish::PutIn { standings: record.parts.iter().map(standing).collect() }
        }
        _ => Wish::Leave,
    }
}

fn report(
    input: &Input<'_>,
    decided: &Decided<'_>,
    orphans: &[&Placed],
    stuck: &BTreeMap<ActionId, String>,
) -> MitigationReport {
    let mitigation = decided.mitigation;
    let action_report = |(action, decision): (&Action, &Decision)| ActionReport {
        id: action.id.clone(),
        kind: action.kind.name().to_owned(),
        state: decision.state,
        reason: decision.reason.clone(),
        place: decision.place.clone(),
        notes: decision.notes.clone(),
    };
    let actions = mitigation.actions.iter().zip(&decided.actions).map(action_report);
    let actions: Vec<ActionReport> =
        actions.chain(dropped_actions(input, mitigation, orphans, stuck)).collect();
    let states: Vec<State> = actions.iter().map(|action| action.state).collect();
    let state = State::of_actions(&states);
    let reason = match &mitigation.withdrawn {
        Some(why) if actions.is_empty() => format!("withdrawn by its publisher: {why}"),
        _ => summary(state, &actions),
    };
    MitigationReport {
        id: mitigation.id.clone(),
        revision: mitigation.revision,
        hash: mitigation.hash,
        in_force: in_force(input, &mitigation.id),
        evidence: Evidence::default(),
        title: mitigation.title.clone(),
        state,
        blocked: input.policy.blocked.contains_key(&mitigation.id),
        reason,
        source: decided.offer.source.clone(),
        rules: decided
            .actions
            .iter()
            .flat_map(|decision| decision.rules.clone())
            .chain(dropped_rules(input, mitigation))
            .collect(),
        in_place: standing(input, &mitigation.id)
            .into_iter()
            .chain(decided.actions.iter().flat_map(|decision| decision.on_web.clone()))
            .collect(),
        leftovers: Vec::new(),
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
        .flat_map(rules_of)
}

/// The reason of a mitigation's state: that of the action that decided it, with the count where
/// only some are in place; each with its own where several are amiss in different ways.
#[must_use]
pub fn summary(state: State, actions: &[ActionReport]) -> String {
    if state == State::Partial {
        return partial(actions);
    }
    let mut amiss: Vec<_> = actions.iter().filter(|action| action.state < State::Partial).collect();
    if amiss.iter().any(|action| action.state != state) {
        amiss.sort_by_key(|action| action.state);
        let told = |action: &&ActionReport| {
            format!("{}: {}: {}", action.id, action.state.as_str(), action.reason)
        };
        return amiss.iter().map(told).collect::<Vec<_>>().join("; ");
    }
    let decisive = actions.iter().find(|action| action.state == state);
    decisive.map(|action| action.reason.clone()).unwrap_or_default()
}

/// What of it is in place, and what is not: what is worst first, each reason once.
fn partial(actions: &[ActionReport]) -> String {
    let here = || actions.iter().filter(|action| action.state != State::NotAffected);
    let in_place: Vec<&str> =
        here().filter(|action| action.state.in_place()).map(|action| action.id.as_str()).collect();
    let mut missing: Vec<(State, &str, Vec<&str>)> = Vec::new();
    for action in here().filter(|action| !action.state.in_place()) {
        let same = |(state, reason, _): &&mut (State, &str, Vec<&str>)| {
            *state == action.state && *reason == action.reason
        };
        match missing.iter_mut().find(same) {
            Some((_, _, ids)) => ids.push(action.id.as_str()),
            None => missing.push((action.state, &action.reason, vec![action.id.as_str()])),
        }
    }
    missing.sort_by_key(|(state, _, _)| *state);
    let told = missing.iter().map(|(state, reason, ids)| {
        let ids = ids.join(", ");
        match *state {
            State::Partial | State::Blocked | State::Pending | State::Unsupported => {
                format!("{ids}: {reason}")
            }
            amiss => format!("{ids}: {}: {reason}", amiss.as_str()),
        }
    });
    let in_part = here().filter(|action| action.state == State::Partial).count();
    let names = if in_place.is_empty() { "" } else { &format!(" ({})", in_place.join(", ")) };
    let (held, all) = (in_place.len(), here().count());
    let told = told.collect::<Vec<_>>().join("; ");
    match (held, in_part) {
        (_, 0) => format!("{held} of {all} actions in place{names}; {told}"),
        (0, _) => format!("{in_part} of {all} actions in place in part; {told}"),
        _ => format!("{held} of {all} actions in place{names}, {in_part} in part; {told}"),
    }
}
