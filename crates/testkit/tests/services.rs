//! The simulated service manager does what systemd and Windows have in common.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot be set up must fail"
)]

use std::time::Duration;

use stopgap_host::{Activity, Host as _, Service, ServiceError, Services, StartMode, StartSetup};
use stopgap_testkit::{FailingHost, ServiceMood, SimulatedServices};

const PATIENCE: Duration = Duration::from_secs(30);

/// A spooler that a fax service and a report service need, and an accounting service that needs the
/// report service.
fn machine() -> SimulatedServices {
    SimulatedServices::new()
        .with("spooler", StartMode::Automatic, &[])
        .with("fax", StartMode::OnDemand, &["spooler"])
        .with("report", StartMode::Automatic, &["spooler"])
        .with("accounting", StartMode::Automatic, &["report"])
        .with("clock", StartMode::Automatic, &[])
}

fn service(services: &SimulatedServices, name: &str) -> Service {
    services.service(name).expect("it answers").expect("it is there")
}

fn activity(services: &SimulatedServices, name: &str) -> Activity {
    service(services, name).activity
}

#[test]
fn what_needs_a_service_stops_before_it_and_starts_again_in_the_reverse_order() {
    let services = machine();
    assert_eq!(services.list().unwrap(), ["accounting", "clock", "fax", "report", "spooler"]);
    assert_eq!(service(&services, "spooler").dependents, ["fax", "report"]);
    let stopped = services.stop("spooler", PATIENCE).unwrap();
    assert_eq!(stopped, ["accounting", "report", "spooler"], "what did not run is not named");
    for name in &stopped {
        assert_eq!(activity(&services, name), Activity::Stopped);
    }
    assert_eq!(activity(&services, "clock"), Activity::Running, "it needs nothing of it");
    for name in stopped.iter().rev() {
        services.start(name, PATIENCE).unwrap();
    }
    for name in &stopped {
        assert_eq!(activity(&services, name), Activity::Running);
    }
    assert_eq!(activity(&services, "fax"), Activity::Stopped, "it did not run before");
    assert_eq!(services.stop("fax", PATIENCE), Ok(Vec::new()), "nothing of it ran");
}

#[test]
fn a_disabled_service_goes_on_until_it_is_stopped_and_then_nothing_starts_it() {
    let services = machine();
    let before = service(&services, "spooler");
    services.disable("spooler").unwrap();
    assert_eq!(activity(&services, "spooler"), Activity::Running);
    services.stop("spooler", PATIENCE).unwrap();
    let refused = ServiceError::Disabled { name: "spooler".to_owned() };
    assert_eq!(services.start("spooler", PATIENCE), Err(refused.clone()));
    assert_eq!(services.start("fax", PATIENCE), Err(refused), "fax needs it");
    assert_eq!(activity(&services, "fax"), Activity::Stopped);
    services.restore("spooler", &before.setup).unwrap();
    assert_eq!(activity(&services, "spooler"), Activity::Stopped, "restored is not started");
    services.start("fax", PATIENCE).unwrap();
    let after = service(&services, "spooler");
    assert_eq!((after.activity, after.start_mode), (Activity::Running, StartMode::Automatic));
}

#[test]
fn a_start_that_something_else_set_up_is_given_back_exactly() {
    for mode in [StartMode::Automatic, StartMode::OnDemand, StartMode::Disabled] {
        let services = SimulatedServices::new().with("x", mode, &[]);
        let before = service(&services, "x");
        services.disable("x").unwrap();
        services.restore("x", &before.setup).unwrap();
        assert_eq!(service(&services, "x"), before);
    }
    let unknown = machine().restore("clock", &StartSetup("sometimes".to_owned()));
    assert!(matches!(unknown, Err(ServiceError::Refused { .. })), "{unknown:?}");
}

#[test]
fn a_service_that_takes_its_time_is_waited_for_and_no_longer_than_that() {
    let services = machine();
    services.set_mood("report", ServiceMood::StopsAfter(Duration::from_secs(20)));
    services.set_mood("accounting", ServiceMood::StopsAfter(Duration::from_secs(20)));
    let late = services.stop("report", PATIENCE).expect_err("both together take 40 s");
    assert_eq!(late.to_string(), "report did not stop within 10 s");
    assert_eq!(activity(&services, "accounting"), Activity::Stopped);
    assert_eq!(activity(&services, "report"), Activity::Stopping, "it is on its way");
    services.pass(Duration::from_secs(10));
    assert_eq!(activity(&services, "report"), Activity::Stopped);
    services.set_mood("report", ServiceMood::StartsAfter(Duration::from_secs(40)));
    let late = services.start("report", PATIENCE).expect_err("it takes 40 s");
    assert_eq!(late.to_string(), "report did not start within 30 s");
    assert_eq!(activity(&services, "report"), Activity::Starting);
    services.pass(Duration::from_secs(10));
    assert_eq!(activity(&services, "report"), Activity::Running);
}

#[test]
fn a_service_that_hangs_in_its_stop_is_told_and_refuses_to_start() {
    let services = machine();
    services.set_mood("spooler", ServiceMood::HangsInStop);
    assert!(matches!(services.stop("spooler", PATIENCE), Err(ServiceError::NotInTime { .. })));
    services.pass(Duration::from_secs(24 * 3600));
    assert_eq!(activity(&services, "spooler"), Activity::Stopping);
    let refused = services.start("spooler", PATIENCE).expect_err("it is stopping");
    assert_eq!(refused.to_string(), "spooler refuses: it is stopping");
    assert_eq!(services.disable("spooler"), Ok(()), "how it is set up can be changed meanwhile");
}

#[test]
fn a_dependent_that_refuses_keeps_what_it_needs_running() {
    let services = machine();
    services.set_mood("report", ServiceMood::RefusesStop);
    let refused = services.stop("spooler", PATIENCE).expect_err("report refuses");
    assert_eq!(refused.to_string(), "report refuses: it cannot be stopped now");
    assert_eq!(activity(&services, "accounting"), Activity::Stopped, "it came first");
    assert_eq!(activity(&services, "report"), Activity::Running);
    assert_eq!(activity(&services, "spooler"), Activity::Running);
}

#[test]
fn a_service_that_comes_back_stays_away_only_when_it_is_disabled_first() {
    let services = machine();
    services.set_mood("clock", ServiceMood::ComesBack);
    services.stop("clock", PATIENCE).unwrap();
    assert_eq!(activity(&services, "clock"), Activity::Running);
    services.disable("clock").unwrap();
    services.stop("clock", PATIENCE).unwrap();
    assert_eq!(activity(&services, "clock"), Activity::Stopped);
}

#[test]
fn what_others_do_meanwhile_is_seen() {
    let services = machine();
    services.disable("fax").unwrap();
    services.set_start_mode("fax", StartMode::Automatic);
    assert_eq!(service(&services, "fax").start_mode, StartMode::Automatic, "drift");
    services.run("fax");
    assert_eq!(activity(&services, "fax"), Activity::Running, "a person started it");
    let setup = service(&services, "fax").setup;
    services.uninstall("fax");
    assert_eq!(services.service("fax"), Ok(None));
    let gone = ServiceError::NotThere { name: "fax".to_owned() };
    assert_eq!(services.restore("fax", &setup), Err(gone.clone()));
    assert_eq!(services.disable("fax"), Err(gone.clone()));
    assert_eq!(services.stop("fax", PATIENCE), Err(gone.clone()));
    assert_eq!(services.start("fax", PATIENCE), Err(gone));
}

#[test]
fn services_that_need_each_other_stop_and_start_together() {
    let services = SimulatedServices::new().with("one", StartMode::Automatic, &["other"]).with(
        "other",
        StartMode::Automatic,
        &["one"],
    );
    let mut stopped = services.stop("one", PATIENCE).unwrap();
    stopped.sort();
    assert_eq!(stopped, ["one", "other"]);
    services.start("other", PATIENCE).unwrap();
    assert_eq!(activity(&services, "one"), Activity::Running);
}

#[test]
fn a_start_that_fails_is_told_and_what_needs_it_does_not_run() {
    let services = SimulatedServices::new().with("below", StartMode::OnDemand, &[]).with(
        "above",
        StartMode::OnDemand,
        &["below"],
    );
    services.set_mood("below", ServiceMood::FailsToStart);
    let failed = services.start("above", PATIENCE).expect_err("below fails");
    assert_eq!(failed.to_string(), "below refuses: it ended while it started");
    assert_eq!(activity(&services, "above"), Activity::Stopped);
    services.set_mood("below", ServiceMood::Good);
    services.start("above", PATIENCE).unwrap();
    assert_eq!(activity(&services, "below"), Activity::Running);
}

#[test]
fn a_service_manager_that_does_not_answer_is_told_and_nothing_is_changed() {
    let services = machine();
    let before = service(&services, "clock");
    services.set_silent(true);
    assert!(matches!(services.list(), Err(ServiceError::NoAnswer(_))));
    assert!(matches!(services.service("clock"), Err(ServiceError::NoAnswer(_))));
    assert!(matches!(services.disable("clock"), Err(ServiceError::NoAnswer(_))));
    assert!(matches!(services.stop("clock", PATIENCE), Err(ServiceError::NoAnswer(_))));
    services.set_silent(false);
    assert_eq!(service(&services, "clock"), before);
}

#[test]
fn a_host_in_memory_has_a_service_manager_where_a_test_gives_it_one() {
    let host = FailingHost::new(Vec::new());
    assert!(host.services().is_none());
    let host = host.with_services(machine());
    host.services().expect("it has one now").disable("clock").unwrap();
    assert_eq!(service(host.service_manager(), "clock").start_mode, StartMode::Disabled);
}
