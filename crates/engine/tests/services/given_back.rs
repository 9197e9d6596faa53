//! Services are disabled, kept so, and given back as they were.

use std::time::Duration;

use stopgap_host::{Activity, Services as _, StartMode};
use stopgap_model::policy::Drift;
use stopgap_store::Event;

use super::home::{Home, disabling, services};
use crate::common::{of, published, state};

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
