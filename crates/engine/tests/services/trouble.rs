//! Services that hang, refuse, come back, are gone or never at rest.

use std::time::Duration;

use stopgap_engine::Trouble;
use stopgap_host::{Activity, StartMode};
use stopgap_testkit::{ServiceMood, SimulatedServices};

use super::home::{Home, disabling, services};
use crate::common::{of, state};

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
