//! A crash at every operation that changes a file, and an error of the disk at every one: what is
//! given away is good for clients all the time, and the next run finishes the work.
#![cfg(unix)] // strace, which only Linux has
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says plainly what it expects"
)]

mod common;

use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Output};

use common::client::{Server, revisions};
use common::{Team, program};

/// The calls that change something, and so the moments between which a crash can come; those that
/// a full disk can fail are in front.
const CHANGING: [&str; 6] = ["write", "fsync", "renameat", "mkdirat", "unlinkat", "fchmod"];
const FILLING: usize = 4;

/// The most calls of one kind; passing it means that the loop does not end.
const MAX_CALLS: u32 = 400;

const ROOT: &str = "acme/metadata/1.root.json";
const OLD: [&str; 1] = ["A-1.toml 1"];
const NEW: [&str; 2] = ["A-1.toml 2", "A-2.toml 1"];

const PUBLISH: [&str; 4] = ["--dir", "acme", "publish", "www"];

/// What goes wrong.
#[derive(Clone, Copy)]
enum Fault {
    /// The machine stops.
    Kill,
    /// The disk is full.
    Full,
}

impl Fault {
    fn calls(self) -> &'static [&'static str] {
        match self {
            Self::Kill => &CHANGING,
            Self::Full => &CHANGING[..FILLING],
        }
    }

    fn injection(self) -> &'static str {
        match self {
            Self::Kill => "signal=SIGKILL",
            Self::Full => "error=ENOSPC",
        }
    }

    /// Whether it came to that, by what `strace` wrote down and how the program ended.
    fn came(self, trace: &str, output: &Output) -> bool {
        match self {
            // strace ends as its tracee did: by the signal.
            Self::Kill => output.status.signal() == Some(9),
            Self::Full => {
                let told = String::from_utf8_lossy(&output.stderr).contains("No space left");
                // Where standard output is what was full, there is nowhere to say it. What a lock
                // says of its holder is written where there is room, and success needs none of it.
                assert!(output.status.success() || told || output.stderr.is_empty());
                trace.contains("(INJECTED)")
            }
        }
    }
}

/// Runs the program for a team like `pattern` with a fault at every moment in turn, until there is
/// none any more; `judge` looks at what each left.
fn at_every_moment(
    pattern: &Team,
    arguments: &[&str],
    fault: Fault,
    judge: impl Fn(&Team, &str),
) -> u32 {
    let is_there =
        Command::new("strace").arg("-V").output().is_ok_and(|output| output.status.success());
    if !is_there {
        println!("skipped: strace is not installed");
        return u32::MAX;
    }
    let mut moments = 0;
    for call in fault.calls() {
        for nth in 1.. {
            assert!(nth < MAX_CALLS, "{call} does not end");
            let team = pattern.twin();
            let injection = format!("inject={call}:{}:when={nth}", fault.injection());
            let mut command = Command::new("strace");
            let trace = team.path("strace.out");
            command.args(["-f", "-qq", "-e", &format!("trace={call}")]).arg("-o").arg(&trace);
            command.args(["-e", &injection]).arg(program()).args(arguments);
            let output = team.as_here(command).output().expect("strace starts");
            if !fault.came(&std::fs::read_to_string(&trace).unwrap(), &output) {
                break;
            }
            moments += 1;
            judge(&team, &injection);
        }
    }
    println!("{moments} moments");
    moments
}

/// Everything is new: a root with other online keys, and targets.
fn staged() -> Team {
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

/// The place is what it was or what it is to be, for one who was there and for one who comes new.
#[track_caller]
fn is_good(team: &Team, place: &str, moment: &str) {
    for server in [Server::again(team, "state"), Server::new(team, "newcomer", ROOT)] {
        let files = server.follow(&team.path(place));
        let seen = revisions(&files.unwrap_or_else(|error| panic!("{moment}: {error:?}")));
        assert!(seen == OLD || seen == NEW, "{moment}: {seen:?}");
    }
}

/// The next run finishes it, and nothing lies about.
#[track_caller]
fn is_finished(team: &Team, arguments: &[&str], place: &str, moment: &str) {
    let run = team.run(arguments);
    assert_eq!(run.code, 0, "{moment}\n{}{}", run.out, run.err);
    let server = Server::again(team, "state");
    assert_eq!(server.follows(&team.path(place)), NEW, "{moment}");
    for folder in ["metadata", "targets"] {
        let names = team.names(&format!("{place}/{folder}"));
        assert!(!names.iter().any(|name| name.ends_with("-new")), "{moment}: {names:?}");
    }
}

fn publish_with(fault: Fault) {
    let moments = at_every_moment(&staged(), &PUBLISH, fault, |team, moment| {
        is_good(team, "www", moment);
        is_finished(team, &PUBLISH, "www", moment);
        assert_eq!(team.names("acme/staged"), [""; 0], "{moment}");
    });
    assert!(moments > 40, "only {moments} moments were tried");
}

#[test]
fn a_kill_at_every_operation_of_publish_leaves_a_whole_feed() {
    publish_with(Fault::Kill);
}

#[test]
fn a_full_disk_at_every_operation_of_publish_is_told_and_leaves_a_whole_feed() {
    publish_with(Fault::Full);
}

#[test]
fn a_kill_at_every_operation_of_a_mirror_leaves_a_whole_feed() {
    let team = staged();
    team.copy("www", "mirror");
    team.run(&PUBLISH).ok();
    let mirror = ["mirror", "www", "mirror", "--root", ROOT];
    let moments = at_every_moment(&team, &mirror, Fault::Kill, |team, moment| {
        is_good(team, "mirror", moment);
        is_finished(team, &mirror, "mirror", moment);
    });
    assert!(moments > 30, "only {moments} moments were tried");
}

#[test]
fn a_kill_at_every_operation_before_publishing_loses_nothing() {
    let sign = ["--dir", "acme", "sign", "--key", "acme/keys/offline/targets-1.key"];
    let add = ["--dir", "acme", "add", "A-1.toml", "A-2.toml"];
    let team = Team::published();
    Server::new(&team, "state", ROOT).follows(&team.path("www"));
    team.write("A-1.toml", common::mitigation("A-1", 2, "One"));
    team.write("A-2.toml", common::mitigation("A-2", 1, "Two"));
    let moments = at_every_moment(&team, &add, Fault::Kill, |team, _| {
        team.run(&add).ok();
        team.run(&sign).ok();
        is_finished(team, &PUBLISH, "www", "add");
    });
    assert!(moments > 20, "only {moments} moments were tried");
    team.run(&add).ok();
    at_every_moment(&team, &sign, Fault::Kill, |team, _| {
        team.run(&sign).ok();
        is_finished(team, &PUBLISH, "www", "sign");
    });
    team.run(&sign).ok();
    let rotate = ["--dir", "acme", "rotate", "timestamp", "--add", "1"];
    at_every_moment(&team, &rotate, Fault::Kill, |team, _| {
        team.run(&rotate).ok();
        team.sign_root();
        is_finished(team, &PUBLISH, "www", "rotate");
    });
}
