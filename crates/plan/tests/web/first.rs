//! A first install, what stands unchanged, and several rules on one server.

use stopgap_model::report::State;
use stopgap_model::{Fact, WebKind};
use stopgap_plan::Step;

use super::documents::{block, blocking, document, taking};
use super::machine::{APACHE, HAPROXY, KINDS, Machine, NGINX, NGINX_OWN, SITE_A};
use super::told::{action_of, all_files, codes, list, of};
use super::world::{Row, World, action, check_each};

/// Where the rule goes on each server, for a person, and the files in the order in which they are written.
const PLACES: &[(WebKind, &str, &str)] = &[
    (
        WebKind::Nginx,
        "/etc/nginx/stopgap-http.rules, included in the http block; \
         /etc/nginx/stopgap-server.rules, included in 2 server blocks",
        "+stopgap-http.rules +stopgap-server.rules ~nginx.conf ~a ~b",
    ),
    (
        WebKind::Apache,
        "/etc/apache2/conf-enabled/stopgap.conf, included by /etc/apache2/conf-enabled/*.conf",
        "+stopgap.conf",
    ),
    (WebKind::HaProxy, "/etc/haproxy/haproxy.cfg, at the heads of 2 frontends", "~haproxy.cfg"),
];

#[test]
fn a_first_install_says_why_and_where_and_writes_what_is_missing() {
    for (kind, place, files) in PLACES {
        let plan = World::affected(*kind).plan();
        let report = of(&plan, "A");
        assert_eq!((report.state, report.in_force), (State::Pending, None), "{kind}");
        assert_eq!(codes(&report.reason), "for-every-server", "{kind}");
        assert_eq!((report.title.as_str(), report.source.as_str()), ("A test", "feed acme"));
        let asked = action_of(&plan, "A");
        assert_eq!((asked.place.as_str(), asked.kind.as_str()), (*place, "block-request"));
        assert_eq!(asked.notes, [], "{kind}");
        assert_eq!(all_files(&plan), *files, "{kind}");
        assert!(plan.web[0].fresh && plan.web[0].strays.is_empty(), "{kind}");
        assert!(plan.unchanged.is_empty() && plan.altered.is_empty(), "{kind}");
        assert!(report.rules.is_empty() && report.in_place.is_empty(), "{kind}");
    }
}

#[test]
fn the_text_that_is_tested_first_is_the_text_that_is_written() {
    for kind in KINDS {
        let plan = World::affected(kind).plan();
        let change = &plan.web[0];
        let main = change.server.config[0].clone();
        assert_eq!(
            change.staged[0].0, main,
            "{kind}: the server is asked about its main file first"
        );
        let marks =
            |bytes: &[u8]| String::from_utf8_lossy(bytes).matches("A.1, revision 1").count();
        let written = change.edits.iter().filter_map(|edit| edit.after.as_deref()).map(marks);
        let tested = change.staged.iter().map(|(_, bytes)| marks(bytes));
        let (written, tested): (usize, usize) = (written.sum(), tested.sum());
        assert!(written > 0 && written == tested, "{kind}: {written} written, {tested} tested");
    }
}

#[test]
fn what_is_in_place_is_applied_and_left_alone() {
    for (kind, place, _) in PLACES {
        let plan = World::protected(*kind).plan();
        let report = of(&plan, "A");
        assert_eq!((report.state, report.in_force), (State::Applied, Some(1)), "{kind}");
        assert_eq!(codes(&report.reason), "for-every-server", "{kind}");
        assert_eq!(
            (&report.rules[..], &report.in_place[..]),
            (&["Stopgap A.1".into()][..], &["Stopgap A.1".into()][..])
        );
        assert_eq!(action_of(&plan, "A").place, *place);
        assert!(plan.web.is_empty() && plan.altered.is_empty(), "{kind}");
        let [standing] = plan.unchanged.as_slice() else { panic!("{:?}", plan.unchanged) };
        assert_eq!(standing.rules.len(), 1);
        assert_eq!((standing.rules[0].action.as_str(), standing.unreached.len()), ("A.1", 0));
        assert!(!standing.sites.is_empty());
    }
}

#[test]
fn a_removal_leaves_every_byte_as_it_was_before_the_first_install() {
    for kind in KINDS {
        let before = World::affected(kind);
        let mut world = before.clone().after_check();
        assert_ne!(world.files(), before.files(), "{kind}");
        world.remove("A");
        let plan = world.check();
        assert_eq!(codes(&of(&plan, "A").reason), "to-be-withdrawn(removed)", "{kind}");
        assert_eq!(world.files(), before.files(), "{kind}");
        assert!(world.installed.web.is_empty(), "{kind}: the records tell of something");
    }
}

const REVISIONS: &[Row] = &[
    (
        "a later revision takes the place of the one that is there",
        |world| world.publish(&[blocking("A", 2, "worse")]),
        State::Applied,
        "another-revision",
        "in A.1",
    ),
    (
        "an earlier revision does too, where the source offers that now",
        |world| {
            world.publish(&[blocking("A", 3, "worse")]);
            let _ = world.check();
            world.publish(&[blocking("A", 2, "evil")]);
        },
        State::Applied,
        "another-revision",
        "in A.1",
    ),
    (
        "a later revision that asks for the same rule is written for its number",
        |world| world.publish(&[blocking("A", 2, "evil")]),
        State::Applied,
        "another-revision",
        "in A.1",
    ),
    (
        "a later revision that takes a header away instead of blocking",
        |world| world.publish(&[document("A", 2, &taking("A", 1, "x-evil"))]),
        State::Applied,
        "another-revision",
        "in A.1",
    ),
    (
        "a later revision that adds an action installs that and renews the other",
        |world| {
            let both = format!("{}{}", block("A", 1, "evil"), block("A", 2, "worse"));
            world.publish(&[document("A", 2, &both)]);
        },
        State::Partial,
        "in-part, of-actions(A.2: for-every-server)",
        "in A.1 A.2",
    ),
    (
        "a later revision that has another action instead",
        |world| world.publish(&[document("A", 2, &block("A", 2, "evil"))]),
        State::Partial,
        "in-part, of-actions(A.2: for-every-server)",
        "in A.2 out A.1",
    ),
    (
        "a second mitigation is put beside the first, which stays as it is",
        |world| world.publish(&[blocking("A", 1, "evil"), blocking("B", 1, "worse")]),
        State::Applied,
        "for-every-server",
        "in B.1",
    ),
    (
        "two mitigations of which one takes nothing of the other with it",
        |world| {
            world.publish(&[blocking("A", 1, "evil"), blocking("B", 1, "worse")]);
            let _ = world.check();
            world.remove("B");
        },
        State::Applied,
        "for-every-server",
        "out B.1",
    ),
];

#[test]
fn a_revision_takes_the_place_of_another() {
    check_each(World::protected, REVISIONS);
}

#[test]
fn after_each_row_of_revisions_there_is_nothing_left_to_do() {
    for kind in KINDS {
        for (name, happened, ..) in REVISIONS {
            let mut world = World::protected(kind);
            happened(&mut world);
            let _ = world.check();
            world.order = stopgap_plan::Order::default();
            world.block("B");
            let (state, codes, done) = world.told("A");
            assert_eq!(
                (state, codes.as_str(), done.as_str()),
                (State::Applied, "for-every-server", ""),
                "{kind}: {name}"
            );
        }
    }
}

#[test]
fn the_rules_of_one_server_are_one_list_in_the_order_of_the_catalog() {
    for kind in KINDS {
        let documents = ["C", "A", "B"].map(|id| blocking(id, 1, &format!("evil-{id}")));
        let plan = World::with(vec![Machine::usual(kind)], &documents).plan();
        let Step::Rules { rules, installs, .. } = &plan.web[0].step else { panic!("{plan:?}") };
        let order: Vec<&str> = rules.iter().map(|placed| placed.action.as_str()).collect();
        assert_eq!(order, ["C.1", "A.1", "B.1"], "{kind}");
        assert_eq!(installs, &["C.1", "A.1", "B.1"].map(action), "{kind}");
        assert_eq!(plan.web.len(), 1, "{kind}: one server is changed once");
    }
}

#[test]
fn taking_one_of_two_rules_out_leaves_the_text_of_the_other_alone() {
    for kind in KINDS {
        let mut both = World::with(
            vec![Machine::usual(kind)],
            &[blocking("A", 1, "evil"), blocking("B", 1, "worse")],
        );
        let _ = both.check();
        both.remove("B");
        let _ = both.check();
        assert_eq!(both.files(), World::protected(kind).files(), "{kind}");
    }
}

/// What is written where a server is not as its package has it.
type OtherPlace = (&'static str, fn() -> Machine, &'static str, &'static str);

const OTHER_PLACES: &[OtherPlace] = &[
    (
        "Apache without a folder for settings gets a line at the end of its main file",
        || Machine::new(WebKind::Apache, &[(APACHE, "Listen 80\n")]),
        "/etc/apache2/stopgap.conf, included by a line of Stopgap in /etc/apache2/apache2.conf",
        "+stopgap.conf ~apache2.conf",
    ),
    (
        "a second nginx with a main file of another name has files of its own",
        || Machine::new(WebKind::Nginx, &[("/srv/shop.conf", "http { server { listen 81; } }\n")]),
        "/srv/stopgap-http.shop.conf.rules, included in the http block; \
         /srv/stopgap-server.shop.conf.rules, included in 1 server block",
        "+stopgap-http.shop.conf.rules +stopgap-server.shop.conf.rules ~shop.conf",
    ),
    (
        "HAProxy with one frontend names it",
        || Machine::new(WebKind::HaProxy, &[(HAPROXY, "frontend shop\n  mode http\n  bind :80\n")]),
        "/etc/haproxy/haproxy.cfg, at the head of shop",
        "~haproxy.cfg",
    ),
];

#[test]
fn a_rule_finds_its_place_in_an_unusual_configuration() {
    for (name, machine, place, files) in OTHER_PLACES {
        let plan = World::with(vec![machine()], &[blocking("A", 1, "evil")]).plan();
        assert_eq!(
            (action_of(&plan, "A").place.as_str(), all_files(&plan).as_str()),
            (*place, *files),
            "{name}"
        );
    }
}

#[test]
fn a_header_that_is_taken_away_on_nginx_has_a_file_for_each_protocol_that_is_in_use() {
    let headers = [document("A", 1, &taking("A", 1, "x-evil"))];
    let mut world = World::with(vec![Machine::usual(WebKind::Nginx)], &headers);
    assert_eq!(all_files(&world.plan()), "+stopgap-upstream.rules ~nginx.conf");
    let php = "a.test;\n  location /php { fastcgi_pass unix:/run/php.sock; }\n";
    world.server().edit(SITE_A, "a.test;\n", php);
    let plan = world.check();
    assert_eq!(all_files(&plan), "+stopgap-upstream.rules +stopgap-fastcgi.rules ~nginx.conf");
    assert!(world.server().text(NGINX).contains("stopgap-upstream.rule[s]"));
    assert!(!world.server().files.contains_key(NGINX_OWN), "nothing is blocked");
    assert!(!world.server().text(SITE_A).contains("stopgap"));
}

/// Whether the server runs, and what is said of that.
type Running = (&'static str, fn() -> Fact<bool>, &'static str);

const RUNNING: &[Running] = &[
    ("a server that runs", || Fact::Known(true), ""),
    ("a server that is stopped", || Fact::Known(false), "not-running"),
    ("a server of which nothing runs", || Fact::Absent, "not-running"),
    (
        "a server that cannot be looked at",
        || Fact::Unknown(stopgap_model::Reasons::text("no right to look")),
        "running-unknown",
    ),
];

#[test]
fn a_server_that_does_not_run_gets_its_rules_and_that_is_noted() {
    for kind in KINDS {
        for (name, running, note) in RUNNING {
            let mut world = World::affected(kind);
            world.server().server.running = running();
            let first = world.check();
            assert_eq!(list(&action_of(&first, "A").notes), *note, "{kind}: {name}");
            assert_eq!(first.web.len(), 1, "{kind}: {name}");
            let second = world.plan();
            assert_eq!(of(&second, "A").state, State::Applied, "{kind}: {name}");
            assert_eq!(list(&action_of(&second, "A").notes), *note, "{kind}: {name}");
        }
    }
}
