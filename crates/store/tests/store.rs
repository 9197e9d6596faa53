//! What is remembered survives, and shows when somebody changed it.
#![cfg(unix)] // permission bits and small disks of Unix; not parted yet
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
use stopgap_model::evidence::{Answer, Sighting, Site, Verdict, Wanted};
use stopgap_model::{Digest, MitigationId, ServerId, ServerPath, WebKind};
use stopgap_plan::FileEdit;
use stopgap_store::{
    AuditFault, Decision, Entry, Event, Hindrance, KeptEvidence, Status, Store, StoreError,
};
use stopgap_testkit::Disk;

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

    fn head(&self) -> PathBuf {
        self.0.join("trust/audit.head")
    }
}

impl Drop for State {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn note(store: &Store, detail: &str) {
    let entry = Entry::new(Event::Checked, "", detail);
    store.record(Timestamp::UNIX_EPOCH, "a test", &[entry]).unwrap();
}

/// What is wrong with the trail, and how many lines of it can be read.
fn judged(store: &Store) -> (Vec<AuditFault>, usize) {
    let trail = store.trail().unwrap();
    (trail.faults, trail.lines.len())
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
    assert_eq!(judged(&store), (vec![], 3));
    let text = std::fs::read_to_string(state.trail()).unwrap();
    let without: Vec<&str> = text.lines().filter(|line| !line.contains("two")).collect();
    std::fs::write(state.trail(), without.join("\n") + "\n").unwrap();
    assert_eq!(judged(&store), (vec![AuditFault::Missing { from: 2, to: 2 }], 2));
}

#[test]
fn a_line_that_was_changed_shows_and_so_does_one_that_is_none() {
    let state = State::new();
    let store = state.open();
    ["one", "two", "three"].iter().for_each(|detail| note(&store, detail));
    let text = std::fs::read_to_string(state.trail()).unwrap();
    std::fs::write(state.trail(), text.replace("two", "zwo")).unwrap();
    assert_eq!(judged(&store), (vec![AuditFault::Broken { line: 3 }], 3));
    std::fs::write(state.trail(), text.replace("{\"seq\":2", "{\"sqe\":2")).unwrap();
    let (faults, lines) = judged(&store);
    assert!(matches!(faults[0], AuditFault::Unreadable { line: 2, .. }), "{faults:?}");
    assert_eq!(lines, 2, "what can be read is told");
    // The last one is held by its digest outside the trail alone.
    std::fs::write(state.trail(), text.replace("three", "drei")).unwrap();
    assert_eq!(judged(&store), (vec![AuditFault::Replaced { line: 3 }], 3));
}

#[test]
fn a_trail_that_was_cut_off_or_deleted_shows_and_stays_shown_when_it_goes_on() {
    for keep in [0, 1, 2] {
        let state = State::new();
        let store = state.open();
        ["one", "two", "three"].iter().for_each(|detail| note(&store, detail));
        let text = std::fs::read_to_string(state.trail()).unwrap();
        let kept: String = text.split_inclusive('\n').take(keep).collect();
        std::fs::remove_file(state.trail()).unwrap();
        let last = keep as u64;
        assert_eq!(judged(&store), (vec![AuditFault::Cut { last: 0, written: 3 }], 0));
        std::fs::write(state.trail(), kept).unwrap();
        assert_eq!(judged(&state.open()), (vec![AuditFault::Cut { last, written: 3 }], keep));
        note(&store, "four");
        let missing = AuditFault::Missing { from: last + 1, to: 3 };
        assert_eq!(judged(&store), (vec![missing.clone()], keep + 2));
        note(&store, "five");
        let trail = store.trail().unwrap();
        assert_eq!(trail.faults, [missing]);
        assert_eq!(trail.lines[keep].event, Event::TrailBroken);
        assert!(
            trail.lines[keep].detail.contains("line 3 was the last"),
            "{:?}",
            trail.lines[keep]
        );
    }
}

#[test]
fn a_trail_that_was_cut_off_and_written_on_by_hand_shows() {
    let state = State::new();
    let store = state.open();
    ["one", "two", "three"].iter().for_each(|detail| note(&store, detail));
    let forged = State::new();
    let other = forged.open();
    ["one", "zwo", "drei", "vier"].iter().for_each(|detail| note(&other, detail));
    std::fs::copy(forged.trail(), state.trail()).unwrap();
    assert_eq!(judged(&store).0, [AuditFault::Replaced { line: 3 }]);
    note(&store, "four");
    let (faults, _) = judged(&store);
    assert!(!faults.is_empty(), "the next line does not make it good");
    assert_eq!(store.trail().unwrap().lines[4].event, Event::TrailBroken);
}

#[test]
fn a_trail_that_was_deleted_with_its_digest_shows_by_the_change_records() {
    let state = State::new();
    let store = state.open();
    ["one", "two"].iter().for_each(|detail| note(&store, detail));
    store.begin(Timestamp::UNIX_EPOCH, "a test", &[edit(b"a", b"b")], &[]).unwrap();
    std::fs::remove_file(state.trail()).unwrap();
    std::fs::remove_file(state.head()).unwrap();
    assert_eq!(judged(&state.open()), (vec![AuditFault::Cut { last: 0, written: 2 }], 0));
}

#[test]
fn a_crash_between_a_line_and_its_digest_is_no_alarm() {
    let state = State::new();
    let store = state.open();
    note(&store, "one");
    let head = std::fs::read(state.head()).unwrap();
    ["two", "three"].iter().for_each(|detail| note(&store, detail));
    std::fs::write(state.head(), &head).unwrap();
    assert_eq!(judged(&store), (vec![], 3));
    note(&store, "four");
    assert_eq!(judged(&store), (vec![], 4));
    // Before the first line there is a digest already.
    let fresh = State::new();
    let store = fresh.open();
    let head = std::fs::read(fresh.head()).unwrap();
    note(&store, "one");
    std::fs::write(fresh.head(), &head).unwrap();
    note(&store, "two");
    assert_eq!(judged(&store), (vec![], 2));
}

#[test]
fn a_digest_that_was_torn_or_lost_is_told_and_keeps_no_line_from_being_written() {
    let state = State::new();
    let store = state.open();
    note(&store, "one");
    std::fs::write(state.head(), "{\"seq\":1,").unwrap();
    let (faults, _) = judged(&store);
    assert!(matches!(faults[..], [AuditFault::NoHead { .. }]), "{faults:?}");
    note(&store, "two");
    let lines = store.trail().unwrap().lines;
    assert_eq!(
        lines.iter().map(|line| line.event).collect::<Vec<_>>(),
        [Event::Checked, Event::TrailBroken, Event::Checked]
    );
}

#[test]
fn a_trail_of_an_older_version_without_a_digest_outside_it_is_good() {
    let state = State::new();
    let store = state.open();
    ["one", "two"].iter().for_each(|detail| note(&store, detail));
    std::fs::remove_file(state.head()).unwrap();
    assert_eq!(judged(&state.open()), (vec![], 2));
    note(&store, "three");
    assert_eq!(judged(&store), (vec![], 3));
    assert!(state.head().exists());
}

#[test]
fn lines_of_two_writers_at_once_follow_each_other() {
    let state = State::new();
    state.open();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let store = state.open();
                (0..25).for_each(|_| note(&store, "one of many"));
            });
        }
    });
    assert_eq!(judged(&state.open()), (vec![], 100));
}

#[test]
fn a_torn_last_line_is_cut_off_and_that_is_written_down() {
    let state = State::new();
    let store = state.open();
    note(&store, "one");
    let text = std::fs::read_to_string(state.trail()).unwrap();
    std::fs::write(state.trail(), format!("{text}{{\"seq\":2,\"at\":\"19")).unwrap();
    assert_eq!(judged(&store), (vec![], 1), "a torn line is not part of the trail");
    note(&store, "two");
    let trail = store.trail().unwrap();
    let events: Vec<Event> = trail.lines.iter().map(|line| line.event).collect();
    assert_eq!(events, [Event::Checked, Event::Repaired, Event::Checked]);
    assert_eq!(trail.faults, []);
}

#[test]
fn a_line_whose_end_was_overwritten_takes_no_other_line_with_it() {
    let state = State::new();
    let store = state.open();
    note(&store, "one");
    let mut trail = std::fs::read(state.trail()).unwrap();
    *trail.last_mut().unwrap() = b'x';
    std::fs::write(state.trail(), &trail).unwrap();
    note(&store, "two");
    let events: Vec<Event> = store.trail().unwrap().lines.iter().map(|line| line.event).collect();
    assert!(events.contains(&Event::Repaired), "{events:?}");
    assert_eq!(events.last(), Some(&Event::Checked), "the next line can be read");
}

#[test]
fn a_crash_while_a_change_of_many_rules_is_written_down_leaves_a_trail_that_goes_on() {
    // More than the end that is read before a line is added, so that it cannot be one write.
    let detail = "a rule on nginx:/etc/nginx/nginx.conf ".repeat(20);
    let of = |number: usize| Entry::new(Event::Applied, "M1", format!("{number} {detail}"));
    let entries: Vec<Entry<'_>> = (0..2_000).map(of).collect();
    let state = State::new();
    let store = state.open();
    note(&store, "one");
    let head = std::fs::read(state.head()).unwrap();
    store.record(Timestamp::UNIX_EPOCH, "a test", &entries).unwrap();
    assert_eq!(judged(&store), (vec![], 2_001));
    let whole = std::fs::read(state.trail()).unwrap();
    assert!(whole.len() > 1024 * 1024, "{}", whole.len());
    for kept in [300, 70_000, 200_000] {
        std::fs::write(state.head(), &head).unwrap();
        std::fs::write(state.trail(), &whole[..kept]).unwrap();
        note(&store, "two");
        let trail = store.trail().unwrap();
        assert_eq!(trail.faults, [], "{kept} bytes");
        let last: Vec<Event> = trail.lines.iter().rev().take(2).map(|line| line.event).collect();
        assert_eq!(last, [Event::Checked, Event::Repaired], "{kept} bytes");
    }
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
fn a_line_is_added_behind_one_that_was_changed_to_the_same_length_and_that_stays_told() {
    let state = State::new();
    let store = state.open();
    for detail in ["first", "other"] {
        note(&store, detail);
    }
    let text = std::fs::read_to_string(state.trail()).unwrap();
    std::fs::write(state.trail(), text.replace("other", "OTHER")).unwrap();
    let told = |store: &Store| judged(store).0;
    assert_eq!(told(&store), [AuditFault::Replaced { line: 2 }]);
    // The trail is as long as it was, so its end is not looked at: one line is added, and no other.
    note(&store, "third");
    let trail = store.trail().unwrap();
    assert_eq!(trail.lines.len(), 3);
    assert!(trail.lines.iter().all(|line| line.event == Event::Checked));
    assert_eq!(trail.faults, [AuditFault::Broken { line: 3 }]);
}

#[test]
fn decisions_read_back_with_who_when_and_why() {
    let state = State::new();
    let store = state.open();
    let said = Decision {
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
        let said = Decision {
            by: format!("administrator {at}"),
            at: Timestamp::UNIX_EPOCH,
            why: String::new(),
            take_back: false,
        };
        let store = state.open();
        let id: MitigationId = format!("M{at}").parse().unwrap();
        store.decide("a test", |decisions| decisions.blocked.insert(id.clone(), said)).unwrap();
        let entry = Entry::new(Event::Blocked, id.as_str(), "");
        store.record(Timestamp::UNIX_EPOCH, "a test", &[entry]).unwrap();
    };
    std::thread::scope(|scope| {
        for at in 1..=16 {
            scope.spawn(move || block(at));
        }
    });
    assert_eq!(store.decisions().unwrap().blocked.len(), 16, "a decision was lost");
    assert_eq!(judged(&store), (vec![], 16));
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
    assert_eq!(state.open().installed().unwrap().1, stopgap_plan::Failures::default());
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
    let parse = |text: &str| {
        stopgap_model::document::parse(text.as_bytes(), &stopgap_model::document::any_pattern)
            .unwrap()
    };
    let first = parse(&document);
    store.remember([&first]).unwrap();
    assert_eq!(state.open().revisions().unwrap().reused(&first), None);
    let other = parse(&format!("{document}# another content\n"));
    let why = state.open().revisions().unwrap().reused(&other).unwrap();
    assert!(why.to_string().contains("never names two contents"), "{why}");
    // What came first holds, whatever is remembered later.
    state.open().remember([&other]).unwrap();
    assert_eq!(state.open().revisions().unwrap().reused(&first), None);
}

/// A decision whose text has `length` bytes.
fn said(length: usize) -> Decision {
    Decision {
        by: "root".into(),
        at: Timestamp::UNIX_EPOCH,
        why: "x".repeat(length),
        take_back: false,
    }
}

#[test]
fn on_a_full_disk_decisions_are_written_again_and_again() {
    let Some(disk) = Disk::of(64) else { return };
    let state = disk.path().join("state");
    let store = Store::open(&state).unwrap();
    disk.fill();
    for round in 0..20 {
        let mut decisions = store.decisions().unwrap();
        // Longer and shorter in turn: what of the longer one is left must not be read.
        decisions.switched_off = (round % 2 == 0).then(|| said(700));
        decisions.blocked.insert(format!("M{round}").parse().unwrap(), said(3));
        store.decide("a test", |it| it.clone_from(&decisions)).unwrap();
        assert_eq!(Store::open(&state).unwrap().decisions().unwrap(), decisions);
        disk.fill();
    }
    let mut decisions = store.decisions().unwrap();
    let before = decisions.clone();
    decisions.switched_off = Some(said(9000));
    let error = store.decide("a test", |it| it.clone_from(&decisions)).unwrap_err();
    assert!(matches!(&error, StoreError::Fs(error) if error.is_full()), "{error}");
    assert_eq!(store.decisions().unwrap(), before, "what was decided before stands");
}

#[test]
fn on_a_full_disk_a_change_that_was_begun_is_committed_or_undone_and_told_in_the_trail() {
    for undone in [false, true] {
        let Some(disk) = Disk::of(64) else { return };
        let store = Store::open(&disk.path().join("state")).unwrap();
        let edits = [edit(&[b'a'; 5000], b"new")];
        let mut change = store.begin(Timestamp::UNIX_EPOCH, "a test", &edits, &[]).unwrap();
        disk.fill();
        change.status = match undone {
            true => Status::Undone { error: "\u{1}ä".repeat(20_000), fault: None, attempt: None },
            false => Status::Committed,
        };
        store.save_change(&change).unwrap();
        note(&store, &"long ".repeat(100));
        let kept = store.changes().unwrap().remove(0);
        match kept.status {
            Status::Undone { error, .. } => {
                assert!(error.starts_with("\u{1}ä") && error.ends_with('…'))
            }
            status => assert_eq!(status, Status::Committed),
        }
        assert_eq!(store.image(1, &kept.files[0]).unwrap().unwrap(), [b'a'; 5000]);
        assert_eq!(judged(&store), (vec![], 1));
    }
}

#[test]
fn a_change_whose_undoing_has_no_room_is_not_begun_and_says_how_much_is_missing() {
    let Some(disk) = Disk::of(32) else { return };
    let state = disk.path().join("state");
    let store = Store::open(&state).unwrap();
    let edits = [edit(&[b'a'; 20_000], b"new")];
    let error = store.begin(Timestamp::UNIX_EPOCH, "a test", &edits, &[]).unwrap_err();
    let StoreError::NoRoom { folder, needed, free, .. } = &error else { panic!("{error}") };
    assert_eq!(folder, &state);
    assert!(*needed >= 28_000 && *free < *needed, "{needed} {free}");
    assert!(error.to_string().contains("nothing was begun"), "{error}");
    assert_eq!(store.changes().unwrap(), []);
    assert!(!state.join("changes/000001").exists(), "nothing of it stays");
    // A smaller one has room.
    let edits = [edit(b"old", b"new")];
    store.begin(Timestamp::UNIX_EPOCH, "a test", &edits, &[]).unwrap();
}

#[test]
fn an_older_state_folder_without_room_to_decide_gets_it_when_it_is_opened() {
    let Some(disk) = Disk::of(64) else { return };
    let state = disk.path().join("state");
    drop(Store::open(&state).unwrap());
    for file in ["decisions.toml", "decisions.spare", "trust/audit.head"] {
        std::fs::remove_file(state.join(file)).unwrap();
    }
    let store = Store::open(&state).unwrap();
    disk.fill();
    let mut decisions = store.decisions().unwrap();
    decisions.switched_off = Some(said(100));
    store.decide("a test", |it| it.clone_from(&decisions)).unwrap();
    decisions.switched_off = None;
    store.decide("a test", |it| it.clone_from(&decisions)).unwrap();
}

fn sighting(number: usize) -> Sighting {
    let site = Site {
        name: format!("n{number}.test"),
        listen: "*:80".into(),
        tls: false,
        shown: format!("n{number}.test:80"),
    };
    Sighting {
        at: Timestamp::from_second(i64::try_from(number).unwrap()).unwrap(),
        server: Some(ServerId::new(WebKind::Nginx, &ServerPath::new("/etc/nginx/nginx.conf"))),
        site,
        mitigation: "A".parse().unwrap(),
        hash: Digest::of(b"a"),
        probe: "attack".into(),
        request: "GET /x".into(),
        wanted: Wanted::Blocked,
        before: None,
        after: Some(Answer::Status(403)),
        verdict: Verdict::Blocked,
        earlier: false,
    }
}

#[test]
fn evidence_is_read_back_as_it_was_kept_and_is_readable_by_nobody_else() {
    use std::os::unix::fs::PermissionsExt as _;
    let state = State::new();
    let store = state.open();
    assert_eq!(store.evidence(), KeptEvidence::default());
    let hindrance = Hindrance {
        at: Timestamp::UNIX_EPOCH,
        server: ServerId::new(WebKind::Nginx, &ServerPath::new("/etc/nginx/nginx.conf")),
        file: Some(ServerPath::new("/srv/site.conf")),
        why: "another process holds a lock on it".into(),
    };
    let kept =
        KeptEvidence { sightings: vec![sighting(1), sighting(2)], hindrances: vec![hindrance] };
    store.keep_evidence(&kept).unwrap();
    assert_eq!(state.open().evidence(), kept);
    let mode = std::fs::metadata(state.0.join("evidence.json")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // What a torn write leaves is swept away, and what was kept before stays.
    std::fs::write(state.0.join(stopgap_fs::leftover_path("evidence.json")), "{\"sch").unwrap();
    store.sweep().unwrap();
    assert!(!state.0.join(stopgap_fs::leftover_path("evidence.json")).exists());
    assert_eq!(store.evidence(), kept);
}

#[test]
fn evidence_is_bounded_and_the_latest_stays() {
    let state = State::new();
    let store = state.open();
    let mut kept = KeptEvidence::default();
    kept.add((0..20_500).map(sighting).collect());
    kept.sightings[20_499].request = "ä".repeat(100_000);
    store.keep_evidence(&kept).unwrap();
    let read = store.evidence().sightings;
    assert_eq!(read.len(), 20_000);
    let oldest = read.iter().map(|it| it.at.as_second()).min();
    assert_eq!(oldest, Some(500));
    assert!(read.iter().all(|it| it.request.len() <= 203));
    // Names of any length: as much is kept as is read back.
    for sighting in &mut kept.sightings {
        sighting.site.name = "n".repeat(2_500);
    }
    store.keep_evidence(&kept).unwrap();
    let read = store.evidence().sightings.len();
    assert!(read > 1_000 && read < 20_000, "{read}");
}

#[test]
fn the_same_probe_on_the_same_site_is_kept_once_and_the_last_holds() {
    let mut kept = KeptEvidence::default();
    kept.add(vec![sighting(1), sighting(2)]);
    let later = Sighting { verdict: Verdict::NotBlocked, ..sighting(1) };
    kept.add(vec![later.clone()]);
    assert_eq!(kept.sightings, [sighting(2), later]);
}

#[test]
fn what_was_seen_before_a_change_stays_as_that_until_a_change_is_made_or_something_newer_is_seen() {
    let (a, b): (MitigationId, MitigationId) = ("A".parse().unwrap(), "B".parse().unwrap());
    let server = sighting(1).server.unwrap();
    let silent =
        |number| Sighting { verdict: Verdict::NotJudged("is down".into()), ..sighting(number) };
    let earlier = |number| Sighting { earlier: true, ..sighting(number) };
    let mut kept = KeptEvidence::default();
    kept.add(vec![sighting(1), sighting(2), silent(3)]);
    assert!(!kept.outdate(&server, &[&b]));
    assert!(kept.outdate(&server, &[&a]));
    assert!(!kept.outdate(&server, &[&a]));
    assert_eq!(kept.sightings, [earlier(1), earlier(2)]);
    // What shows nothing stands beside it, and does not become what was seen.
    kept.add(vec![silent(1), sighting(2)]);
    assert_eq!(kept.sightings, [earlier(1), silent(1), sighting(2)]);
    assert!(kept.outdate(&server, &[&a]));
    assert_eq!(kept.sightings, [earlier(1), earlier(2)]);
    // What was wrong before does not keep the next look from being told.
    kept.add(vec![Sighting { verdict: Verdict::NotBlocked, ..sighting(2) }]);
    assert!(kept.outdate(&server, &[&a]));
    kept.add(vec![silent(2)]);
    assert!(kept.sightings.contains(&silent(2)));
    assert!(!kept.forget_earlier(&server, &[&b]));
    assert!(kept.forget_earlier(&server, &[&a]));
    assert_eq!(kept.sightings, [silent(2)]);
}
