//! Files that cannot be changed, where nothing can be written, and lines of ours that stay behind.

use stopgap_model::WebKind;
use stopgap_model::report::State;
use stopgap_plan::{Order, Step};

use super::documents::blocking;
use super::machine::{APACHE, HAPROXY, KINDS, Machine, NGINX, NGINX_OWN, SITE_A, SITE_B};
use super::told::{all_files, codes, done, of};
use super::world::{Row, World, check};

/// A server on which a rule has no place, and the code of why.
type Refused = (&'static str, fn() -> Machine, &'static str);

fn usual(kind: WebKind, happened: fn(&mut Machine)) -> Machine {
    let mut machine = Machine::usual(kind);
    happened(&mut machine);
    machine
}

const REFUSED: &[Refused] = &[
    (
        "nginx's main file cannot be changed",
        || usual(WebKind::Nginx, |it| it.fixed.push(NGINX.into())),
        "nothing-put-into",
    ),
    (
        "no site of nginx can be changed",
        || usual(WebKind::Nginx, |it| it.fixed = vec![SITE_A.into(), SITE_B.into()]),
        "nothing-put-into",
    ),
    (
        "HAProxy's file cannot be changed",
        || usual(WebKind::HaProxy, |it| it.fixed.push(HAPROXY.into())),
        "nothing-put-into",
    ),
    (
        "a pattern of nginx's would take in our files",
        || {
            Machine::new(
                WebKind::Nginx,
                &[(NGINX, "http { include *.rules; server { listen 80; } }\n")],
            )
        },
        "taken-in-elsewhere",
    ),
    (
        "the folder of nginx's main file has a name that is a pattern",
        || {
            Machine::new(
                WebKind::Nginx,
                &[("/srv/[1]/nginx.conf", "http { server { listen 80; } }\n")],
            )
        },
        "path-not-plain",
    ),
    (
        "Apache's main file ends in a line that is continued",
        || Machine::new(WebKind::Apache, &[(APACHE, "Listen 80\nListen \\\n")]),
        "continued-line",
    ),
];

#[test]
fn where_a_rule_has_no_place_nothing_is_written_and_that_is_a_conflict() {
    let mut wrong = Vec::new();
    for (row, machine, why) in REFUSED {
        let told = World::with(vec![machine()], &[blocking("A", 1, "evil")]).told("A");
        if told != (State::Conflict, (*why).to_owned(), String::new()) {
            wrong.push(format!("{row}: {told:?}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn what_cannot_be_written_keeps_no_other_server_from_its_rules() {
    let machines = vec![
        usual(WebKind::Nginx, |it| it.fixed.push(NGINX.into())),
        Machine::usual(WebKind::Apache),
    ];
    let mut world = World::with(machines, &[blocking("A", 1, "evil")]);
    let (state, codes, done) = world.told("A");
    let expected = "on-servers(nginx conflict: nothing-put-into), \
                    on-servers(apache pending: for-every-server)";
    assert_eq!(
        (state, codes.as_str(), done.as_str()),
        (State::Conflict, expected, "apache: in A.1")
    );
    let _ = world.check();
    let (state, codes, done) = world.told("A");
    let expected = "on-servers(nginx conflict: nothing-put-into), in-place-on(apache applied)";
    assert_eq!((state, codes.as_str(), done.as_str()), (State::Partial, expected, ""));
}

/// A line of HAProxy's that is held fast takes effect by itself, so nothing is called withdrawn.
const HELD: &[Row] = &[
    (
        "a removal that would leave a line which blocks",
        |world| world.remove("A"),
        State::Conflict,
        "not-withdrawn(line-held; removed)",
        "",
    ),
    (
        "another revision that would leave the line of the first",
        |world| world.publish(&[blocking("A", 2, "worse")]),
        State::Conflict,
        "nothing-put-into",
        "",
    ),
    ("what stands there stays", |_| {}, State::Applied, "for-every-server", ""),
];

#[test]
fn a_line_of_haproxy_that_cannot_be_taken_out_stays_in_force() {
    let mut start = World::protected(WebKind::HaProxy);
    start.server().fixed.push(HAPROXY.into());
    check(&start, HELD);
}

/// nginx, on which A was removed while the file of one site could not be changed.
fn with_a_line_left() -> World {
    let mut world = World::protected(WebKind::Nginx);
    world.server().fixed.push(SITE_B.into());
    world.remove("A");
    world.has_removed("A");
    let plan = world.check();
    assert_eq!(all_files(&plan), "~a ~nginx.conf -stopgap-http.rules -stopgap-server.rules");
    assert_eq!(plan.web[0].strays.len(), 1);
    let Step::Rules { rules, left, .. } = &plan.web[0].step else { panic!("{plan:?}") };
    assert_eq!((rules.len(), left.len(), left[0].action.as_str()), (0, 1, "A.1"));
    assert!(world.server().text(SITE_B).contains("stopgap-server.rule[s]"));
    world.order = Order::default();
    world
}

const LEFT: &[Row] = &[
    ("a line that stays is told", |_| {}, State::Failed, "lines-left(include-stays)", ""),
    (
        "as soon as its file can be changed, it goes",
        |world| world.server().fixed.clear(),
        State::Blocked,
        "removed",
        "out A.1",
    ),
    (
        "but not where automatic mitigation is switched off",
        |world| {
            world.server().fixed.clear();
            world.switch_off();
        },
        State::Blocked,
        "removed",
        "",
    ),
    (
        "nor in a check that is about something else",
        |world| {
            world.server().fixed.clear();
            world.only("B");
        },
        State::Blocked,
        "removed",
        "",
    ),
    (
        "nor where the server refuses its configuration",
        |world| {
            world.server().fixed.clear();
            world.server().refused = Some("[emerg] unknown directive".into());
        },
        State::Blocked,
        "removed",
        "",
    ),
    (
        "somebody has taken it out by hand",
        |world| world.server().cut_lines(SITE_B, "stopgap"),
        State::Blocked,
        "removed",
        "",
    ),
    (
        "when the removal is lifted, the rule is installed and uses the line",
        |world| world.policy.blocked.clear(),
        State::Pending,
        "for-every-server",
        "in A.1",
    ),
];

#[test]
fn a_line_that_stays_behind_is_told_until_it_is_gone() {
    check(&with_a_line_left(), LEFT);
}

#[test]
fn a_line_that_stayed_goes_to_the_byte() {
    let mut world = with_a_line_left();
    world.server().fixed.clear();
    let plan = world.check();
    assert_eq!(all_files(&plan), "~b");
    assert_eq!(world.files(), World::affected(WebKind::Nginx).files());
    assert!(world.installed.web.is_empty());
}

#[test]
fn a_line_of_a_mitigation_that_no_catalog_has_is_told_and_goes_too() {
    let mut world = with_a_line_left();
    world.publish(&[]);
    let plan = world.plan();
    let report = of(&plan, "A");
    assert_eq!(
        (report.state, codes(&report.reason).as_str()),
        (State::Failed, "lines-left(include-stays)")
    );
    assert_eq!((report.source.as_str(), plan.web.len()), ("change records", 0));
    world.server().fixed.clear();
    let plan = world.check();
    assert!(plan.report.is_empty(), "{:?}", plan.report);
    assert_eq!((done(&plan, false).as_str(), all_files(&plan).as_str()), ("out A.1", "~b"));
    assert!(world.installed.web.is_empty());
}

#[test]
fn a_line_stays_named_when_another_rule_comes_and_goes() {
    let mut world = with_a_line_left();
    world.publish(&[blocking("A", 1, "evil"), blocking("B", 1, "worse")]);
    let _ = world.check();
    assert!(world.server().files.contains_key(NGINX_OWN));
    assert_eq!(of(&world.plan(), "B").state, State::Applied, "the line takes the rule in");
    world.remove("B");
    let plan = world.check();
    let Step::Rules { left, .. } = &plan.web[0].step else { panic!("{plan:?}") };
    let left: Vec<&str> = left.iter().map(|placed| placed.action.as_str()).collect();
    assert!(left.contains(&"B.1"), "{left:?}");
}

#[test]
fn our_own_file_that_cannot_be_read_is_not_guessed_at() {
    for kind in KINDS.into_iter().filter(|kind| *kind != WebKind::HaProxy) {
        let mut world = World::protected(kind);
        let own = match kind {
            WebKind::Nginx => NGINX_OWN,
            _ => super::machine::APACHE_OWN,
        };
        world.server().unreadable.push(own.into());
        let (state, codes, done) = world.told("A");
        assert_eq!(
            (state, codes.as_str(), done.as_str()),
            (State::Conflict, "own-file-unreadable", ""),
            "{kind}"
        );
    }
}
