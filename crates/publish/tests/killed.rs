//! A crash at every operation of a publication that changes a file, and an error of the disk at
//! every one: the place is good for clients all the time, and the next run finishes the work.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says plainly what it expects"
)]

mod common;

use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Output};

use common::client::Server;
use common::{Team, program};

/// The calls that change something, and so the moments between which a crash can come.
const CHANGING: [&str; 6] = ["write", "fsync", "renameat", "mkdirat", "unlinkat", "fchmod"];

/// The most calls of one kind; passing it means that the loop does not end.
const MAX_CALLS: u32 = 400;

const ROOT: &str = "acme/metadata/1.root.json";

fn strace_is_there() -> bool {
    let there =
        Command::new("strace").arg("-V").output().is_ok_and(|output| output.status.success());
    if !there {
        println!("skipped: strace is not installed");
    }
    there
}

/// Publishes, and lets the `nth` call of `call` in the team's folders end so.
fn publish_with(team: &Team, call: &str, fault: &str) -> Output {
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={call}")]);
    command.args(["-e", &format!("inject={call}:{fault}")]);
    command.arg(program()).args(["--dir", "acme", "publish", "www"]);
    team.as_here(command).output().expect("strace starts")
}

/// A publication that brings everything: a new root with other online keys, new targets.
fn prepared() -> Team {
    let team = Team::published();
    team.add("A-1", 2);
    team.add("A-2", 1);
    team.acme(&["rotate", "timestamp", "--add", "1", "--remove", "timestamp-1"]).ok();
    team.acme(&["rotate", "targets", "--add", "1"]).ok();
    team.sign_root();
    team.sign_targets();
    Server::new(&team, "state", ROOT).follows(&team.path("www"));
    team
}

const OLD: [&str; 1] = ["A-1.toml 1"];
const NEW: [&str; 2] = ["A-1.toml 2", "A-2.toml 1"];

/// The place is what it was or what it is to be, for one who was there and for one who comes new.
#[track_caller]
fn is_good(team: &Team, moment: &str) {
    for server in [Server::again(team, "state"), Server::new(team, "newcomer", ROOT)] {
        let files = server.follow(&team.path("www"));
        assert!(files.is_ok(), "{moment}: {files:?}");
        let seen = server.follows(&team.path("www"));
        assert!(seen == OLD || seen == NEW, "{moment}: {seen:?}");
    }
}

/// The next run finishes it, and nothing lies about.
#[track_caller]
fn is_finished_by_the_next_run(team: &Team, moment: &str) {
    let run = team.acme(&["publish", "www"]);
    assert_eq!(run.code, 0, "{moment}\n{}{}", run.out, run.err);
    let server = Server::again(team, "state");
    assert_eq!(server.follows(&team.path("www")), NEW, "{moment}");
    assert_eq!(team.names("acme/staged"), [""; 0], "{moment}");
    for folder in ["www/metadata", "www/targets", "acme/metadata"] {
        let names = team.names(folder);
        assert!(!names.iter().any(|name| name.ends_with("-new")), "{moment}: {names:?}");
    }
}

/// For every moment of a publication: the team's folders, and a fault there, until there was none.
fn at_every_moment(fault: &str, came: impl Fn(&Output) -> bool) {
    let pattern = prepared();
    let mut moments = 0;
    for call in CHANGING {
        for nth in 1.. {
            assert!(nth < MAX_CALLS, "{call} does not end");
            let team = pattern.twin();
            let output = publish_with(&team, call, &format!("{fault}:when={nth}"));
            if !came(&output) {
                break;
            }
            moments += 1;
            let moment = format!("{fault} at {call} {nth}");
            is_good(&team, &moment);
            is_finished_by_the_next_run(&team, &moment);
        }
    }
    println!("{moments} moments");
    assert!(moments > 40, "only {moments} moments were tried");
}

#[test]
fn a_kill_at_every_operation_leaves_a_whole_feed_and_is_healed_by_the_next_run() {
    if strace_is_there() {
        // strace ends as its tracee did: by the signal.
        at_every_moment("signal=SIGKILL", |output| output.status.signal() == Some(9));
    }
}

#[test]
fn a_full_disk_at_every_operation_is_told_and_leaves_a_whole_feed() {
    if strace_is_there() {
        at_every_moment("error=ENOSPC", |output| {
            let told = String::from_utf8_lossy(&output.stderr).contains("No space left");
            // Where standard output is what was full, there is nothing to say and nowhere to.
            assert!(output.status.success() || told || output.stderr.is_empty());
            !output.status.success()
        });
    }
}
