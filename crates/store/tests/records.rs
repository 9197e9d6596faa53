//! What older versions wrote is read for ever, and written again as it was; what a newer one wrote is
//! refused without harm. How the records came to be: `records/README.md`.
#![cfg(unix)] // state folders that were written on Linux, with links
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says plainly what it expects"
)]

use std::collections::BTreeSet;
use std::path::Path;

use stopgap_plan::TargetId;
use stopgap_store::{AuditFault, Change, Entry, Event, Status, Store, StoreError};
use stopgap_testkit::records::{OldServer, OldState, old_states};

fn open(server: &OldServer) -> Store {
    Store::open(&server.state()).unwrap()
}

fn state(commit: &str, story: &str) -> OldServer {
    OldState { commit: commit.into(), story: story.into() }.copy()
}

fn word(change: &Change) -> &'static str {
    match change.status {
        Status::Intended => "intended",
        Status::Committed => "committed",
        Status::Undone { .. } => "undone",
        Status::Halted { .. } => "halted",
        Status::Interrupted => "interrupted",
    }
}

#[test]
fn every_old_record_is_read_and_written_again_to_the_byte() {
    for old in old_states() {
        let (server, what) = (old.copy(), format!("{old:?}"));
        let before = server.state_files();
        let store = open(&server);
        let changes = store.changes().unwrap_or_else(|error| panic!("{what}: {error}"));
        let records = before.keys().filter(|file| file.ends_with("/change.json")).count();
        assert_eq!(changes.len(), records, "{what}");
        let wanted = old.story.rsplit('-').next().unwrap();
        if ["committed", "undone", "intended", "halted", "interrupted"].contains(&wanted) {
            assert!(changes.iter().any(|change| word(change) == wanted), "{what}: {changes:?}");
        }
        for change in &changes {
            store.save_change(change).unwrap();
            let file = format!("changes/{:06}/change.json", change.number);
            let (old, new) = (&before[&file], &server.state_files()[&file]);
            assert_eq!(
                String::from_utf8_lossy(old),
                String::from_utf8_lossy(new),
                "{what}: {file}"
            );
        }
    }
}

#[test]
fn every_kind_of_thing_that_can_be_recorded_is_among_the_old_records() {
    for commit in ["b1c9bb3", "abfb05c"] {
        let mut words: BTreeSet<&str> = BTreeSet::new();
        let all = [
            "\"rule\": {",
            "\"outbound\"",
            "\"pre-condition\"",
            "\"allowed-variable\"",
            "\"disabled-pool\"",
            "\"global-rules\"",
            "\"rules\"",
            "\"web-config\"",
            "\"location\"",
            "\"server\"",
            "\"created\"",
            "\"opened\"",
            "\"element\"",
            "\"pool\"",
            "\"block\"",
            "\"request-header\"",
            "\"response-header\"",
            "\"any\"",
            "\"all\"",
            "\"not\"",
            "\"match\"",
            "\"abort\"",
            "\"status\": 403",
            "\"remove\"",
            "\"set\"",
            "\"nginx:",
            "\"apache:",
            "\"haproxy:",
            "\"insert\"",
            "\"taken_out\": [\n        {",
            "\"needs\"",
            "\"fault\"",
            "\"custom-response\"",
            "\"abort-request\"",
        ];
        for old in old_states().iter().filter(|old| old.commit == commit) {
            for (file, bytes) in old.copy().state_files() {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                if file.ends_with("/change.json") {
                    words.extend(all.iter().filter(|word| text.contains(**word)));
                }
            }
        }
        let missing: Vec<&&str> = all.iter().filter(|word| !words.contains(**word)).collect();
        assert!(missing.is_empty(), "no old record of {commit} has {missing:?}");
    }
}

#[test]
fn old_decisions_trails_and_evidence_are_read() {
    for old in old_states() {
        let (server, what) = (old.copy(), format!("{old:?}"));
        let store = open(&server);
        let decisions = store.decisions().unwrap_or_else(|error| panic!("{what}: {error}"));
        let is_decided = matches!(old.story.as_str(), "iis-committed" | "web-committed");
        if is_decided {
            assert_eq!(
                decisions.switched_off.as_ref().map(|said| said.why.as_str()),
                Some("a test")
            );
            let blocked: Vec<&str> = decisions.blocked.keys().map(|id| id.as_str()).collect();
            assert_eq!(blocked, ["REQUEST", "RESPONSE"], "{what}");
        }
        let trail = store.trail().unwrap();
        assert_eq!(trail.faults, [], "{what}");
        assert!(!trail.lines.is_empty() || old.story.starts_with("live"), "{what}");
        if old.commit == "abfb05c" && old.story == "live-committed" {
            let kept = store.evidence();
            assert!(!kept.sightings.is_empty(), "{what}");
            let before = server.state_files();
            store.keep_evidence(&kept).unwrap();
            assert_eq!(server.state_files()["evidence.json"], before["evidence.json"]);
        }
    }
}

/// The file with its text changed.
fn edit(server: &OldServer, file: &str, change: impl Fn(String) -> String) {
    let path = server.state().join(file);
    let text = std::fs::read_to_string(&path).unwrap();
    let new = change(text.clone());
    assert_ne!(text, new);
    std::fs::write(&path, new).unwrap();
}

/// Written by the program that could disable services first: disabled, repaired, given back, and so again.
#[test]
fn old_records_of_services_are_read_and_written_again_to_the_byte() {
    let folder = std::env::temp_dir().join(format!("stopgap-services-{}", std::process::id()));
    let store = Store::open(&folder).unwrap();
    let old = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/services/changes");
    let mut disabled = Vec::new();
    for number in 1..=5 {
        let file = format!("{number:06}/change.json");
        let (from, to) = (old.join(&file), folder.join("changes").join(&file));
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(&from, &to).unwrap();
        let change = store.changes().unwrap().pop().unwrap();
        assert_eq!(change.target(), TargetId::Services("BROWSED.1".parse().unwrap()));
        store.save_change(&change).unwrap();
        let text = |path: &Path| std::fs::read_to_string(path).unwrap();
        assert_eq!(text(&from), text(&to), "{file}");
        let (installed, failures) = store.installed().unwrap();
        assert_eq!(failures.tries.len(), 0);
        let names = installed.services.values().flat_map(|it| &it.services).map(|it| {
            assert!(it.original.ran && it.original.setup.0.starts_with("enabled "), "{it:?}");
            it.name.clone()
        });
        disabled.push(names.collect::<Vec<_>>().join(", "));
    }
    let on = "browsed.service";
    assert_eq!(disabled, [on, on, "", on, ""]);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_record_of_a_newer_schema_is_refused_and_left_as_it_is() {
    // One that this version could read by chance, and one that it could not.
    let newer: [fn(String) -> String; 2] = [
        |text| text.replacen("\"schema\": 1", "\"schema\": 3", 1),
        |_| "{ \"schema\": 3, \"steps\": { \"of another\": \"form\" } }".to_owned(),
    ];
    for newer in newer {
        let server = state("abfb05c", "web-committed");
        let file = "changes/000002/change.json";
        edit(&server, file, newer);
        let before = server.state_files();
        let store = open(&server);
        for error in [
            store.changes().map(|_| ()).unwrap_err(),
            store.installed().map(|_| ()).unwrap_err(),
            store.trail().map(|_| ()).unwrap_err(),
        ] {
            let StoreError::Newer { file: named, schema: 3, known: 2 } = &error else {
                panic!("{error}")
            };
            assert_eq!(named, file);
            let told = error.to_string();
            assert!(told.contains("was written by a newer Stopgap"), "{told}");
        }
        store.sweep().unwrap();
        let is_record = |(file, _): &(String, Vec<u8>)| file.starts_with("changes/");
        let changes = |files: std::collections::BTreeMap<String, Vec<u8>>| {
            files.into_iter().filter(is_record).collect::<Vec<_>>()
        };
        assert_eq!(changes(server.state_files()), changes(before));
    }
    let server = state("abfb05c", "iis-undone");
    edit(&server, "changes/000001/change.json", |text| text.replacen("1,", "0,", 1));
    assert!(matches!(open(&server).changes().unwrap_err(), StoreError::Unreadable { .. }));
}

#[test]
fn decisions_of_a_newer_schema_are_refused_and_left_as_they_are() {
    let server = state("abfb05c", "iis-committed");
    for (schema, is_known) in [(1, true), (2, false)] {
        edit(&server, "decisions.toml", |text| {
            let lines = text.lines().filter(|line| !line.starts_with("schema"));
            format!("schema = {schema}\n{}", lines.collect::<Vec<_>>().join("\n"))
        });
        let before = server.state_files()["decisions.toml"].clone();
        let store = open(&server);
        let read = store.decisions();
        let decided = store.decide("a test", |decisions| decisions.switched_off.take());
        assert_eq!((read.is_ok(), decided.is_ok()), (is_known, is_known), "{schema}");
        if !is_known {
            let error = read.unwrap_err();
            assert!(matches!(error, StoreError::Newer { schema: 2, known: 1, .. }), "{error}");
            assert_eq!(server.state_files()["decisions.toml"], before);
        }
    }
}

#[test]
fn a_line_of_a_newer_schema_is_told_and_the_trail_goes_on_behind_it() {
    let server = state("abfb05c", "iis-committed");
    let lines = open(&server).trail().unwrap().lines.len();
    // The last line, so that only the head tells that it was changed: it is taken away, as a newer
    // program's head would be another.
    edit(&server, "audit.jsonl", |text| {
        let (before, last) = text.trim_end().rsplit_once('\n').unwrap();
        format!("{before}\n{}\n", last.replacen('{', "{\"schema\":2,\"what\":[],", 1))
    });
    std::fs::remove_file(server.state().join("trust/audit.head")).unwrap();
    let store = open(&server);
    let newer = AuditFault::Newer { line: lines, schema: 2, known: 1 };
    let trail = store.trail().unwrap();
    assert_eq!((trail.faults, trail.lines.len()), (vec![newer.clone()], lines - 1));
    let entry = Entry::new(Event::Checked, "", "a test");
    store.record(jiff::Timestamp::UNIX_EPOCH, "a test", &[entry]).unwrap();
    let trail = store.trail().unwrap();
    assert_eq!((trail.faults, trail.lines.len()), (vec![newer], lines));
    let Some(last) = trail.lines.last() else { panic!("no line") };
    assert_eq!(last.seq, lines as u64 + 1);
}
