//! The disk of the state folder: full, small, and read-only. What is in place and verified stays in
//! place, decisions are always taken, and what has no room is not begun and says so.
#![cfg(unix)] // disks that only Linux mounts for a test
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says plainly what it expects"
)]

mod common;

use std::collections::BTreeMap;
use std::process::Command;

use common::{Run, VULNERABLE, program};
use stopgap_testkit::{Disk, Tree};

/// A server and its state folder on a small disk.
struct Server {
    tree: Tree,
    disk: Disk,
}

impl Server {
    fn on_disk_of(kib: u32) -> Option<Self> {
        Some(Self { disk: Disk::of(kib)?, tree: Tree::exchange(VULNERABLE) })
    }

    fn run(&self, arguments: &[&str]) -> Run {
        let output = Command::new(program())
            .args(["--json", "--root"])
            .arg(self.tree.root())
            .arg("--state")
            .arg(self.disk.path().join("state"))
            .args(arguments)
            .output()
            .expect("the program starts");
        Run::of(&output)
    }

    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        self.tree.snapshot()
    }
}

/// What an administrator does one after the other.
const COMMANDS: [&[&str]; 6] = [
    &["check"],
    &["check"],
    &["remove", "M1"],
    &["disable", "--reason", "the disk is full"],
    &["block", "M2"],
    &["enable"],
];

/// Whether a command's answer says that something was not begun for want of room.
fn says_so(run: &Run) -> bool {
    run.code != 0 && run.out.contains("nothing was begun") && run.out.contains("KiB are needed")
}

/// The disk has this size, and is filled before the command of this number.
#[track_caller]
fn every_command_on(kib: u32, full_before: usize) {
    let Some(server) = Server::on_disk_of(kib) else { return };
    let original = server.files();
    for (at, command) in COMMANDS.iter().enumerate() {
        if at == full_before {
            server.disk.fill();
        }
        let before = server.files();
        let run = server.run(command);
        let after = server.files();
        let moment =
            format!("{kib} KiB, full before {full_before}, {command:?}: {} {}", run.out, run.err);
        match command[0] {
            "check" if before == original => {
                let applied = after != original;
                assert!(applied || says_so(&run), "{moment}");
                assert!(!applied || run.state("M1") == "applied", "{moment}");
            }
            "check" => {
                assert!(after == before, "what is installed stays: {moment}");
                assert_eq!(run.state("M1"), "applied", "{moment}");
            }
            // The state folder was never made: on a full disk that cannot be done.
            _ if full_before == 0 => {
                assert!(run.code == 0 || run.out.contains("make room on the disk"), "{moment}");
                assert!(after == original, "{moment}");
            }
            "remove" => {
                let removed = after != before;
                assert!(removed || before == original || says_so(&run), "{moment}");
                let blocked = server.run(&["show", "M1"]).json()["blocked"] == true;
                assert!(blocked, "the decision is taken: {moment}");
            }
            _ => {
                assert_eq!(run.code, 0, "{moment}");
                assert!(after == before, "{moment}");
            }
        }
    }
    if full_before == 0 {
        return;
    }
    let status = server.run(&["status"]).json();
    assert_eq!(status["enabled"], true, "{kib} KiB, full before {full_before}");
    let history = server.run(&["history"]).json();
    assert_eq!(history["intact"], true, "{kib} KiB, full before {full_before}: {history}");
    // With room again every byte comes back.
    server.disk.empty();
    let run = server.run(&["remove", "M1", "M2"]);
    let whole = server.files() == original;
    assert!(whole || says_so(&run), "{kib} KiB, full before {full_before}: {}", run.out);
}

#[test]
fn on_a_disk_of_every_size_that_is_full_before_the_first_check() {
    (16..=64).step_by(4).for_each(|kib| every_command_on(kib, 0));
}

#[test]
fn on_a_disk_of_every_size_that_is_full_before_the_second_check() {
    (16..=64).step_by(4).for_each(|kib| every_command_on(kib, 1));
}

#[test]
fn on_a_disk_of_every_size_that_is_full_before_a_removal() {
    (16..=64).step_by(4).for_each(|kib| every_command_on(kib, 2));
}

#[test]
fn on_a_disk_of_every_size_that_is_full_before_a_decision() {
    for full_before in [3, 4, 5] {
        (16..=64).step_by(4).for_each(|kib| every_command_on(kib, full_before));
    }
}

#[test]
fn on_a_disk_of_every_size_that_is_never_full() {
    (16..=64).step_by(4).for_each(|kib| every_command_on(kib, 6));
}

#[test]
fn on_a_read_only_disk_what_is_there_is_shown_and_nobody_is_told_to_be_root() {
    let Some(server) = Server::on_disk_of(256) else { return };
    server.run(&["check"]);
    let protected = server.files();
    server.disk.read_only(true);
    for command in
        [&["status"][..], &["list"], &["show", "M1"], &["history"], &["check", "--dry-run"]]
    {
        let run = server.run(command);
        assert_eq!(run.code, 0, "{command:?}: {} {}", run.out, run.err);
    }
    for command in [&["disable"][..], &["block", "M1"], &["remove", "M1"]] {
        let run = server.run(command);
        let hint = run.json()["hint"].as_str().unwrap_or_default().to_owned();
        assert_eq!(run.code, 1, "{command:?}: {} {}", run.out, run.err);
        assert!(hint.contains("is read-only") && !hint.contains("as root"), "{command:?}: {hint}");
        assert!(server.files() == protected, "{command:?}");
    }
    // There is nothing to do, and that it was looked at cannot be written down.
    let run = server.run(&["check"]);
    assert_eq!((run.code, run.state("M1")), (1, "applied".into()), "{} {}", run.out, run.err);
    let troubles = run.json()["troubles"].to_string();
    assert!(troubles.contains("audit trail") && troubles.contains("Read-only"), "{troubles}");
    assert!(troubles.contains("mount -o remount,rw"), "{troubles}");
    assert!(server.files() == protected);
}

#[test]
fn on_a_full_disk_the_hint_says_how_to_go_on() {
    let Some(server) = Server::on_disk_of(64) else { return };
    server.run(&["status"]);
    server.disk.fill();
    let run = server.run(&["check"]);
    let json = run.json();
    assert_eq!((run.code, run.state("M1")), (1, "failed".into()), "{json}");
    let all = json["troubles"].as_array().unwrap();
    let trouble =
        all.iter().find(|it| it["text"].to_string().contains("nothing was begun")).unwrap();
    let (error, hint) = (trouble["text"].as_str().unwrap(), trouble["hint"].as_str().unwrap());
    let state = server.disk.path().join("state");
    assert!(error.contains(state.to_str().unwrap()) && error.contains("0 KiB are free"), "{error}");
    assert!(hint.contains("make room") && hint.contains("df -h"), "{hint}");
}
