//! What is reported after a cycle, beside the states that the last look found.

use std::collections::BTreeMap;

use stopgap_model::reason::ChangeReason;
use stopgap_model::report::{ActionReport, MitigationReport, State};
use stopgap_model::{ActionId, Reason};
use stopgap_plan::{Step, summary};

/// Adds what was withdrawn in this cycle and no mitigation asks for: the last look does not find it any more.
/// `planned` are the reports of the plans by which it was withdrawn.
pub(crate) fn keep_withdrawn(
    mitigations: &mut Vec<MitigationReport>,
    planned: Vec<MitigationReport>,
) {
    let ids = mitigations.iter().enumerate().map(|(at, report)| (report.id.clone(), at));
    let places: BTreeMap<_, _> = ids.collect();
    for mut before in planned {
        for action in &mut before.actions {
            action.state = State::NotAffected;
        }
        match places.get(&before.id).and_then(|&at| mitigations.get_mut(at)) {
            Some(known) => {
                let is_reported =
                    |action: &ActionReport| known.actions.iter().any(|it| it.id == action.id);
                before.actions.retain(|action| !is_reported(action));
                known.actions.append(&mut before.actions);
            }
            None => mitigations.push(before),
        }
    }
}

/// Reports as `withdrawn` what was removed in this cycle and is not there now.
pub(crate) fn report_withdrawals(mitigations: &mut [MitigationReport], steps: &[Step]) {
    let removed = removed(steps);
    if removed.is_empty() {
        return;
    }
    for report in mitigations {
        let mut is_news = false;
        for action in &mut report.actions {
            let rests =
                matches!(action.state, State::NotAffected | State::Blocked | State::Pending);
            if let (Some(why), true) = (removed.get(&action.id), rests) {
                action.state = State::Withdrawn;
                action.reason = ChangeReason::WithdrawnNow { why: (*why).clone() }.into();
                is_news = true;
            }
        }
        if is_news {
            summarize(report);
        }
    }
}

/// Returns the actions that steps remove, with the first reason for each.
fn removed(steps: &[Step]) -> BTreeMap<&ActionId, &String> {
    let mut removed = BTreeMap::new();
    for step in steps {
        match step {
            Step::Remove { action, why, .. } => {
                removed.entry(action).or_insert(why);
            }
            Step::Rules { removals, .. } => {
                for out in removals {
                    removed.entry(&out.action).or_insert(&out.why);
                }
            }
            Step::Services(step) => {
                if let Some(why) = &step.removed {
                    removed.entry(&step.action).or_insert(why);
                }
            }
            Step::Insert(_) => {}
        }
    }
    removed
}

/// Adds what a person should know of actions beside their reasons.
pub(crate) fn add_notes(mitigations: &mut [MitigationReport], notes: Vec<(ActionId, Reason)>) {
    let mut by_action: BTreeMap<ActionId, Vec<Reason>> = BTreeMap::new();
    for (action, note) in notes {
        by_action.entry(action).or_default().push(note);
    }
    for action in mitigations.iter_mut().flat_map(|report| &mut report.actions) {
        action.notes.extend(by_action.get(&action.id).into_iter().flatten().cloned());
    }
}

/// Returns the states of all that is affected, for the audit trail.
pub(crate) fn states(mitigations: &[MitigationReport]) -> String {
    let affected = mitigations.iter().filter(|report| report.state != State::NotAffected);
    let states = affected.map(|report| format!("{} {}", report.id, report.state.as_str()));
    states.collect::<Vec<_>>().join(", ")
}

/// Derives the state of a mitigation and its reason anew from its actions.
pub(crate) fn summarize(report: &mut MitigationReport) {
    let states: Vec<State> = report.actions.iter().map(|action| action.state).collect();
    report.state = State::of_actions(&states);
    report.reason = summary(report.state, &report.actions);
}
