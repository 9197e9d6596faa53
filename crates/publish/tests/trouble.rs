//! Trouble with folders: two at work, the wrong place, an old copy.
#![cfg(unix)] // permission bits of Unix
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says plainly what it expects"
)]

mod common;

use common::Team;
use common::client::Server;
use stopgap_fs::{Lock, PublicDir};

const ROOT: &str = "acme/metadata/1.root.json";

#[test]
fn a_second_instance_is_kept_out() {
    let team = Team::published();
    team.add("A-2", 1);
    team.sign_targets();
    for folder in ["acme", "www"] {
        let dir = PublicDir::open(&team.path(folder)).unwrap();
        let lock = Lock::acquire_public(&dir, "pid 1, somebody else").unwrap();
        team.acme(&["publish", "www"]).ends_with(4).says("held by pid 1, somebody else");
        assert_eq!(team.names("www/metadata").len(), 4);
        drop(lock);
    }
    team.acme(&["publish", "www"]).ok();
}

#[test]
fn the_keys_are_not_given_away() {
    let team = Team::published();
    for place in [".", "acme", "./acme/../acme"] {
        team.acme(&["publish", place]).ends_with(2).says("its keys would be given away");
    }
    assert!(!team.path("metadata").exists());
    // A place inside the publisher's folder holds nothing but the feed.
    team.acme(&["publish", "acme/www"]).ok();
}

#[test]
fn a_place_that_is_ahead_is_not_put_back() {
    let team = Team::published();
    team.copy("acme", "backup");
    let server = Server::new(&team, "state", ROOT);
    team.add("A-1", 2);
    team.sign_targets();
    team.acme(&["publish", "www"]).ok();
    server.follows(&team.path("www"));
    // Somebody restores the folder from a backup.
    team.on("backup", &["publish", "www"])
        .ends_with(3)
        .says("2.targets.json is not from this folder");
    // The same content, but from a folder that does not know of the last daily runs.
    team.copy("acme", "backup2");
    for _ in 0..3 {
        team.acme(&["publish", "www", "--refresh"]).ok();
    }
    server.follows(&team.path("www"));
    team.on("backup2", &["publish", "www"]).ok();
    assert_eq!(server.follows(&team.path("www")), ["A-1.toml 2"]);
    let version = |rel: &str| team.metadata(rel)["signed"]["version"].as_u64().unwrap();
    assert!(version("www/metadata/timestamp.json") > version("acme/metadata/timestamp.json"));
}

#[test]
fn what_was_altered_in_the_place_is_put_right() {
    let team = Team::published();
    let server = Server::new(&team, "state", ROOT);
    let target = format!("www/targets/{}", team.names("www/targets")[0]);
    let good = team.bytes(&target);
    team.write(&target, "something else");
    team.write("www/metadata/timestamp.json", "torn");
    team.write("www/metadata/1.snapshot.json", "{}");
    team.acme(&["publish", "www"]).ok();
    assert_eq!(team.bytes(&target), good);
    assert_eq!(server.follows(&team.path("www")), ["A-1.toml 1"]);
    team.write("www/metadata/2.root.json", "{}");
    team.acme(&["publish", "www"]).ends_with(3).says("2.root.json is not from this folder");
}

#[test]
fn a_document_that_was_altered_after_it_was_signed_is_not_published() {
    let team = Team::with_feed();
    team.add("A-1", 1);
    team.sign_targets();
    let target = format!("acme/targets/{}", team.names("acme/targets")[0]);
    team.write(&target, "something else");
    team.acme(&["publish", "www"]).ends_with(3).says("is missing or not whole");
    assert_eq!(team.names("www/metadata"), [""; 0]);
    team.acme(&["withdraw", "A-1", "--reason", "x"]).ends_with(3);
}

#[test]
fn a_folder_that_is_none_is_told() {
    let team = Team::new();
    team.write("file", "");
    team.on("nowhere", &["status"]).ends_with(1).says("does not exist");
    team.on("file", &["status"]).ends_with(1).says("is not a folder");
    team.on(".", &["status"]).ends_with(2).says("not a publisher's folder");
    let team = Team::with_feed();
    let settings = team.bytes("acme/publisher.toml");
    team.write("acme/publisher.toml", "[days]\nroot = -1\n");
    team.acme(&["status"]).ends_with(2).says("publisher.toml");
    team.write("acme/publisher.toml", settings);
    team.write(ROOT, "torn");
    team.acme(&["status"]).ends_with(3).says("not signed metadata");
    team.acme(&["publish", "www"]).ends_with(3);
    let json = team.acme(&["publish", "www", "--json"]).json();
    assert_eq!(json["exit"], 3);
}

#[test]
fn what_is_published_is_readable_by_everybody_whatever_the_umask_says() {
    use std::os::unix::fs::PermissionsExt as _;
    let team = Team::with_feed();
    team.add("A-1", 1);
    team.sign_targets();
    let mut shell = std::process::Command::new("sh");
    let line = format!("umask 077; {} --dir acme publish a/b/www", common::program());
    shell.args(["-c", &line]);
    assert!(team.as_here(shell).status().unwrap().success());
    for (path, mode) in [
        ("a/b/www/metadata", 0o755),
        ("a/b/www/targets", 0o755),
        ("a/b/www/metadata/timestamp.json", 0o644),
        ("a/b/www/metadata/1.root.json", 0o644),
    ] {
        let facts = team.path(path).metadata().unwrap();
        assert_eq!(facts.permissions().mode() & 0o777, mode, "{path}");
    }
}
