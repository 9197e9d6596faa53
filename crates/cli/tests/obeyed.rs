//! What is obeyed is root's or the caller's: a policy, a catalog, a root or an anchor that somebody else
//! could have written is refused with the command that mends it. And who decided is named.
#![cfg(unix)] // owners and permission bits of Unix
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says plainly what it expects"
)]

mod common;

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{Run, VULNERABLE, on, place, program};
use stopgap_testkit::Tree;

/// Another user: `daemon` on every Linux.
const DAEMON: u32 = 1;

fn is_root() -> bool {
    let is = rustix::process::geteuid().is_root();
    if !is {
        println!("skipped: only root can give a file away");
    }
    is
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// A folder beside the tree with a policy that blocks nothing.
fn policy(tree: &Tree) -> PathBuf {
    let folder = tree.root().with_file_name("etc");
    fs::create_dir(&folder).unwrap();
    mode(&folder, 0o755);
    let file = folder.join("policy.toml");
    fs::write(&file, "[server]\nenabled = true\n").unwrap();
    mode(&file, 0o644);
    file
}

fn with(tree: &Tree, policy: &Path, command: &[&str]) -> Run {
    on(tree, &[&["--policy", policy.to_str().unwrap()], command].concat())
}

/// The command of a refusal that mends it.
#[track_caller]
fn refusal(run: &Run, of: &Path) -> String {
    assert_eq!(run.code, 5, "{} {}", run.out, run.err);
    let json = run.json();
    let (error, hint) = (json["error"].as_str().unwrap(), json["hint"].as_str().unwrap());
    assert!(error.contains(&format!("{} is not obeyed", of.display())), "{error}");
    hint.split_once("To fix it: ").expect(hint).1.to_owned()
}

/// A policy that `spoil` opens to somebody else is refused, and mended by the very command that is
/// told.
#[track_caller]
fn refused_and_mended(spoil: impl Fn(&Path), expected: &str) {
    let tree = Tree::exchange(VULNERABLE);
    let policy = policy(&tree);
    spoil(&policy);
    let before = tree.snapshot();
    let mend = refusal(&with(&tree, &policy, &["check"]), &policy);
    assert!(mend.starts_with(expected), "{mend}");
    assert!(tree.snapshot() == before, "nothing was changed");
    assert!(Command::new("sh").args(["-c", &mend]).status().unwrap().success(), "{mend}");
    let run = with(&tree, &policy, &["check"]);
    assert_eq!(run.state("M1"), "applied", "{mend}: {} {}", run.out, run.err);
}

#[test]
fn a_policy_that_its_group_may_write_is_refused_with_the_command_that_mends_it() {
    refused_and_mended(|policy| mode(policy, 0o664), "chmod go-w ");
    refused_and_mended(|policy| mode(policy, 0o646), "chmod go-w ");
}

#[test]
fn a_policy_of_another_user_is_refused_with_the_command_that_mends_it() {
    if is_root() {
        refused_and_mended(|policy| chown(policy, Some(DAEMON), None).unwrap(), "chown root: ");
    }
}

#[test]
fn a_folder_that_others_may_write_above_a_policy_is_named_and_mended() {
    refused_and_mended(|policy| mode(policy.parent().unwrap(), 0o777), "chmod go-w ");
    refused_and_mended(|policy| mode(policy.parent().unwrap(), 0o775), "chmod go-w ");
}

#[test]
fn a_policy_in_another_users_folder_is_to_be_looked_at_and_the_folder_stays_his() {
    if !is_root() {
        return;
    }
    let tree = Tree::exchange(VULNERABLE);
    let policy = policy(&tree);
    chown(policy.parent().unwrap(), Some(DAEMON), None).unwrap();
    let run = with(&tree, &policy, &["check"]);
    let mend = refusal(&run, &policy);
    assert!(!mend.contains("chown") && mend.contains("install -D"), "{mend}");
    assert!(run.out.contains("belongs to daemon (uid 1)"), "{}", run.out);
}

#[test]
fn a_link_that_another_user_laid_to_a_policy_of_roots_is_refused_and_roots_own_is_followed() {
    if !is_root() {
        return;
    }
    let tree = Tree::exchange(VULNERABLE);
    let policy = policy(&tree);
    let link = tree.root().with_file_name("link.toml");
    symlink(&policy, &link).unwrap();
    assert_eq!(with(&tree, &link, &["check", "--dry-run"]).code, 0);
    rustix::fs::chownat(
        rustix::fs::CWD,
        &link,
        Some(rustix::fs::Uid::from_raw(DAEMON)),
        None,
        rustix::fs::AtFlags::SYMLINK_NOFOLLOW,
    )
    .unwrap();
    let run = with(&tree, &link, &["check"]);
    assert_ne!(run.code, 0, "{}", run.out);
    assert!(run.out.contains("link.toml"), "{}", run.out);
}

#[test]
fn in_a_sticky_folder_a_file_of_ones_own_is_obeyed_and_that_of_another_is_not() {
    let tree = Tree::exchange(VULNERABLE);
    let policy = policy(&tree);
    mode(policy.parent().unwrap(), 0o1777);
    assert_eq!(with(&tree, &policy, &["check", "--dry-run"]).code, 0);
    if is_root() {
        chown(&policy, Some(DAEMON), None).unwrap();
        refusal(&with(&tree, &policy, &["check", "--dry-run"]), &policy);
    }
}

#[test]
fn a_policy_that_is_not_there_is_not_missed_in_a_folder_that_others_may_write() {
    let tree = Tree::exchange(VULNERABLE);
    mode(tree.root().parent().unwrap(), 0o777);
    assert_eq!(on(&tree, &["check", "--dry-run"]).code, 0);
}

#[test]
fn with_a_policy_that_is_not_obeyed_disable_block_and_remove_work_all_the_same() {
    let tree = Tree::exchange(VULNERABLE);
    let original = tree.snapshot();
    let policy = policy(&tree);
    assert_eq!(with(&tree, &policy, &["check"]).state("M1"), "applied");
    let protected = tree.snapshot();
    mode(&policy, 0o666);
    assert_eq!(with(&tree, &policy, &["check"]).code, 5);
    assert!(tree.snapshot() == protected, "what is installed stays");
    for command in [&["block", "M2"][..], &["disable", "--reason", "look first"]] {
        let run = with(&tree, &policy, command);
        assert_eq!(run.code, 0, "{command:?}: {} {}", run.out, run.err);
        assert!(run.err.contains("is not obeyed"), "{command:?}: {}", run.err);
    }
    mode(&policy, 0o644);
    let status = with(&tree, &policy, &["status"]).json();
    assert_eq!(status["enabled"], false);
    with(&tree, &policy, &["enable"]);
    mode(&policy, 0o666);
    let run = with(&tree, &policy, &["remove", "M1", "M2"]);
    assert_eq!(run.code, 0, "{} {}", run.out, run.err);
    assert!(run.err.contains("is not obeyed"), "{}", run.err);
    assert!(tree.snapshot() == original, "every byte came back");
}

#[test]
fn a_catalog_of_which_others_may_write_one_file_is_refused() {
    let tree = Tree::exchange(VULNERABLE);
    let before = tree.snapshot();
    let folder = tree.root().with_file_name("catalog");
    fs::create_dir(&folder).unwrap();
    mode(&folder, 0o755);
    let file = folder.join("M1.toml");
    fs::write(&file, include_bytes!("../../../catalog/M1.toml")).unwrap();
    mode(&file, 0o666);
    let check = ["check", "--catalog", folder.to_str().unwrap()];
    let mend = refusal(&on(&tree, &check), &file);
    assert_eq!(mend, format!("chmod go-w {}", file.display()));
    assert!(tree.snapshot() == before);
    mode(&file, 0o644);
    assert_eq!(on(&tree, &check).state("M1"), "applied");
}

#[test]
fn a_root_and_anchors_that_others_may_write_are_not_trusted() {
    let tree = Tree::exchange(VULNERABLE);
    let folder = tree.root().with_file_name("trusted");
    fs::create_dir(&folder).unwrap();
    mode(&folder, 0o755);
    let state = tree.state();
    let add = |arguments: &[&str]| {
        let output = Command::new(program())
            .args(["--json", "--state"])
            .arg(&state)
            .args(["feed", "add", "acme"])
            .args(arguments)
            .output()
            .unwrap();
        Run::of(&output)
    };
    let root = folder.join("root.json");
    fs::write(&root, "{}").unwrap();
    mode(&root, 0o666);
    refusal(&add(&["--root", root.to_str().unwrap()]), &root);
    let anchor = folder.join("ca.pem");
    fs::write(&anchor, "").unwrap();
    mode(&anchor, 0o666);
    let run = add(&["--format", "eocs", "--anchors", folder.to_str().unwrap()]);
    assert_ne!(run.code, 0);
    assert!(run.out.contains("ca.pem") && run.out.contains("chmod go-w"), "{}", run.out);
}

#[test]
fn who_logged_in_is_named_in_the_trail_and_in_the_decision_whatever_sudo_says() {
    let tree = Tree::exchange(VULNERABLE);
    on(&tree, &["list"]);
    let output = Command::new("sh")
        .args([
            "-c",
            &format!("echo {DAEMON} > /proc/self/loginuid || exit 99; exec \"$@\"; "),
            "sh",
        ])
        .arg(program())
        .args(place(&tree))
        .args(["disable", "--reason", "a clash"])
        .env("SUDO_UID", "4711")
        .env("SUDO_USER", "mallory\nroot")
        .output()
        .unwrap();
    if output.status.code() == Some(99) {
        println!("skipped: the login user cannot be set");
        return;
    }
    let expected = "root (login daemon, uid 1; by sudo from uid 4711)";
    let history = on(&tree, &["history"]).json();
    let last = history["history"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((&last["event"], &last["who"]), (&"disabled".into(), &expected.into()), "{last}");
    let decisions = fs::read_to_string(tree.state().join("decisions.toml")).unwrap();
    assert!(decisions.contains(expected), "{decisions}");
}
