//! The live step on a simulated nginx: whatever goes wrong, the server ends with what it had or with
//! what it should have, and it is never left down.
#![cfg(unix)] // nginx, Apache httpd and HAProxy of Unix
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says plainly what it expects"
)]

mod common;

use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;

use common::{StateFolder, blocking, engine, everything_on, published};
use stopgap_engine::{CycleError, CycleReport};
use stopgap_model::policy::{Drift, Policy};
use stopgap_model::report::State;
use stopgap_model::web::{LeftOut, LeftOutServer};
use stopgap_model::{Catalog, MitigationId, ServerPath, WebKind};
use stopgap_plan::Order;
use stopgap_testkit::simulated::{MARKER, Mood, NGINX_CONF, SimulatedServer};
use stopgap_testkit::{FailingHost, Fault};

const CONFIG: &str = "events {}\nhttp {\n  server {\n    listen 127.0.0.1:8080;\n    \
                      server_name a.test;\n  }\n  include /etc/nginx/b.site;\n}\n";

/// A file whose name comes before that of the main one.
const SITE: &str = "/etc/nginx/b.site";
const SITE_CONFIG: &str = "server {\n  listen 127.0.0.1:8080;\n  server_name b.test;\n}\n";

fn good() -> String {
    blocking("A", 1, MARKER, MARKER)
}

/// A mitigation whose live probe the simulated server does not block.
fn without_effect() -> String {
    blocking("B", 1, "something-else", "something-else")
}

/// A server with its state folder.
struct Server {
    state: StateFolder,
    catalog: Catalog,
    policy: Policy,
}

impl Server {
    fn new(documents: &[String]) -> Self {
        let (catalog, policy) = (published(documents), everything_on());
        Self { state: StateFolder::new(), catalog, policy }
    }

    fn publish(&mut self, documents: &[String]) {
        self.catalog = published(documents);
    }

    fn cycle(&self, host: &FailingHost) -> Result<CycleReport, CycleError> {
        self.cycle_with(host, &Order::default())
    }

    fn cycle_with(&self, host: &FailingHost, order: &Order) -> Result<CycleReport, CycleError> {
        let stop = AtomicBool::new(false);
        engine(host, &self.state.store, &self.catalog, &self.policy, &stop).cycle(order)
    }

    fn remove(&self, host: &FailingHost, id: &str) -> CycleReport {
        let ids: BTreeSet<MitigationId> = BTreeSet::from([id.parse().unwrap()]);
        let order = Order { only: Some(ids.clone()), take_back: ids, ..Order::default() };
        self.cycle_with(host, &order).unwrap()
    }
}

fn nginx() -> FailingHost {
    let files = [(NGINX_CONF, CONFIG), (SITE, SITE_CONFIG)];
    let files = files.map(|(path, text)| (ServerPath::new(path), text.as_bytes().to_vec()));
    FailingHost::new(files.to_vec()).with_nginx()
}

fn state(report: &CycleReport, id: &str) -> State {
    report.mitigations.iter().find(|m| m.id.as_str() == id).unwrap().state
}

fn reason(report: &CycleReport, id: &str) -> String {
    report.mitigations.iter().find(|m| m.id.as_str() == id).unwrap().reason.to_string()
}

/// The server runs with what is on its disk.
fn assert_at_rest(host: &FailingHost) {
    assert!(host.web().is_alive(), "the server is left down");
    assert_eq!(host.web().loaded(), host.snapshot(), "the server runs with other files");
}

#[test]
fn a_mitigation_is_applied_probed_and_taken_back_to_the_byte_with_one_reload_each() {
    let (server, host) = (Server::new(&[good()]), nginx());
    let before = host.snapshot();
    let report = server.cycle(&host).unwrap();
    assert_eq!(state(&report, "A"), State::Applied, "{}", reason(&report, "A"));
    assert!(report.changed);
    assert_at_rest(&host);
    assert_eq!(host.web().reloads(), 1);
    // A second cycle finds nothing to do.
    let report = server.cycle(&host).unwrap();
    assert!(!report.changed);
    assert_eq!(host.web().reloads(), 1);
    let report = server.remove(&host, "A");
    assert_eq!(state(&report, "A"), State::Withdrawn);
    assert_eq!(host.snapshot(), before);
    assert_at_rest(&host);
    assert_eq!(host.web().reloads(), 2);
}

#[test]
fn a_newer_revision_and_a_withdrawn_mitigation_reload_once_each() {
    let (mut server, host) = (Server::new(&[good()]), nginx());
    let before = host.snapshot();
    let _ = server.cycle(&host).unwrap();
    server.publish(&[blocking("A", 2, MARKER, &format!("x/{MARKER}"))]);
    let report = server.cycle(&host).unwrap();
    assert_eq!(state(&report, "A"), State::Applied);
    assert_eq!(host.web().reloads(), 2);
    let withdrawn = "schema = 1\nid = \"A\"\nrevision = 3\ntitle = \"A test\"\nwithdrawn = \"it broke\"\n\
                     severity = \"high\"\nimpact = \"None.\"\n";
    server.publish(&[withdrawn.to_owned()]);
    let report = server.cycle(&host).unwrap();
    assert_eq!(state(&report, "A"), State::Withdrawn, "{}", reason(&report, "A"));
    assert_eq!(host.web().reloads(), 3);
    assert_eq!(host.snapshot(), before);
    assert_at_rest(&host);
}

#[test]
fn a_server_that_misbehaves_with_our_rules_gets_everything_back() {
    let moods = [
        (Mood::ReloadHangs, "did not take it in time"),
        (Mood::DiesOfRules, "it is gone"),
        (Mood::IgnoresRules, "is not blocked"),
        (Mood::BreaksWithRules, "answered with 200 before and now with 500"),
        (Mood::RefusesRules, "unknown directive"),
    ];
    for (mood, told) in moods {
        let (server, host) = (Server::new(&[good()]), nginx());
        let before = host.snapshot();
        host.web().set_mood(mood);
        let report = server.cycle(&host).unwrap();
        assert_eq!(state(&report, "A"), State::Failed, "{mood:?}");
        assert!(reason(&report, "A").contains(told), "{mood:?}: {}", reason(&report, "A"));
        assert!(!report.changed);
        assert_eq!(host.snapshot(), before, "{mood:?}");
        assert_at_rest(&host);
        // As long as nothing changes the next cycle does not try again.
        host.web().set_mood(Mood::Good);
        let reloads = host.web().reloads();
        let report = server.cycle(&host).unwrap();
        let again = reason(&report, "A");
        assert_eq!(
            (state(&report, "A"), host.web().reloads()),
            (State::Failed, reloads),
            "{again}"
        );
        assert!(again.contains(told) && again.contains("last tried "), "{again}");
        // Who asks for it by its name has it tried.
        let only = Some(BTreeSet::from(["A".parse().unwrap()]));
        let report = server.cycle_with(&host, &Order { only, ..Order::default() }).unwrap();
        assert_eq!(state(&report, "A"), State::Applied, "{mood:?}");
    }
}

#[test]
fn a_configuration_that_is_broken_already_is_left_alone_and_told() {
    let (server, host) = (Server::new(&[good()]), nginx());
    let before = host.snapshot();
    host.web().set_mood(Mood::RefusesAll);
    let report = server.cycle(&host).unwrap();
    assert_eq!(state(&report, "A"), State::Conflict);
    assert!(reason(&report, "A").contains("left alone: without anything of Stopgap"));
    assert_eq!(host.snapshot(), before);
    assert_eq!(host.web().reloads(), 0);
}

#[test]
fn a_server_that_does_not_run_gets_the_rules_is_not_probed_and_that_is_told() {
    let (server, host) = (Server::new(&[good()]), nginx());
    host.web().stop();
    let report = server.cycle(&host).unwrap();
    assert_eq!(state(&report, "A"), State::Applied);
    let mitigation = report.mitigations.iter().find(|m| m.id.as_str() == "A").unwrap();
    let notes =
        mitigation.actions[0].notes.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    assert!(notes.contains("does not run"), "{notes}");
    assert_eq!(host.web().reloads(), 0);
    assert!(!host.web().is_alive());
}

#[test]
fn one_mitigation_without_effect_does_not_keep_another_from_being_applied() {
    let (server, host) = (Server::new(&[without_effect(), good()]), nginx());
    let report = server.cycle(&host).unwrap();
    assert_eq!(state(&report, "A"), State::Applied, "{}", reason(&report, "A"));
    assert_eq!(state(&report, "B"), State::Failed, "{}", reason(&report, "B"));
    assert_at_rest(&host);
    // It is not tried again in the next cycle, and what is installed stays.
    let reloads = host.web().reloads();
    let report = server.cycle(&host).unwrap();
    assert_eq!(host.web().reloads(), reloads, "{}", reason(&report, "B"));
    assert_eq!(state(&report, "A"), State::Applied);
    assert_eq!(state(&report, "B"), State::Failed);
    assert_at_rest(&host);
}

#[test]
fn a_configuration_manager_that_puts_its_file_back_is_told_and_put_right() {
    let (mut server, host) = (Server::new(&[good()]), nginx());
    let _ = server.cycle(&host).unwrap();
    let applied = host.snapshot();
    let manager = || host.write(&ServerPath::new(NGINX_CONF), CONFIG.as_bytes());
    manager();
    server.policy.drift = Drift::Report;
    let report = server.cycle(&host).unwrap();
    assert_eq!(state(&report, "A"), State::Drifted);
    assert!(reason(&report, "A").contains("reported only"), "{}", reason(&report, "A"));
    assert_eq!(host.web().reloads(), 1);
    server.policy.drift = Drift::Reapply;
    let report = server.cycle(&host).unwrap();
    assert_eq!(state(&report, "A"), State::Applied);
    assert_eq!(host.snapshot(), applied);
    assert_eq!(host.web().reloads(), 2);
}

#[test]
fn a_rule_file_of_our_name_that_no_record_tells_of_is_a_conflict() {
    let (server, host) = (Server::new(&[good()]), nginx());
    host.write(&ServerPath::new("/etc/nginx/stopgap-http.rules"), b"# somebody's\n");
    let before = host.snapshot();
    let report = server.cycle(&host).unwrap();
    assert_eq!(state(&report, "A"), State::Conflict, "{}", reason(&report, "A"));
    assert_eq!(host.snapshot(), before);
}

#[test]
fn a_kill_at_every_operation_leaves_a_server_that_starts_and_that_the_next_cycle_finishes() {
    let operations = {
        let (server, host) = (Server::new(&[good()]), nginx());
        let _ = server.cycle(&host).unwrap();
        host.operations()
    };
    assert!(operations > 20, "only {operations} operations");
    let mut applied = None;
    for at in 1..=operations {
        let server = Server::new(&[good()]);
        let host = nginx().with(Fault::DieAt(at));
        let before = host.snapshot();
        let _ = server.cycle(&host);
        let host = host.restarted();
        SimulatedServer::would_start(&host.snapshot())
            .unwrap_or_else(|why| panic!("killed at {at}, it would not start: {why}"));
        let report = server.cycle(&host).unwrap();
        assert_eq!(state(&report, "A"), State::Applied, "killed at {at}");
        assert_at_rest(&host);
        let files = host.snapshot();
        assert_eq!(*applied.get_or_insert(files.clone()), files, "killed at {at}");
        // The same on the way back.
        let _ = server.remove(&host, "A");
        assert_eq!(host.snapshot(), before, "killed at {at}");
        assert_at_rest(&host);
    }
}

#[test]
fn a_kill_while_it_is_taken_back_is_finished_by_the_next_cycle() {
    let ids: BTreeSet<MitigationId> = BTreeSet::from(["A".parse().unwrap()]);
    let order = Order { only: Some(ids.clone()), take_back: ids, ..Order::default() };
    for at in 1..60 {
        let (server, host) = (Server::new(&[good()]), nginx());
        let before = host.snapshot();
        let _ = server.cycle(&host).unwrap();
        let host = host.restarted().with(Fault::DieAt(at));
        let _ = server.cycle_with(&host, &order);
        let host = host.restarted();
        SimulatedServer::would_start(&host.snapshot())
            .unwrap_or_else(|why| panic!("killed at {at}, it would not start: {why}"));
        let report = server.cycle_with(&host, &order).unwrap();
        // What was finished before the kill is not there to be withdrawn again.
        let state = state(&report, "A");
        assert!(matches!(state, State::Withdrawn | State::Blocked), "killed at {at}: {state:?}");
        assert_eq!(host.snapshot(), before, "killed at {at}");
        assert_at_rest(&host);
    }
}

#[test]
fn a_server_that_is_not_found_keeps_its_rules_in_the_records_until_it_is_there_again() {
    let (server, host) = (Server::new(&[good()]), nginx());
    let before = host.snapshot();
    let _ = server.cycle(&host).unwrap();
    let applied = host.snapshot();
    host.web().hide(true);
    let report = server.remove(&host, "A");
    assert_eq!(state(&report, "A"), State::Unknown, "{}", reason(&report, "A"));
    assert!(reason(&report, "A").contains("not found here any more"), "{}", reason(&report, "A"));
    assert_eq!(host.snapshot(), applied);
    host.web().hide(false);
    let report = server.remove(&host, "A");
    assert_eq!(state(&report, "A"), State::Withdrawn, "{}", reason(&report, "A"));
    assert_eq!(host.snapshot(), before);
    assert_at_rest(&host);
}

#[test]
fn a_server_that_is_gone_with_its_configuration_is_forgotten() {
    let (server, host) = (Server::new(&[good()]), nginx());
    let _ = server.cycle(&host).unwrap();
    host.web().hide(true);
    for path in host.snapshot().into_keys() {
        host.delete(&ServerPath::new(path));
    }
    let report = server.cycle(&host).unwrap();
    assert_eq!(state(&report, "A"), State::Unsupported, "{}", reason(&report, "A"));
    assert!(server.state.store.installed().unwrap().0.web.is_empty());
    let report = server.cycle(&host).unwrap();
    assert!(!report.changed);
}

#[test]
fn a_removal_that_a_broken_configuration_hinders_is_no_success() {
    let (server, host) = (Server::new(&[good()]), nginx());
    let _ = server.cycle(&host).unwrap();
    let sound = host.snapshot()[NGINX_CONF].clone();
    host.write(&ServerPath::new(NGINX_CONF), &[sound.as_slice(), b"}\n"].concat());
    let report = server.remove(&host, "A");
    assert_eq!(state(&report, "A"), State::Unknown, "{}", reason(&report, "A"));
    host.write(&ServerPath::new(NGINX_CONF), &sound);
    host.web().set_mood(Mood::RefusesAll);
    let report = server.remove(&host, "A");
    assert_eq!(state(&report, "A"), State::Conflict, "{}", reason(&report, "A"));
    assert!(reason(&report, "A").contains("could not be withdrawn"), "{}", reason(&report, "A"));
}

#[test]
fn a_site_that_shows_nothing_is_named_beside_what_was_applied() {
    let (server, host) = (Server::new(&[good()]), nginx());
    host.web().set_mood(Mood::Ill);
    let report = server.cycle(&host).unwrap();
    assert_eq!(state(&report, "A"), State::Applied, "{}", reason(&report, "A"));
    let mitigation = report.mitigations.iter().find(|m| m.id.as_str() == "A").unwrap();
    let notes =
        mitigation.actions[0].notes.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    assert!(notes.contains("which answers every request with 503"), "{notes}");
}

#[test]
fn a_server_that_root_started_and_that_is_left_out_makes_applied_partial() {
    let server = Server::new(&[good()]);
    let host = nginx();
    let stranger = |user: &str, port, counts| LeftOutServer {
        kind: WebKind::Nginx,
        program: ServerPath::new("/usr/local/sbin/nginx"),
        pid: 812,
        user: user.to_owned(),
        ports: vec![port],
        why: stopgap_model::Reasons::text("its group may write its program"),
        counts,
    };
    let beside = |named| LeftOut { named, more: 0 };
    // An ordinary user's own server must not be able to raise an alarm.
    host.web().leave_out(beside(vec![stranger("alice", 8080, false)]));
    assert_eq!(server.cycle(&host).unwrap().mitigations[0].state, State::Applied);
    host.web().leave_out(beside(vec![stranger("root", 80, true), stranger("x", 81, true)]));
    let report = server.cycle(&host).unwrap();
    let mitigation = &report.mitigations[0];
    assert_eq!((mitigation.state, report.changed), (State::Partial, false));
    for said in ["process 812 of root on port 80", "its group may write", "and 1 more"] {
        assert!(mitigation.reason.to_string().contains(said), "{}", mitigation.reason);
    }
    // It is taken back all the same.
    assert_eq!(server.remove(&host, "A").mitigations[0].state, State::Withdrawn);
}
