//! Services of this machine, over the service control manager of Windows.
#![cfg(windows)]
#![allow(clippy::expect_used, reason = "helpers of tests may say plainly what they expect")]

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use stopgap_host::{Activity, ServiceError, Services as _, StartMode, WindowsServices};
use stopgap_win32::{Access, FailureAction, FailureActions, Manager};

/// A service that every Windows has, and Wine too; it needs nothing that other tests use.
const SPOOLER: &str = "Spooler";
const PATIENCE: Duration = Duration::from_secs(30);
const RESTART: i32 = 1;

/// Wine loses handles of its service control manager where several threads open and close some.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts and stops one service, so it is one test.
#[test]
fn a_service_is_disabled_and_given_back_as_it_was_with_its_recovery_actions() {
    let _alone = alone();
    let services = WindowsServices;
    if !services.list().expect("listed").iter().any(|name| name == SPOOLER) {
        println!("skipped: there is no service {SPOOLER} here");
        return;
    }
    let wanted = FailureActions {
        reset: 86_400,
        message: "Neustart für die Wartung".into(),
        command: r"C:\a b\x.exe /f 100%".into(),
        actions: vec![FailureAction { kind: RESTART, delay: 60_000 }],
    };
    let manager = Manager::open().expect("opened");
    let spooler = manager.service(SPOOLER, Access::Configure).expect("opened");
    spooler.set_failure_actions(&wanted).expect("set");
    let has_actions = spooler.failure_actions().is_ok_and(|read| read == wanted);
    if !has_actions {
        println!(
            "skipped: recovery actions, this service control manager does not keep them whole"
        );
    }

    let before = services.service("spooler").expect("asked").expect("it is there");
    assert_eq!(before.name, SPOOLER, "its own name, whatever it was asked for by");
    assert_ne!(before.start_mode, StartMode::Disabled);
    assert_eq!(services.disable(SPOOLER), Ok(()));
    let disabled = services.service(SPOOLER).expect("asked").expect("it is there");
    assert_eq!(disabled.start_mode, StartMode::Disabled);
    if has_actions {
        assert_eq!(spooler.failure_actions().expect("read").actions, []);
    }
    assert_eq!(disabled.activity, before.activity, "it goes on");
    services.stop(SPOOLER, PATIENCE).expect("stopped");
    let refused = ServiceError::Disabled { name: SPOOLER.into() };
    assert_eq!(services.start(SPOOLER, PATIENCE), Err(refused));

    assert_eq!(services.restore(SPOOLER, &before.setup), Ok(()));
    let after = services.service("spooler").expect("asked").expect("it is there");
    assert_eq!((after.start_mode, &after.setup), (before.start_mode, &before.setup));
    if has_actions {
        assert_eq!(spooler.failure_actions().expect("read"), wanted);
    }

    assert_eq!(services.start(SPOOLER, PATIENCE), Ok(()));
    assert_eq!(services.start(SPOOLER, PATIENCE), Ok(()), "one that runs is left alone");
    let running = services.service(SPOOLER).expect("asked").expect("it is there");
    assert_eq!(running.activity, Activity::Running);
    let stopped = services.stop(SPOOLER, PATIENCE).expect("stopped");
    assert_eq!(stopped.last().map(String::as_str), Some(SPOOLER));
    assert_eq!(services.stop(SPOOLER, PATIENCE), Ok(Vec::new()), "it does not run any more");
    let now = services.service(SPOOLER).expect("asked").expect("it is there");
    assert_eq!(now.activity, Activity::Stopped);
}

#[test]
fn a_service_that_is_not_there_is_said_to_be_so() {
    let _alone = alone();
    let services = WindowsServices;
    for name in ["Stopgap-No-Such-Service", "a/b", ""] {
        assert_eq!(services.service(name), Ok(None), "{name}");
        let missing = ServiceError::NotThere { name: name.into() };
        assert_eq!(services.disable(name), Err(missing.clone()), "{name}");
        assert_eq!(services.stop(name, PATIENCE), Err(missing.clone()), "{name}");
        assert_eq!(services.start(name, PATIENCE), Err(missing), "{name}");
    }
}

#[test]
fn what_was_not_captured_here_is_not_given_to_a_service() {
    let _alone = alone();
    let setup = stopgap_host::StartSetup("enabled".into());
    let refused = WindowsServices.restore(SPOOLER, &setup);
    assert!(matches!(refused, Err(ServiceError::Refused { .. })), "{refused:?}");
}
