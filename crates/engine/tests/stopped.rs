//! Somebody stops a cycle, at every moment that there is: by a signal, by switching off, by blocking,
//! by removing. The server ends with all of a change or with nothing of it, and what was decided holds
//! from the next step on.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says plainly what it expects"
)]

mod common;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use common::{StateFolder, blocking, engine, everything_on, published};
use jiff::Timestamp;
use stopgap_engine::{CycleError, CycleReport, Halt, TargetId};
use stopgap_model::report::State;
use stopgap_model::{Catalog, MitigationId, ServerPath};
use stopgap_plan::Order;
use stopgap_sandbox::ExchangeServer;
use stopgap_store::{Decision, Decisions, Event, Status, Store};
use stopgap_testkit::FailingHost;
use stopgap_testkit::simulated::{MARKER, NGINX_CONF};

const CONFIG: &str = "events {}\nhttp {\n  server {\n    listen 127.0.0.1:8080;\n    \
                      server_name a.test;\n  }\n}\n";

/// A mitigation against requests with a text, with a probe that goes to the live server.
fn document(id: &str, text: &str) -> String {
    blocking(id, 1, text, text)
}

/// What somebody does while a cycle runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    /// The file of the decisions is broken.
    Break,
    Signal,
    Disable,
    Block,
    Remove,
}

/// A state folder with its catalog.
struct Place {
    state: StateFolder,
    catalog: Catalog,
    stop: Arc<AtomicBool>,
}

impl Place {
    fn new(documents: &[String]) -> Self {
        Self { state: StateFolder::new(), catalog: published(documents), stop: Arc::default() }
    }

    fn cycle(&self, host: &FailingHost) -> Result<CycleReport, CycleError> {
        let (store, mut policy) = (&self.state.store, everything_on());
        store.decisions().unwrap().restrict(&mut policy);
        engine(host, store, &self.catalog, &policy, &self.stop).cycle(&Order::default())
    }

    /// No change is left half-way.
    #[track_caller]
    fn assert_nothing_is_intended(&self, moment: &str) {
        let intended = self
            .state
            .store
            .changes()
            .unwrap()
            .into_iter()
            .find(|change| matches!(change.status, Status::Intended | Status::Interrupted));
        assert!(intended.is_none(), "{moment}: {intended:?}");
    }

    fn committed(&self) -> usize {
        let changes = self.state.store.changes().unwrap();
        changes.iter().filter(|change| change.status == Status::Committed).count()
    }

    /// Allows everything again.
    fn relent(&self) {
        self.stop.store(false, Ordering::Relaxed);
        self.state.store.decide("a test", |decisions| *decisions = Decisions::default()).unwrap();
    }
}

/// Does a deed, as another process would.
fn act(deed: Deed, id: &str, folder: &Path, stop: &AtomicBool) {
    let said = |take_back| Decision {
        by: "somebody".into(),
        at: Timestamp::UNIX_EPOCH,
        why: "it hurts".into(),
        take_back,
    };
    if deed == Deed::Signal {
        return stop.store(true, Ordering::Relaxed);
    }
    if deed == Deed::Break {
        return std::fs::write(folder.join("decisions.toml"), "[blocked\n").unwrap();
    }
    let id: MitigationId = id.parse().unwrap();
    let decide = |decisions: &mut Decisions| match deed {
        Deed::Disable => decisions.switched_off = Some(said(false)),
        _ => drop(decisions.blocked.insert(id, said(deed == Deed::Remove))),
    };
    Store::open(folder).unwrap().decide("somebody", decide).unwrap();
}

/// The host on which the deed is done before the `nth` operation.
fn with_deed(
    host: FailingHost,
    place: &Place,
    deed: Deed,
    id: &'static str,
    nth: usize,
) -> FailingHost {
    let (folder, stop) = (place.state.folder().to_owned(), Arc::clone(&place.stop));
    host.meanwhile(move |now| {
        if now == nth {
            act(deed, id, &folder, &stop);
        }
    })
}

fn nginx() -> FailingHost {
    let main = (ServerPath::new(NGINX_CONF), CONFIG.as_bytes().to_vec());
    FailingHost::new(vec![main]).with_nginx()
}

fn exchange() -> FailingHost {
    FailingHost::new(ExchangeServer::new("15.2.1118.7".parse().unwrap()).files())
}

/// A server, and a mitigation that is applied on it.
struct Scene {
    server: fn() -> FailingHost,
    id: &'static str,
    document: String,
}

fn scenes() -> [Scene; 2] {
    let m1 = include_str!("../../../catalog/M1.toml").to_owned();
    [
        Scene { server: nginx, id: "A", document: document("A", MARKER) },
        Scene { server: exchange, id: "M1", document: m1 },
    ]
}

fn state(report: &CycleReport, id: &str) -> State {
    report.mitigations.iter().find(|it| it.id.as_str() == id).unwrap().state
}

/// The number of operations of an undisturbed cycle, and what it makes of the server.
fn undisturbed(host: FailingHost, documents: &[String]) -> (usize, BTreeMap<String, Vec<u8>>) {
    let place = Place::new(documents);
    let report = place.cycle(&host).unwrap();
    let applied = report.mitigations.iter().filter(|it| it.state == State::Applied);
    assert!(applied.count() > 0 && report.halted.is_none());
    (host.operations(), host.snapshot())
}

/// The numbers of the operations before which something is done: all, or every third of very many.
fn moments(operations: usize) -> impl Iterator<Item = usize> {
    (1..=operations).step_by(if operations > 60 { 3 } else { 1 })
}

#[test]
fn a_signal_at_any_moment_leaves_all_of_a_change_or_nothing_of_it() {
    for Scene { server, id, document } in scenes() {
        let documents = [document];
        let (operations, protected) = undisturbed(server(), &documents);
        let original = server().snapshot();
        assert!(operations > 10, "{operations}");
        let mut taken_back = 0;
        for nth in moments(operations) {
            let place = Place::new(&documents);
            let host = with_deed(server(), &place, Deed::Signal, id, nth);
            let moment = format!("{id}, before operation {nth}");
            let ended = place.cycle(&host);
            place.assert_nothing_is_intended(&moment);
            let expected = if place.committed() > 0 { &protected } else { &original };
            assert!(host.snapshot() == *expected, "{moment}: neither old nor new");
            match ended {
                Err(CycleError::Asked(ending)) => {
                    taken_back += usize::from(ending.rolled_back.is_some());
                }
                Ok(report) => assert_eq!(state(&report, id), State::Applied, "{moment}"),
                Err(other) => panic!("{moment}: {other}"),
            }
            // Nothing of it failed, so nothing is told as failed, and the next cycle applies it.
            let history = place.state.store.trail().unwrap().lines;
            assert!(history.iter().all(|line| line.event != Event::Failed), "{moment}");
            place.relent();
            let report = place.cycle(&host.restarted()).unwrap();
            assert_eq!(state(&report, id), State::Applied, "{moment}");
        }
        // The one file of IIS is written or not, so there is no moment between.
        assert!(taken_back > 0 || id == "M1", "{id}: no change was ever under way");
    }
}

#[test]
fn a_signal_while_files_of_iis_are_replaced_rolls_them_back_and_fails_nothing() {
    let documents = [include_str!("../../../catalog/M1.toml").to_owned()];
    let (_, protected) = undisturbed(exchange(), &documents);
    let original = exchange().snapshot();
    let mut rolled_back = 0;
    // The first operations after the record is there are those that replace the file.
    for nth in 1..=3 {
        let place = Place::new(&documents);
        let record = place.state.folder().join("changes/000001/change.json");
        let (stop, count) = (Arc::clone(&place.stop), AtomicUsize::new(0));
        let host = exchange().meanwhile(move |_| {
            if record.exists() && count.fetch_add(1, Ordering::Relaxed) + 1 == nth {
                stop.store(true, Ordering::Relaxed);
            }
        });
        let moment = format!("before operation {nth} of the change");
        match place.cycle(&host) {
            Err(CycleError::Asked(ending)) => {
                assert_eq!(ending.rolled_back, Some(TargetId::Iis), "{moment}");
                assert!(host.snapshot() == original, "{moment}: something of it is left");
                rolled_back += 1;
            }
            Ok(_) => assert!(host.snapshot() == protected, "{moment}"),
            Err(other) => panic!("{moment}: {other}"),
        }
        place.assert_nothing_is_intended(&moment);
        let history = place.state.store.trail().unwrap().lines;
        assert!(history.iter().all(|line| line.event != Event::Failed), "{moment}");
    }
    assert!(rolled_back > 0, "no change was ever under way");
}

#[test]
fn after_disable_no_later_step_of_a_running_cycle_puts_anything_in() {
    for Scene { server, id, document } in scenes() {
        let documents = [document];
        let (operations, protected) = undisturbed(server(), &documents);
        let original = server().snapshot();
        let mut halted = 0;
        for nth in moments(operations) {
            let place = Place::new(&documents);
            let host = with_deed(server(), &place, Deed::Disable, id, nth);
            let moment = format!("{id}, before operation {nth}");
            let report = place.cycle(&host).unwrap();
            place.assert_nothing_is_intended(&moment);
            let expected = if place.committed() > 0 { &protected } else { &original };
            assert!(host.snapshot() == *expected, "{moment}: neither old nor new");
            if place.committed() == 0 {
                // Told as what it is: waiting, and not failed.
                assert_eq!(state(&report, id), State::Pending, "{moment}");
                let reason = &report.mitigations[0].reason;
                let reason = reason.to_string();
                assert!(reason.contains("switched off on this server by somebody"), "{reason}");
                halted += usize::from(matches!(report.halted, Some(Halt::SwitchedOff(_))));
            }
            // Hands off means that the next cycle does not put it in either.
            let report = place.cycle(&host).unwrap();
            assert!(!report.changed && host.snapshot() == *expected, "{moment}");
        }
        assert!(halted > 5, "{id}: {halted}");
    }
}

#[test]
fn what_is_removed_while_a_cycle_puts_it_in_is_not_there_when_the_cycle_ends() {
    let documents = [document("A", MARKER)];
    let (operations, _) = undisturbed(nginx(), &documents);
    let original = nginx().snapshot();
    for nth in moments(operations) {
        let place = Place::new(&documents);
        let host = with_deed(nginx(), &place, Deed::Remove, "A", nth);
        let report = place.cycle(&host).unwrap();
        let moment = format!("before operation {nth}");
        place.assert_nothing_is_intended(&moment);
        // In the last look of the cycle it is too late: then the next one takes it back.
        if state(&report, "A") == State::Applied {
            let report = place.cycle(&host).unwrap();
            assert_eq!(state(&report, "A"), State::Withdrawn, "{moment}");
        }
        assert!(host.snapshot() == original, "{moment}: something of it is left");
        assert_eq!(host.web().loaded(), original, "{moment}: the server runs with it");
    }
}

#[test]
fn what_is_blocked_while_a_cycle_runs_is_not_begun_and_the_rest_goes_on() {
    let documents = [document("A", MARKER), document("B", "stopgap-probe/b")];
    let (operations, both) = undisturbed(nginx(), &documents);
    let mut kept_out = 0;
    for nth in moments(operations) {
        let place = Place::new(&documents);
        let host = with_deed(nginx(), &place, Deed::Block, "B", nth);
        let report = place.cycle(&host).unwrap();
        let moment = format!("before operation {nth}");
        place.assert_nothing_is_intended(&moment);
        assert_eq!(state(&report, "A"), State::Applied, "{moment}");
        match state(&report, "B") {
            State::Blocked => kept_out += 1,
            // What was begun is finished, and what is installed stays.
            State::Applied => assert!(host.snapshot() == both, "{moment}"),
            other => panic!("{moment}: {other:?}"),
        }
    }
    assert!(kept_out > 1, "{kept_out}");
}

#[test]
fn decisions_that_cannot_be_read_any_more_could_be_a_switch_so_nothing_further_is_put_in() {
    let documents = [document("A", MARKER)];
    let (operations, protected) = undisturbed(nginx(), &documents);
    let original = nginx().snapshot();
    for nth in moments(operations) {
        let place = Place::new(&documents);
        let host = with_deed(nginx(), &place, Deed::Break, "A", nth);
        let moment = format!("before operation {nth}");
        let ended = place.cycle(&host);
        place.assert_nothing_is_intended(&moment);
        let expected = if place.committed() > 0 { &protected } else { &original };
        assert!(host.snapshot() == *expected, "{moment}: neither old nor new");
        match ended {
            Err(CycleError::Store(why)) => {
                assert!(why.to_string().contains("decisions.toml"), "{moment}: {why}");
            }
            // In its last look it does not read them any more.
            Ok(report) => assert_eq!(state(&report, "A"), State::Applied, "{moment}"),
            Err(other) => panic!("{moment}: {other}"),
        }
    }
}
