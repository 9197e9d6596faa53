//! One server's trouble is its own: whatever goes wrong on one of two web servers, the other is
//! protected, the report is made, and the next cycle goes on.
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
use jiff::Timestamp;
use stopgap_engine::{CycleReport, Engine, TargetId, Trouble, View};
use stopgap_host::Host;
use stopgap_model::report::{MitigationReport, State};
use stopgap_model::{Catalog, ServerPath};
use stopgap_plan::Order;
use stopgap_sandbox::ExchangeServer;
use stopgap_store::Status;
use stopgap_testkit::simulated::{MARKER, Mood, NGINX_CONF};
use stopgap_testkit::{FailingHost, Fault};

/// The main file of the server on which nothing goes wrong. It comes after the other one.
const OTHER_CONF: &str = "/srv/other/nginx.conf";

fn config(port: u16, name: &str, include: &str) -> String {
    format!(
        "events {{}}\nhttp {{\n  server {{\n    listen 127.0.0.1:{port};\n    server_name \
         {name};\n  }}\n{include}}}\n"
    )
}

/// The folder of the server on which something goes wrong.
fn troubled() -> ServerPath {
    ServerPath::new("/etc/nginx")
}

fn other() -> ServerPath {
    ServerPath::new(OTHER_CONF)
}

fn host() -> FailingHost {
    let site = "server {\n  listen 127.0.0.1:8080;\n  server_name b.test;\n}\n";
    let files = [
        (NGINX_CONF, config(8080, "a.test", "  include /etc/nginx/b.site;\n")),
        ("/etc/nginx/b.site", site.to_owned()),
        (OTHER_CONF, config(8081, "other.test", "")),
    ];
    let files = files.map(|(path, text)| (ServerPath::new(path), text.into_bytes()));
    FailingHost::new(files.to_vec()).with_nginx().with_nginx_at(&other())
}

fn document() -> String {
    blocking("A", 1, MARKER, MARKER)
}

/// A state folder with what is published.
struct Home {
    state: StateFolder,
    catalog: Catalog,
}

impl Home {
    fn new(document: &str) -> Self {
        Self { state: StateFolder::new(), catalog: published(&[document]) }
    }

    /// The next cycle of the service, an hour later.
    fn next_cycle(&self, host: &dyn Host) -> CycleReport {
        let now = || Timestamp::now() + jiff::SignedDuration::from_hours(1);
        let cycle = |engine: &Engine<'_>| engine.cycle(&Order::default()).unwrap();
        self.with_engine(host, |engine| cycle(&Engine { now, ..*engine }))
    }

    fn with_engine<T>(&self, host: &dyn Host, run: impl FnOnce(&Engine<'_>) -> T) -> T {
        let (policy, stop) = (everything_on(), AtomicBool::new(false));
        run(&engine(host, &self.state.store, &self.catalog, &policy, &stop))
    }

    fn cycle(&self, host: &dyn Host) -> CycleReport {
        self.with_engine(host, |engine| engine.cycle(&Order::default()).unwrap())
    }

    fn look(&self, host: &dyn Host) -> View {
        self.with_engine(host, |engine| engine.look(&Order::default()).unwrap())
    }
}

fn two_servers() -> Home {
    Home::new(&document())
}

fn of(reports: &[MitigationReport]) -> (State, String) {
    let report = reports.iter().find(|report| report.id.as_str() == "A").unwrap();
    (report.state, report.reason.to_string())
}

/// The other server has the rules and runs with them.
#[track_caller]
fn assert_protected(host: &FailingHost, what: &str) {
    let server = host.web_of(&other());
    assert!(server.is_alive(), "{what}");
    let loaded = server.loaded();
    assert!(loaded.contains_key("/srv/other/stopgap-server.rules"), "{what}: {loaded:?}");
    assert_eq!(loaded, server.own_of(&host.snapshot()), "{what}");
}

#[track_caller]
fn all_applied(state: &Home, host: &FailingHost, what: &str) {
    let report = state.next_cycle(host);
    let (word, reason) = of(&report.mitigations);
    assert_eq!(word, State::Applied, "{what}: {reason}");
    assert!(report.troubles.is_empty(), "{what}: {:?}", report.troubles);
    assert_protected(host, what);
    assert_eq!(host.web().loaded(), host.web().own_of(&host.snapshot()), "{what}");
}

#[test]
fn whichever_operation_on_one_server_fails_the_other_is_protected_and_the_report_is_whole() {
    let operations = {
        let (state, host) = (two_servers(), host());
        all_applied(&state, &host, "nothing fails");
        host.operations_in(&troubled())
    };
    assert!(operations > 20, "only {operations} operations");
    let mut not_undone = 0;
    for at in 1..=operations {
        for fault in [Fault::FailIn(troubled(), at), Fault::FailsFrom(troubled(), at)] {
            let what = format!("{fault:?}");
            let (state, host) = (two_servers(), host().with(fault));
            let report = state.cycle(&host);
            assert_protected(&host, &what);
            let (word, reason) = of(&report.mitigations);
            // What is in place on the other is not all there is to it, unless both have it.
            if word != State::Applied {
                assert!(reason.contains("nginx:/etc/nginx/nginx.conf: "), "{what}: {reason}");
                assert!(
                    reason.contains("nginx:/srv/other/nginx.conf: applied"),
                    "{what}: {reason}"
                );
            }
            for trouble in &report.troubles {
                let server = trouble.server().unwrap_or_else(|| panic!("{what}: {trouble}"));
                assert_eq!(server.config(), ServerPath::new(NGINX_CONF), "{what}");
            }
            let stuck = matches!(report.troubles.first(), Some(Trouble::NotUndone { .. }));
            not_undone += usize::from(stuck);
            if stuck {
                assert_eq!(word, State::Partial, "{what}: {reason}");
                assert!(reason.contains("nginx.conf: failed: "), "{what}: {reason}");
                assert!(reason.contains("before the change"), "{what}: {reason}");
            }
            all_applied(&state, &host.restarted(), &what);
        }
    }
    assert!(not_undone > 2, "the files of {not_undone} changes could not be put back");
}

#[test]
fn a_server_that_does_not_come_back_healthy_keeps_no_other_from_being_protected() {
    let (state, host) = (two_servers(), host());
    host.web().set_mood(Mood::NeverRecovers);
    let before = host.web().own_of(&host.snapshot());
    let report = state.cycle(&host);
    let (word, reason) = of(&report.mitigations);
    assert_eq!(word, State::Partial, "{reason}");
    assert!(reason.contains("nginx:/etc/nginx/nginx.conf: failed: "), "{reason}");
    assert!(reason.contains("does not answer as before"), "{reason}");
    assert!(matches!(report.troubles.as_slice(), [Trouble::NotHealthy { .. }]), "{report:?}");
    assert_eq!(host.web().own_of(&host.snapshot()), before);
    assert_protected(&host, "the other one");
    // The records say it as well, to who only looks.
    let (word, told) = of(&state.look(&host).plan.report);
    assert_eq!((word, told), (State::Partial, reason));
}

/// The site of the troubled server in a file of its own.
fn site() -> ServerPath {
    ServerPath::new("/etc/nginx/b.site")
}

#[test]
fn a_main_file_that_somebody_changes_all_the_time_costs_that_server_only() {
    let (state, host) = (two_servers(), host());
    let host = host.with(Fault::Restless(ServerPath::new(NGINX_CONF)));
    let report = state.cycle(&host);
    let (word, reason) = of(&report.mitigations);
    assert_eq!(word, State::Partial, "{reason}");
    assert!(reason.contains("nginx:/etc/nginx/nginx.conf: failed: "), "{reason}");
    let told = "/etc/nginx/nginx.conf was changed by somebody else each time a plan was made";
    assert!(reason.contains(told), "{reason}");
    assert_protected(&host, "the other one");
    let left = host.web().own_of(&host.snapshot());
    assert!(left.keys().all(|path| !path.contains("stopgap")), "something of ours stays: {left:?}");
    all_applied(&state, &host.restarted(), "at rest");
}

#[test]
fn a_file_of_a_site_that_cannot_be_changed_costs_that_site_only() {
    let faults = [
        (Fault::Restless(site()), "was changed by somebody else each time"),
        (Fault::Fixed(site()), "the test does not have /etc/nginx/b.site changed"),
        (Fault::Refuses(site()), "cannot use, in this test, /etc/nginx/b.site"),
    ];
    for (fault, told) in faults {
        let what = format!("{fault:?}");
        let (state, host) = (two_servers(), host().with(fault));
        let before = host.snapshot();
        let report = state.cycle(&host);
        let (word, reason) = of(&report.mitigations);
        assert_eq!(word, State::Partial, "{what}: {reason}");
        assert!(reason.contains(told), "{what}: {reason}");
        assert!(
            reason.contains("the server block in /etc/nginx/b.site, line 1"),
            "{what}: {reason}"
        );
        assert!(report.troubles.is_empty(), "{what}: {report:?}");
        assert_protected(&host, &what);
        // The other blocks of the same server have their include, and it runs with that.
        let files = host.snapshot();
        assert!(files.contains_key("/etc/nginx/stopgap-server.rules"), "{what}");
        assert_eq!(host.web().loaded().keys().count(), files.keys().count() - 3, "{what}");
        let reloads = host.web().reloads();
        // A second check finds nothing to do, whatever it has to try.
        let report = state.cycle(&host);
        assert_eq!(of(&report.mitigations), (word, reason), "{what}");
        assert_eq!((report.changed, host.web().reloads()), (false, reloads), "{what}");
        // Once it can be changed it is, and all goes back to the byte.
        let host = host.restarted();
        all_applied(&state, &host, &what);
        let ids = BTreeSet::from(["A".parse().unwrap()]);
        let order = Order { only: Some(ids.clone()), take_back: ids, ..Order::default() };
        let report = state.with_engine(&host, |engine| engine.cycle(&order).unwrap());
        assert_eq!(of(&report.mitigations).0, State::Withdrawn, "{what}");
        let restless = what.contains("Restless");
        let same = |(path, bytes): (&String, &Vec<u8>)| {
            host.snapshot().get(path) == Some(bytes) || restless && *path == site().key()
        };
        assert!(before.iter().all(same), "{what}: {:?}", host.snapshot());
        assert_eq!(host.snapshot().len(), before.len(), "{what}");
    }
}

#[test]
fn a_conflict_of_one_server_does_not_hide_that_it_failed_on_another() {
    let (state, host) = (two_servers(), host());
    host.web().set_mood(Mood::BreaksWithRules);
    host.web_of(&other()).set_mood(Mood::RefusesAll);
    let report = state.cycle(&host);
    let (word, reason) = of(&report.mitigations);
    assert_eq!(word, State::Conflict, "{reason}");
    assert!(reason.contains("nginx:/srv/other/nginx.conf: conflict: "), "{reason}");
    assert!(reason.contains("nginx:/etc/nginx/nginx.conf: failed: "), "{reason}");
}

#[test]
fn every_file_is_put_back_before_it_is_told_which_could_not_be() {
    let operations = {
        let (state, host) = (two_servers(), host());
        host.web().set_mood(Mood::BreaksWithRules);
        let _ = state.cycle(&host);
        host.operations_in(&troubled())
    };
    let before = host().snapshot();
    let mut left = 0;
    for at in 1..=operations {
        let (state, host) = (two_servers(), host().with(Fault::FailIn(troubled(), at)));
        host.web().set_mood(Mood::BreaksWithRules);
        let report = state.cycle(&host);
        assert_protected(&host, &format!("operation {at}"));
        let files = host.snapshot();
        let amiss: Vec<&String> = files
            .iter()
            .filter(|(path, _)| path.starts_with("/etc/nginx/"))
            .filter(|(path, bytes)| before.get(*path) != Some(bytes))
            .map(|(path, _)| path)
            .collect();
        let told = report.troubles.iter().find_map(|trouble| match trouble {
            Trouble::NotUndone { files, .. } => Some(files),
            _ => None,
        });
        // One operation fails, so one file at most is not as it was, and it is named.
        assert!(amiss.len() <= 1, "operation {at}: {amiss:?}");
        if let Some(path) = amiss.first() {
            let told = told.unwrap_or_else(|| panic!("operation {at}: {report:?}"));
            assert_eq!(told[0].file.key(), **path, "operation {at}");
            left += 1;
        }
    }
    assert!(left >= 3, "only {left} files were ever left");
}

#[test]
fn a_removal_that_fails_anywhere_is_not_forgotten_and_the_next_one_gives_all_back() {
    let ids = || BTreeSet::from(["A".parse().unwrap()]);
    let order = || Order { only: Some(ids()), take_back: ids(), ..Order::default() };
    let protected = || {
        let (state, host) = (two_servers(), host());
        let _ = state.cycle(&host);
        (state, host.restarted())
    };
    let before = host().snapshot();
    let operations = {
        let (state, host) = protected();
        let _ = state.with_engine(&host, |engine| engine.cycle(&order()).unwrap());
        assert_eq!(host.snapshot(), before);
        host.operations_in(&troubled())
    };
    for at in 1..=operations {
        let (state, host) = protected();
        let host = host.with(Fault::FailIn(troubled(), at));
        let first = state.with_engine(&host, |engine| engine.cycle(&order()).unwrap());
        let host = host.restarted();
        let report = state.with_engine(&host, |engine| engine.cycle(&order()).unwrap());
        let (word, reason) = of(&report.mitigations);
        assert!(matches!(word, State::Withdrawn | State::Blocked), "operation {at}: {reason}");
        let after = host.snapshot();
        // An include of ours that stays where a file could not be read or changed is told.
        let told = format!("{:?}", first.mitigations);
        let strays = |path: &str| path == site().as_str() && told.contains("it includes nothing");
        for (path, bytes) in &after {
            assert!(
                before.get(path) == Some(bytes) || strays(path),
                "operation {at}: {path}: {told}"
            );
        }
        assert_eq!(after.len(), before.len(), "operation {at}");
    }
}

#[test]
fn a_change_record_that_cannot_be_recovered_from_keeps_no_other_from_it() {
    let (state, host) = (two_servers(), host());
    all_applied(&state, &host, "at first");
    // As if the program had been killed in both, the one on top of the other.
    for mut change in state.state.store.changes().unwrap() {
        change.status = Status::Intended;
        state.state.store.save_change(&change).unwrap();
    }
    let host = host.restarted().with(Fault::FailsFrom(troubled(), 1));
    let report = state.cycle(&host);
    assert!(
        report.troubles.iter().any(|trouble| matches!(trouble, Trouble::NotUndone { .. })),
        "{report:?}"
    );
    let (word, reason) = of(&report.mitigations);
    assert_eq!(word, State::Partial, "{reason}");
    assert!(reason.contains("nginx:/etc/nginx/nginx.conf: failed: "), "{reason}");
    assert_protected(&host, "the other one");
    let changes = state.state.store.changes().unwrap();
    let stuck = changes.iter().find(|change| change.status == Status::Intended).unwrap();
    assert_eq!(stuck.failed_rollback.as_ref().unwrap().error, "it was cut short");
    // A second check tells the same, and nothing twice.
    let again = state.cycle(&host);
    assert_eq!(again.troubles.len(), 1, "{again:?}");
    assert!(!again.troubles[0].to_string().contains("failed (a change"), "{}", again.troubles[0]);
    all_applied(&state, &host.restarted(), "the disk is well again");
}

#[test]
fn files_of_iis_that_could_not_be_put_back_are_the_state_of_what_they_carry() {
    let server = || FailingHost::new(ExchangeServer::new("15.2.1118.7".parse().unwrap()).files());
    let m1 = include_str!("../../../catalog/M1.toml");
    let (state, host) = (Home::new(m1), server());
    let _ = state.cycle(&host);
    let operations = host.operations();
    let mut stuck = 0;
    for at in 1..=operations {
        let (state, host) = (Home::new(m1), server().with(Fault::NotDurableAt(at)));
        let host = host.with(Fault::DieAt(at + 1));
        let report = state.cycle(&host);
        let (word, reason) =
            (report.mitigations[0].state, report.mitigations[0].reason.to_string());
        if let Some(Trouble::NotUndone { target: TargetId::Iis, files, .. }) =
            report.troubles.first()
        {
            stuck += 1;
            assert!(matches!(word, State::Failed | State::Unknown), "operation {at}: {reason}");
            assert!(files[0].image.as_ref().unwrap().ends_with("before/0"), "{files:?}");
        }
        let report = state.cycle(&host.restarted());
        assert_eq!(report.mitigations[0].state, State::Applied, "operation {at}");
    }
    assert!(stuck > 0, "no file was ever left");
}
