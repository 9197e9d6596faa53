//! One status of an action from those on several servers.

use stopgap_model::reason::{ServerReason, TogetherReason};
use stopgap_model::report::State;
use stopgap_model::{ActionId, MitigationId, Reason, Reasons};

use crate::decision::Status;
use crate::server_report::ServerReport;

/// The status of an action from those on each server that it concerns; `None`: it concerns none.
///
/// A server that does not run and that nothing starts serves nobody: where nothing of the action is installed
/// on it, it is named in the notes, and does not count beside others.
pub(crate) fn merged(
    servers: &[ServerReport],
    mitigation: &MitigationId,
    action: &ActionId,
) -> Option<Status> {
    let each =
        servers.iter().filter_map(|server| Some((server, server.action(mitigation, action)?)));
    let (mut counting, mut idle) = (Vec::new(), Vec::new());
    for (server, it) in each {
        match server.dormant.as_ref().filter(|_| !it.is_installed) {
            Some(how) => idle.push((server.name.as_str(), &it.status, how)),
            None => counting.push((server.name.as_str(), &it.status)),
        }
    }
    let Some(mut status) = of_each(&counting) else {
        let all: Vec<_> = idle.iter().map(|(name, status, _)| (*name, *status)).collect();
        return of_each(&all).map(|status| where_none_serves(status, &idle));
    };
    let not_covered = idle.iter().filter(|(_, status, _)| !status.state.in_place());
    status.note(not_covered.map(dormant));
    Some(status)
}

/// Where no server serves, none can break what nobody asks for: it is as where none is installed.
fn where_none_serves(status: Status, idle: &[(&str, &Status, &Reasons)]) -> Status {
    if !matches!(status.state, State::Unknown | State::Conflict) {
        return status;
    }
    match Reasons::collect(idle.iter().map(dormant)) {
        Some(servers) => {
            let reasons = ServerReason::NoneServes { servers }.into();
            Status { state: State::Unsupported, reasons, ..status }
        }
        None => status,
    }
}

fn dormant((name, status, how): &(&str, &Status, &Reasons)) -> Reason {
    let reason = ServerReason::Dormant {
        server: (*name).to_owned(),
        how: (*how).clone(),
        state: status.state.as_str().to_owned(),
        why: status.reasons.clone(),
    };
    reason.into()
}

/// The status from those on these servers; `None` if there is none.
pub(crate) fn of_each(each: &[(&str, &Status)]) -> Option<Status> {
    let [(_, first), others @ ..] = each else { return None };
    if others.is_empty() {
        return Some((*first).clone());
    }
    let states: Vec<State> = each.iter().map(|(_, status)| status.state).collect();
    let state = State::of_actions(&states);
    let mut merged =
        Status::new(state, reasons(each, state).unwrap_or_else(|| first.reasons.clone()));
    // Where something is installed, where it would be elsewhere is not reported as if it were there.
    let is_there = |status: &Status| matches!(status.state, State::Applied | State::Partial);
    let is_anywhere = each.iter().any(|(_, status)| is_there(status));
    let mut places: Vec<&str> = Vec::new();
    for (_, status) in each {
        let place = status.place.as_str();
        let counts = is_there(status) || !is_anywhere;
        if counts && !place.is_empty() && !places.contains(&place) {
            places.push(place);
        }
        merged.note(status.notes.iter().cloned());
        let new = status.rules.iter().filter(|rule| !merged.rules.contains(rule));
        let new: Vec<String> = new.cloned().collect();
        merged.rules.extend(new);
    }
    merged.place = places.join("; ");
    Some(merged)
}

/// The servers of one state, with why they are in it.
struct StateGroup<'a> {
    state: State,
    why: &'a Reasons,
    servers: Vec<String>,
}

/// Each reason with its servers, unless all say the same. Where the servers are in different states,
/// each is named with its own, the worst first: what is amiss on one hides nothing of another.
fn reasons(each: &[(&str, &Status)], state: State) -> Option<Reasons> {
    let mut groups: Vec<StateGroup<'_>> = Vec::new();
    for (server, status) in each {
        let same = groups.iter_mut().find(|it| {
            let is_quiet = it.state.in_place() && it.state != state;
            it.state == status.state && (is_quiet || *it.why == status.reasons)
        });
        match same {
            Some(known) => known.servers.push((*server).to_owned()),
            None => groups.push(StateGroup {
                state: status.state,
                why: &status.reasons,
                servers: vec![(*server).to_owned()],
            }),
        }
    }
    if let [only] = groups.as_slice() {
        return Some(only.why.clone());
    }
    let is_mixed =
        groups.iter().any(|it| Some(it.state) != groups.first().map(|first| first.state));
    groups.sort_by_key(|it| it.state);
    Reasons::collect(groups.into_iter().map(|StateGroup { state, why, servers }| {
        let why = why.clone();
        match (is_mixed, state.in_place()) {
            (false, _) => TogetherReason::OnServers { servers, state: None, why }.into(),
            (true, false) => TogetherReason::OnServers { servers, state: Some(state), why }.into(),
            (true, true) => TogetherReason::InPlaceOn { servers, state }.into(),
        }
    }))
}

#[cfg(test)]
mod tests;
