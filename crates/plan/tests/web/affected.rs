//! Whether a mitigation is for a server: the versions of the server itself, declared products, and what
//! becomes of a rule that nobody needs any more.

use stopgap_model::report::State;
use stopgap_model::{Fact, WebKind};

use super::documents::{for_product, withdrawn};
use super::machine::{KINDS, Machine};
use super::told::{codes, of};
use super::world::{Row, World, check, check_each};

/// Of nginx 1.25.0 to 1.26.4.
fn for_nginx() -> String {
    for_product("A", 1, "nginx/nginx", "{ introduced = \"1.25.0\", fixed = \"1.26.5\" }")
}

/// The version of nginx before anything is installed.
const VERSIONS: &[Row] = &[
    ("a vulnerable version", |_| {}, State::Pending, "affected", "in A.1"),
    (
        "the first one",
        |world| world.server().has_version(&[1, 25, 0]),
        State::Pending,
        "affected",
        "in A.1",
    ),
    (
        "the one before it",
        |world| world.server().has_version(&[1, 24, 9]),
        State::NotAffected,
        "older-than-affected",
        "",
    ),
    (
        "the one with the fix",
        |world| world.server().has_version(&[1, 26, 5]),
        State::NotAffected,
        "has-fix",
        "",
    ),
    (
        "the one before the fix",
        |world| world.server().has_version(&[1, 26, 4]),
        State::Pending,
        "affected",
        "in A.1",
    ),
    (
        "a version that cannot be read",
        |world| {
            world.server().server.version =
                Fact::Unknown(stopgap_model::Reasons::text("it does not say"))
        },
        State::Unknown,
        "version-unknown",
        "",
    ),
    (
        "a program without a version",
        |world| world.server().server.version = Fact::Absent,
        State::Unknown,
        "no-version",
        "",
    ),
    (
        "a version that is declared beside one that cannot be read",
        |world| {
            world.server().server.version =
                Fact::Unknown(stopgap_model::Reasons::text("it does not say"));
            world.declare("nginx/nginx", &[1, 26, 0]);
        },
        State::Pending,
        "affected",
        "in A.1",
    ),
    (
        "a fixed version is no matter for a block",
        |world| {
            world.server().has_version(&[1, 26, 5]);
            world.block("A");
        },
        State::NotAffected,
        "has-fix",
        "",
    ),
    (
        "a server that is not here",
        |world| world.machines = vec![Machine::usual(WebKind::Apache)],
        State::NotAffected,
        "not-installed",
        "",
    ),
];

#[test]
fn the_version_of_the_server_decides() {
    check(&World::with(vec![Machine::usual(WebKind::Nginx)], &[for_nginx()]), VERSIONS);
}

fn is_fixed(world: &mut World) {
    world.server().has_version(&[1, 26, 5]);
}

/// The rule is in place, and something becomes of the server.
const MENDED: &[Row] = &[
    ("the server got the fix", is_fixed, State::Applied, "to-be-withdrawn(has-fix)", "out A.1"),
    (
        "its version cannot be read any more, so the rule stays",
        |world| {
            world.server().server.version =
                Fact::Unknown(stopgap_model::Reasons::text("it does not say"))
        },
        State::Unknown,
        "version-unknown, stays",
        "",
    ),
    (
        "it got the fix and is switched off",
        |world| {
            is_fixed(world);
            world.switch_off();
        },
        State::Applied,
        "not-needed-and-switched-off(has-fix)",
        "",
    ),
    (
        "it got the fix while the feed is in trouble: the list of versions is known",
        |world| {
            is_fixed(world);
            world.offer("A").hold = Some(stopgap_model::Reasons::text("feed acme is stale"));
        },
        State::Applied,
        "to-be-withdrawn(has-fix)",
        "out A.1",
    ),
    (
        "it got the fix and refuses its configuration",
        |world| {
            is_fixed(world);
            world.server().refused = Some("[emerg] unknown directive".into());
        },
        State::Conflict,
        "not-withdrawn(server-refuses-its-configuration; has-fix)",
        "",
    ),
    (
        "it got the fix, and taking the rule out failed",
        |world| {
            is_fixed(world);
            world.has_failed("A.1");
        },
        State::Failed,
        "not-withdrawn(other; has-fix)",
        "out A.1",
    ),
    (
        "it got the fix and somebody removes the mitigation",
        |world| {
            is_fixed(world);
            world.remove("A");
        },
        State::Applied,
        "to-be-withdrawn(removed)",
        "out A.1",
    ),
    (
        "a check for something else leaves what is not needed",
        |world| {
            is_fixed(world);
            world.only("B");
        },
        State::Applied,
        "to-be-withdrawn(has-fix)",
        "",
    ),
    (
        "the publisher withdrew it",
        |world| world.publish(&[withdrawn("A", 2)]),
        State::Applied,
        "to-be-withdrawn(withdrawn)",
        "out A.1",
    ),
];

#[test]
fn what_nobody_needs_any_more_goes() {
    let start = World::with(vec![Machine::usual(WebKind::Nginx)], &[for_nginx()]).after_check();
    check(&start, MENDED);
}

const NEXT: &str = "pkg:npm/next";

fn for_next() -> String {
    for_product("A", 1, NEXT, "{ introduced = \"15.0.0\", fixed = \"15.2.3\" }")
}

/// A library that only an administrator can declare.
const DECLARED: &[Row] = &[
    ("nobody declared it", |_| {}, State::NotAffected, "undeclared", ""),
    (
        "a vulnerable version is declared",
        |world| world.declare(NEXT, &[15, 2, 2]),
        State::Pending,
        "affected",
        "in A.1",
    ),
    (
        "a fixed version is declared",
        |world| world.declare(NEXT, &[15, 2, 3]),
        State::NotAffected,
        "has-fix",
        "",
    ),
    (
        "an older version is declared",
        |world| world.declare(NEXT, &[14, 0, 0]),
        State::NotAffected,
        "older-than-affected",
        "",
    ),
    (
        "of two that are declared one is vulnerable",
        |world| {
            world.declare(NEXT, &[15, 2, 3]);
            world.declare(NEXT, &[15, 1, 0]);
        },
        State::Pending,
        "affected",
        "in A.1",
    ),
    (
        "another library is declared",
        |world| world.declare("pkg:npm/react", &[15, 1, 0]),
        State::NotAffected,
        "undeclared",
        "",
    ),
];

#[test]
fn a_declaration_decides() {
    check_each(|kind| World::with(vec![Machine::usual(kind)], &[for_next()]), DECLARED);
}

/// The library was declared, and its rule is in place.
const DECLARED_BEFORE: &[Row] = &[
    ("it still is", |_| {}, State::Applied, "affected", ""),
    (
        "the declaration was taken back",
        |world| world.declared.clear(),
        State::Applied,
        "to-be-withdrawn(undeclared)",
        "out A.1",
    ),
    (
        "the declaration has the fixed version now",
        |world| {
            world.declared.clear();
            world.declare(NEXT, &[15, 2, 3]);
        },
        State::Applied,
        "to-be-withdrawn(has-fix)",
        "out A.1",
    ),
    (
        "it was taken back on a server that is switched off",
        |world| {
            world.declared.clear();
            world.switch_off();
        },
        State::Applied,
        "not-needed-and-switched-off(undeclared)",
        "",
    ),
];

#[test]
fn a_declaration_that_is_taken_back_takes_the_rule_with_it() {
    let start = |kind| {
        let mut world = World::with(vec![Machine::usual(kind)], &[for_next()]);
        world.declare(NEXT, &[15, 1, 0]);
        world.after_check()
    };
    check_each(start, DECLARED_BEFORE);
}

/// Products that nobody can identify, and what is in place when a revision comes to ask for one.
#[test]
fn what_cannot_be_identified_installs_nothing_and_takes_nothing_away() {
    for kind in KINDS {
        let strange = |revision| for_product("A", revision, "acme/anvil", "");
        let world = World::with(vec![Machine::usual(kind)], &[strange(1)]);
        let told = world.told("A");
        assert_eq!(told, (State::Unsupported, "cannot-identify".into(), String::new()), "{kind}");
        let mut world = World::protected(kind);
        world.publish(&[strange(2)]);
        let told = world.told("A");
        assert_eq!(
            told,
            (State::Unsupported, "cannot-identify, stays".into(), String::new()),
            "{kind}"
        );
    }
}

#[test]
fn one_vulnerable_server_of_two_has_both_protected() {
    let mut second =
        Machine::new(WebKind::Nginx, &[("/srv/shop.conf", "http { server { listen 81; } }\n")]);
    second.has_version(&[1, 26, 5]);
    let world = World::with(vec![Machine::usual(WebKind::Nginx), second], &[for_nginx()]);
    let (state, codes, done) = world.told("A");
    assert_eq!((state, codes.as_str()), (State::Pending, "affected"));
    assert_eq!(done, "nginx: in A.1; shop.conf: in A.1");
}

#[test]
fn an_action_for_older_versions_only_is_left_out_on_newer_ones() {
    let older = "only_if = { version_below = \"1.26.0\" }\n";
    let text = format!("{}{}{older}", for_nginx(), super::documents::block("A", 2, "worse"));
    for (version, done, why) in
        [([1, 25, 9], "in A.1 A.2", "affected"), ([1, 26, 0], "in A.1", "not-below")]
    {
        let mut world =
            World::with(vec![Machine::usual(WebKind::Nginx)], std::slice::from_ref(&text));
        world.server().has_version(&version);
        assert_eq!(world.told("A").2, done, "{version:?}");
        assert_eq!(codes(&of(&world.plan(), "A").actions[1].reason), why, "{version:?}");
    }
}
