//! What failed when it was last tried, what rests, and servers on which nothing may be done.

use stopgap_model::report::State;
use stopgap_model::{Fact, WebKind};
use stopgap_plan::{Rest, TargetId, tried};

use super::documents::blocking;
use super::machine::{APACHE, HAPROXY, KINDS, Machine, NGINX};
use super::told::{codes, done, of};
use super::world::{Row, World, action, check_each, name};

/// A was tried, and it failed.
const FAILED: &[Row] = &[
    ("what failed is tried again", |_| {}, State::Failed, "last-try-failed", "in A.1"),
    ("not while it is blocked", |world| world.block("A"), State::Blocked, "blocked", ""),
    (
        "nor while the server is switched off",
        World::switch_off,
        State::Pending,
        "switched-off, for-every-server",
        "",
    ),
    (
        "what is new goes first, as the other would make it fail too",
        |world| world.publish(&[blocking("A", 1, "evil"), blocking("B", 1, "worse")]),
        State::Failed,
        "last-try-failed",
        "in B.1",
    ),
    (
        "where both have failed, both are tried",
        |world| {
            world.publish(&[blocking("A", 1, "evil"), blocking("B", 1, "worse")]);
            world.has_failed("B.1");
        },
        State::Failed,
        "last-try-failed",
        "in A.1 B.1",
    ),
    (
        "that nothing can be changed is told before the failure",
        |world| world.server().refused = Some("[emerg] unknown directive".into()),
        State::Conflict,
        "left-alone(server-refuses-its-configuration)",
        "",
    ),
];

#[test]
fn what_failed_is_told_and_tried_again() {
    let start = |kind| {
        let mut world = World::affected(kind);
        world.has_failed("A.1");
        world
    };
    check_each(start, FAILED);
}

/// A is in place, and something of it failed.
const FAILED_IN_PLACE: &[Row] = &[
    ("what stands has nothing to fail", |_| {}, State::Applied, "for-every-server", ""),
    (
        "another revision that failed is told with what it was for",
        |world| world.publish(&[blocking("A", 2, "worse")]),
        State::Failed,
        "another-revision, last-try-failed",
        "in A.1",
    ),
    (
        "a removal that failed is told and tried again",
        |world| world.remove("A"),
        State::Failed,
        "not-withdrawn(other; removed)",
        "out A.1",
    ),
    (
        "a removal goes on while something new is installed",
        |world| {
            world.publish(&[blocking("A", 1, "evil"), blocking("B", 1, "worse")]);
            world.has_removed("A");
        },
        State::Failed,
        "not-withdrawn(other; removed)",
        "in B.1 out A.1",
    ),
];

#[test]
fn what_failed_since_it_is_in_place() {
    let start = |kind| {
        let mut world = World::protected(kind);
        world.has_failed("A.1");
        world
    };
    check_each(start, FAILED_IN_PLACE);
}

/// What was decided was tried in vain: it rests.
fn rest(world: &mut World) {
    let plan = world.plan();
    for change in &plan.web {
        let tried = tried(change.configuration, &change.server, &change.step, None);
        let (since, again) = ("today, 10:00 UTC".to_owned(), None);
        for id in change.step.actions() {
            let key = (TargetId::Web(change.server.id()), id.clone());
            let rest = Rest { tried, tries: 1, since: since.clone(), again: again.clone() };
            world.failures.rests.insert(key, rest);
            world.has_failed(id.as_str());
        }
    }
}

/// A failed, and rests; what wakes it.
const RESTING: &[Row] = &[
    (
        "as long as nothing changes nothing is tried",
        |_| {},
        State::Failed,
        "last-try-failed, resting",
        "",
    ),
    (
        "not in a check that is asked for it by name",
        |world| world.only("A"),
        State::Failed,
        "last-try-failed",
        "in A.1",
    ),
    (
        "nor where it is to be put right",
        |world| {
            world.order.reapply.insert(name("A"));
        },
        State::Failed,
        "last-try-failed",
        "in A.1",
    ),
    (
        "another that is asked for does not wake it",
        |world| {
            world.order.reapply.insert(name("B"));
        },
        State::Failed,
        "last-try-failed, resting",
        "",
    ),
    (
        "another revision is tried",
        |world| world.publish(&[blocking("A", 2, "worse")]),
        State::Failed,
        "last-try-failed",
        "in A.1",
    ),
    (
        "the server's own configuration was changed",
        |world| {
            let machine = world.server();
            let (path, text) = match machine.server.kind {
                WebKind::Nginx => (NGINX, "# mended\n"),
                WebKind::Apache => (APACHE, "# mended\n"),
                WebKind::HaProxy => (HAPROXY, "# mended\n"),
            };
            machine.append(path, text);
        },
        State::Failed,
        "last-try-failed",
        "in A.1",
    ),
    (
        "the server was started anew",
        |world| world.server().server.identity = "process 999".into(),
        State::Failed,
        "last-try-failed",
        "in A.1",
    ),
    (
        "the server was updated",
        |world| world.server().has_version(&[9, 9]),
        State::Failed,
        "last-try-failed",
        "in A.1",
    ),
    (
        "whether it runs is nothing that it was tried with",
        |world| world.server().server.running = Fact::Known(false),
        State::Failed,
        "last-try-failed, resting",
        "",
    ),
    (
        "its time has come",
        |world| {
            for rest in world.failures.rests.values_mut() {
                rest.again = Some((100, "11:00 UTC".into()));
            }
            world.failures.wake(100);
        },
        State::Failed,
        "last-try-failed",
        "in A.1",
    ),
    (
        "its time has not come yet",
        |world| {
            for rest in world.failures.rests.values_mut() {
                rest.again = Some((100, "11:00 UTC".into()));
            }
            world.failures.wake(99);
        },
        State::Failed,
        "last-try-failed, resting",
        "",
    ),
    (
        "a rest without a time never ends by itself",
        |world| world.failures.wake(i64::MAX),
        State::Failed,
        "last-try-failed, resting",
        "",
    ),
    (
        "something new is tried without it",
        |world| world.publish(&[blocking("A", 1, "evil"), blocking("B", 1, "worse")]),
        State::Failed,
        "last-try-failed",
        "in B.1",
    ),
];

#[test]
fn what_failed_rests_until_something_changes() {
    let start = |kind| {
        let mut world = World::affected(kind);
        rest(&mut world);
        world
    };
    check_each(start, RESTING);
}

#[test]
fn a_removal_that_was_tried_with_an_installation_is_tried_alone_before_it_rests() {
    for kind in KINDS {
        let mut world = World::protected(kind);
        world.publish(&[blocking("A", 1, "evil"), blocking("B", 1, "worse")]);
        world.has_removed("A");
        rest(&mut world);
        let plan = world.plan();
        assert_eq!(done(&plan, false), "out A.1", "{kind}");
        assert_eq!(codes(&of(&plan, "B").reason), "last-try-failed, resting", "{kind}");
        rest(&mut world);
        let plan = world.plan();
        assert_eq!(done(&plan, false), "", "{kind}: now both rest");
        assert!(codes(&of(&plan, "A").reason).ends_with("resting"), "{kind}");
    }
}

/// An earlier change of the server could not be put back.
const STUCK: &[Row] = &[
    ("what is in place is not called so", |_| {}, State::Failed, "not-restored", ""),
    (
        "nothing new is installed",
        |world| world.publish(&[blocking("A", 2, "worse")]),
        State::Failed,
        "not-restored",
        "",
    ),
    ("nothing is removed", |world| world.remove("A"), State::Failed, "not-restored", ""),
    ("an orphan is told of too", |world| world.publish(&[]), State::Failed, "not-restored", ""),
    ("whoever blocks it", |world| world.block("A"), State::Failed, "not-restored", ""),
    (
        "on a server that is gone there is nothing to put back",
        |world| {
            world.gone.insert(world.machines[0].id());
            world.machines.clear();
        },
        State::Applied,
        "to-be-withdrawn(server-gone)",
        "out A.1",
    ),
];

#[test]
fn nothing_is_done_to_a_server_on_which_a_file_is_still_to_be_put_back() {
    let start = |kind| {
        let mut world = World::protected(kind);
        world.is_stuck();
        world
    };
    check_each(start, STUCK);
}

#[test]
fn a_server_that_is_stuck_keeps_no_other_from_its_rules() {
    let machines = vec![Machine::usual(WebKind::Nginx), Machine::usual(WebKind::Apache)];
    let mut world = World::with(machines, &[blocking("A", 1, "evil")]);
    world.is_stuck();
    let (state, codes, done) = world.told("A");
    let expected = "on-servers(nginx failed: not-restored), \
                    on-servers(apache pending: for-every-server)";
    assert_eq!((state, codes.as_str(), done.as_str()), (State::Failed, expected, "apache: in A.1"));
}

#[test]
fn a_failure_on_one_server_is_none_on_another() {
    let machines = vec![Machine::usual(WebKind::Nginx), Machine::usual(WebKind::Apache)];
    let mut world = World::with(machines, &[blocking("A", 1, "evil")]);
    let key = (TargetId::Web(world.machines[1].id()), action("A.1"));
    world.failures.tries.insert(key, "the probe is not blocked".into());
    let (state, codes, done) = world.told("A");
    let expected = "on-servers(apache failed: last-try-failed), \
                    on-servers(nginx pending: for-every-server)";
    assert_eq!((state, codes.as_str()), (State::Failed, expected));
    assert_eq!(done, "nginx: in A.1; apache: in A.1");
}
