//! What has the name of ours and is not, and actions whose id another mitigation has.

use stopgap_model::WebKind;
use stopgap_model::report::State;

use super::documents::{block, blocking, document, taking};
use super::machine::{APACHE_OWN, HAPROXY, KINDS, Machine, NGINX_OWN};
use super::told::{codes, done, of};
use super::world::{Row, World, check, check_each};

/// A file of our name that says something else, and on which server.
const TAKEN: &[(&str, WebKind, &str)] = &[
    ("the file of nginx's maps", WebKind::Nginx, NGINX_OWN),
    ("the file of nginx's server blocks", WebKind::Nginx, "/etc/nginx/stopgap-server.rules"),
    (
        "a file of nginx's that this rule has no use for",
        WebKind::Nginx,
        "/etc/nginx/stopgap-uwsgi.rules",
    ),
    ("Apache's file", WebKind::Apache, APACHE_OWN),
    ("Apache's file beside its main file", WebKind::Apache, "/etc/apache2/stopgap.conf"),
];

#[test]
fn a_file_of_our_name_that_says_something_else_is_left_and_told() {
    for (row, kind, path) in TAKEN {
        let mut world = World::affected(*kind);
        world.server().write(path, "# somebody's\n");
        let plan = world.plan();
        let report = of(&plan, "A");
        assert_eq!(
            (report.state, codes(&report.reason).as_str()),
            (State::Conflict, "file-taken"),
            "{row}"
        );
        assert!(report.reason.to_string().starts_with(path), "{row}: {}", report.reason);
        assert_eq!((plan.web.len(), report.in_place.len()), (0, 0), "{row}");
    }
}

/// There is a file of our name.
const BESIDE_TAKEN: &[Row] = &[
    ("the switch does not hide it", World::switch_off, State::Conflict, "file-taken", ""),
    ("nor does a block", |world| world.block("A"), State::Conflict, "file-taken", ""),
    (
        "who removed the mitigation is not told of it",
        |world| world.has_removed("A"),
        State::Blocked,
        "removed",
        "",
    ),
    (
        "what the server cannot say is told before",
        |world| world.publish(&[document("A", 1, &taking("A", 1, "host"))]),
        State::Unsupported,
        "server-cannot-say(framing-header)",
        "",
    ),
    (
        "as soon as it is out of the way, the rule is installed",
        |world| {
            let machine = world.server();
            for path in [NGINX_OWN, APACHE_OWN] {
                machine.files.remove(path);
            }
        },
        State::Pending,
        "for-every-server",
        "in A.1",
    ),
];

#[test]
fn a_conflict_is_told_until_the_file_is_gone() {
    for (kind, path) in [(WebKind::Nginx, NGINX_OWN), (WebKind::Apache, APACHE_OWN)] {
        let mut start = World::affected(kind);
        start.server().write(path, "# somebody's\n");
        check(&start, BESIDE_TAKEN);
    }
}

#[test]
fn a_line_of_haproxy_that_has_our_mark_and_no_record_gives_way() {
    let mut world = World::affected(WebKind::HaProxy);
    let old = "  http-request deny if { path -m beg /old } # by Stopgap\n";
    world.server().edit(HAPROXY, "frontend inner\n", &format!("frontend inner\n{old}"));
    let (state, codes, done) = world.told("A");
    assert_eq!(
        (state, codes.as_str(), done.as_str()),
        (State::Pending, "for-every-server", "in A.1")
    );
    let mut world = world.after_check();
    assert!(!world.server().text(HAPROXY).contains("/old"));
    assert_eq!(world.told("A").0, State::Applied);
}

/// A of the same id of an action as what B has installed.
const SAME_ID: &[Row] = &[
    (
        "another mitigation has the id, and is installed",
        |_| {},
        State::Conflict,
        "action-id-taken",
        "",
    ),
    ("a block does not hide it", |world| world.block("A"), State::Conflict, "action-id-taken", ""),
    (
        "nor can this mitigation be removed: nothing of it is there",
        |world| world.remove("A"),
        State::Conflict,
        "action-id-taken",
        "",
    ),
];

#[test]
fn no_mitigation_takes_over_what_another_one_installed() {
    let start = |kind| {
        let of_b = document("B", 1, &block("A", 1, "evil"));
        let mut world = World::with(vec![Machine::usual(kind)], &[of_b]).after_check();
        world.publish(&[blocking("A", 1, "evil")]);
        world
    };
    check_each(start, SAME_ID);
    for kind in KINDS {
        let mut world = start(kind);
        // The other one is in no catalog any more and stays, until it is removed.
        let plan = world.plan();
        assert_eq!(codes(&of(&plan, "B").reason), "not-in-catalog", "{kind}");
        world.remove("B");
        assert_eq!(done(&world.plan(), false), "out A.1", "{kind}");
        let mut world = world.after_check();
        world.order = stopgap_plan::Order::default();
        assert_eq!(world.told("A").2, "in A.1", "{kind}");
    }
}

#[test]
fn of_two_mitigations_with_one_id_of_an_action_the_first_is_installed_and_both_are_told() {
    for kind in KINDS {
        let of_b = document("B", 1, &block("A", 1, "worse"));
        let documents = [blocking("A", 1, "evil"), of_b];
        let mut world = World::with(vec![Machine::usual(kind)], &documents);
        let told = |world: &World| {
            let (a, b) = (world.told("A"), world.told("B"));
            (a.0, a.1, b.0, b.1, a.2)
        };
        let expected = |state, done: &str| {
            let (reason, taken) = ("for-every-server".to_owned(), "action-id-taken".to_owned());
            (state, reason, State::Conflict, taken, done.to_owned())
        };
        assert_eq!(told(&world), expected(State::Pending, "in A.1"), "{kind}");
        let _ = world.check();
        let installed = world.installed.web.values().flat_map(|own| &own.rules);
        let installed: Vec<&str> = installed.map(|rule| rule.mitigation.as_str()).collect();
        assert_eq!(installed, ["A"], "{kind}");
        assert_eq!(told(&world), expected(State::Applied, ""), "{kind}");
    }
}
