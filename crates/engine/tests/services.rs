//! Services are disabled, kept so and given back: on a service manager in memory that refuses, hangs, brings
//! services back, and at whose every operation the program is killed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says plainly what it expects"
)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use common::{StateFolder, document, engine, everything_on, of, published, state};
use stopgap_engine::{CycleReport, Trouble};
use stopgap_host::{Activity, Service, Services as _, StartMode};
use stopgap_model::Catalog;
use stopgap_model::policy::{Drift, Policy};
use stopgap_plan::Order;
use stopgap_store::{Decision, Event, Status, Store};
use stopgap_testkit::{FailingHost, ServiceMood, SimulatedServices};

/// A browser of printers behind a socket, which a queue needs and which needs the spooler; and a clock.
fn services() -> SimulatedServices {
    SimulatedServices::new()
        .that_reads_late()
        .with("spooler", StartMode::Automatic, &[])
        .with("browsed", StartMode::Automatic, &["spooler"])
        .with_activator("browsed.socket", "browsed")
        .with("queue", StartMode::OnDemand, &["browsed"])
        .with("clock", StartMode::Automatic, &[])
}

fn disabling(id: &str, revision: u32, names: &[&str]) -> String {
    let action =
        format!("[[action]]\nid = \"{id}.1\"\nkind = \"disable-service\"\nservices = {names:?}\n");
    document(id, revision, &action)
}

/// A machine with its state folder, and what is wanted of it.
struct Home {
    state: StateFolder,
    host: FailingHost,
    catalog: Catalog,
    policy: Policy,
    stop: Arc<AtomicBool>,
}

/// How every service is, but for the words of its set-up, which say the same.
type Look = BTreeMap<String, (Activity, StartMode)>;

impl Home {
    fn with(services: SimulatedServices, documents: &[String]) -> Self {
        Self {
            state: StateFolder::new(),
            host: FailingHost::new(Vec::new()).with_services(services),
            catalog: published(documents),
            policy: everything_on(),
            stop: Arc::default(),
        }
    }

    fn new() -> Self {
        let services = services();
        services.run("queue");
        Self::with(services, &[disabling("W", 1, &["browsed"])])
    }

    fn manager(&self) -> &SimulatedServices {
        self.host.service_manager()
    }

    fn service(&self, name: &str) -> Service {
        self.manager().service(name).unwrap().unwrap()
    }

    fn look(&self) -> Look {
        let names = self.manager().list().unwrap().into_iter();
        let services = names.map(|name| self.service(&name));
        services.map(|it| (it.name, (it.activity, it.start_mode))).collect()
    }

    fn cycle_with(&self, order: &Order) -> CycleReport {
        let mut policy = self.policy.clone();
        self.state.store.decisions().unwrap().restrict(&mut policy);
        engine(&self.host, &self.state.store, &self.catalog, &policy, &self.stop)
            .cycle(order)
            .unwrap()
    }

    fn cycle(&self) -> CycleReport {
        self.cycle_with(&Order::default())
    }

    fn take_back(&self) -> CycleReport {
        let ids = BTreeSet::from(["W".parse().unwrap()]);
        self.cycle_with(&Order { only: Some(ids.clone()), take_back: ids, ..Order::default() })
    }

    #[track_caller]
    fn assert_off(&self, names: &[&str], when: &str) {
        for name in names {
            assert!(self.service(name).is_off(), "{name} {when}: {:?}", self.service(name));
        }
    }

    fn statuses(&self) -> Vec<Status> {
        self.state.store.changes().unwrap().into_iter().map(|change| change.status).collect()
    }

    #[track_caller]
    fn assert_nothing_is_intended(&self, when: &str) {
        let statuses = self.statuses();
        assert!(!statuses.contains(&Status::Intended), "{when}: {statuses:?}");
    }
}

#[test]
fn a_service_is_disabled_and_stopped_with_what_hangs_on_it_and_given_back_as_it_was() {
    let home = Home::new();
    let before = home.look();
    let report = home.cycle();
    assert_eq!(state(&report, "W"), "applied", "{:?}", of(&report, "W").reason.to_string());
    assert!(report.changed && report.edits.is_empty());
    assert_eq!(report.services.len(), 1);
    home.assert_off(&["browsed"], "after the first check");
    for name in ["queue", "browsed.socket"] {
        assert_eq!(home.service(name).activity, Activity::Stopped, "{name}");
    }
    assert_eq!(home.service("spooler").activity, Activity::Running, "nothing was asked of it");
    home.manager().ask("browsed.socket");
    assert_eq!(home.service("browsed").activity, Activity::Stopped);
    assert!(home.manager().roughly_stopped().is_empty(), "each stops by its own settings");
    let quiet = home.cycle();
    assert!(!quiet.changed && state(&quiet, "W") == "applied");
    let report = home.take_back();
    assert_eq!(state(&report, "W"), "withdrawn");
    assert_eq!(home.look(), before);
    assert!(report.troubles.is_empty(), "{:?}", report.troubles);
    let trail = home.state.store.trail().unwrap();
    let applied = trail.lines.iter().find(|line| line.event == Event::Applied).unwrap();
    assert_eq!(applied.detail, "W.1: disabled browsed");
}

#[test]
fn only_what_ran_is_started_again() {
    let home = Home::with(services(), &[disabling("W", 1, &["browsed", "clock"])]);
    home.manager().stop("clock", Duration::from_secs(9)).unwrap();
    let before = home.look();
    let _ = home.cycle();
    home.assert_off(&["browsed", "clock"], "after the check");
    let _ = home.take_back();
    assert_eq!(home.look(), before);
    assert_eq!(home.service("queue").activity, Activity::Stopped);
}

#[test]
fn each_of_several_services_stops_by_its_own_settings() {
    let home = Home::with(services(), &[disabling("W", 1, &["browsed", "clock", "spooler"])]);
    let before = home.look();
    assert_eq!(state(&home.cycle(), "W"), "applied");
    home.assert_off(&["browsed", "clock", "spooler"], "together");
    assert!(home.manager().roughly_stopped().is_empty(), "{:?}", home.manager().roughly_stopped());
    let _ = home.take_back();
    assert_eq!(home.look(), before);
}

#[test]
fn a_fix_that_is_installed_gives_it_back_without_anybody_asking() {
    let home = Home::new();
    let before = home.look();
    let _ = home.cycle();
    let mut home = home;
    let withdrawn = "schema = 1\nid = \"W\"\nrevision = 2\ntitle = \"A test\"\nseverity = \"low\"\n\
                     impact = \"None.\"\nwithdrawn = \"every build has the fix\"\n";
    home.catalog = published(&[withdrawn]);
    let _ = home.cycle();
    assert_eq!(home.look(), before);
}

#[test]
fn what_somebody_started_or_enabled_again_is_put_right_or_only_reported() {
    for happens in [
        (|home: &Home| home.manager().set_start_mode("browsed", StartMode::Automatic)) as fn(&Home),
        |home| home.manager().run("browsed"),
    ] {
        let mut home = Home::new();
        let before = home.look();
        let _ = home.cycle();
        home.policy.drift = Drift::Report;
        happens(&home);
        let drifted = home.look();
        assert_eq!(state(&home.cycle(), "W"), "drifted");
        assert_eq!(home.look(), drifted);
        home.policy.drift = Drift::Reapply;
        assert_eq!(state(&home.cycle(), "W"), "applied");
        home.assert_off(&["browsed"], "after it was put right");
        let _ = home.take_back();
        assert_eq!(home.look(), before);
    }
}

#[test]
fn what_somebody_enabled_and_stopped_stays_as_he_wants_it_when_the_mitigation_goes() {
    let home = Home::new();
    let _ = home.cycle();
    home.manager().set_start_mode("browsed", StartMode::OnDemand);
    let _ = home.take_back();
    let service = home.service("browsed");
    assert_eq!((service.activity, service.start_mode), (Activity::Stopped, StartMode::OnDemand));
}

#[test]
fn a_service_that_hangs_in_its_stop_is_given_back_told_and_not_tried_all_the_time() {
    let home = Home::new();
    let before = home.look();
    home.manager().set_mood("browsed", ServiceMood::HangsInStop);
    let report = home.cycle();
    assert_eq!(state(&report, "W"), "failed");
    let reason = of(&report, "W").reason.to_string();
    assert!(reason.contains("browsed did not stop within 100 s"), "{reason}");
    let [Trouble::NotGivenBack { why, .. }] = report.troubles.as_slice() else {
        panic!("{:?}", report.troubles)
    };
    assert!(why.contains("it is stopping"), "{why}");
    // Its set-up is as before, and what needs it and could not start is told.
    assert_eq!(home.service("browsed").start_mode, StartMode::Automatic);
    home.assert_nothing_is_intended("after it hung");
    let quiet = home.cycle();
    assert!(of(&quiet, "W").reason.to_string().contains("and not again"), "{:?}", of(&quiet, "W"));
    assert!(!quiet.changed);
    // It ended at last, and a person starts it.
    home.manager().set_mood("browsed", ServiceMood::Good);
    for name in ["browsed.socket", "browsed", "queue"] {
        home.manager().run(name);
    }
    assert_eq!(home.look(), before);
    assert_eq!(state(&home.cycle(), "W"), "applied", "what is tried is something else now");
}

#[test]
fn a_service_that_takes_its_time_is_waited_for() {
    let home = Home::new();
    home.manager().set_mood("browsed", ServiceMood::StopsAfter(Duration::from_secs(60)));
    assert_eq!(state(&home.cycle(), "W"), "applied");
}

#[test]
fn a_service_or_a_dependent_that_refuses_to_stop_leaves_everything_as_it_was() {
    for refuses in ["browsed", "queue", "browsed.socket"] {
        let home = Home::new();
        let before = home.look();
        home.manager().set_mood(refuses, ServiceMood::RefusesStop);
        let report = home.cycle();
        assert_eq!(state(&report, "W"), "failed", "{refuses}");
        let reason = of(&report, "W").reason.to_string();
        assert!(reason.contains(&format!("{refuses} refuses")), "{reason}");
        assert_eq!(home.look(), before, "{refuses}");
        assert!(report.troubles.is_empty(), "{refuses}: {:?}", report.troubles);
        home.assert_nothing_is_intended(refuses);
    }
}

#[test]
fn a_service_that_comes_back_by_itself_stays_away() {
    let home = Home::new();
    home.manager().set_mood("browsed", ServiceMood::ComesBack);
    assert_eq!(state(&home.cycle(), "W"), "applied");
    home.assert_off(&["browsed"], "though it comes back");
    assert_eq!(home.manager().roughly_stopped(), ["browsed"], "what came back once more");
}

#[test]
fn services_that_need_each_other_stop_and_start_together() {
    let services = SimulatedServices::new().with("one", StartMode::Automatic, &["other"]).with(
        "other",
        StartMode::Automatic,
        &["one"],
    );
    let home = Home::with(services, &[disabling("W", 1, &["one"])]);
    let before = home.look();
    assert_eq!(state(&home.cycle(), "W"), "applied");
    assert_eq!(home.service("other").activity, Activity::Stopped);
    let _ = home.take_back();
    assert_eq!(home.look(), before);
}

#[test]
fn a_service_that_is_deleted_while_it_is_disabled_leaves_nothing_to_do() {
    let home = Home::new();
    let _ = home.cycle();
    home.manager().uninstall("browsed");
    assert_eq!(state(&home.cycle(), "W"), "not-affected");
    let report = home.take_back();
    assert_eq!(state(&report, "W"), "withdrawn", "{:?}", of(&report, "W").reason.to_string());
    assert!(home.state.store.installed().unwrap().0.services.is_empty());
}

#[test]
fn a_service_that_does_not_start_again_is_given_back_and_told() {
    let home = Home::new();
    let _ = home.cycle();
    home.manager().set_mood("browsed", ServiceMood::FailsToStart);
    let report = home.take_back();
    assert_eq!(state(&report, "W"), "withdrawn");
    assert_eq!(home.service("browsed").start_mode, StartMode::Automatic);
    let told: Vec<String> = report.troubles.iter().map(ToString::to_string).collect();
    assert!(told[0].starts_with("browsed ran before it was disabled"), "{told:?}");
    assert!(home.state.store.installed().unwrap().0.services.is_empty());
}

#[test]
fn a_service_manager_that_does_not_answer_changes_nothing_and_is_told() {
    let home = Home::new();
    let before = home.look();
    home.manager().set_silent(true);
    assert_eq!(state(&home.cycle(), "W"), "unknown");
    home.manager().set_silent(false);
    let _ = home.cycle();
    let disabled = home.look();
    home.manager().set_silent(true);
    assert_eq!(state(&home.cycle(), "W"), "unknown");
    assert_eq!(state(&home.take_back(), "W"), "failed");
    home.manager().set_silent(false);
    assert_eq!(home.look(), disabled);
    let _ = home.take_back();
    assert_eq!(home.look(), before);
}

#[test]
fn whatever_somebody_starts_meanwhile_it_is_off_in_the_end_or_told() {
    for name in ["browsed", "queue", "browsed.socket"] {
        let mut applied = 0;
        for at in 1.. {
            let home = Home::new();
            home.manager().end(name);
            home.manager().set_meanwhile(move |services, now| {
                if now == at {
                    services.run(name);
                }
            });
            let report = home.cycle();
            let was_started = home.manager().operations() >= at;
            home.manager().set_meanwhile(|_, _| {});
            home.assert_nothing_is_intended(name);
            match state(&report, "W") {
                "applied" => {
                    applied += usize::from(home.service("browsed").is_off());
                    // What is started behind the last look, the next one sees.
                    assert_eq!(state(&home.cycle(), "W"), "applied", "{name} at {at}");
                    home.assert_off(&["browsed"], &format!("{name} was started at {at}"));
                }
                "failed" | "drifted" => {}
                other => panic!("{name} at {at}: {other}"),
            }
            if !was_started {
                break;
            }
        }
        assert!(applied > 10, "{name}: {applied}");
    }
}

#[test]
fn what_is_never_at_rest_is_left_alone_and_told() {
    let home = Home::new();
    home.manager().set_meanwhile(|services, now| match now % 2 {
        0 => services.end("queue"),
        _ => services.run("queue"),
    });
    let report = home.cycle();
    home.manager().set_meanwhile(|_, _| {});
    home.assert_nothing_is_intended("it is never at rest");
    let reason = of(&report, "W").reason.to_string();
    match state(&report, "W") {
        "applied" => home.assert_off(&["browsed"], "it is never at rest"),
        found => {
            assert_eq!(found, "failed", "{reason}");
            assert!(home.service("browsed").runs(), "{reason}");
        }
    }
}

#[test]
fn one_mitigation_that_fails_keeps_no_other_from_its_services() {
    let documents = [disabling("W", 1, &["browsed"]), disabling("X", 1, &["clock"])];
    let home = Home::with(services(), &documents);
    home.manager().set_mood("browsed", ServiceMood::RefusesStop);
    let report = home.cycle();
    assert_eq!((state(&report, "W"), state(&report, "X")), ("failed", "applied"));
    home.assert_off(&["clock"], "beside one that fails");
}

#[test]
fn what_is_never_disabled_is_not_touched() {
    let services = services().with("sshd.service", StartMode::Automatic, &["clock"]);
    let documents = [disabling("W", 1, &["sshd.service"]), disabling("X", 1, &["clock"])];
    let home = Home::with(services, &documents);
    let before = home.look();
    let report = home.cycle();
    assert_eq!((state(&report, "W"), state(&report, "X")), ("unsupported", "unsupported"));
    assert_eq!(home.look(), before);
}

fn switch_off(folder: &Path) {
    let said = Decision {
        by: "anna".into(),
        at: jiff::Timestamp::now(),
        why: "a test".into(),
        take_back: false,
    };
    let store = Store::open(folder).unwrap();
    store.decide("anna", |decisions| decisions.switched_off = Some(said)).unwrap();
}

/// The switch works at once, also while a service is waited for.
#[test]
fn switched_off_at_every_moment_the_change_is_made_or_taken_back_whole() {
    let mut rolled_back = 0;
    for at in 1.. {
        let home = Home::new();
        let before = home.look();
        home.manager().set_mood("queue", ServiceMood::StopsAfter(Duration::from_millis(1500)));
        let folder = home.state.folder().to_owned();
        home.manager().set_meanwhile(move |_, now| {
            if now == at {
                switch_off(&folder);
            }
        });
        let report = home.cycle();
        let was_thrown = home.manager().operations() >= at;
        home.manager().set_meanwhile(|_, _| {});
        // What was told to stop ends by and by.
        home.manager().pass(Duration::from_secs(10));
        home.assert_nothing_is_intended("after the switch");
        match state(&report, "W") {
            "applied" => home.assert_off(&["browsed"], "after the switch"),
            _ => {
                rolled_back += usize::from(report.troubles.is_empty());
                for name in ["browsed", "browsed.socket"] {
                    let (now, then) = (&home.look()[name], &before[name]);
                    assert_eq!(now, then, "{name} at operation {at}");
                }
            }
        }
        if !was_thrown {
            break;
        }
    }
    assert!(rolled_back > 5, "{rolled_back} were rolled back whole");
}

/// What the program was killed in: nothing of it goes on, neither on the machine nor in the state folder.
struct Killed;

/// Has a kill print nothing, and everything else as always.
fn kill_quietly() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !info.payload().is::<Killed>() {
                hook(info);
            }
        }));
    });
}

/// Runs `act` and kills it at the `at`th operation of the service manager; whether it came to that.
fn killed(home: &Home, at: usize, act: impl FnOnce(&Home)) -> bool {
    home.manager().set_meanwhile(move |_, now| {
        if now == at {
            std::panic::panic_any(Killed);
        }
    });
    let result = catch_unwind(AssertUnwindSafe(|| act(home)));
    home.manager().set_meanwhile(|_, _| {});
    match result {
        Ok(()) => false,
        Err(why) if why.is::<Killed>() => true,
        Err(why) => std::panic::resume_unwind(why),
    }
}

/// Does `act` on fresh machines, killed at each operation in turn, and then lets `check` look.
fn killed_everywhere(prepare: fn(&Home), act: fn(&Home), check: fn(&Home, &Look, usize)) {
    kill_quietly();
    for at in 1.. {
        let home = Home::new();
        let before = home.look();
        prepare(&home);
        if !killed(&home, at, act) {
            assert!(at > 10, "only {at} operations");
            return;
        }
        check(&home, &before, at);
    }
}

#[test]
fn killed_at_every_operation_the_next_check_disables_it_and_its_end_gives_it_back() {
    killed_everywhere(
        |_| {},
        |home| drop(home.cycle()),
        |home, before, at| {
            let report = home.cycle();
            assert_eq!(state(&report, "W"), "applied", "operation {at}");
            home.assert_off(&["browsed"], "after a kill");
            home.assert_nothing_is_intended("after a kill");
            let _ = home.take_back();
            assert_eq!(home.look(), *before, "operation {at}");
        },
    );
}

#[test]
fn killed_at_every_operation_and_switched_off_everything_is_as_before() {
    killed_everywhere(
        |_| {},
        |home| drop(home.cycle()),
        |home, before, at| {
            switch_off(home.state.folder());
            let report = home.cycle();
            assert!(report.troubles.is_empty(), "operation {at}: {:?}", report.troubles);
            home.assert_nothing_is_intended("after a kill");
            // Either the change was committed, or nothing of it is left.
            match state(&report, "W") {
                "applied" => home.assert_off(&["browsed"], "after a kill"),
                _ => assert_eq!(home.look(), *before, "operation {at}"),
            }
        },
    );
}

#[test]
fn killed_at_every_operation_of_a_removal_the_next_check_finishes_it() {
    killed_everywhere(
        |home| drop(home.cycle()),
        |home| drop(home.take_back()),
        |home, before, at| {
            let report = home.take_back();
            home.assert_nothing_is_intended("after a kill");
            assert!(report.troubles.is_empty(), "operation {at}: {:?}", report.troubles);
            assert_eq!(home.look(), *before, "operation {at}");
            assert!(home.state.store.installed().unwrap().0.services.is_empty(), "operation {at}");
        },
    );
}

#[test]
fn killed_again_in_the_recovery_the_one_after_it_finishes() {
    kill_quietly();
    for first in (1..).step_by(5) {
        for second in 1.. {
            let home = Home::new();
            let before = home.look();
            if !killed(&home, first, |home| drop(home.cycle())) {
                return;
            }
            let was_killed = killed(&home, second, |home| drop(home.cycle()));
            let report = home.cycle();
            let when = format!("operation {first}, then {second}");
            assert_eq!(state(&report, "W"), "applied", "{when}");
            home.assert_off(&["browsed"], &when);
            let _ = home.take_back();
            assert_eq!(home.look(), before, "{when}");
            if !was_killed {
                break;
            }
        }
    }
}

#[test]
fn a_change_that_cannot_be_taken_back_stays_open_until_the_service_manager_answers() {
    let home = Home::new();
    let before = home.look();
    kill_quietly();
    // Disabled by then, and not yet stopped.
    let at = (1..).find(|at| {
        let home = Home::new();
        killed(&home, *at, |home| drop(home.cycle()));
        home.service("browsed").start_mode == StartMode::Disabled
    });
    assert!(killed(&home, at.unwrap(), |home| drop(home.cycle())));
    home.manager().set_silent(true);
    let report = home.cycle();
    assert!(matches!(report.troubles.as_slice(), [Trouble::NotGivenBack { .. }]), "{report:?}");
    assert!(home.statuses().contains(&Status::Intended));
    home.manager().set_silent(false);
    assert_eq!(state(&home.cycle(), "W"), "applied");
    home.assert_nothing_is_intended("when it answers again");
    let _ = home.take_back();
    assert_eq!(home.look(), before);
}
