//! What is remembered survives, and shows when somebody changed it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says plainly what it expects"
)]

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use stopgap_model::{MitigationId, ServerPath};
use stopgap_plan::FileEdit;
use stopgap_store::{AuditError, Event, Said, Status, Store, StoreError};

/// A state folder of the test's own, removed when the test ends.
struct State(PathBuf);

impl State {
    fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        Self(std::env::temp_dir().join(format!("stopgap-store-{}-{count}", std::process::id())))
    }

    fn open(&self) -> Store {
        Store::open(&self.0).unwrap()
    }

    fn trail(&self) -> PathBuf {
        self.0.join("audit.jsonl")
    }
}

impl Drop for State {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn note(store: &Store, detail: &str) {
    store.record(Timestamp::UNIX_EPOCH, "a test", Event::Checked, "", detail).unwrap();
}

fn edit(before: &[u8], after: &[u8]) -> FileEdit {
    let path = ServerPath::new(r"C:\x.config");
    FileEdit { path, before: Some(before.to_vec()), after: Some(after.to_vec()) }
}

#[test]
fn a_line_taken_out_of_the_trail_shows() {
    let state = State::new();
    let store = state.open();
    ["one", "two", "three"].iter().for_each(|detail| note(&store, detail));
    assert_eq!(store.history().unwrap().len(), 3);
    let text = std::fs::read_to_string(state.trail()).unwrap();
    let without: Vec<&str> = text.lines().filter(|line| !line.contains("two")).collect();
    std::fs::write(state.trail(), without.join("\n") + "\n").unwrap();
    let error = store.history().unwrap_err();
    assert!(matches!(error, StoreError::Audit(AuditError::Broken { line: 2 })), "{error}");
}

#[test]
fn a_torn_last_line_is_cut_off_and_that_is_written_down() {
    let state = State::new();
    let store = state.open();
    note(&store, "one");
    let text = std::fs::read_to_string(state.trail()).unwrap();
    std::fs::write(state.trail(), format!("{text}{{\"seq\":2,\"at\":\"19")).unwrap();
    assert_eq!(store.history().unwrap().len(), 1, "a torn line is not part of the trail");
    note(&store, "two");
    let events: Vec<Event> = store.history().unwrap().iter().map(|line| line.event).collect();
    assert_eq!(events, [Event::Checked, Event::Repaired, Event::Checked]);
}

#[test]
fn before_images_and_the_intent_are_there_when_a_change_begins() {
    let state = State::new();
    let store = state.open();
    let change =
        store.begin(Timestamp::UNIX_EPOCH, "a test", &[edit(b"old", b"new")], &[]).unwrap();
    assert_eq!(change.status, Status::Intended);
    assert_eq!(std::fs::read(state.0.join("changes/000001/before/0")).unwrap(), b"old");
    assert_eq!(state.open().changes().unwrap(), std::slice::from_ref(&change));
    assert_eq!(store.image(change.number, &change.files[0]).unwrap().unwrap(), b"old");
}

#[test]
fn a_before_image_that_was_changed_is_not_put_back() {
    let state = State::new();
    let store = state.open();
    let change =
        store.begin(Timestamp::UNIX_EPOCH, "a test", &[edit(b"old", b"new")], &[]).unwrap();
    std::fs::write(state.0.join("changes/000001/before/0"), b"evil").unwrap();
    let error = store.image(change.number, &change.files[0]).unwrap_err();
    assert!(matches!(error, StoreError::Unreadable { .. }), "{error}");
}

#[test]
fn a_change_whose_intent_never_reached_the_disk_is_swept_away() {
    let state = State::new();
    let store = state.open();
    let folder = state.0.join("changes/000001/before");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("0"), b"half").unwrap();
    assert_eq!(store.changes().unwrap(), []);
    store.sweep().unwrap();
    assert!(!state.0.join("changes/000001").exists());
    let change = store.begin(Timestamp::UNIX_EPOCH, "a test", &[edit(b"a", b"b")], &[]).unwrap();
    assert_eq!(change.number, 1);
}

#[test]
fn decisions_read_back_with_who_when_and_why() {
    let state = State::new();
    let store = state.open();
    let said = Said {
        by: "root".into(),
        at: Timestamp::UNIX_EPOCH,
        why: "a \"clash\"\nof two".into(),
        take_back: true,
    };
    let decided = store.decide("a test", |decisions| {
        decisions.blocked.insert("M1".parse().unwrap(), said.clone());
        decisions.switched_off = Some(said.clone());
        decisions.clone()
    });
    assert_eq!(state.open().decisions().unwrap(), decided.unwrap());
}

#[test]
fn a_decision_waits_for_nobody_who_holds_the_lock_and_none_is_lost_among_many() {
    let state = State::new();
    let store = state.open();
    let _held = store.lock("a check", Duration::ZERO, &mut |_| {}).unwrap();
    assert_eq!(store.busy().unwrap().as_deref(), Some("a check"));
    let block = |at: usize| {
        let said = Said {
            by: format!("administrator {at}"),
            at: Timestamp::UNIX_EPOCH,
            why: String::new(),
            take_back: false,
        };
        let store = state.open();
        let id: MitigationId = format!("M{at}").parse().unwrap();
        store.decide("a test", |decisions| decisions.blocked.insert(id.clone(), said)).unwrap();
        store.record(Timestamp::UNIX_EPOCH, "a test", Event::Blocked, id.as_str(), "").unwrap();
    };
    std::thread::scope(|scope| {
        for at in 1..=16 {
            scope.spawn(move || block(at));
        }
    });
    assert_eq!(store.decisions().unwrap().blocked.len(), 16, "a decision was lost");
    assert_eq!(store.history().unwrap().len(), 16, "the trail is broken");
}

#[test]
fn a_look_at_who_holds_the_lock_does_not_keep_it_from_anybody() {
    let state = State::new();
    let store = state.open();
    assert_eq!(store.busy().unwrap(), None, "before there is a lock file");
    std::thread::scope(|scope| {
        let looks = || (0..2_000).for_each(|_| assert!(state.open().busy().is_ok()));
        scope.spawn(looks);
        scope.spawn(looks);
        for _ in 0..200 {
            drop(store.lock("a test", Duration::ZERO, &mut |_| {}).expect("nobody holds it"));
        }
    });
    assert_eq!(store.busy().unwrap(), None);
}

#[test]
fn a_change_is_interrupted_only_when_no_process_is_at_it() {
    let state = State::new();
    let store = state.open();
    let lock = store.lock("a check", Duration::ZERO, &mut |_| {}).unwrap();
    let mut change =
        store.begin(Timestamp::UNIX_EPOCH, "a test", &[edit(b"a", b"b")], &[]).unwrap();
    assert_eq!(state.open().interrupted().unwrap(), [], "a check is at it");
    drop(lock);
    assert_eq!(state.open().interrupted().unwrap(), [change.clone()]);
    change.status = Status::Halted { why: "a test".into() };
    store.save_change(&change).unwrap();
    assert_eq!(state.open().interrupted().unwrap(), []);
    assert_eq!(state.open().in_place().unwrap().1, stopgap_plan::Failures::default());
}

#[test]
fn decisions_that_cannot_be_read_are_an_error_and_not_taken_for_none() {
    let state = State::new();
    let store = state.open();
    std::fs::write(state.0.join("decisions.toml"), "[blocked\n").unwrap();
    let error = store.decisions().unwrap_err();
    assert!(error.to_string().contains("decisions.toml"), "{error}");
}

#[test]
fn a_revision_never_names_two_contents() {
    let state = State::new();
    let store = state.open();
    let document =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../catalog/PING1.toml"))
            .unwrap();
    let parse = |text: &str| stopgap_model::document::parse(text.as_bytes(), &|_| Ok(())).unwrap();
    let first = parse(&document);
    store.remember([&first]).unwrap();
    assert_eq!(state.open().revisions().unwrap().reused(&first), None);
    let other = parse(&format!("{document}# another content\n"));
    let why = state.open().revisions().unwrap().reused(&other).unwrap();
    assert!(why.contains("never names two contents"), "{why}");
    // What came first holds, whatever is remembered later.
    state.open().remember([&other]).unwrap();
    assert_eq!(state.open().revisions().unwrap().reused(&first), None);
}
