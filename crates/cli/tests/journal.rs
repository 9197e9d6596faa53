//! What the service writes to the journal of systemd, on a throwaway host.
#![cfg(unix)] // the journal of systemd
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says plainly what it expects")]

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;
use stopgap_agent::event::EventKind;
use stopgap_testkit::throwaway::ThrowawayHost;

/// How long an event may take; at rest it takes a second.
const PATIENCE: Duration = Duration::from_secs(60);

/// The entries of a kind, once there are as many.
fn entries(host: &ThrowawayHost, kind: EventKind, at_least: usize) -> Vec<Value> {
    let begun = Instant::now();
    loop {
        let id = kind.message_id();
        let said = host.shell(&format!("journalctl --sync; journalctl -o json MESSAGE_ID={id}"));
        let lines = said.out.lines().filter_map(|line| serde_json::from_str(line).ok());
        let entries: Vec<Value> = lines.collect();
        if entries.len() >= at_least {
            return entries;
        }
        let all = || host.shell("journalctl -u stopgap -o cat").out;
        assert!(begun.elapsed() < PATIENCE, "{kind:?}: {said:?}\n{}", all());
        std::thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn the_journal_has_the_priority_the_kind_and_the_facts_of_what_the_service_does() {
    let Some(host) = ThrowawayHost::boot() else { return };
    host.install(Path::new(env!("CARGO_BIN_EXE_stopgap")), "/usr/bin/stopgap");
    host.shell("systemd-run --unit=stopgap /usr/bin/stopgap run").expect_success();
    entries(&host, EventKind::CycleFinished, 1);
    assert_eq!(entries(&host, EventKind::ServiceStarted, 1).len(), 1);

    let checked = &entries(&host, EventKind::AuditChecked, 1)[0];
    assert_eq!(checked["STOPGAP_BY"], "root", "{checked}");
    assert!(checked["MESSAGE"].as_str().unwrap().starts_with("checked: "), "{checked}");

    let states = entries(&host, EventKind::MitigationState, 1);
    let m1 = states.iter().find(|entry| entry["STOPGAP_MITIGATION"] == "M1").unwrap();
    assert_eq!(m1["PRIORITY"], "6", "{m1}");
    assert_eq!(m1["STOPGAP_EVENT"], "mitigation-state", "{m1}");
    assert_eq!(m1["STOPGAP_STATE"], "not-affected", "{m1}");
    assert_eq!(m1["SYSLOG_IDENTIFIER"], "stopgap", "{m1}");
    assert!(m1["MESSAGE"].as_str().unwrap().starts_with("M1: not-affected: "), "{m1}");

    // What goes wrong is found by its priority, and says where.
    host.write("/etc/stopgap/policy.toml", "[server]\nenabeld = false\n", 0o644);
    host.shell("systemctl kill -s HUP stopgap").expect_success();
    let refused = &entries(&host, EventKind::DocumentRefused, 1)[0];
    assert_eq!(refused["PRIORITY"], "3", "{refused}");
    let message = refused["MESSAGE"].as_str().unwrap();
    assert!(message.contains("/etc/stopgap/policy.toml:2:1"), "{message}");
    assert!(message.contains("\nhint: nothing was changed"), "{message}");
    assert!(refused["STOPGAP_HINT"].as_str().unwrap().contains("policy file"), "{refused}");

    host.shell("systemctl stop stopgap").expect_success();
    let stopped = &entries(&host, EventKind::ServiceStopped, 1)[0];
    assert!(stopped["MESSAGE"].as_str().unwrap().starts_with("ended by SIGTERM: "), "{stopped}");
    // Nothing is told twice: neither by the journal's socket and by standard error, nor as a bare line.
    let bare = host.shell("journalctl -u stopgap -o json _TRANSPORT=stdout").out;
    assert!(!bare.contains("\"_COMM\":\"stopgap\""), "{bare}");
}

#[test]
fn a_command_whose_standard_error_is_a_terminal_or_a_file_writes_nothing_to_the_journal() {
    let Some(host) = ThrowawayHost::boot() else { return };
    host.install(Path::new(env!("CARGO_BIN_EXE_stopgap")), "/usr/bin/stopgap");
    // As a shell that a service started: the variable is there, and standard error is another.
    let script = "JOURNAL_STREAM=8:1 stopgap show NOTHING 2> /tmp/err; cat /tmp/err; \
                  journalctl --sync; journalctl -o json SYSLOG_IDENTIFIER=stopgap";
    let said = host.shell(script);
    assert!(said.out.starts_with("error: there is no mitigation `NOTHING`"), "{said:?}");
    assert!(!said.out.contains("STOPGAP_EVENT"), "{said:?}");
}
