//! Several servers on one machine: one reason that names each, servers that do not serve, servers that are
//! gone, and what is left out.

use stopgap_model::report::{ActionReport, State};
use stopgap_model::web::{LeftOut, LeftOutServer};
use stopgap_model::{ServerPath, WebKind};

use super::documents::{answering, block, blocking, document};
use super::machine::{APACHE, APACHE_OWN, KINDS, Machine, NGINX};
use super::told::{action_of, codes, done, list, of};
use super::world::{Row, World, check, check_each};

/// nginx and Apache, with A in place on both.
fn both() -> World {
    let machines = vec![Machine::usual(WebKind::Nginx), Machine::usual(WebKind::Apache)];
    World::with(machines, &[blocking("A", 1, "evil")]).after_check()
}

const TWO: &[Row] = &[
    ("both have it", |_| {}, State::Applied, "for-every-server", ""),
    (
        "Apache has lost it",
        |world| world.machines[1].append(APACHE_OWN, "# mine\n"),
        State::Partial,
        "on-servers(apache drifted: file-changed), in-place-on(nginx applied)",
        "apache: in A.1",
    ),
    (
        "Apache cannot be read",
        |world| world.machines[1].append(APACHE, "</If>\n"),
        State::Partial,
        "on-servers(apache unknown: config-ends-no-section, stays), in-place-on(nginx applied)",
        "",
    ),
    (
        "each has lost it in its own way",
        |world| {
            world.machines[0].cut_lines(NGINX, "stopgap");
            world.machines[1].append(APACHE_OWN, "# mine\n");
        },
        State::Drifted,
        "on-servers(nginx: lines-missing), on-servers(apache: file-changed)",
        "nginx: in A.1; apache: in A.1",
    ),
    (
        "one has lost it, and the other cannot be changed back",
        |world| {
            world.machines[0].cut_lines(NGINX, "stopgap");
            world.machines[1].append(APACHE_OWN, "# mine\n");
            world.machines[1].refused = Some("AH00526: Syntax error".into());
        },
        State::Drifted,
        "on-servers(nginx: lines-missing), \
         on-servers(apache: file-changed, left-alone(server-refuses-its-configuration))",
        "nginx: in A.1",
    ),
    (
        "an old Apache cannot say another revision",
        |world| {
            world.publish(&[blocking("A", 2, "worse")]);
            world.machines[1].has_version(&[2, 4, 10]);
        },
        State::Partial,
        "in-place-on(nginx applied), \
         on-servers(apache unsupported: server-cannot-say(too-old-to-block), stays)",
        "nginx: in A.1",
    ),
    (
        "a removal is one on each",
        |world| world.remove("A"),
        State::Applied,
        "to-be-withdrawn(removed)",
        "nginx: out A.1; apache: out A.1",
    ),
    (
        "a removal that one of them hinders",
        |world| {
            world.machines[0].refused = Some("[emerg] unknown directive".into());
            world.remove("A");
        },
        State::Partial,
        "on-servers(nginx conflict: not-withdrawn(server-refuses-its-configuration; removed)), \
         in-place-on(apache applied)",
        "apache: out A.1",
    ),
    (
        "a third server comes",
        |world| world.machines.push(Machine::usual(WebKind::HaProxy)),
        State::Partial,
        "in-place-on(nginx apache applied), on-servers(haproxy pending: for-every-server)",
        "haproxy: in A.1",
    ),
];

#[test]
fn two_servers_in_different_states_are_each_named() {
    check(&both(), TWO);
}

#[test]
fn what_one_server_says_and_another_cannot_is_in_place_in_part() {
    let machines = KINDS.map(Machine::usual).to_vec();
    let mut world = World::with(machines, &[document("A", 1, &answering("A", 1))]);
    let (state, codes, done) = world.told("A");
    let expected = "on-servers(apache haproxy pending: for-every-server), \
                    on-servers(nginx unsupported: server-cannot-say(only-adds-headers))";
    assert_eq!((state, codes.as_str()), (State::Pending, expected));
    assert_eq!(done, "apache: in A.1; haproxy: in A.1");
    let _ = world.check();
    let (state, codes, done) = world.told("A");
    let expected = "in-place-on(apache haproxy applied), \
                    on-servers(nginx unsupported: server-cannot-say(only-adds-headers))";
    assert_eq!((state, codes.as_str(), done.as_str()), (State::Partial, expected, ""));
}

fn sleeps(machine: &mut Machine) {
    machine.server.running = stopgap_model::Fact::Known(false);
    machine.server.dormant = Some(stopgap_model::Reasons::text("its unit is disabled"));
}

/// Servers that nothing starts: what is said, what is done, and what is noted.
type Asleep = (&'static str, fn(&mut World), State, &'static str, &'static str, &'static str);

const ASLEEP: &[Asleep] = &[
    (
        "a sound server that sleeps is protected before it wakes",
        |world| sleeps(&mut world.machines[1]),
        State::Pending,
        "for-every-server",
        "nginx: in A.1; apache: in A.1",
        "dormant(apache pending: for-every-server)",
    ),
    (
        "a broken one does not count beside one that serves",
        |world| {
            sleeps(&mut world.machines[1]);
            world.machines[1].append(APACHE, "</If>\n");
        },
        State::Pending,
        "for-every-server",
        "nginx: in A.1",
        "dormant(apache unknown: config-ends-no-section)",
    ),
    (
        "one that refuses its own configuration does not either",
        |world| {
            sleeps(&mut world.machines[1]);
            world.machines[1].refused = Some("AH00526: Syntax error".into());
        },
        State::Pending,
        "for-every-server",
        "nginx: in A.1",
        "dormant(apache conflict: left-alone(server-refuses-its-configuration))",
    ),
    (
        "where all sleep and cannot be read, nothing serves",
        |world| {
            for machine in &mut world.machines {
                sleeps(machine);
                machine.incomplete = Some("no right to read it".into());
            }
        },
        State::Unsupported,
        "none-serves(dormant(nginx unknown: configuration-unknown), \
         dormant(apache unknown: configuration-unknown))",
        "",
        "",
    ),
    (
        "where all sleep and are sound, all get the rule",
        |world| world.machines.iter_mut().for_each(sleeps),
        State::Pending,
        "for-every-server",
        "nginx: in A.1; apache: in A.1",
        "not-running, not-running",
    ),
];

#[test]
fn a_server_that_nothing_starts_does_not_count() {
    let mut wrong = Vec::new();
    for (row, happened, state, why, work, notes) in ASLEEP {
        let machines = vec![Machine::usual(WebKind::Nginx), Machine::usual(WebKind::Apache)];
        let mut world = World::with(machines, &[blocking("A", 1, "evil")]);
        happened(&mut world);
        let plan = world.plan();
        let found = (of(&plan, "A").state, codes(&of(&plan, "A").reason), done(&plan, true));
        let noted = list(&action_of(&plan, "A").notes);
        if (found.0, found.1.as_str(), found.2.as_str(), noted.as_str())
            != (*state, *why, *work, *notes)
        {
            wrong.push(format!("{row}: {found:?} {noted}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn a_server_that_sleeps_with_a_rule_of_ours_counts() {
    let mut world = both();
    sleeps(&mut world.machines[1]);
    world.machines[1].append(APACHE_OWN, "# mine\n");
    let plan = world.plan();
    let expected = "on-servers(apache drifted: file-changed), in-place-on(nginx applied)";
    assert_eq!(codes(&action_of(&plan, "A").reason), expected);
    assert!(plan.altered[0].dormant);
}

/// The server is not found any more.
const MISSING: &[Row] = &[
    (
        "what the records tell of is not known, and stays in them",
        |_| {},
        State::Unknown,
        "server-not-found, stays",
        "",
    ),
    (
        "it cannot be removed from there",
        |world| world.remove("A"),
        State::Unknown,
        "not-withdrawn(server-not-found; removed)",
        "",
    ),
    (
        "nor withdrawn",
        |world| world.publish(&[super::documents::withdrawn("A", 2)]),
        State::Unknown,
        "not-withdrawn(server-not-found; withdrawn)",
        "",
    ),
    (
        "what is in no catalog is told",
        |world| world.publish(&[]),
        State::Unknown,
        "server-not-found, stays",
        "",
    ),
];

#[test]
fn a_server_that_is_not_found_keeps_its_records() {
    let start = |kind| {
        let mut world = World::protected(kind);
        world.machines.clear();
        world
    };
    check_each(start, MISSING);
}

/// The server is gone with its configuration.
const GONE: &[Row] = &[
    ("its records go", |_| {}, State::Applied, "to-be-withdrawn(server-gone)", "out A.1"),
    (
        "whoever blocks it",
        |world| world.block("A"),
        State::Applied,
        "to-be-withdrawn(server-gone)",
        "out A.1",
    ),
    (
        "where it is switched off",
        World::switch_off,
        State::Applied,
        "to-be-withdrawn(server-gone)",
        "out A.1",
    ),
    (
        "where it is in no catalog",
        |world| world.publish(&[]),
        State::Applied,
        "to-be-withdrawn(server-gone)",
        "out A.1",
    ),
    (
        "in a check for something else, where no catalog has it",
        |world| {
            world.publish(&[]);
            world.only("B");
        },
        State::Applied,
        "to-be-withdrawn(server-gone)",
        "out A.1",
    ),
];

#[test]
fn a_server_that_is_gone_is_forgotten_without_an_edit() {
    let start = |kind| {
        let mut world = World::protected(kind);
        world.gone.insert(world.machines[0].id());
        world.machines.clear();
        world
    };
    check_each(start, GONE);
    for kind in KINDS {
        let mut world = start(kind);
        let plan = world.check();
        assert!(plan.web[0].edits.is_empty() && plan.altered.is_empty(), "{kind}");
        assert!(world.installed.web.is_empty(), "{kind}");
        assert_eq!(world.told("A").1, "no-web-server", "{kind}");
    }
}

/// A process that looks like nginx and is left out.
fn stranger(counts: bool) -> LeftOut {
    let server = LeftOutServer {
        kind: WebKind::Nginx,
        program: ServerPath::new("/usr/local/sbin/nginx"),
        pid: 900,
        user: "root".into(),
        ports: vec![8080],
        why: stopgap_model::Reasons::text("others than root may write its program"),
        counts,
    };
    LeftOut { named: vec![server], more: 0 }
}

#[test]
fn what_is_left_out_keeps_a_machine_from_being_called_protected() {
    for kind in KINDS {
        let mut world = World::protected(kind);
        world.left_out = stranger(false);
        assert_eq!(world.told("A").0, State::Applied, "{kind}: a user's own server does not count");
        world.left_out = stranger(true);
        let told = world.told("A");
        assert_eq!(
            told,
            (State::Partial, "for-every-server, left-out".into(), String::new()),
            "{kind}"
        );
        world.remove("A");
        assert_eq!(
            world.told("A").1,
            "to-be-withdrawn(removed)",
            "{kind}: what goes protects nobody"
        );
        let mut world = World::protected(kind);
        world.left_out = stranger(true);
        world.publish(&[]);
        let told = world.told("A");
        assert_eq!(
            told,
            (State::Partial, "not-in-catalog, left-out".into(), String::new()),
            "{kind}"
        );
    }
    let mut world = World::with(Vec::new(), &[blocking("A", 1, "evil")]);
    assert_eq!(world.told("A"), (State::Unsupported, "no-web-server".into(), String::new()));
    world.left_out = stranger(true);
    assert_eq!(world.told("A"), (State::Unsupported, "none-to-protect".into(), String::new()));
}

#[test]
fn a_server_that_is_gone_is_remembered_as_what_it_was() {
    for kind in KINDS {
        let mut world = World::protected(kind);
        let gone = world.machines.remove(0);
        world.gone.insert(gone.id());
        let plan = world.plan();
        let kinds: Vec<WebKind> = plan.web.iter().map(|change| change.server.kind).collect();
        assert_eq!(kinds, [kind]);
    }
}

#[test]
fn an_action_that_no_catalog_has_is_one_row_whatever_the_number_of_servers() {
    let two_actions = document("A", 1, &(block("A", 1, "evil") + &block("A", 2, "worse")));
    let machines = vec![Machine::usual(WebKind::Nginx), Machine::usual(WebKind::Apache)];
    let start = World::with(machines, &[two_actions]).after_check();
    let rows = |world: &World| -> Vec<(String, State, String)> {
        let plan = world.plan();
        let report = of(&plan, "A");
        assert_eq!(report.rules.len(), report.actions.len(), "{:?}", report.rules);
        let row = |it: &ActionReport| (it.id.to_string(), it.state, codes(&it.reason));
        report.actions.iter().map(row).collect()
    };
    let row = |id: &str, state, codes: &str| (id.to_owned(), state, codes.to_owned());
    let mut world = start.clone();
    world.publish(&[blocking("A", 2, "evil")]);
    world.offer("A").hold = Some(stopgap_model::Reasons::text("feed acme is stale"));
    let dropped = row("A.2", State::Applied, "in-place, action-dropped");
    assert_eq!(rows(&world)[1..], [dropped]);
    let mut world = start;
    world.publish(&[]);
    let stays = |id: &str| row(id, State::Applied, "not-in-catalog");
    assert_eq!(rows(&world), [stays("A.1"), stays("A.2")]);
    world.machines[1].append(APACHE_OWN, "# mine\n");
    let lost = "on-servers(apache drifted: lost-and-not-in-catalog, file-changed), \
                in-place-on(nginx applied)";
    assert_eq!(rows(&world), ["A.1", "A.2"].map(|id| row(id, State::Partial, lost)));
}
