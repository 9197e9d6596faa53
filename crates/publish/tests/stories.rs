//! What becomes of a feed over the years: people, keys, mistakes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says plainly what it expects"
)]

mod common;

use std::collections::BTreeMap;

use common::client::Server;
use common::{OFFLINE, Team, mitigation};
use jiff::{SignedDuration, Timestamp};
use stopgap_sign::{Envelope, Roles, TargetFile, root, targets};

const ROOT: &str = "acme/metadata/1.root.json";

#[test]
fn two_of_three_sign_on_two_machines() {
    let team = Team::new();
    let two_of_three = ["--targets-keys", "3", "--targets-threshold", "2"];
    team.acme(
        &[&["init", "--root-keys", "3", "--root-threshold", "2"], &two_of_three[..]].concat(),
    )
    .ok()
    .says("2 of 3 keys must sign");
    // Each keeper takes a key to a machine of their own.
    for keeper in ["ann", "bob"] {
        std::fs::create_dir(team.path(keeper)).unwrap();
    }
    std::fs::rename(team.path("acme/keys/offline/targets-1.key"), team.path("ann/key")).unwrap();
    std::fs::rename(team.path("acme/keys/offline/targets-3.key"), team.path("bob/key")).unwrap();
    team.add("A-1", 1);
    for (keeper, have) in [("ann", 1), ("bob", 2)] {
        team.acme(&["publish", "www"]).ends_with(3).says("targets 1 is not signed yet");
        assert_eq!(team.names("www"), [""; 0]);
        // The folder is carried there without keys, and what is staged is carried back.
        let there = format!("{keeper}/acme");
        std::fs::create_dir(team.path(&there)).unwrap();
        for part in ["metadata", "staged", "targets"] {
            team.copy(&format!("acme/{part}"), &there);
        }
        team.on(&there, &["sign", "--key", &format!("{keeper}/key")])
            .ok()
            .says("new A-1.toml revision 1")
            .says(&format!("{have} of 2 signatures"));
        team.write("acme/staged/targets.json", team.bytes(&format!("{there}/staged/targets.json")));
        let status = team.acme(&["status"]).ends_with(1);
        status.says(&format!("{have} of 2 signatures"));
    }
    team.acme(&["publish", "www"]).ok();
    let server = Server::new(&team, "state", ROOT);
    assert_eq!(server.follows(&team.path("www")), ["A-1.toml 1"]);
}

#[test]
fn one_keeper_who_signs_twice_counts_once() {
    let team = Team::new();
    team.acme(&["init", "--targets-keys", "2", "--targets-threshold", "2"]).ok();
    team.add("A-1", 1);
    for _ in 0..2 {
        team.sign_targets().says("1 of 2 signatures").says("can still sign: targets-2");
    }
    team.acme(&["publish", "www"]).ends_with(3);
    let json = team.acme(&["status", "--json"]).ends_with(1).json();
    assert_eq!(json["staged"][0]["signatures"][0]["have"], 1);
    assert_eq!(json["staged"][0]["signatures"][0]["unsigned"].as_array().unwrap().len(), 1);
}

#[test]
fn a_lost_root_key_is_rotated_out() {
    let team = Team::new();
    team.acme(&["init", "--root-keys", "3", "--root-threshold", "2"]).ok();
    team.add("A-1", 1);
    team.sign_targets();
    team.acme(&["publish", "www"]).ok();
    let server = Server::new(&team, "state", ROOT);
    server.follows(&team.path("www"));

    std::fs::remove_file(team.path("acme/keys/offline/root-2.key")).unwrap();
    team.acme(&["rotate", "root", "--remove", "root-2", "--add", "1"]).ok().says("staged root 2");
    team.acme(&["publish", "www"]).ends_with(3).says("root 2 is not signed yet");
    team.acme(&["publish", "www", "--refresh"]).ok();
    assert_eq!(server.follows(&team.path("www")), ["A-1.toml 1"]);
    // Two of the old keys and two of the new: one that is both counts for both.
    let key = |number| format!("acme/keys/offline/root-{number}.key");
    team.acme(&["sign", "root", "--key", &key(1), "--key", &key(4)]).ok().says("1 of 2");
    team.acme(&["publish", "www"]).ends_with(3).says("by root 1");
    team.acme(&["sign", "root", "--key", &key(3)]).ok();
    team.acme(&["publish", "www"]).ok();
    assert_eq!(server.follows(&team.path("www")), ["A-1.toml 1"]);
    let root = team.metadata("www/metadata/2.root.json");
    assert_eq!(root["signed"]["roles"]["root"]["keyids"].as_array().unwrap().len(), 3);
}

#[test]
fn a_targets_key_that_was_removed_no_longer_counts() {
    let team = Team::published();
    let server = Server::new(&team, "state", ROOT);
    server.follows(&team.path("www"));
    let id = team.key("acme/keys/offline/targets-1.key", OFFLINE).public().id();
    team.acme(&["rotate", "targets", "--add", "1", "--remove", &id[..8]])
        .ok()
        .says("staged targets 2: the same content, to be signed by the new keys");
    team.sign_root();
    // Clients that have the old root until the very end know the old key: it may sign as well.
    team.sign_targets().says("0 of 1 signature, by root 2");
    team.acme(&["publish", "www"]).ends_with(3).says("targets 2 is not signed yet");
    team.acme(&["sign", "--key", "acme/keys/offline/targets-2.key"]).ok();
    team.acme(&["publish", "www"]).ok();
    assert_eq!(server.follows(&team.path("www")), ["A-1.toml 1"]);

    team.add("A-2", 1);
    team.acme(&["sign", "targets", "--key", "acme/keys/offline/targets-1.key"])
        .ends_with(3)
        .says("none of these keys can sign what is staged");
    team.acme(&["publish", "www"]).ends_with(3);
    // Signed by hand with the old key, it is not published either.
    let key = team.key("acme/keys/offline/targets-1.key", OFFLINE);
    let mut staged = Envelope::from_bytes(&team.bytes("acme/staged/targets.json")).unwrap();
    staged.sign(&key);
    team.write("acme/staged/targets.json", staged.to_bytes());
    team.acme(&["publish", "www"]).ends_with(3).says("0 of 1 signature");
}

#[test]
fn stolen_online_keys_are_rotated_out_whatever_version_the_thief_reached() {
    let team = Team::published();
    let server = Server::new(&team, "state", ROOT);
    server.follows(&team.path("www"));
    // The thief drives the timestamp's version up, in the place and in a server's memory.
    let thief = team.key("acme/keys/online/timestamp-1.key", common::ONLINE);
    let mut forged = team.metadata("www/metadata/timestamp.json")["signed"].clone();
    forged["version"] = 4_000_000_000_u64.into();
    let forged = Envelope::signed_by(forged, [&thief]).to_bytes();
    team.write("www/metadata/timestamp.json", &forged);
    server.follows(&team.path("www"));

    team.acme(&["rotate", "timestamp", "--add", "1", "--remove", "timestamp-1"]).ok();
    team.acme(&["rotate", "snapshot", "--add", "1", "--remove", "snapshot-1"]).ok();
    team.sign_root();
    team.acme(&["publish", "www"]).ok();
    let timestamp = team.metadata("www/metadata/timestamp.json");
    assert!(timestamp["signed"]["version"].as_u64().unwrap() < 10, "{timestamp}");
    team.add("A-2", 1);
    team.sign_targets();
    team.acme(&["publish", "www"]).ok();
    assert_eq!(server.follows(&team.path("www")), ["A-1.toml 1", "A-2.toml 1"]);
}

#[test]
fn a_server_follows_over_revisions_rotations_and_a_withdrawal() {
    let team = Team::published();
    let server = Server::new(&team, "state", ROOT);
    let www = team.path("www");
    assert_eq!(server.follows(&www), ["A-1.toml 1"]);
    let publish = || {
        team.sign_targets();
        team.acme(&["publish", "www"]).ok();
    };
    team.add("A-1", 2);
    team.add("A-2", 7);
    publish();
    assert_eq!(server.follows(&www), ["A-1.toml 2", "A-2.toml 7"]);
    for role in ["root", "targets", "snapshot", "timestamp"] {
        team.acme(&["rotate", role, "--add", "1"]).ok();
        team.sign_root();
        team.acme(&["publish", "www"]).ok();
        assert_eq!(server.follows(&www).len(), 2, "{role}");
    }
    team.acme(&["withdraw", "A-1", "--reason", "it broke the \"shop\""]).ok();
    team.write("policy.toml", "enabled = true\nblocked = [\"M1\"]\n");
    team.acme(&["add", "policy.toml"]).ok();
    publish();
    assert_eq!(server.follows(&www), ["A-1.toml 3 withdrawn", "A-2.toml 7", "policy.toml -"]);
    // A server that comes late begins with the first root.
    let late = Server::new(&team, "late", ROOT);
    assert_eq!(late.follows(&www).len(), 3);
    team.acme(&["status"]).ok();
}

#[test]
fn a_revision_is_never_two_contents_and_never_goes_back() {
    let team = Team::published();
    team.write("A-1.toml", mitigation("A-1", 1, "Two"));
    team.acme(&["add", "A-1.toml"])
        .ends_with(3)
        .says("has revision 1 already, with other content")
        .says("write `revision = 2`");
    team.add("A-1", 5);
    team.write("A-1.toml", mitigation("A-1", 4, "Two"));
    team.acme(&["add", "A-1.toml"]).ends_with(3).says("has revision 5, and this is 4");
    // The same once more is nothing new; edited in place it is judged like any other.
    team.add("A-1", 5).says("there already");
    team.write("acme/mitigations/A-1.toml", mitigation("A-1", 5, "Edited"));
    team.acme(&["add", "acme/mitigations/A-1.toml"]).ends_with(3);
    team.acme(&["withdraw", "A-1", "--reason", "over"]).ok().says("revision 6, withdrawn");
    team.acme(&["withdraw", "A-1", "--reason", "over"]).ok().says("withdrawn already");
    team.acme(&["withdraw", "A-2", "--reason", "over"]).ends_with(2).says("no mitigation `A-2`");
    team.acme(&["withdraw", "A-1", "--reason", "a\nb"]).ends_with(2);
    team.write("A-1.toml", mitigation("A-1", 6, "Back"));
    team.acme(&["add", "A-1.toml"]).ends_with(3);
    team.add("A-1", 7);
}

#[test]
fn one_wrong_document_stages_none() {
    let team = Team::with_feed();
    team.write("good.toml", mitigation("A-1", 1, "One"));
    for (name, text, said) in [
        ("bad.toml", mitigation("A-2", 1, "Two").replace("severity", "severty"), "bad.toml:"),
        ("policy.toml", "enabeld = true\n".to_owned(), "enabeld"),
        (
            "named.toml",
            mitigation("POLICY", 1, "A name that is taken"),
            "no mitigation may be called",
        ),
        ("empty.toml", String::new(), "empty"),
    ] {
        team.write(name, text);
        team.acme(&["add", "good.toml", name]).ends_with(3).says(said);
        assert_eq!(team.names("acme/mitigations"), [""; 0], "{name}");
        assert_eq!(team.names("acme/staged"), [""; 0], "{name}");
    }
    team.acme(&["add", "good.toml", "good.toml"]).ends_with(2).says("two of the files");
    team.acme(&["add", "good.toml", "missing.toml"]).ends_with(1).says("does not exist");
    assert_eq!(team.names("acme/staged"), [""; 0]);
    team.write("case.toml", mitigation("a-1", 1, "The same but for case"));
    team.acme(&["add", "good.toml", "case.toml"]).ends_with(3).says("differ in case only");
    team.add("A-1", 1);
    team.acme(&["add", "case.toml"]).ends_with(3).says("differ in case only");
}

#[test]
fn the_daily_run_changes_the_timestamp_alone_and_publishes_nothing_staged() {
    let team = Team::published();
    let before: BTreeMap<String, Vec<u8>> = files(&team);
    team.add("A-2", 1);
    team.acme(&["publish", "www", "--refresh"]).ok();
    let after = files(&team);
    let changed: Vec<&String> = after
        .iter()
        .filter(|(name, bytes)| before.get(*name) != Some(bytes))
        .map(|(n, _)| n)
        .collect();
    assert_eq!(changed, ["metadata/timestamp.json"]);
    assert_eq!(after.len(), before.len());
    // Nothing that was staged is lost by it.
    team.sign_targets();
    team.acme(&["publish", "www"]).ok();
    team.acme(&["status"]).ok();
}

fn files(team: &Team) -> BTreeMap<String, Vec<u8>> {
    let names = ["metadata", "targets"].into_iter().flat_map(|folder| {
        let names = team.names(&format!("www/{folder}"));
        names.into_iter().map(move |name| format!("{folder}/{name}"))
    });
    names.map(|name| (name.clone(), team.bytes(&format!("www/{name}")))).collect()
}

#[test]
fn the_same_content_is_signed_anew_before_it_expires() {
    let team = Team::published();
    for role in ["root", "targets"] {
        let key = format!("acme/keys/offline/{role}-1.key");
        team.acme(&["sign", role, "--key", &key]).ends_with(2).says("nothing is staged");
        team.acme(&["sign", role, "--renew", "--key", &key]).ok().says("complete");
    }
    team.acme(&["publish", "www"]).ok();
    assert_eq!(team.names("www/metadata").len(), 7);
    let old = team.metadata("www/metadata/1.targets.json")["signed"]["targets"].clone();
    assert_eq!(team.metadata("www/metadata/2.targets.json")["signed"]["targets"], old);
}

/// Puts metadata in force that holds until `expires`.
fn expire(team: &Team, role: &str, expires: Timestamp) {
    let key = team.key(&format!("acme/keys/offline/{role}-1.key"), OFFLINE);
    let signed = match role {
        "root" => {
            let before = team.metadata("acme/metadata/1.root.json");
            root(2, expires, &Roles::of_root(&before["signed"]).unwrap())
        }
        _ => {
            let text = team.bytes("A-1.toml");
            let files = BTreeMap::from([("A-1.toml".to_owned(), TargetFile::of(&text))]);
            targets(2, expires, &files, &[])
        }
    };
    let bytes = Envelope::signed_by(signed, [&key]).to_bytes();
    team.write(&format!("acme/metadata/2.{role}.json"), bytes);
}

#[test]
fn what_expired_is_not_published_and_what_will_soon_is_told() {
    for role in ["root", "targets"] {
        let team = Team::published();
        let now = Timestamp::now();
        expire(&team, role, now + SignedDuration::from_hours(24));
        let status = team.acme(&["status"]).ends_with(1);
        assert_eq!(status.out.matches("<- soon").count(), 1, "{}", status.out);
        team.acme(&["publish", "www"]).ok();
        expire(&team, role, now - SignedDuration::from_hours(1));
        team.acme(&["status"]).ends_with(1).says("<- expired");
        team.acme(&["publish", "elsewhere"])
            .ends_with(3)
            .says(&format!("{role} expired on"))
            .says(&format!("sign {role} --renew"));
        assert!(!team.path("elsewhere").exists());
        // What was staged too long ago is no better.
        let staged = team.bytes(&format!("acme/metadata/2.{role}.json"));
        std::fs::remove_file(team.path(&format!("acme/metadata/2.{role}.json"))).unwrap();
        team.write(&format!("acme/staged/{role}.json"), staged);
        team.acme(&["publish", "elsewhere"]).ends_with(3).says("expired on");
        // And it can be mended.
        let key = format!("acme/keys/offline/{role}-1.key");
        team.acme(&["sign", role, "--renew", "--key", &key]).ok();
        team.acme(&["publish", "elsewhere"]).ok();
    }
}

#[test]
fn nobody_is_left_without_enough_keys() {
    let team = Team::with_feed();
    for arguments in [
        &["rotate", "targets", "--remove", "targets-1"][..],
        &["rotate", "targets", "--threshold", "2"],
        &["rotate", "targets", "--remove", "root-1"],
        &["rotate", "targets", "--remove", "abcdef"],
        &["rotate", "targets", "--threshold", "0"],
        &["rotate", "nobody", "--add", "1"],
        &["rotate", "targets", "--add", "1000"],
    ] {
        team.acme(arguments).ends_with(2);
    }
    team.on("other", &["init", "--root-keys", "2", "--root-threshold", "3"]).ends_with(2);
    assert_eq!(team.names("acme/staged"), [""; 0]);
    assert_eq!(team.names("acme/keys/offline").len(), 4);
}

#[test]
fn what_is_staged_anew_has_no_signature() {
    let team = Team::published();
    team.add("A-2", 1);
    team.sign_targets();
    let run = team.add("A-3", 1);
    assert!(run.err.contains("they are void"), "{}", run.err);
    team.acme(&["publish", "www"]).ends_with(3).says("0 of 1 signature");
}
