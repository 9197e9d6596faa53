//! What is in place and what no action of the catalog stands for: withdrawn documents, dropped actions,
//! mitigations that no source offers any more.

use stopgap_model::report::State;

use super::documents::{block, blocking, document, withdrawn};
use super::machine::{APACHE_OWN, HAPROXY, KINDS, Machine, NGINX_OWN};
use super::told::{codes, done, of};
use super::world::{Row, World, check_each};

/// The publisher has withdrawn the mitigation.
const WITHDRAWN: &[Row] = &[
    (
        "what was withdrawn is taken out",
        |_| {},
        State::Applied,
        "to-be-withdrawn(withdrawn)",
        "out A.1",
    ),
    (
        "not where it is blocked",
        |world| world.block("A"),
        State::Applied,
        "in-place, withdrawn",
        "",
    ),
    ("nor where it is switched off", World::switch_off, State::Applied, "in-place, withdrawn", ""),
    (
        "nor while the feed is in trouble",
        |world| world.offer("A").hold = Some(stopgap_model::Reasons::text("feed acme is stale")),
        State::Applied,
        "in-place, withdrawn",
        "",
    ),
    (
        "nor in a check for something else",
        |world| world.only("B"),
        State::Applied,
        "in-place, withdrawn",
        "",
    ),
    (
        "an administrator who removes it is named",
        |world| world.remove("A"),
        State::Applied,
        "to-be-withdrawn(removed)",
        "out A.1",
    ),
    (
        "a removal that failed is told",
        |world| world.has_failed("A.1"),
        State::Failed,
        "not-withdrawn(other; withdrawn)",
        "out A.1",
    ),
    (
        "a configuration that is not known keeps it",
        |world| world.server().incomplete = Some("it changes all the time".into()),
        State::Unknown,
        "not-withdrawn(configuration-unknown; withdrawn)",
        "",
    ),
    (
        "so does a server that refuses its own",
        |world| world.server().refused = Some("[emerg] unknown directive".into()),
        State::Conflict,
        "not-withdrawn(server-refuses-its-configuration; withdrawn)",
        "",
    ),
];

#[test]
fn what_its_publisher_withdrew_is_taken_out() {
    let start = |kind| {
        let mut world = World::protected(kind);
        world.publish(&[withdrawn("A", 2)]);
        world
    };
    check_each(start, WITHDRAWN);
}

#[test]
fn what_was_withdrawn_and_is_not_there_is_not_needed() {
    for kind in KINDS {
        let mut world = World::protected(kind);
        world.publish(&[withdrawn("A", 2)]);
        let _ = world.check();
        assert_eq!(world.files(), World::affected(kind).files(), "{kind}");
        let (state, codes, done) = world.told("A");
        let expected = (State::NotAffected, "withdrawn", "");
        assert_eq!((state, codes.as_str(), done.as_str()), expected, "{kind}");
    }
}

/// No source offers the mitigation any more.
const IN_NO_CATALOG: &[Row] = &[
    ("it stays", |_| {}, State::Applied, "not-in-catalog", ""),
    (
        "an administrator removes it",
        |world| world.remove("A"),
        State::Applied,
        "to-be-withdrawn(removed)",
        "out A.1",
    ),
    (
        "a removal that was cut short is finished",
        |world| world.has_removed("A"),
        State::Applied,
        "to-be-withdrawn(removed)",
        "out A.1",
    ),
    (
        "where it is switched off as well",
        |world| {
            world.switch_off();
            world.has_removed("A");
        },
        State::Applied,
        "to-be-withdrawn(removed)",
        "out A.1",
    ),
    ("a block changes nothing", |world| world.block("A"), State::Applied, "not-in-catalog", ""),
    (
        "what is not known of the server is told",
        |world| world.server().incomplete = Some("it changes all the time".into()),
        State::Unknown,
        "configuration-unknown, stays",
        "",
    ),
    (
        "where only another mitigation is asked for, it is told all the same",
        |world| world.only("B"),
        State::Applied,
        "not-in-catalog",
        "",
    ),
    (
        "reapplying has nothing to write it anew from",
        |world| {
            world.order.reapply.insert("A".parse().unwrap());
        },
        State::Applied,
        "not-in-catalog",
        "",
    ),
];

#[test]
fn what_is_in_no_catalog_stays_until_it_is_removed() {
    let start = |kind| {
        let mut world = World::protected(kind);
        world.publish(&[]);
        world
    };
    check_each(start, IN_NO_CATALOG);
}

#[test]
fn what_is_in_no_catalog_is_reported_from_the_records() {
    for kind in KINDS {
        let mut world = World::protected(kind);
        world.publish(&[]);
        let plan = world.plan();
        let report = of(&plan, "A");
        assert_eq!((report.revision, report.in_force), (1, Some(1)), "{kind}");
        assert_eq!(
            (report.title.as_str(), report.source.as_str()),
            ("(not in this catalog)", "change records")
        );
        assert_eq!(report.actions[0].kind, "block-request", "{kind}");
        assert!(!report.actions[0].place.is_empty(), "{kind}");
        assert_eq!(report.rules, ["Stopgap A.1"], "{kind}");
    }
}

#[test]
fn what_is_in_no_catalog_and_was_changed_is_told_and_left() {
    for kind in KINDS {
        let mut world = World::protected(kind);
        world.publish(&[]);
        let machine = world.server();
        let path = [NGINX_OWN, APACHE_OWN, HAPROXY]
            .into_iter()
            .find(|path| machine.files.contains_key(*path));
        let text = machine.text(path.unwrap()).replace("Emergency", "Harmless");
        machine.write(path.unwrap(), &text);
        let (state, codes, done) = world.told("A");
        assert_eq!((state, done.as_str()), (State::Drifted, ""), "{kind}");
        assert!(codes.starts_with("lost-and-not-in-catalog, "), "{kind}: {codes}");
        // What is installed beside it is written, and what was changed is put right with that.
        world.publish(&[blocking("B", 1, "worse")]);
        let mut world = world.after_check();
        assert_eq!(world.told("A").1, "not-in-catalog", "{kind}");
        assert_eq!(world.told("B").0, State::Applied, "{kind}");
        world.remove("B");
        let _ = world.check();
        assert_eq!(world.files(), World::protected(kind).files(), "{kind}");
    }
}

/// A later revision has another action, and not the first one.
const DROPPED: &[Row] = &[
    (
        "the dropped action goes and the new one comes",
        |_| {},
        State::Partial,
        "in-part, of-actions(A.2: for-every-server)",
        "in A.2 out A.1",
    ),
    (
        "where it is blocked, the dropped one stays",
        |world| world.block("A"),
        State::Partial,
        "in-part, of-actions(A.2: blocked)",
        "",
    ),
    (
        "where it is switched off too",
        World::switch_off,
        State::Partial,
        "in-part, of-actions(A.2: switched-off, for-every-server)",
        "",
    ),
    (
        "while its feed is in trouble too",
        |world| world.offer("A").hold = Some(stopgap_model::Reasons::text("feed acme is stale")),
        State::Partial,
        "in-part, of-actions(A.2: frozen, for-every-server)",
        "",
    ),
];

#[test]
fn an_action_that_a_later_revision_has_dropped_goes() {
    let start = |kind| {
        let mut world = World::protected(kind);
        world.publish(&[document("A", 2, &block("A", 2, "worse"))]);
        world
    };
    check_each(start, DROPPED);
    for kind in KINDS {
        let plan = start(kind).plan();
        let dropped = &of(&plan, "A").actions[1];
        assert_eq!((dropped.id.as_str(), dropped.state), ("A.1", State::Applied), "{kind}");
        assert_eq!(codes(&dropped.reason), "to-be-withdrawn(action-dropped)", "{kind}");
    }
}

#[test]
fn of_two_orphans_each_has_its_row() {
    for kind in KINDS {
        let documents = ["A", "B"].map(|id| blocking(id, 1, &format!("evil-{id}")));
        let mut world = World::with(vec![Machine::usual(kind)], &documents).after_check();
        world.publish(&[]);
        world.remove("B");
        let plan = world.plan();
        let ids: Vec<&str> = plan.report.iter().map(|report| report.id.as_str()).collect();
        assert_eq!(ids, ["A", "B"], "{kind}");
        assert_eq!(codes(&of(&plan, "A").reason), "not-in-catalog", "{kind}");
        assert_eq!(done(&plan, false), "out B.1", "{kind}");
    }
}
