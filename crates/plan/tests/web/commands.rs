//! What an administrator asks for: removals, above all.

use stopgap_model::WebKind;
use stopgap_model::report::State;
use stopgap_plan::Order;

use super::documents::{blocking, for_product};
use super::machine::{KINDS, Machine};
use super::told::{action_of, all_files, codes, done, of};
use super::world::{Row, World, check_each, name};

/// A is not installed.
const NOTHING_THERE: &[Row] = &[
    (
        "a removal of what is not there keeps it away",
        |world| world.remove("A"),
        State::Blocked,
        "removed",
        "",
    ),
    (
        "so does the decision that it left behind",
        |world| world.has_removed("A"),
        State::Blocked,
        "removed",
        "",
    ),
    (
        "the decision holds when another mitigation is asked for",
        |world| {
            world.has_removed("A");
            world.only("B");
        },
        State::Blocked,
        "removed",
        "",
    ),
    (
        "a removal of what is not needed says that it is not needed",
        |world| {
            world.publish(&[for_product("A", 1, "microsoft/exchange-server", "")]);
            world.remove("A");
        },
        State::NotAffected,
        "not-installed",
        "",
    ),
    (
        "reapplying does not undo a removal",
        |world| {
            world.has_removed("A");
            world.order.reapply.insert(name("A"));
        },
        State::Blocked,
        "removed",
        "",
    ),
];

/// A is in place.
const THERE: &[Row] = &[
    ("a removal", |world| world.remove("A"), State::Applied, "to-be-withdrawn(removed)", "out A.1"),
    (
        "a removal that was cut short is finished by the next check",
        |world| world.has_removed("A"),
        State::Applied,
        "to-be-withdrawn(removed)",
        "out A.1",
    ),
    (
        "a check for something else does not finish it",
        |world| {
            world.has_removed("A");
            world.only("B");
        },
        State::Applied,
        "to-be-withdrawn(removed)",
        "",
    ),
    (
        "a removal is asked for by a person, so the switch does not hold it up",
        |world| {
            world.switch_off();
            world.remove("A");
        },
        State::Applied,
        "to-be-withdrawn(removed)",
        "out A.1",
    ),
    (
        "nor does a feed in trouble",
        |world| {
            world.offer("A").hold = Some(stopgap_model::Reasons::text("feed acme is stale"));
            world.remove("A");
        },
        State::Applied,
        "to-be-withdrawn(removed)",
        "out A.1",
    ),
    (
        "nor that the source has lost its permission",
        |world| {
            world
                .offer("A")
                .denied
                .insert("A.1".parse().unwrap(), stopgap_model::Reasons::text("it may not"));
            world.remove("A");
        },
        State::Applied,
        "to-be-withdrawn(removed)",
        "out A.1",
    ),
    (
        "nor a new revision, which is not installed first",
        |world| {
            world.publish(&[blocking("A", 2, "worse")]);
            world.remove("A");
        },
        State::Applied,
        "to-be-withdrawn(removed)",
        "out A.1",
    ),
    (
        "a removal of another mitigation leaves it",
        |world| world.remove("B"),
        State::Applied,
        "for-every-server",
        "",
    ),
];

#[test]
fn a_removal_of_what_is_not_there() {
    check_each(World::affected, NOTHING_THERE);
}

#[test]
fn a_removal_of_what_is_there() {
    check_each(World::protected, THERE);
}

/// What a removal takes out, and in which order.
const FILES: [(WebKind, &str); 3] = [
    (WebKind::Nginx, "~a ~b ~nginx.conf -stopgap-http.rules -stopgap-server.rules"),
    (WebKind::Apache, "-stopgap.conf"),
    (WebKind::HaProxy, "~haproxy.cfg"),
];

#[test]
fn a_removal_takes_the_includes_out_before_the_files() {
    for (kind, files) in FILES {
        let mut world = World::protected(kind);
        world.remove("A");
        let plan = world.plan();
        assert_eq!(all_files(&plan), files, "{kind}");
        assert!(!plan.web[0].fresh, "{kind}: nothing is put in");
        // Until that is done, it stands there.
        assert_eq!(of(&plan, "A").in_force, Some(1), "{kind}");
        assert!(!action_of(&plan, "A").place.is_empty(), "{kind}");
    }
}

#[test]
fn what_is_removed_says_who_wanted_it() {
    for kind in KINDS {
        let mut world = World::protected(kind);
        world.remove("A");
        let by = "to be withdrawn: removed by an administrator";
        assert_eq!(of(&world.plan(), "A").reason.to_string(), by, "{kind}");
        world.order = Order::default();
        world.has_removed("A");
        let by = "to be withdrawn: removed by root, last week";
        assert_eq!(of(&world.plan(), "A").reason.to_string(), by, "{kind}");
    }
}

#[test]
fn after_a_removal_nothing_comes_back_until_the_decision_is_lifted() {
    for kind in KINDS {
        let mut world = World::protected(kind);
        world.remove("A");
        world.has_removed("A");
        let _ = world.check();
        world.order = Order::default();
        for _ in 0..2 {
            let plan = world.check();
            assert_eq!((of(&plan, "A").state, plan.web.len()), (State::Blocked, 0), "{kind}");
        }
        world.policy.blocked.clear();
        assert_eq!(done(&world.plan(), false), "in A.1", "{kind}");
    }
}

#[test]
fn of_several_mitigations_the_ones_that_are_named_are_removed_and_none_is_installed() {
    for kind in KINDS {
        let [a, b] = ["A", "B"].map(|id| blocking(id, 1, &format!("evil-{id}")));
        let mut world = World::with(vec![Machine::usual(kind)], &[a.clone(), b.clone()]);
        let _ = world.check();
        world.publish(&[a, b, blocking("C", 1, "worse")]);
        let ids = [name("A"), name("B")];
        world.order =
            Order { only: Some(ids.clone().into()), take_back: ids.into(), ..Order::default() };
        let plan = world.plan();
        assert_eq!(done(&plan, false), "out A.1 B.1", "{kind}");
        assert_eq!(of(&plan, "C").state, State::Pending, "{kind}");
        assert_eq!(codes(&of(&plan, "B").reason), "to-be-withdrawn(removed)", "{kind}");
    }
}
