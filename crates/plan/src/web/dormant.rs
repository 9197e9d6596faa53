//! Servers that do not run and that nothing starts: they serve nobody, so what cannot be done on one of
//! them is told and hides nothing of what is in place on those that serve.

use stopgap_model::ActionId;
use stopgap_model::report::State;

use super::merge::merged;
use super::server::OnServer;
use crate::decision::Decision;

/// The decision on an action from those on each server. A dormant server on which nothing of the action
/// stands is named in the notes, and does not count beside others.
pub(crate) fn of_all(each: Vec<(&OnServer<'_>, &Decision)>, action: &ActionId) -> Option<Decision> {
    let is_idle = |server: &OnServer<'_>| {
        server.dormant().filter(|_| server.record(action).is_none()).is_some()
    };
    let (idle, counting): (Vec<_>, Vec<_>) =
        each.into_iter().partition(|(server, _)| is_idle(server));
    let named = |all: &[(&OnServer<'_>, &Decision)]| -> Option<Decision> {
        let all: Vec<_> = all.iter().map(|(server, decision)| (server.name(), *decision)).collect();
        merged(&all)
    };
    let Some(decision) = named(&counting) else {
        return named(&idle).map(|decision| alone(decision, &idle));
    };
    let notes = idle.iter().filter(|(_, decision)| !decision.state.in_place());
    let notes: Vec<String> = notes.map(|(server, decision)| note(server, decision)).collect();
    Some(decision.noting(notes))
}

/// Where no server serves, none can break what nobody asks for: it is as where none is installed.
fn alone(decision: Decision, idle: &[(&OnServer<'_>, &Decision)]) -> Decision {
    if !matches!(decision.state, State::Unknown | State::Conflict) {
        return decision;
    }
    let notes: Vec<String> = idle.iter().map(|(server, decision)| note(server, decision)).collect();
    let reason = format!("no web server serves here: {}", notes.join("; "));
    Decision { state: State::Unsupported, reason, ..decision }
}

fn note(server: &OnServer<'_>, decision: &Decision) -> String {
    let (name, why) = (server.name(), server.dormant().unwrap_or_default());
    let (state, reason) = (decision.state.as_str(), &decision.reason);
    format!(
        "{name} does not run and nothing starts it ({why}), so it does not count: {state}: {reason}; \
         the next check after its start looks again"
    )
}
