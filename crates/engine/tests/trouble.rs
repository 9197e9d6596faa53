//! A cycle on a host that fails on demand: the server ends as it was or as it should be, and the
//! next cycle puts everything right.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says plainly what it expects"
)]

mod common;

use std::sync::atomic::AtomicBool;

use common::{StateFolder, engine, everything_on};
use jiff::Timestamp;
use stopgap_engine::{CycleError, CycleReport, Engine};
use stopgap_host::Host;
use stopgap_model::{Catalog, Mitigation, ServerPath};
use stopgap_plan::Order;
use stopgap_sandbox::{APPLICATION_HOST, ExchangeServer};
use stopgap_testkit::{FailingHost, Fault};

const VULNERABLE: &str = "15.2.1118.7";
const FIXED: &str = "15.2.1118.20";

fn server(build: &str) -> Vec<(ServerPath, Vec<u8>)> {
    ExchangeServer::new(build.parse().unwrap()).files()
}

fn m1() -> Mitigation {
    let document = include_bytes!("../../../catalog/M1.toml");
    stopgap_model::document::parse(document, &stopgap_model::document::any_pattern).unwrap()
}

/// A state folder whose cycles are run on any host.
struct State(StateFolder);

impl State {
    fn new() -> Self {
        Self(StateFolder::new())
    }

    fn cycle(&self, host: &dyn Host) -> Result<CycleReport, CycleError> {
        self.cycle_at(Timestamp::now, host)
    }

    /// The next cycle of the service, an hour later.
    fn next_cycle(&self, host: &dyn Host) -> Result<CycleReport, CycleError> {
        self.cycle_at(|| Timestamp::now() + jiff::SignedDuration::from_hours(1), host)
    }

    fn cycle_at(&self, now: fn() -> Timestamp, host: &dyn Host) -> Result<CycleReport, CycleError> {
        let (catalog, policy) = (Catalog::of("a test", [m1()]), everything_on());
        let stop = AtomicBool::new(false);
        let engine = engine(host, &self.0.store, &catalog, &policy, &stop);
        Engine { now, remember: true, ..engine }.cycle(&Order::default())
    }

    /// A cycle that must succeed; answers M1's state.
    fn settle(&self, host: &dyn Host) -> String {
        state(&self.next_cycle(host).unwrap()).to_owned()
    }
}

fn state(report: &CycleReport) -> &str {
    report.mitigations[0].state.as_str()
}

fn upgraded(host: FailingHost) -> FailingHost {
    let setup = ServerPath::new(stopgap_sandbox::SETUP_PROGRAM);
    let program = ExchangeServer::new(FIXED.parse().unwrap()).setup_program();
    host.write(&setup, &program);
    host
}

#[test]
fn whichever_operation_of_apply_fails_the_server_is_whole_and_the_next_cycle_applies() {
    let original = FailingHost::new(server(VULNERABLE)).snapshot();
    let host = FailingHost::new(server(VULNERABLE));
    State::new().settle(&host);
    let (protected, operations) = (host.snapshot(), host.operations());
    assert!(operations > 20, "{operations}");
    let replacement = first_replacement();
    for at in 1..=operations {
        for fault in faults(at, replacement) {
            let state_folder = State::new();
            let host = FailingHost::new(server(VULNERABLE)).with(fault.clone());
            let _ = state_folder.cycle(&host);
            let after = host.snapshot();
            assert!(after == original || after == protected, "{fault:?}: neither old nor new");
            let host = host.restarted();
            let report = state_folder.next_cycle(&host).unwrap();
            assert_eq!(state(&report), "applied", "{fault:?}");
            assert!(host.snapshot() == protected, "{fault:?}");
            let host = upgraded(host);
            let report = state_folder.cycle(&host).unwrap();
            assert_eq!(state(&report), "withdrawn", "{fault:?}");
            let changed = host.snapshot().into_iter().filter(|(k, v)| original.get(k) != Some(v));
            assert_eq!(changed.count(), 1, "{fault:?}: only the update differs");
        }
    }
}

#[test]
fn whichever_operation_of_undo_fails_the_next_cycle_gives_the_bytes_back() {
    let original = upgraded(FailingHost::new(server(VULNERABLE))).snapshot();
    let protected = || {
        let state_folder = State::new();
        let host = FailingHost::new(server(VULNERABLE));
        state_folder.settle(&host);
        (state_folder, upgraded(host).restarted())
    };
    let (state_folder, host) = protected();
    state_folder.settle(&host);
    assert!(host.snapshot() == original);
    let replacement = first_replacement();
    for at in 1..=host.operations() {
        for fault in faults(at, replacement) {
            let (state_folder, host) = protected();
            let host = host.with(fault.clone());
            let _ = state_folder.cycle(&host);
            let host = host.restarted();
            state_folder.settle(&host);
            assert!(host.snapshot() == original, "{fault:?}");
        }
    }
}

/// What can go wrong at an operation: near the replacement everything, elsewhere that it fails.
fn faults(at: usize, replacement: usize) -> Vec<Fault> {
    let mut faults = vec![Fault::FailAt(at)];
    if at.abs_diff(replacement) <= 2 {
        faults.extend([Fault::DieAt(at), Fault::NotDurableAt(at)]);
    }
    faults
}

/// The number of the first replacement in a cycle, found by letting each operation fail in turn.
fn first_replacement() -> usize {
    let host = FailingHost::new(server(VULNERABLE));
    State::new().settle(&host);
    let original = FailingHost::new(server(VULNERABLE)).snapshot();
    (1..=host.operations())
        .find(|at| {
            let host = FailingHost::new(server(VULNERABLE)).with(Fault::NotDurableAt(*at));
            let folder = State::new();
            let _ = folder.cycle(&host);
            let changes = folder.0.store.changes().unwrap();
            changes.iter().any(|c| matches!(&c.status, stopgap_store::Status::Undone { .. }))
                && host.snapshot() == original
        })
        .expect("a cycle replaces a file")
}

#[test]
fn a_file_that_changes_between_plan_and_apply_is_planned_for_again() {
    let path = ServerPath::new(APPLICATION_HOST);
    let text =
        String::from_utf8(FailingHost::new(server(VULNERABLE)).snapshot()[&path.key()].clone())
            .unwrap();
    let edited = text.replacen("<configuration>", "<configuration><!-- mine -->", 1);
    let fault = Fault::ChangeBefore(first_replacement(), path.clone(), edited.clone().into());
    let host = FailingHost::new(server(VULNERABLE)).with(fault);
    let folder = State::new();
    let report = folder.cycle(&host).unwrap();
    assert_eq!(state(&report), "applied");
    let protected = String::from_utf8(host.snapshot()[&path.key()].clone()).unwrap();
    assert!(protected.contains("<!-- mine -->") && protected.contains("Stopgap M1.1"));
    let host = upgraded(host.restarted());
    folder.settle(&host);
    assert_eq!(host.snapshot()[&path.key()], edited.into_bytes());
}

#[test]
fn a_crash_that_somebody_edited_over_is_not_put_back_over_the_edit() {
    let path = ServerPath::new(APPLICATION_HOST);
    let folder = State::new();
    let host = FailingHost::new(server(VULNERABLE));
    folder.settle(&host);
    // As if the program had been killed after it replaced the file and before it wrote so down.
    let mut change = folder.0.store.changes().unwrap().remove(0);
    change.status = stopgap_store::Status::Intended;
    folder.0.store.save_change(&change).unwrap();
    let text = String::from_utf8(host.snapshot()[&path.key()].clone()).unwrap();
    let edited = text.replacen("<configuration>", "<configuration><!-- mine -->", 1);
    host.write(&path, edited.as_bytes());
    let report = folder.cycle(&host).unwrap();
    assert_eq!(state(&report), "applied");
    assert_eq!(host.snapshot()[&path.key()], edited.into_bytes());
    let host = upgraded(host);
    folder.settle(&host);
    let text = String::from_utf8(host.snapshot()[&path.key()].clone()).unwrap();
    assert!(text.contains("<!-- mine -->") && !text.contains("Stopgap"));
}

#[test]
fn a_check_that_changes_nothing_looks_at_the_server_once() {
    let state_folder = State::new();
    let host = FailingHost::new(server(VULNERABLE));
    state_folder.settle(&host);
    let host = host.restarted();
    let looked = {
        let (catalog, policy) = (Catalog::of("a test", [m1()]), everything_on());
        let stop = AtomicBool::new(false);
        let engine = engine(&host, &state_folder.0.store, &catalog, &policy, &stop);
        let view = engine.look(&Order::default()).unwrap();
        assert!(view.plan.steps.is_empty() && view.plan.edits.is_empty());
        host.operations()
    };
    let host = host.restarted();
    let report = state_folder.cycle(&host).unwrap();
    assert_eq!((state(&report), report.changed), ("applied", false));
    assert_eq!(host.operations(), looked);
}
