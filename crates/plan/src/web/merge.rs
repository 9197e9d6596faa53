//! One decision from those on several servers.

use stopgap_model::report::State;

use crate::decision::Decision;

/// The decision on an action from those on each server; `None` if there is none.
pub(crate) fn merged(each: &[(String, &Decision)]) -> Option<Decision> {
    let [(_, first), others @ ..] = each else { return None };
    if others.is_empty() {
        return Some((*first).clone());
    }
    let states: Vec<State> = each.iter().map(|(_, decision)| decision.state).collect();
    let state = State::of_actions(&states);
    let mut merged = Decision::leave(state, reason(each, state));
    let (mut places, mut notes, mut rules) = (Vec::new(), Vec::new(), Vec::new());
    for (_, decision) in each {
        add(&mut places, [&decision.place]);
        add(&mut notes, &decision.notes);
        add(&mut rules, &decision.rules);
    }
    merged.place = places.join("; ");
    merged.rules = rules;
    Some(merged.noting(notes))
}

fn add<'t>(all: &mut Vec<String>, new: impl IntoIterator<Item = &'t String>) {
    for text in new {
        if !text.is_empty() && !all.contains(text) {
            all.push(text.clone());
        }
    }
}

/// The reasons of the servers that decided it, each with its servers unless all say the same.
fn reason(each: &[(String, &Decision)], state: State) -> String {
    let decides = |decision: &Decision| match state {
        State::Partial => !decision.state.in_place(),
        _ => decision.state == state,
    };
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for (server, decision) in each.iter().filter(|(_, decision)| decides(decision)) {
        match reasons.iter_mut().find(|(reason, _)| *reason == decision.reason) {
            Some((_, servers)) => servers.push(server),
            None => reasons.push((&decision.reason, vec![server])),
        }
    }
    match reasons.as_slice() {
        [(reason, servers)] if servers.len() == each.len() => (*reason).to_owned(),
        _ => {
            let texts = reasons.iter().map(|(why, of)| format!("{}: {why}", of.join(", ")));
            texts.collect::<Vec<_>>().join("; ")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_of_two_servers_cannot_say_is_partial_and_names_that_server() {
        let on = Decision::leave(State::Applied, "affected");
        let off = Decision::leave(State::Unsupported, "nginx shows the first header only");
        let both = [("apache:/a".to_owned(), &on), ("nginx:/n".to_owned(), &off)];
        let merged = merged(&both).unwrap();
        assert_eq!(merged.state, State::Partial);
        assert_eq!(merged.reason, "nginx:/n: nginx shows the first header only");
    }

    #[test]
    fn two_servers_of_one_mind_say_it_once() {
        let on = Decision::leave(State::Applied, "affected");
        let both = [("apache:/a".to_owned(), &on), ("nginx:/n".to_owned(), &on)];
        assert_eq!(merged(&both).unwrap().reason, "affected");
        assert_eq!(super::merged(&[]), None);
    }
}
