//! Configurations that are not known, servers that refuse theirs, and files that two servers share.

use stopgap_model::WebKind;
use stopgap_model::report::State;

use super::documents::blocking;
use super::machine::{APACHE, HAPROXY, KINDS, Machine, NGINX, NGINX_OWN, SITE_A, SITE_B};
use super::told::{codes, done, of};
use super::world::{Row, World, check_each};

/// A configuration that cannot be read, and the code of why.
type Broken = (&'static str, WebKind, fn(&mut Machine), &'static str);

const BROKEN: &[Broken] = &[
    (
        "a block without an end",
        WebKind::Nginx,
        |it| it.append(NGINX, "http {\n"),
        "config-open-block",
    ),
    ("a brace too many", WebKind::Nginx, |it| it.append(NGINX, "}\n"), "config-closes-nothing"),
    (
        "a quote without an end",
        WebKind::Nginx,
        |it| it.append(NGINX, "user \"www;\n"),
        "config-open-quote",
    ),
    (
        "a statement without an end",
        WebKind::Nginx,
        |it| it.append(NGINX, "user www"),
        "config-unfinished-statement",
    ),
    (
        "an include of nothing",
        WebKind::Nginx,
        |it| it.append(NGINX, "include;\n"),
        "config-include-words",
    ),
    (
        "a main file that cannot be read",
        WebKind::Nginx,
        |it| it.unreadable.push(NGINX.into()),
        "config-unreadable",
    ),
    (
        "a main file that is not there",
        WebKind::Nginx,
        |it| {
            it.files.remove(NGINX);
        },
        "config-missing",
    ),
    (
        "no site that can be read",
        WebKind::Nginx,
        |it| it.unreadable = vec![SITE_A.into(), SITE_B.into()],
        "config-cannot-be-read",
    ),
    (
        "a section without an end",
        WebKind::Apache,
        |it| it.append(APACHE, "<VirtualHost *:81>\n"),
        "config-open-section",
    ),
    (
        "an end without a section",
        WebKind::Apache,
        |it| it.append(APACHE, "</VirtualHost>\n"),
        "config-ends-no-section",
    ),
    (
        "a macro that nobody knows",
        WebKind::Apache,
        |it| it.append(APACHE, "Use Site a\n"),
        "config-unknown-macro",
    ),
    (
        "an include of what is not there",
        WebKind::Apache,
        |it| it.append(APACHE, "Include /etc/apache2/gone\n"),
        "config-missing",
    ),
    (
        "a main file that cannot be read",
        WebKind::HaProxy,
        |it| it.unreadable.push(HAPROXY.into()),
        "config-cannot-be-read",
    ),
    (
        "what is more than is read",
        WebKind::HaProxy,
        |it| it.incomplete = Some("the server has more than 20000 configuration files".into()),
        "configuration-unknown",
    ),
];

#[test]
fn of_a_configuration_that_is_not_known_nothing_follows() {
    let mut wrong = Vec::new();
    for (row, kind, happened, why) in BROKEN {
        let mut world = World::affected(*kind);
        happened(world.server());
        let told = world.told("A");
        if told != (State::Unknown, (*why).to_owned(), String::new()) {
            wrong.push(format!("{row}: {told:?}"));
        }
        // What is in place stays, and a removal says that it could not be made.
        let mut world = World::protected(*kind);
        happened(world.server());
        let plan = world.plan();
        let report = of(&plan, "A");
        let found = (report.state, codes(&report.reason), done(&plan, false));
        if found != (State::Unknown, format!("{why}, stays"), String::new()) {
            wrong.push(format!("{row}, in place: {found:?}"));
        }
        assert_eq!((plan.unchanged.len(), plan.altered.len()), (0, 1), "{row}");
        world.remove("A");
        let told = world.told("A");
        if told != (State::Unknown, format!("not-withdrawn({why}; removed)"), String::new()) {
            wrong.push(format!("{row}, removed: {told:?}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

fn incomplete(world: &mut World) {
    world.server().incomplete = Some("a file is changing all the time".into());
}

fn refuses(world: &mut World) {
    world.server().refused = Some("[emerg] unknown directive \"foo\"".into());
}

/// Nothing is installed, and the server is in trouble.
const BEFORE: &[Row] = &[
    (
        "a server that refuses its own configuration is left alone",
        refuses,
        State::Conflict,
        "left-alone(server-refuses-its-configuration)",
        "",
    ),
    (
        "a block is named before that",
        |world| {
            refuses(world);
            world.block("A");
        },
        State::Blocked,
        "blocked",
        "",
    ),
    (
        "so is the switch",
        |world| {
            refuses(world);
            world.switch_off();
        },
        State::Pending,
        "switched-off, for-every-server",
        "",
    ),
    (
        "what is not known is named before a block",
        |world| {
            incomplete(world);
            world.block("A");
        },
        State::Unknown,
        "configuration-unknown",
        "",
    ),
    (
        "and before the switch",
        |world| {
            incomplete(world);
            world.switch_off();
        },
        State::Unknown,
        "configuration-unknown",
        "",
    ),
    (
        "what is removed is not asked about",
        |world| {
            incomplete(world);
            world.has_removed("A");
        },
        State::Blocked,
        "removed",
        "",
    ),
];

/// A is in place, and the server is in trouble.
const AFTER: &[Row] = &[
    (
        "what stands in a configuration that the server refuses still stands",
        refuses,
        State::Applied,
        "for-every-server",
        "",
    ),
    (
        "another revision is not put into it",
        |world| {
            refuses(world);
            world.publish(&[blocking("A", 2, "worse")]);
        },
        State::Conflict,
        "left-alone(server-refuses-its-configuration)",
        "",
    ),
    (
        "nothing is taken out of it",
        |world| {
            refuses(world);
            world.remove("A");
        },
        State::Conflict,
        "not-withdrawn(server-refuses-its-configuration; removed)",
        "",
    ),
    (
        "what is not known does not hide who wants it gone",
        |world| {
            incomplete(world);
            world.has_removed("A");
        },
        State::Unknown,
        "not-withdrawn(configuration-unknown; removed)",
        "",
    ),
];

#[test]
fn a_server_in_trouble_gets_nothing() {
    check_each(World::affected, BEFORE);
}

#[test]
fn a_server_in_trouble_keeps_what_it_has() {
    check_each(World::protected, AFTER);
}

#[test]
fn drift_on_a_server_that_refuses_its_configuration_is_told_as_both() {
    let mut world = World::protected(WebKind::Nginx);
    world.server().append(NGINX_OWN, "nonsense\n");
    refuses(&mut world);
    let expected = "file-changed, left-alone(server-refuses-its-configuration)";
    assert_eq!(world.told("A"), (State::Drifted, expected.to_owned(), String::new()));
}

/// Two servers that take in one file.
fn sharing(kind: WebKind) -> Vec<Machine> {
    let of = |main: &str, text: &str, shared: &str| {
        let (path, content) = match kind {
            WebKind::Nginx => ("/srv/shared/site", "server { listen 80; }\n"),
            WebKind::Apache => ("/srv/shared/charset.conf", "# nothing\n"),
            WebKind::HaProxy => ("/srv/shared.cfg", "frontend web\n  mode http\n  bind :80\n"),
        };
        let mut machine = Machine::new(kind, &[(main, text), (path, content)]);
        if kind == WebKind::HaProxy {
            machine.server.config.push(stopgap_model::ServerPath::new(shared));
        }
        machine
    };
    let text = match kind {
        WebKind::Nginx => "http { include /srv/shared/*; }\n",
        WebKind::Apache => "Listen 80\nInclude /srv/shared/*.conf\n",
        WebKind::HaProxy => "global\n  daemon\n",
    };
    vec![
        of("/srv/a/one.conf", text, "/srv/shared.cfg"),
        of("/srv/b/two.conf", text, "/srv/shared.cfg"),
    ]
}

#[test]
fn a_file_that_two_servers_take_in_is_written_for_neither() {
    for kind in KINDS {
        let mut world = World::with(sharing(kind), &[blocking("A", 1, "evil")]);
        let (state, codes, done) = world.told("A");
        assert_eq!(
            (state, codes.as_str(), done.as_str()),
            (State::Conflict, "left-alone(shared-file)", ""),
            "{kind}"
        );
        // One of them alone is protected.
        world.machines.truncate(1);
        let (state, _, done) = world.told("A");
        assert_eq!((state, done.as_str()), (State::Pending, "in A.1"), "{kind}");
        // What is there already stays, and cannot be taken out either.
        let mut world = world.after_check();
        world.machines.push(sharing(kind).remove(1));
        world.remove("A");
        let plan = world.plan();
        assert_eq!(plan.web.len(), 0, "{kind}");
        let told = codes_of_first(&plan);
        assert!(told.contains("not-withdrawn(shared-file; removed)"), "{kind}: {told}");
    }
}

fn codes_of_first(plan: &stopgap_plan::Plan) -> String {
    codes(&plan.report[0].actions[0].reason)
}
