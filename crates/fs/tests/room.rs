//! What must be written can be written when the disk is full, and a lock needs no write.
#![cfg(unix)] // the same of Windows is in windows_*.rs
#![allow(clippy::expect_used, reason = "helpers of tests may say plainly what they expect")]

use std::time::Duration;

use stopgap_fs::{FsError, Lock, LockError, PrivateDir};
use stopgap_testkit::{Disk, Tree};

fn private(disk: &Disk) -> PrivateDir {
    PrivateDir::open_or_create(&disk.path().join("state")).expect("a private folder")
}

fn read(dir: &PrivateDir, rel: &str) -> String {
    let bytes = dir.read(rel, 100_000).expect("read").expect("there");
    String::from_utf8(bytes).expect("text")
}

#[test]
fn lines_are_added_and_a_torn_one_is_cut_off() {
    let tree = Tree::empty();
    let dir = PrivateDir::open_or_create(&tree.state()).expect("a private folder");
    let mut log = dir.open_log("log", Duration::ZERO).expect("opened");
    log.add(b"one\n", 100).expect("written");
    log.add(b"two\nthr", 0).expect("written");
    log.cut(8).expect("cut");
    log.add(b"three\n", 9).expect("written");
    assert_eq!(read(&dir, "log"), "one\ntwo\nthree\n");
    assert_eq!(log.end(7), Ok(b"\nthree\n".to_vec()));
    assert_eq!(log.end(700).expect("read").len(), 14);
}

#[test]
fn a_log_has_one_writer_at_a_time() {
    let tree = Tree::empty();
    let dir = PrivateDir::open_or_create(&tree.state()).expect("a private folder");
    let first = dir.open_log("log", Duration::ZERO).expect("opened");
    assert!(matches!(dir.open_log("log", Duration::ZERO), Err(FsError::Io { action: "lock", .. })));
    drop(first);
    assert!(dir.open_log("log", Duration::ZERO).is_ok());
}

#[test]
fn on_a_full_disk_a_log_takes_the_lines_that_it_has_room_for_and_no_half_one() {
    let Some(disk) = Disk::of(32) else { return };
    let dir = private(&disk);
    let mut log = dir.open_log("log", Duration::ZERO).expect("opened");
    log.add(b"one\n", 4000).expect("written");
    disk.fill();
    assert!(log.add(&[b'x'; 5000], 0).expect_err("full").is_full());
    assert_eq!(read(&dir, "log"), "one\n");
    log.add(&[b'y'; 4000], 0).expect("its room was not given away");
    assert_eq!(log.length(), Ok(4004));
}

#[test]
fn on_a_full_disk_a_file_is_replaced_with_the_room_of_its_spare_as_often_as_one_likes() {
    let Some(disk) = Disk::of(32) else { return };
    let dir = private(&disk);
    dir.keep_room("file", 4096).expect("room");
    dir.keep_room("spare", 4096).expect("room");
    disk.fill();
    for text in ["the first text", "2nd", "a third and longer text", ""] {
        dir.write_even_if_full("file", "spare", text.as_bytes()).expect("written");
        disk.fill();
        let found = read(&dir, "file");
        assert_eq!(found.trim_end(), text);
        assert!(found.len() == text.len() || found.ends_with('\n'), "{found:?}");
    }
    let error = dir.write_even_if_full("file", "spare", &[b'x'; 5000]).expect_err("no room");
    assert!(error.is_full(), "{error}");
    assert_eq!(read(&dir, "file").trim_end(), "", "it is as it was");
    disk.empty();
    dir.write_even_if_full("file", "spare", b"exactly").expect("written");
    assert_eq!(read(&dir, "file"), "exactly", "with room nothing is filled up");
}

#[test]
fn a_spare_becomes_the_file_on_a_full_disk() {
    let Some(disk) = Disk::of(32) else { return };
    let dir = private(&disk);
    dir.write_atomic("file", b"intended").expect("written");
    dir.make_spare("spare", 4096).expect("room");
    assert_eq!(dir.length("spare"), Ok(Some(4096)));
    disk.fill();
    assert!(dir.write_onto("file", "spare", &[b'x'; 9000]).expect_err("no room").is_full());
    assert_eq!(read(&dir, "file"), "intended");
    dir.write_onto("file", "spare", b"committed").expect("written");
    assert_eq!((read(&dir, "file").as_str(), dir.length("spare")), ("committed", Ok(None)));
    disk.fill();
    assert!(dir.make_spare("spare", 4096).expect_err("full").is_full());
}

#[test]
fn a_record_is_written_over_in_place_on_a_full_disk() {
    let Some(disk) = Disk::of(32) else { return };
    let dir = private(&disk);
    dir.write_in_place("head", b"one  \n").expect("written");
    disk.fill();
    dir.write_in_place("head", b"two  \n").expect("written");
    assert_eq!(read(&dir, "head"), "two  \n");
    assert_eq!(dir.free(), Ok(0));
}

#[test]
fn a_lock_needs_no_write_and_who_holds_it_may_fail_to_be_said() {
    let Some(disk) = Disk::of(32) else { return };
    let dir = private(&disk);
    let take = |name| Lock::acquire(&dir, name, Duration::ZERO, &mut |_| {});
    drop(take("the first").expect("taken"));
    disk.fill();
    let held = take("on a full disk").expect("taken");
    let by = "another process".to_owned();
    assert_eq!(take("other").err(), Some(LockError::Held { by }));
    drop(held);
    disk.read_only(true);
    let held = take("on a disk that cannot be written").expect("taken");
    assert!(matches!(take("other"), Err(LockError::Held { .. })));
    drop(held);
}

#[test]
fn a_lock_that_is_not_there_on_a_disk_that_cannot_be_written_is_told_as_that() {
    let Some(disk) = Disk::of(32) else { return };
    let dir = private(&disk);
    disk.read_only(true);
    let Err(LockError::Fs(error)) = Lock::acquire(&dir, "x", Duration::ZERO, &mut |_| {}) else {
        unreachable!("it was made");
    };
    assert!(error.is_read_only() && !error.is_permission_denied(), "{error}");
}
