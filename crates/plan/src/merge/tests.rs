//! One status from those on several servers.

use std::collections::BTreeMap;

use stopgap_model::Reasons;

use super::*;
use crate::server_report::ActionStatus;

fn status(state: State, why: &str) -> Status {
    Status::new(state, Reasons::text(why))
}

fn at(state: State, place: &str) -> Status {
    Status { place: place.into(), ..status(state, "affected") }
}

fn servers(each: &[(&str, &Status)]) -> Vec<ServerReport> {
    let server = |(name, status): &(&str, &Status)| {
        let it = ActionStatus { status: (*status).clone(), is_installed: false, is_removed: false };
        ServerReport {
            name: (*name).to_owned(),
            dormant: None,
            actions: BTreeMap::from([(
                "A".parse().unwrap(),
                BTreeMap::from([("A.1".parse().unwrap(), it)]),
            )]),
            orphans: Vec::new(),
            installed: Vec::new(),
            leftovers: BTreeMap::new(),
        }
    };
    each.iter().map(server).collect()
}

fn one(each: &[(&str, &Status)]) -> Option<Status> {
    merged(&servers(each), &"A".parse().unwrap(), &"A.1".parse().unwrap())
}

#[test]
fn what_one_of_two_servers_cannot_say_is_partial_and_names_that_server() {
    let on = status(State::Applied, "affected");
    let off = status(State::Unsupported, "nginx shows the first header only");
    let merged = one(&[("apache:/a", &on), ("nginx:/n", &off)]).unwrap();
    assert_eq!(merged.state, State::Partial);
    let told = "apache:/a: applied; nginx:/n: unsupported: nginx shows the first header only";
    assert_eq!(merged.reasons.to_string(), told);
}

#[test]
fn a_server_with_a_conflict_does_not_hide_another_on_which_it_failed() {
    let on = status(State::Applied, "affected");
    let failed = status(State::Failed, "the probe is not blocked");
    let conflict = status(State::Conflict, "it refuses its own configuration");
    let each = [
        ("nginx:/n", &failed),
        ("apache:/a", &on),
        ("haproxy:/h", &conflict),
        ("nginx:/m", &failed),
    ];
    let merged = one(&each).unwrap();
    assert_eq!(merged.state, State::Partial);
    assert_eq!(
        merged.reasons.to_string(),
        "haproxy:/h: conflict: it refuses its own configuration; nginx:/n, nginx:/m: failed: \
         the probe is not blocked; apache:/a: applied"
    );
}

#[test]
fn where_it_is_in_place_does_not_name_the_files_of_a_server_on_which_it_is_not() {
    let (on, off) = (at(State::Applied, "/n"), at(State::Conflict, "/h"));
    assert_eq!(one(&[("nginx:/n", &on), ("haproxy:/h", &off)]).unwrap().place, "/n");
    let pending = at(State::Pending, "/n");
    assert_eq!(one(&[("nginx:/n", &pending), ("haproxy:/h", &off)]).unwrap().place, "/n; /h");
}

#[test]
fn two_servers_of_one_mind_say_it_once() {
    let on = status(State::Applied, "affected");
    let merged = one(&[("apache:/a", &on), ("nginx:/n", &on)]).unwrap();
    assert_eq!(merged.reasons.to_string(), "affected");
    assert_eq!(one(&[]), None);
}
