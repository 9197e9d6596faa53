//! The program is killed, or automatic mitigation switched off, at every operation of the service manager.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Duration;

use stopgap_engine::Trouble;
use stopgap_host::StartMode;
use stopgap_store::{Decision, Status, Store};
use stopgap_testkit::ServiceMood;

use super::home::{Home, Look};
use crate::common::state;

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
