//! Our own text that no record tells of, as after the state folder was lost.

use stopgap_model::WebKind;
use stopgap_model::report::State;
use stopgap_plan::Step;

use super::documents::blocking;
use super::machine::{APACHE_OWN, HAPROXY, KINDS, Machine, NGINX, NGINX_OWN};
use super::told::{all_files, codes, done, of};
use super::world::{Row, World, check_each};

/// A and B are in place, and the records are lost.
fn without_records(kind: WebKind) -> World {
    let documents = [blocking("A", 1, "evil"), blocking("B", 1, "worse")];
    let mut world = World::with(vec![Machine::usual(kind)], &documents).after_check();
    world.installed.web.clear();
    world
}

const LOST: &[Row] = &[
    (
        "what stands there to the letter is known by its text and gets a record",
        |_| {},
        State::Applied,
        "for-every-server, known-by-text",
        "in A.1 B.1",
    ),
    (
        "a removal takes it out, and what stays gets its record",
        |world| world.remove("A"),
        State::Applied,
        "to-be-withdrawn(removed), known-by-text",
        "in B.1 out A.1",
    ),
    (
        "on a server that is switched off nothing is written, records included",
        World::switch_off,
        State::Applied,
        "installed-and-switched-off, known-by-text",
        "",
    ),
    (
        "a block leaves it",
        |world| world.block("A"),
        State::Applied,
        "installed-and-blocked, known-by-text",
        "in A.1 B.1",
    ),
    (
        "a server that refuses its configuration is left alone",
        |world| world.server().refused = Some("[emerg] unknown directive".into()),
        State::Applied,
        "for-every-server, known-by-text",
        "",
    ),
    (
        "so is one on which an earlier change is to be put back",
        World::is_stuck,
        State::Failed,
        "not-restored",
        "",
    ),
];

#[test]
fn our_own_text_without_a_record_is_ours() {
    for kind in KINDS {
        let mut wrong = Vec::new();
        for (row, happened, state, why, work) in LOST {
            let mut world = without_records(kind);
            happened(&mut world);
            let told = world.told("A");
            if told != (*state, (*why).to_owned(), (*work).to_owned()) {
                wrong.push(format!("{kind}: {row}: {told:?}"));
            }
        }
        assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    }
}

#[test]
fn the_record_is_made_without_an_edit_and_is_the_one_that_was_lost() {
    for kind in KINDS {
        let mut world = without_records(kind);
        let plan = world.check();
        assert_eq!(all_files(&plan), "", "{kind}");
        let Step::Rules { rules, installs, .. } = &plan.web[0].step else { panic!("{plan:?}") };
        assert_eq!((rules.len(), installs.len()), (2, 2), "{kind}");
        let before = World::with(
            vec![Machine::usual(kind)],
            &[blocking("A", 1, "evil"), blocking("B", 1, "worse")],
        );
        assert_eq!(world.installed, before.after_check().installed, "{kind}");
        let told = world.told("A");
        assert_eq!(told, (State::Applied, "for-every-server".to_owned(), String::new()), "{kind}");
    }
}

/// What keeps the text from being known.
const OTHERWISE: &[Row] = &[
    (
        "the catalog has another revision",
        |world| world.publish(&[blocking("A", 2, "evil"), blocking("B", 1, "worse")]),
        State::Conflict,
        "file-taken",
        "",
    ),
    (
        "the catalog lacks the other mitigation",
        |world| world.publish(&[blocking("A", 1, "evil")]),
        State::Conflict,
        "file-taken",
        "",
    ),
    (
        "somebody edited it",
        |world| {
            let machine = world.server();
            let path = if machine.server.kind == WebKind::Nginx { NGINX_OWN } else { APACHE_OWN };
            machine.append(path, "# mine\n");
        },
        State::Conflict,
        "file-taken",
        "",
    ),
];

#[test]
fn text_that_is_not_to_the_letter_ours_is_a_conflict() {
    let on = |kind| without_records(if kind == WebKind::HaProxy { WebKind::Nginx } else { kind });
    check_each(on, OTHERWISE);
}

#[test]
fn lines_of_haproxy_that_are_not_known_are_written_anew() {
    let mut world = without_records(WebKind::HaProxy);
    world.publish(&[blocking("A", 2, "evil")]);
    let told = world.told("A");
    assert_eq!(told, (State::Pending, "for-every-server".to_owned(), "in A.1".to_owned()));
    let mut world = world.after_check();
    assert!(!world.server().text(HAPROXY).contains("worse"), "nothing of the other one is left");
}

#[test]
fn text_whose_include_was_taken_out_is_known_and_put_right() {
    let mut world = without_records(WebKind::Nginx);
    world.server().cut_lines(NGINX, "stopgap");
    let plan = world.plan();
    assert_eq!(of(&plan, "A").state, State::Drifted);
    assert_eq!(codes(&of(&plan, "A").reason), "lines-missing, known-by-text");
    assert_eq!(
        (done(&plan, false).as_str(), all_files(&plan).as_str()),
        ("in A.1 B.1", "~nginx.conf")
    );
}
