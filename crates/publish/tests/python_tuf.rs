//! What is published is read by another implementation: python-tuf.
#![cfg(unix)] // python-tuf is installed for this machine only
#![allow(clippy::expect_used, clippy::panic, reason = "a test says plainly what it expects")]

mod common;

use common::{Run, Team, mitigation};
use serde_json::{Value, json};
use stopgap_testkit::python_tuf;

const FILES: [&str; 3] = ["A-1.toml", "A-2.toml", "policy.toml"];

/// What python-tuf reads in `www`, with what it remembers from the last time; none, with a
/// message, without python-tuf.
fn read(team: &Team) -> Option<Run> {
    let mut command = python_tuf("read_repository.py")?;
    command.arg(team.path("www")).arg(team.path("acme/metadata/1.root.json"));
    command.arg(team.path("python")).args(FILES);
    Some(Run::of(&command.output().expect("python starts")))
}

#[track_caller]
fn expect(run: &Run, root: u32, files: [Option<&str>; 3]) {
    assert_eq!(run.code, 0, "{}", run.err);
    let files: serde_json::Map<String, Value> =
        FILES.iter().zip(files).map(|(name, text)| ((*name).to_owned(), json!(text))).collect();
    assert_eq!(run.json(), json!({ "root": root, "files": files }));
}

#[test]
fn python_tuf_follows_a_feed_over_a_revision_a_policy_a_withdrawal_and_new_keys() {
    let team = Team::published();
    let Some(first) = read(&team) else { return };
    let one = mitigation("A-1", 1, "One");
    expect(&first, 1, [Some(&one), None, None]);

    team.add("A-2", 1);
    team.write("policy.toml", "enabled = true\nblocked = []\n");
    team.acme(&["add", "policy.toml"]).ok();
    team.sign_targets();
    team.acme(&["publish", "www"]).ok();
    let two = mitigation("A-2", 1, "One");
    let policy = team.read("policy.toml");
    expect(&read(&team).expect("as before"), 1, [Some(&one), Some(&two), Some(&policy)]);

    // Every role gets another key, and root one more of two that must sign.
    for role in ["targets", "snapshot", "timestamp"] {
        let old = format!("{role}-1");
        team.acme(&["rotate", role, "--add", "1", "--remove", &old]).ok();
    }
    team.acme(&["rotate", "root", "--add", "1", "--threshold", "2"]).ok();
    let root_key = |number: u32| format!("acme/keys/offline/root-{number}.key");
    let keys = [root_key(1), root_key(2)];
    team.acme(&["sign", "root", "--key", &keys[0], "--key", &keys[1]]).ok();
    team.acme(&["withdraw", "A-1", "--reason", "the shop is gone"]).ok();
    team.acme(&["sign", "targets", "--key", "acme/keys/offline/targets-2.key"]).ok();
    team.acme(&["publish", "www"]).ok();
    let gone = team.read("acme/mitigations/A-1.toml");
    assert!(gone.contains("the shop is gone"), "{gone}");
    expect(&read(&team).expect("as before"), 2, [Some(&gone), Some(&two), Some(&policy)]);
}

#[test]
fn python_tuf_refuses_a_published_file_that_was_altered() {
    let team = Team::published();
    let name = team.names("www/targets").pop().expect("a file");
    let altered = team.read(&format!("www/targets/{name}")).replace("answers", "ANSWERS");
    team.write(&format!("www/targets/{name}"), altered);
    let Some(run) = read(&team) else { return };
    assert_eq!(run.code, 1, "{}", run.out);
    assert!(run.err.contains("LengthOrHashMismatchError"), "{}", run.err);
}
