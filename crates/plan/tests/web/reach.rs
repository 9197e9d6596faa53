//! What rules do not reach: files that cannot be changed or read, and what the configuration does itself.

use stopgap_model::WebKind;
use stopgap_model::report::State;

use super::documents::{block, blocking, document, taking};
use super::machine::{APACHE, HAPROXY, Machine, NGINX, SITE_A, SITE_B};
use super::told::{action_of, all_files, codes, codes_of, list, of};
use super::world::{Row, World, check};

const MORE: &str = "/etc/haproxy/more.cfg";

/// HAProxy with a second file, which cannot be changed.
fn haproxy_of_two_files() -> Machine {
    let mut machine = Machine::usual(WebKind::HaProxy);
    machine.write(MORE, "frontend more\n  mode http\n  bind :8443\n");
    machine.server.config.push(stopgap_model::ServerPath::new(MORE));
    machine
}

/// What a rule does not reach, on which server, with the code of that, and the sites that are left out.
type Hole = (&'static str, fn() -> Machine, fn() -> String, &'static str, &'static [&'static str]);

fn nginx_with(happened: fn(&mut Machine)) -> Machine {
    let mut machine = Machine::usual(WebKind::Nginx);
    happened(&mut machine);
    machine
}

fn blocks() -> String {
    blocking("A", 1, "evil")
}

fn takes() -> String {
    document("A", 1, &taking("A", 1, "x-evil"))
}

const HOLES: &[Hole] = &[
    (
        "a site whose file cannot be changed",
        || nginx_with(|it| it.fixed.push(SITE_B.into())),
        blocks,
        "not-reached",
        &["b.test:80"],
    ),
    (
        "a file with two sites that cannot be changed",
        || {
            nginx_with(|it| {
                it.append(SITE_B, "server {\n  listen 81;\n  server_name c.test;\n}\n");
                it.fixed.push(SITE_B.into());
            })
        },
        blocks,
        "several-not-reached",
        &["b.test:80", "c.test:81"],
    ),
    (
        "a site whose file cannot be read",
        || nginx_with(|it| it.unreadable.push(SITE_B.into())),
        blocks,
        "file-not-known",
        &[],
    ),
    (
        "a site that passes the header on itself",
        || {
            nginx_with(|it| {
                let own = "a.test;\n  location / { proxy_set_header X-Evil $http_x_evil; }\n";
                it.edit(SITE_A, "a.test;\n", own);
            })
        },
        takes,
        "passes-header",
        &[],
    ),
    (
        "a frontend in a file that cannot be changed",
        || {
            let mut machine = haproxy_of_two_files();
            machine.fixed.push(MORE.into());
            machine
        },
        blocks,
        "not-reached",
        &["(no name):8443"],
    ),
];

#[test]
fn where_a_rule_does_not_reach_it_holds_in_part() {
    for (row, machine, asked, hole, sites) in HOLES {
        let mut world = World::with(vec![machine()], &[asked()]);
        let first = world.check();
        let report = of(&first, "A");
        assert_eq!(
            (report.state, codes(&report.reason).as_str()),
            (State::Pending, "for-every-server"),
            "{row}"
        );
        assert_eq!(list(&action_of(&first, "A").notes), *hole, "{row}");
        let unreached = |all: &[stopgap_model::web::WebSite]| -> Vec<String> {
            all.iter().map(ToString::to_string).collect()
        };
        assert_eq!(unreached(&first.web[0].unreached), *sites, "{row}");
        let second = world.plan();
        let report = of(&second, "A");
        let expected = format!("in-place, {hole}, for-every-server");
        assert_eq!((report.state, codes_of(report)), (State::Partial, expected), "{row}");
        assert_eq!(unreached(&second.unchanged[0].unreached), *sites, "{row}");
        assert_eq!(second.web.len(), 0, "{row}: nothing more can be done");
    }
}

/// What is worth a note and keeps nothing from being applied.
type Note = (&'static str, fn() -> Machine, fn() -> String, &'static str);

const NOTES: &[Note] = &[
    (
        "nginx sets the header to something of its own",
        || {
            nginx_with(|it| {
                let own = "a.test;\n  location / { proxy_set_header X-Evil none; }\n";
                it.edit(SITE_A, "a.test;\n", own);
            })
        },
        takes,
        "sets-header",
    ),
    (
        "a cache of Apache answers before any rule",
        || Machine::new(WebKind::Apache, &[(APACHE, "Listen 80\nCacheEnable disk /\n")]),
        blocks,
        "quick-cache",
    ),
    (
        "that is no matter for a header that is taken away",
        || Machine::new(WebKind::Apache, &[(APACHE, "Listen 80\nCacheEnable disk /\n")]),
        takes,
        "",
    ),
    (
        "`Satisfy Any` is answered by the rule itself",
        || Machine::new(WebKind::Apache, &[(APACHE, "Listen 80\nSatisfy Any\n")]),
        blocks,
        "",
    ),
    (
        "rules of HAProxy's defaults come before ours",
        || {
            let text =
                "defaults d\n  mode http\n  http-request allow\nfrontend web from d\n  bind :80\n";
            Machine::new(WebKind::HaProxy, &[(HAPROXY, text)])
        },
        blocks,
        "defaults-first",
    ),
    (
        "a digest at the head of HAProxy's file",
        || {
            let digest = "0123456789abcdef0123456789abcdef";
            let text = format!("# _md5hash={digest}\nfrontend web\n  mode http\n  bind :80\n");
            Machine::new(WebKind::HaProxy, &[(HAPROXY, &text)])
        },
        blocks,
        "stale-digest",
    ),
];

#[test]
fn what_is_worth_a_note_keeps_nothing_from_being_applied() {
    for (row, machine, asked, note) in NOTES {
        let mut world = World::with(vec![machine()], &[asked()]);
        assert_eq!(list(&action_of(&world.check(), "A").notes), *note, "{row}");
        let plan = world.plan();
        let report = of(&plan, "A");
        assert_eq!(
            (report.state, codes(&report.reason).as_str()),
            (State::Applied, "for-every-server"),
            "{row}"
        );
        assert_eq!(list(&action_of(&plan, "A").notes), *note, "{row}");
    }
}

/// Many sites whose files cannot be changed.
#[test]
fn of_many_holes_three_are_named_and_the_others_are_counted() {
    let mut machine = Machine::usual(WebKind::Nginx);
    for at in 0..5 {
        let path = format!("/etc/nginx/sites/fixed{at}");
        machine.write(&path, &format!("server {{\n  listen 80;\n  server_name f{at}.test;\n}}\n"));
        machine.fixed.push(path);
    }
    let (state, codes, _) = World::with(vec![machine], &[blocks()]).after_check().told("A");
    let expected = "in-place, not-reached, not-reached, not-reached, and-more(2), for-every-server";
    assert_eq!((state, codes.as_str()), (State::Partial, expected));
}

#[test]
fn what_a_block_does_not_reach_a_header_rule_may() {
    let mut machine = Machine::usual(WebKind::Nginx);
    machine.fixed.push(SITE_B.into());
    let both = format!("{}{}", block("A", 1, "evil"), taking("A", 2, "x-evil"));
    let mut world = World::with(vec![machine], &[document("A", 1, &both)]);
    let _ = world.check();
    let plan = world.plan();
    let states: Vec<State> = of(&plan, "A").actions.iter().map(|action| action.state).collect();
    assert_eq!(states, [State::Partial, State::Applied]);
    let expected = "in-part, of-actions(A.1: in-place, not-reached, for-every-server)";
    assert_eq!(codes(&of(&plan, "A").reason), expected);
}

/// A file that can be changed again.
const MENDED: &[Row] = &[
    (
        "as long as the file cannot be changed, nothing is done",
        |_| {},
        State::Partial,
        "in-place, not-reached, for-every-server",
        "",
    ),
    (
        "when it can, the rule is put in there too",
        |world| world.server().fixed.clear(),
        State::Drifted,
        "lines-missing",
        "in A.1",
    ),
    (
        "a block keeps it as it is",
        |world| world.block("A"),
        State::Partial,
        "in-place, not-reached, installed-and-blocked",
        "",
    ),
    (
        "so does the switch",
        World::switch_off,
        State::Partial,
        "in-place, not-reached, installed-and-switched-off",
        "",
    ),
];

#[test]
fn a_file_that_can_be_changed_again_gets_the_rule() {
    let mut machine = Machine::usual(WebKind::Nginx);
    machine.fixed.push(SITE_B.into());
    let start = World::with(vec![machine], &[blocks()]).after_check();
    check(&start, MENDED);
}

#[test]
fn what_was_written_before_the_file_was_held_fast_is_reached() {
    for (kind, path) in
        [(WebKind::Nginx, SITE_B), (WebKind::HaProxy, HAPROXY), (WebKind::Nginx, NGINX)]
    {
        let mut world = World::protected(kind);
        world.server().fixed.push(path.into());
        let (state, codes, done) = world.told("A");
        assert_eq!(
            (state, codes.as_str(), done.as_str()),
            (State::Applied, "for-every-server", ""),
            "{path}"
        );
    }
}

#[test]
fn a_new_rule_of_nginx_reaches_a_site_that_was_held_fast_since() {
    let mut world = World::protected(WebKind::Nginx);
    for path in [NGINX, SITE_A, SITE_B] {
        world.server().fixed.push(path.into());
    }
    world.publish(&[blocks(), blocking("B", 1, "worse")]);
    let plan = world.check();
    assert_eq!(all_files(&plan), "~stopgap-http.rules");
    assert_eq!(of(&world.plan(), "B").state, State::Applied);
}
