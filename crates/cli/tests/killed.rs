//! A crash at every operation that changes a file: the program is killed (`SIGKILL`) at the n-th
//! call of each kind, by strace. Then one `check` must end in the wanted state with nothing left
//! lying about, and `remove` must still give the original bytes.
#![cfg(unix)] // strace, which only Linux has
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says plainly what it expects"
)]

mod common;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use common::{FIXED, VULNERABLE, leftovers, on, place, program};
use stopgap_testkit::Tree;

/// The calls that change something, and so the moments between which a crash can come.
const CHANGING: [&str; 12] = [
    "write",
    "pwrite64",
    "fsync",
    "fdatasync",
    "renameat",
    "renameat2",
    "mkdirat",
    "unlinkat",
    "fchmod",
    "fchown",
    "ftruncate",
    "flock",
];

/// The most calls of one kind; passing it means that the loop does not end.
const MAX_CALLS: u32 = 400;

fn strace_is_there() -> bool {
    let there =
        Command::new("strace").arg("-V").output().is_ok_and(|output| output.status.success());
    if !there {
        println!("skipped: strace is not installed");
    }
    there
}

/// Runs the program and kills it at the `nth` call of `call`; answers whether it came to that.
fn killed_at(tree: &Tree, arguments: &[&str], call: &str, nth: u32) -> bool {
    let output = Command::new("strace")
        .args(["-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={call}")])
        .args(["-e", &format!("inject={call}:signal=SIGKILL:when={nth}")])
        .arg(program())
        .args(place(tree))
        .args(arguments)
        .output()
        .expect("strace starts");
    // strace ends as its tracee did: by the signal.
    std::os::unix::process::ExitStatusExt::signal(&output.status) == Some(9)
}

/// For every moment of `arguments` on a tree made by `prepare`: kill there, then `judge`.
fn at_every_moment(
    arguments: &[&str],
    prepare: impl Fn() -> Tree,
    judge: impl Fn(&Tree, &str),
) -> u32 {
    let mut moments = 0;
    for call in CHANGING {
        for nth in 1.. {
            assert!(nth < MAX_CALLS, "{call} does not end");
            let tree = prepare();
            if !killed_at(&tree, arguments, call, nth) {
                break;
            }
            moments += 1;
            judge(&tree, &format!("killed at {call} {nth}"));
        }
    }
    println!("{moments} moments");
    moments
}

#[track_caller]
fn nothing_lies_about(tree: &Tree, moment: &str) {
    assert_eq!(leftovers(&tree.root()), [""; 0], "{moment}");
    assert_eq!(leftovers(&tree.state()), [""; 0], "{moment}");
    for change in std::fs::read_dir(tree.state().join("changes")).into_iter().flatten() {
        let record = change.expect("a folder").path().join("change.json");
        let text = std::fs::read_to_string(&record).unwrap_or_default();
        assert!(
            !text.is_empty() && !text.contains("\"intended\""),
            "{moment}: {}",
            record.display()
        );
    }
}

/// Before the next check mends it, `status` says what is the matter.
#[track_caller]
fn what_is_only_intended_is_told_as_cut_short(tree: &Tree, moment: &str) {
    let records = std::fs::read_dir(tree.state().join("changes")).into_iter().flatten();
    let is_intended = |change: std::io::Result<std::fs::DirEntry>| {
        let record = change.expect("a folder").path().join("change.json");
        std::fs::read_to_string(record).is_ok_and(|text| text.contains("\"intended\""))
    };
    if records.into_iter().any(is_intended) {
        let status = on(tree, &["status"]);
        assert_eq!((status.code, status.state("M1")), (1, "unknown".into()), "{moment}");
        assert_eq!(status.json()["interrupted"][0]["change"], 1, "{moment}");
    }
}

/// Every file of the server is whole: as it was, or as the change makes it.
#[track_caller]
fn every_file_is_whole(
    tree: &Tree,
    old: &BTreeMap<String, Vec<u8>>,
    new: &BTreeMap<String, Vec<u8>>,
    moment: &str,
) {
    for (path, bytes) in tree.snapshot() {
        let torn = Path::new(&path).extension().is_some_and(|end| end == "stopgap-new");
        let whole = old.get(&path) == Some(&bytes) || new.get(&path) == Some(&bytes);
        assert!(torn || whole, "{moment}: {path} is half-written");
    }
}

#[test]
fn a_kill_at_every_operation_of_apply_is_healed_by_the_next_check() {
    if !strace_is_there() {
        return;
    }
    let example = Tree::exchange(VULNERABLE);
    let original = example.snapshot();
    on(&example, &["check"]);
    let protected = example.snapshot();
    let moments = at_every_moment(
        &["check"],
        || Tree::exchange(VULNERABLE),
        |tree, moment| {
            every_file_is_whole(tree, &original, &protected, moment);
            what_is_only_intended_is_told_as_cut_short(tree, moment);
            let check = on(tree, &["check"]);
            assert_eq!((check.code, check.state("M1")), (0, "applied".into()), "{moment}");
            assert!(tree.snapshot() == protected, "{moment}: another configuration");
            nothing_lies_about(tree, moment);
            on(tree, &["remove", "M1", "M2"]);
            assert!(tree.snapshot() == original, "{moment}: not the original bytes");
        },
    );
    assert!(moments > 20, "only {moments} moments were tried");
}

#[test]
fn a_kill_at_every_operation_of_undo_is_healed_by_the_next_check() {
    if !strace_is_there() {
        return;
    }
    let example = Tree::exchange(VULNERABLE);
    on(&example, &["check"]);
    example.set_exchange_build(FIXED);
    let protected = example.snapshot();
    on(&example, &["check"]);
    let restored = example.snapshot();
    let prepare = || {
        let tree = Tree::exchange(VULNERABLE);
        on(&tree, &["check"]);
        tree.set_exchange_build(FIXED);
        tree
    };
    let moments = at_every_moment(&["check"], prepare, |tree, moment| {
        every_file_is_whole(tree, &protected, &restored, moment);
        let check = on(tree, &["check"]);
        let state = check.state("M1");
        assert!(["withdrawn", "not-affected"].contains(&state.as_str()), "{moment}: {state}");
        assert!(tree.snapshot() == restored, "{moment}: not the original bytes");
        nothing_lies_about(tree, moment);
    });
    assert!(moments > 20, "only {moments} moments were tried");
}

#[test]
fn a_removal_that_was_killed_is_finished_by_the_next_check_or_the_next_remove() {
    if !strace_is_there() {
        return;
    }
    let original = Tree::exchange(VULNERABLE).snapshot();
    let prepare = || {
        let tree = Tree::exchange(VULNERABLE);
        on(&tree, &["check"]);
        tree
    };
    at_every_moment(&["remove", "M1", "M2"], prepare, |tree, moment| {
        let state = on(tree, &["check"]).state("M1");
        nothing_lies_about(tree, moment);
        match state.as_str() {
            // The wish was on disk before the kill: it is carried out.
            "withdrawn" | "blocked" => {}
            // The kill came before: the command did not happen.
            "applied" => {
                on(tree, &["remove", "M1", "M2"]);
            }
            other => panic!("{moment}: {other}"),
        }
        assert!(tree.snapshot() == original, "{moment}: not the original bytes");
    });
}
