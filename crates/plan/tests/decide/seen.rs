//! What a plan says and does, in words that a table can hold.

use stopgap_model::reason::{ChangeReason, PolicyReason, TogetherReason};
use stopgap_model::report::{ActionReport, MitigationReport};
use stopgap_model::{Reason, Reasons};
use stopgap_plan::{Plan, Step};

pub(crate) fn report<'p>(plan: &'p Plan, id: &str) -> &'p MitigationReport {
    let found = plan.report.iter().find(|report| report.id.as_str() == id);
    found.unwrap_or_else(|| panic!("nothing is reported of {id}: {:#?}", plan.report))
}

pub(crate) fn action<'p>(plan: &'p Plan, id: &str) -> &'p ActionReport {
    let mut all = plan.report.iter().flat_map(|report| &report.actions);
    let found = all.find(|action| action.id.as_str() == id);
    found.unwrap_or_else(|| panic!("nothing is reported of {id}: {:#?}", plan.report))
}

/// The codes of reasons in their order; what one follows from stands behind it in brackets.
pub(crate) fn codes(reasons: &Reasons) -> String {
    reasons.iter().map(code).collect::<Vec<_>>().join(" ")
}

fn code(reason: &Reason) -> String {
    let from: Vec<&Reasons> = match reason {
        Reason::Change(
            ChangeReason::ToBeWithdrawn { why }
            | ChangeReason::LeftAlone { why }
            | ChangeReason::StaysBecause { why }
            | ChangeReason::WouldNotWork { why }
            | ChangeReason::StandsWithoutEffect { why },
        )
        | Reason::Policy(
            PolicyReason::NotNeededAndSwitchedOff { why, .. }
            | PolicyReason::KeptWhileFrozen { why, .. },
        )
        | Reason::Together(
            TogetherReason::OnServers { why, .. } | TogetherReason::OfActions { why, .. },
        ) => vec![why],
        Reason::Change(ChangeReason::NotWithdrawn { error, why }) => vec![error, why],
        _ => Vec::new(),
    };
    let from: Vec<String> = from.into_iter().map(codes).collect();
    match from.is_empty() {
        true => reason.code().to_owned(),
        false => format!("{}({})", reason.code(), from.join(", ")),
    }
}

/// What a plan does about an action, wherever it is: `in`, `out` or `nothing`.
pub(crate) fn done(plan: &Plan, action: &str) -> &'static str {
    let web = plan.web.iter().map(|change| &change.step);
    let steps = plan.steps.iter().chain(web).chain(&plan.services);
    let mut done: Vec<&'static str> = Vec::new();
    for step in steps {
        match step {
            Step::Insert(placed) if placed.action.as_str() == action => done.push("in"),
            Step::Remove { action: gone, .. } if gone.as_str() == action => done.push("out"),
            Step::Rules { installs, removals, .. } => {
                done.extend(installs.iter().filter(|it| it.as_str() == action).map(|_| "in"));
                done.extend(
                    removals.iter().filter(|it| it.action.as_str() == action).map(|_| "out"),
                );
            }
            Step::Services(step) if step.action.as_str() == action => {
                done.push(if step.removed.is_some() { "out" } else { "in" });
            }
            Step::Insert(_) | Step::Remove { .. } | Step::Services(_) => {}
        }
    }
    // IIS takes out what it puts in anew; the last word counts.
    done.last().copied().unwrap_or("nothing")
}

/// Whether a plan changes nothing, neither files nor records.
pub(crate) fn is_quiet(plan: &Plan) -> bool {
    let files = plan.edits.is_empty() && plan.steps.is_empty() && plan.web.is_empty();
    files && plan.services.is_empty()
}
