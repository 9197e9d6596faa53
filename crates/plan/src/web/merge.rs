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
    let mut on_web = Vec::new();
    // Where something is in place, where it would be elsewhere is not told as if it were there.
    let is_there = |decision: &Decision| matches!(decision.state, State::Applied | State::Partial);
    let anywhere = each.iter().any(|(_, decision)| is_there(decision));
    for (_, decision) in each {
        if is_there(decision) || !anywhere {
            add(&mut places, [&decision.place]);
        }
        add(&mut notes, &decision.notes);
        add(&mut rules, &decision.rules);
        add(&mut on_web, &decision.on_web);
    }
    merged.place = places.join("; ");
    merged.rules = rules;
    merged.on_web = on_web;
    Some(merged.noting(notes))
}

fn add<'t>(all: &mut Vec<String>, new: impl IntoIterator<Item = &'t String>) {
    for text in new {
        if !text.is_empty() && !all.contains(text) {
            all.push(text.clone());
        }
    }
}

/// Each reason with its servers, unless all say the same. Where the servers are in different states,
/// each is named with its own, the worst first: what is amiss on one hides nothing of another.
fn reason(each: &[(String, &Decision)], state: State) -> String {
    let mut said: Vec<(State, &str, Vec<&str>)> = Vec::new();
    for (server, decision) in each {
        let same = said.iter_mut().find(|(of, reason, _)| {
            *of == decision.state && (of.in_place() && *of != state || *reason == decision.reason)
        });
        match same {
            Some((_, _, servers)) => servers.push(server),
            None => said.push((decision.state, &decision.reason, vec![server])),
        }
    }
    if let [(_, reason, _)] = said.as_slice() {
        return (*reason).to_owned();
    }
    let is_mixed = each.iter().any(|(_, decision)| decision.state != each[0].1.state);
    said.sort_by_key(|(of, _, _)| *of);
    let text = |(of, reason, servers): &(State, &str, Vec<&str>)| {
        let servers = servers.join(", ");
        match (is_mixed, of.in_place()) {
            (false, _) => format!("{servers}: {reason}"),
            (true, false) => format!("{servers}: {}: {reason}", of.as_str()),
            (true, true) => format!("{servers}: {}", of.as_str()),
        }
    };
    said.iter().map(text).collect::<Vec<_>>().join("; ")
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
        let told = "apache:/a: applied; nginx:/n: unsupported: nginx shows the first header only";
        assert_eq!(merged.reason, told);
    }

    #[test]
    fn a_server_with_a_conflict_does_not_hide_another_on_which_it_failed() {
        let on = Decision::leave(State::Applied, "affected");
        let failed = Decision::leave(State::Failed, "the probe is not blocked");
        let conflict = Decision::leave(State::Conflict, "it refuses its own configuration");
        let each = [
            ("nginx:/n".to_owned(), &failed),
            ("apache:/a".to_owned(), &on),
            ("haproxy:/h".to_owned(), &conflict),
            ("nginx:/m".to_owned(), &failed),
        ];
        let merged = merged(&each).unwrap();
        assert_eq!(merged.state, State::Partial);
        assert_eq!(
            merged.reason,
            "haproxy:/h: conflict: it refuses its own configuration; nginx:/n, nginx:/m: failed: \
             the probe is not blocked; apache:/a: applied"
        );
    }

    #[test]
    fn where_it_is_in_place_does_not_name_the_files_of_a_server_on_which_it_is_not() {
        let at = |state, place: &str| Decision {
            place: place.into(),
            ..Decision::leave(state, "affected")
        };
        let (on, off) = (at(State::Applied, "/n"), at(State::Conflict, "/h"));
        let both = [("nginx:/n".to_owned(), &on), ("haproxy:/h".to_owned(), &off)];
        assert_eq!(merged(&both).unwrap().place, "/n");
        let pending = at(State::Pending, "/n");
        let both = [("nginx:/n".to_owned(), &pending), ("haproxy:/h".to_owned(), &off)];
        assert_eq!(merged(&both).unwrap().place, "/n; /h");
    }

    #[test]
    fn two_servers_of_one_mind_say_it_once() {
        let on = Decision::leave(State::Applied, "affected");
        let both = [("apache:/a".to_owned(), &on), ("nginx:/n".to_owned(), &on)];
        assert_eq!(merged(&both).unwrap().reason, "affected");
        assert_eq!(super::merged(&[]), None);
    }
}
