//! The reasons of a mitigation from those of its actions.

use stopgap_model::reason::TogetherReason;
use stopgap_model::report::{ActionReport, State};
use stopgap_model::{Reason, Reasons};

/// The reasons of a mitigation's state: those of the action that decided it, with the count where
/// only some are in place; each with its own where several are amiss in different ways.
#[must_use]
pub fn summary(state: State, actions: &[ActionReport]) -> Reasons {
    if state == State::Partial {
        return partial(actions);
    }
    let mut amiss: Vec<_> = actions.iter().filter(|action| action.state < State::Partial).collect();
    if amiss.iter().any(|action| action.state != state) {
        amiss.sort_by_key(|action| action.state);
        let reason = |action: &ActionReport| {
            let (ids, why) = (vec![action.id.to_string()], action.reason.clone());
            of_actions(ids, Some(action.state), why)
        };
        if let Some(all) = Reasons::collect(amiss.into_iter().map(reason)) {
            return all;
        }
    }
    let decisive = actions.iter().find(|action| action.state == state);
    decisive.map_or_else(|| TogetherReason::NoActions.into(), |action| action.reason.clone())
}

fn of_actions(actions: Vec<String>, state: Option<State>, why: Reasons) -> Reason {
    TogetherReason::OfActions { actions, state, why }.into()
}

/// Actions that are amiss in the same way.
struct Amiss<'a> {
    state: State,
    why: &'a Reasons,
    ids: Vec<String>,
}

/// What of it is in place, and what is not: what is worst first, each reason once.
fn partial(actions: &[ActionReport]) -> Reasons {
    let here = || actions.iter().filter(|action| action.state != State::NotAffected);
    let in_place = here().filter(|action| action.state.in_place());
    let counted = TogetherReason::InPart {
        all: here().count(),
        in_place: in_place.map(|action| action.id.to_string()).collect(),
        in_part: here().filter(|action| action.state == State::Partial).count(),
    };
    let mut missing: Vec<Amiss<'_>> = Vec::new();
    for action in here().filter(|action| !action.state.in_place()) {
        let (state, why, id) = (action.state, &action.reason, action.id.to_string());
        match missing.iter_mut().find(|it| it.state == state && it.why == why) {
            Some(same) => same.ids.push(id),
            None => missing.push(Amiss { state, why, ids: vec![id] }),
        }
    }
    missing.sort_by_key(|it| it.state);
    let reason = |Amiss { state, why, ids }: Amiss<'_>| {
        let is_plain =
            matches!(state, State::Partial | State::Blocked | State::Pending | State::Unsupported);
        of_actions(ids, (!is_plain).then_some(state), why.clone())
    };
    missing.into_iter().map(reason).fold(counted.into(), Reasons::and)
}
