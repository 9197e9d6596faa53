//! What the policy, the source and the publisher allow: blocks, switches, feeds in trouble, denied actions.

use stopgap_model::policy::{Drift, Switch};
use stopgap_model::report::State;

use super::documents::{block, blocking, document, for_product};
use super::machine::{APACHE_OWN, HAPROXY, KINDS, NGINX_OWN};
use super::told::of;
use super::world::{Row, World, action, check_each, name};

/// Nothing is installed yet.
const BEFORE: &[Row] = &[
    (
        "a blocked mitigation is not installed",
        |world| world.block("A"),
        State::Blocked,
        "blocked",
        "",
    ),
    (
        "another one that is blocked keeps nothing from being installed",
        |world| world.block("B"),
        State::Pending,
        "for-every-server",
        "in A.1",
    ),
    (
        "on a server that is switched off it waits",
        World::switch_off,
        State::Pending,
        "switched-off, for-every-server",
        "",
    ),
    (
        "where the organisation has switched off, it waits too",
        |world| world.policy.organisation = Switch::Off("policy.toml".into()),
        State::Pending,
        "switched-off, for-every-server",
        "",
    ),
    (
        "a block is named before the switch",
        |world| {
            world.block("A");
            world.switch_off();
        },
        State::Blocked,
        "blocked",
        "",
    ),
    (
        "of a feed in trouble nothing new is taken",
        hold,
        State::Pending,
        "frozen, for-every-server",
        "",
    ),
    (
        "the switch is named before the trouble of the feed",
        |world| {
            hold(world);
            world.switch_off();
        },
        State::Pending,
        "switched-off, for-every-server",
        "",
    ),
    ("a source that may not ask for it", deny, State::Unsupported, "not-permitted", ""),
    (
        "a permission is asked for before the policy",
        |world| {
            deny(world);
            world.block("A");
        },
        State::Unsupported,
        "not-permitted",
        "",
    ),
    (
        "that changes are only reported is about what is there",
        |world| world.policy.drift = Drift::Report,
        State::Pending,
        "for-every-server",
        "in A.1",
    ),
    (
        "reapplying what is blocked does not install it",
        |world| {
            world.block("A");
            world.order.reapply.insert(name("A"));
        },
        State::Blocked,
        "blocked",
        "",
    ),
    (
        "a check that is asked for something else installs nothing",
        |world| world.only("B"),
        State::Pending,
        "for-every-server",
        "",
    ),
    (
        "one that is asked for it does",
        |world| world.only("A"),
        State::Pending,
        "for-every-server",
        "in A.1",
    ),
];

/// The feed of A is in trouble.
fn hold(world: &mut World) {
    world.offer("A").hold =
        Some(stopgap_model::Reasons::text("feed acme has not been read since yesterday"));
}

/// The source of A has no permission for its action.
fn deny(world: &mut World) {
    let why = stopgap_model::Reasons::text("feed acme may not block requests");
    world.offer("A").denied.insert(action("A.1"), why);
}

/// A is in place and nothing is wrong with it.
const INSTALLED: &[Row] = &[
    (
        "what is installed stays when it is blocked",
        |world| world.block("A"),
        State::Applied,
        "installed-and-blocked",
        "",
    ),
    (
        "what is installed stays when the server is switched off",
        World::switch_off,
        State::Applied,
        "installed-and-switched-off",
        "",
    ),
    (
        "what is installed stays when its feed is in trouble",
        hold,
        State::Applied,
        "for-every-server",
        "",
    ),
    (
        "what is installed stays when its source loses the permission",
        deny,
        State::Unsupported,
        "not-permitted, stays",
        "",
    ),
];

/// A is in place, and another revision is offered.
const ANOTHER_REVISION: &[Row] = &[
    (
        "a block keeps it from being installed",
        |world| world.block("A"),
        State::Applied,
        "another-revision, blocked",
        "",
    ),
    ("so does the switch", World::switch_off, State::Applied, "another-revision, switched-off", ""),
    ("so does a feed in trouble", hold, State::Applied, "another-revision, frozen", ""),
    (
        "that changes are only reported does not",
        |world| world.policy.drift = Drift::Report,
        State::Applied,
        "another-revision",
        "in A.1",
    ),
    (
        "without permission the earlier one stays",
        deny,
        State::Unsupported,
        "not-permitted, stays",
        "",
    ),
    (
        "a revision that is for no product here is not acted on while its feed is in trouble",
        |world| {
            world.publish(&[for_product("A", 2, "microsoft/exchange-server", "")]);
            hold(world);
        },
        State::Applied,
        "kept-while-frozen(not-installed)",
        "",
    ),
    (
        "without that trouble it takes the mitigation away",
        |world| world.publish(&[for_product("A", 2, "microsoft/exchange-server", "")]),
        State::Applied,
        "to-be-withdrawn(not-installed)",
        "out A.1",
    ),
    (
        "but not where automatic mitigation is switched off",
        |world| {
            world.publish(&[for_product("A", 2, "microsoft/exchange-server", "")]);
            world.switch_off();
        },
        State::Applied,
        "not-needed-and-switched-off(not-installed)",
        "",
    ),
    (
        "a block does not keep what nobody needs",
        |world| {
            world.publish(&[for_product("A", 2, "microsoft/exchange-server", "")]);
            world.block("A");
        },
        State::Applied,
        "to-be-withdrawn(not-installed)",
        "out A.1",
    ),
];

/// A is in place, and somebody has edited what was written.
const CHANGED: &[Row] = &[
    (
        "what was changed and is blocked is left so",
        |world| world.block("A"),
        State::Drifted,
        "blocked",
        "",
    ),
    ("on a server that is switched off too", World::switch_off, State::Drifted, "switched-off", ""),
    (
        "a feed in trouble does not keep its own revision from being put right",
        hold,
        State::Drifted,
        "",
        "in A.1",
    ),
    (
        "reported only",
        |world| world.policy.drift = Drift::Report,
        State::Drifted,
        "reported-only",
        "",
    ),
    (
        "the block is named, not that it is only reported",
        |world| {
            world.policy.drift = Drift::Report;
            world.block("A");
        },
        State::Drifted,
        "blocked",
        "",
    ),
    (
        "reapplying does not go over the switch",
        |world| {
            world.switch_off();
            world.order.reapply.insert(name("A"));
        },
        State::Drifted,
        "switched-off",
        "",
    ),
    (
        "reapplying another one leaves this one reported",
        |world| {
            world.policy.drift = Drift::Report;
            world.order.reapply.insert(name("B"));
        },
        State::Drifted,
        "reported-only",
        "",
    ),
    (
        "asking for a check of it alone is no wish to have it put right",
        |world| {
            world.policy.drift = Drift::Report;
            world.only("A");
        },
        State::Drifted,
        "reported-only",
        "",
    ),
];

#[test]
fn what_is_not_installed_waits_for_whom_it_has_to() {
    check_each(World::affected, BEFORE);
}

#[test]
fn what_is_in_place_stays_whoever_forbids_it_now() {
    check_each(World::protected, INSTALLED);
}

#[test]
fn another_revision_is_installed_if_nobody_forbids_it() {
    let start = |kind| {
        let mut world = World::protected(kind);
        world.publish(&[blocking("A", 2, "worse")]);
        world
    };
    check_each(start, ANOTHER_REVISION);
}

/// Somebody edits what was written; the code of that.
fn edited(world: &mut World) -> &'static str {
    let machine = world.server();
    let path =
        [NGINX_OWN, APACHE_OWN, HAPROXY].into_iter().find(|path| machine.files.contains_key(*path));
    let path = path.unwrap();
    let text = machine.text(path).replace("Emergency", "Harmless");
    machine.write(path, &text);
    if path == HAPROXY { "stray-line, lines-missing, lines-missing" } else { "file-changed" }
}

#[test]
fn what_was_changed_is_told_whoever_forbids_to_put_it_right() {
    for kind in KINDS {
        for (row, happened, state, why, work) in CHANGED {
            let mut world = World::protected(kind);
            let code = edited(&mut world);
            happened(&mut world);
            let expected = if why.is_empty() { code.to_owned() } else { format!("{code}, {why}") };
            let (found, codes, done) = world.told("A");
            assert_eq!((found, codes, done.as_str()), (*state, expected, *work), "{kind}: {row}");
        }
    }
}

#[test]
fn a_block_is_told_whatever_the_state() {
    for kind in KINDS {
        for start in [World::affected, World::protected] {
            let mut world = start(kind);
            assert!(!of(&world.plan(), "A").blocked, "{kind}");
            world.block("A");
            assert!(of(&world.plan(), "A").blocked, "{kind}");
        }
    }
}

#[test]
fn who_may_ask_for_one_action_of_two_gets_that_one() {
    for kind in KINDS {
        let mut world = World::affected(kind);
        let both = format!("{}{}", block("A", 1, "evil"), block("A", 2, "worse"));
        world.publish(&[document("A", 1, &both)]);
        deny(&mut world);
        let (state, codes, done) = world.told("A");
        assert_eq!((state, done.as_str()), (State::Pending, "in A.2"), "{kind}");
        assert_eq!(codes, "for-every-server", "{kind}");
        let told = world.after_check().told("A");
        let expected = "in-part, of-actions(A.1: not-permitted)";
        assert_eq!(told, (State::Partial, expected.to_owned(), String::new()), "{kind}");
    }
}

#[test]
fn when_the_block_ends_the_mitigation_is_installed() {
    for kind in KINDS {
        let mut world = World::affected(kind);
        world.block("A");
        assert_eq!(world.check().web.len(), 0, "{kind}");
        world.policy.blocked.clear();
        assert_eq!(world.check().web.len(), 1, "{kind}");
        assert_eq!(world.files(), World::protected(kind).files(), "{kind}");
    }
}
