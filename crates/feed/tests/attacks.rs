//! What an attacker offers who owns the web server, or stole some of the keys.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests may say plainly what they expect"
)]

mod common;

use std::collections::BTreeMap;

use common::{Server, after, now, shelf};
use jiff::Timestamp;
use serde_json::json;
use stopgap_feed::ConnectStep;
use stopgap_feed::tuf::{Client, Listing, Memory, Refusal};
use stopgap_model::Digest;
use stopgap_testkit::repository::{Repository, Role, key};

/// A repository with one file, published for the third time, and a server that fetched it.
fn fetched() -> (Repository, Server) {
    let mut repository = Repository::new(now());
    repository.set("A.toml", b"first");
    repository.publish();
    repository.set("A.toml", b"second");
    repository.publish();
    let server = Server::trusting(&repository);
    server.refresh(&repository.published).unwrap();
    (repository, server)
}

/// Requires that what the server has is still the second version.
fn still_second(server: &Server) {
    assert_eq!(server.offered().unwrap()["A.toml"], b"second");
}

fn rolled_back(role: &str, seen: u64, offered: u64) -> Refusal {
    Refusal::RolledBack { role: role.into(), seen, offered }
}

fn expired(role: &str, expires: Timestamp) -> Refusal {
    Refusal::Expired { role: role.into(), expires }
}

fn threshold(role: &str, found: usize, threshold: usize) -> Refusal {
    Refusal::Threshold { role: role.into(), found, threshold }
}

/// Makes the newest timestamp name the snapshot of this version, as it is published.
fn point_timestamp_at(repository: &mut Repository, snapshot: u64) {
    let bytes = repository.published[&format!("metadata/{snapshot}.snapshot.json")].clone();
    let version = repository.timestamp.version + 1;
    repository.forge("metadata/timestamp.json", "timestamp", |signed| {
        signed["version"] = version.into();
        signed["meta"]["snapshot.json"] = json!({
            "version": snapshot,
            "length": bytes.len(),
            "hashes": {"sha256": Digest::of(&bytes).to_string()},
        });
    });
    repository.timestamp.version = version;
}

#[test]
fn a_timestamp_that_goes_back_is_refused() {
    let (mut repository, server) = fetched();
    let old = repository.published.clone();
    repository.publish_timestamp_only();
    server.refresh(&repository.published).unwrap();
    assert_eq!(server.refresh(&old), Err(rolled_back("timestamp", 4, 3)));
    still_second(&server);
}

#[test]
fn a_snapshot_that_goes_back_is_refused() {
    let (mut repository, server) = fetched();
    point_timestamp_at(&mut repository, 2);
    assert_eq!(server.refresh(&repository.published), Err(rolled_back("snapshot", 3, 2)));
    still_second(&server);
}

#[test]
fn targets_that_go_back_are_refused() {
    let (mut repository, server) = fetched();
    repository.publish();
    repository.forge("metadata/4.snapshot.json", "snapshot", |signed| {
        signed["meta"]["targets.json"]["version"] = 2.into();
    });
    point_timestamp_at(&mut repository, 4);
    assert_eq!(server.refresh(&repository.published), Err(rolled_back("targets", 3, 2)));
    still_second(&server);
}

#[test]
fn a_delegated_role_that_goes_back_is_refused() {
    let mut repository = Repository::new(now());
    repository.delegate("targets", "team", &["TEAM-*"]).files.insert("TEAM-1".into(), b"1".into());
    repository.publish();
    repository.targets.get_mut("team").unwrap().files.insert("TEAM-1".into(), b"2".into());
    repository.publish();
    let server = Server::trusting(&repository);
    server.refresh(&repository.published).unwrap();
    repository.publish();
    repository.forge("metadata/4.snapshot.json", "snapshot", |signed| {
        signed["meta"]["team.json"]["version"] = 1.into();
    });
    point_timestamp_at(&mut repository, 4);
    assert_eq!(server.refresh(&repository.published), Err(rolled_back("team", 2, 1)));
}

#[test]
fn a_role_that_vanishes_from_the_snapshot_is_refused() {
    let mut repository = Repository::new(now());
    repository.delegate("targets", "team", &["TEAM-*"]);
    repository.publish();
    let server = Server::trusting(&repository);
    server.refresh(&repository.published).unwrap();
    repository.publish();
    repository.forge("metadata/3.snapshot.json", "snapshot", |signed| {
        signed["meta"].as_object_mut().unwrap().remove("team.json");
    });
    point_timestamp_at(&mut repository, 3);
    let refused = server.refresh(&repository.published);
    assert!(
        matches!(&refused, Err(Refusal::Altered(why)) if why.contains("team.json")),
        "{refused:?}"
    );
}

#[test]
fn a_root_that_goes_back_is_refused() {
    let (mut repository, server) = fetched();
    let first = repository.first_root();
    repository.published.insert("metadata/2.root.json".into(), first);
    assert_eq!(server.refresh(&repository.published), Err(rolled_back("root", 1, 1)));
    still_second(&server);
}

#[test]
fn a_repository_that_is_frozen_expires() {
    let (repository, server) = fetched();
    let refresh = |at| server.feed().refresh(shelf(&repository.published), at);
    assert!(refresh(after(1)).is_ok(), "the last moment");
    let late = after(1) + jiff::SignedDuration::from_secs(1);
    assert_eq!(refresh(late), Err(expired("timestamp", after(1))));
    assert_eq!(server.feed().load(now()).unwrap().expires(), ("timestamp".into(), after(1)));
}

#[test]
fn metadata_of_two_times_is_not_mixed() {
    let (mut repository, server) = fetched();
    repository.set("A.toml", b"third");
    repository.publish();
    let good = repository.published.clone();
    for (new, old) in [("4.targets", "3.targets"), ("4.snapshot", "3.snapshot")] {
        let mut mixed = good.clone();
        let old = good[&format!("metadata/{old}.json")].clone();
        mixed.insert(format!("metadata/{new}.json"), old);
        let refused = server.refresh(&mixed);
        assert!(matches!(refused, Err(Refusal::Altered(_))), "{new}: {refused:?}");
        still_second(&server);
    }
    assert!(server.refresh(&good).is_ok());
}

#[test]
fn a_fast_forward_is_recovered_from_by_new_keys() {
    let (mut repository, server) = fetched();
    // Who stole both keys signs the highest versions there are.
    repository.forge("metadata/3.snapshot.json", "snapshot", |signed| {
        signed["version"] = i64::MAX.into();
    });
    let bytes = repository.published["metadata/3.snapshot.json"].clone();
    let path = format!("metadata/{}.snapshot.json", i64::MAX);
    repository.published.insert(path, bytes.clone());
    let before = repository.published["metadata/timestamp.json"].clone();
    repository.forge("metadata/timestamp.json", "timestamp", |signed| {
        signed["version"] = i64::MAX.into();
        signed["meta"]["snapshot.json"] = json!({"version": i64::MAX});
    });
    server.refresh(&repository.published).unwrap();

    repository.published.insert("metadata/timestamp.json".into(), before);
    repository.set("A.toml", b"third");
    repository.publish();
    let stuck = server.refresh(&repository.published);
    assert_eq!(stuck, Err(rolled_back("timestamp", i64::MAX as u64, 4)));

    repository.snapshot.keys = vec![key()];
    repository.timestamp.keys = vec![key()];
    repository.publish_root(&[]);
    repository.publish();
    server.refresh(&repository.published).unwrap();
    assert_eq!(server.offered().unwrap()["A.toml"], b"third");
}

#[test]
fn a_fast_forward_of_the_snapshot_alone_is_recovered_from_by_its_new_key() {
    let (mut repository, server) = fetched();
    // The thief has the snapshot's key; the timestamp was signed by a service that asks nothing.
    repository.snapshot.version = 1_000_000;
    repository.publish();
    server.refresh(&repository.published).unwrap();

    repository.snapshot.version = 3;
    repository.set("A.toml", b"third");
    repository.publish();
    let stuck = server.refresh(&repository.published);
    assert_eq!(stuck, Err(rolled_back("snapshot", 1_000_001, 4)));

    repository.snapshot.keys = vec![key()];
    repository.publish_root(&[]);
    repository.publish();
    server.refresh(&repository.published).unwrap();
    assert_eq!(server.offered().unwrap()["A.toml"], b"third");
}

#[test]
fn a_key_that_is_only_added_takes_no_version_back() {
    let (mut repository, server) = fetched();
    let old = repository.published["metadata/timestamp.json"].clone();
    repository.publish_timestamp_only();
    server.refresh(&repository.published).unwrap();

    repository.timestamp.keys.push(key());
    repository.publish_root(&[]);
    repository.published.insert("metadata/timestamp.json".into(), old);
    assert_eq!(server.refresh(&repository.published), Err(rolled_back("timestamp", 4, 3)));
}

/// Makes the newest timestamp, of this version, say of the newest snapshot what `change` does.
fn forge_timestamp(repository: &mut Repository, version: u64, change: fn(&mut serde_json::Value)) {
    repository.forge("metadata/timestamp.json", "timestamp", |signed| {
        signed["version"] = version.into();
        change(&mut signed["meta"]["snapshot.json"]);
    });
}

#[test]
fn a_thief_of_the_timestamp_key_neither_tears_what_was_taken_nor_freezes_the_feed() {
    for change in [
        (|meta| meta["hashes"]["sha256"] = Digest::of(b"another").to_string().into())
            as fn(&mut serde_json::Value),
        |meta| meta["length"] = 7.into(),
        |meta| meta["version"] = 4.into(),
        |meta| meta["version"] = i64::MAX.into(),
    ] {
        for version in [4, i64::MAX as u64] {
            let (mut repository, server) = fetched();
            let honest = repository.published.clone();
            forge_timestamp(&mut repository, version, change);
            let before = server.tree.state_files();
            let probed = server.feed().probe(shelf(&repository.published), now());
            assert!(probed.is_err(), "a connection is not called good");
            for _ in 0..2 {
                let refused = server.refresh(&repository.published);
                assert!(refused.is_err(), "{refused:?}");
                assert!(server.tree.state_files() == before, "nothing of it is remembered");
                still_second(&server);
            }
            // A timestamp whose content never verified was not seen: the honest one is no step back.
            repository.published = honest;
            repository.set("A.toml", b"third");
            repository.publish();
            server.refresh(&repository.published).unwrap();
            assert_eq!(server.offered().unwrap()["A.toml"], b"third");
        }
    }
}

#[test]
fn a_thief_of_both_online_keys_neither_tears_what_was_taken_nor_freezes_the_feed() {
    for change in [
        (|meta| meta["version"] = 4.into()) as fn(&mut serde_json::Value),
        |meta| meta["hashes"] = json!({"sha256": Digest::of(b"another").to_string()}),
        |meta| meta["length"] = 7.into(),
    ] {
        let (mut repository, server) = fetched();
        let honest = repository.published.clone();
        repository.forge("metadata/3.snapshot.json", "snapshot", |signed| {
            signed["version"] = 4.into();
            change(&mut signed["meta"]["targets.json"]);
        });
        let forged = repository.published["metadata/3.snapshot.json"].clone();
        repository.published.insert("metadata/4.snapshot.json".into(), forged);
        point_timestamp_at(&mut repository, 4);
        let before = server.tree.state_files();
        let refused = server.refresh(&repository.published);
        assert!(refused.is_err(), "{refused:?}");
        assert!(server.tree.state_files() == before, "nothing of it is remembered");
        still_second(&server);
        repository.published = honest;
        repository.timestamp.version = 3;
        repository.set("A.toml", b"third");
        repository.publish();
        server.refresh(&repository.published).unwrap();
        assert_eq!(server.offered().unwrap()["A.toml"], b"third");
    }
}

#[test]
fn a_snapshot_that_was_signed_once_more_under_its_version_is_fetched_and_taken() {
    let (mut repository, server) = fetched();
    let until = after(6).to_string();
    repository.forge("metadata/3.snapshot.json", "snapshot", |signed| {
        signed["expires"] = until.into();
    });
    point_timestamp_at(&mut repository, 3);
    server.refresh(&repository.published).unwrap();
    still_second(&server);
    repository.set("A.toml", b"third");
    repository.publish();
    server.refresh(&repository.published).unwrap();
    assert_eq!(server.offered().unwrap()["A.toml"], b"third");
}

#[test]
fn a_timestamp_is_not_taken_before_every_file_is_there() {
    let (mut repository, server) = fetched();
    repository.set("B.toml", b"new");
    repository.set("C.toml", b"new too");
    repository.publish();
    let mut torn = repository.published.clone();
    let path = torn.keys().find(|path| path.ends_with("C.toml")).unwrap().clone();
    torn.insert(path, b"new tow".to_vec());
    let seen = |server: &Server| server.tree.state_files()["trust/feeds/acme/seen.json"].clone();
    let before = seen(&server);
    assert!(matches!(server.refresh(&torn), Err(Refusal::Altered(_))));
    assert!(matches!(server.feed().probe(shelf(&torn), now()), Err(Refusal::Altered(_))));
    assert!(seen(&server) == before);
    still_second(&server);
    assert_eq!(server.offered().unwrap().len(), 1);
    // And the publisher may take it back without a step forward.
    server.refresh(&repository.published).unwrap();
    assert_eq!(server.offered().unwrap().len(), 3);
}

#[test]
fn the_policy_of_the_last_whole_feed_outlives_the_cache_and_is_no_forgers() {
    let (mut repository, server) = fetched();
    assert_eq!(server.feed().kept_policy(), None);
    repository.set("policy.toml", b"enabled = true");
    repository.publish();
    server.refresh(&repository.published).unwrap();
    let kept = || server.feed().kept_policy();
    assert_eq!(kept().as_deref(), Some(&b"enabled = true"[..]));
    // A newer one that is not whole is not taken.
    repository.set("policy.toml", b"enabled = false");
    repository.publish();
    let mut torn = repository.published.clone();
    torn.retain(|path, bytes| !path.ends_with("policy.toml") || bytes != b"enabled = false");
    assert!(server.refresh(&torn).is_err());
    assert_eq!(kept().as_deref(), Some(&b"enabled = true"[..]));
    std::fs::remove_dir_all(server.tree.state().join("cache")).unwrap();
    assert_eq!(kept().as_deref(), Some(&b"enabled = true"[..]));
    server.refresh(&repository.published).unwrap();
    assert_eq!(kept().as_deref(), Some(&b"enabled = false"[..]));
    // What was altered is not believed, and mended the next time.
    let files = server.tree.state_files().into_keys();
    let path = files.filter(|path| path.contains("trust/feeds/acme/policy.")).collect::<Vec<_>>();
    let [path] = path.as_slice() else { panic!("{path:?}") };
    std::fs::write(server.tree.state().join(path), b"enabled = true").unwrap();
    assert_eq!(kept(), None);
    server.refresh(&repository.published).unwrap();
    assert_eq!(kept().as_deref(), Some(&b"enabled = false"[..]));
    // A whole feed without one has none.
    repository.top().files.remove("policy.toml");
    repository.publish();
    server.refresh(&repository.published).unwrap();
    assert_eq!(kept(), None);
}

#[test]
fn metadata_without_an_end_is_cut_off() {
    let (repository, server) = fetched();
    let name = "metadata/timestamp.json";
    let mut files = repository.published.clone();
    files.insert(name.into(), vec![b'{'; 20_000]);
    let Err(Refusal::Unreachable { path, error }) = server.refresh(&files) else {
        panic!("it is too large");
    };
    assert_eq!((path.as_str(), error.step), (name, ConnectStep::Length));
    still_second(&server);
}

#[test]
fn a_file_with_another_hash_or_length_is_refused() {
    let (mut repository, server) = fetched();
    repository.set("B.toml", b"right");
    repository.publish();
    let path = repository.published.keys().find(|path| path.ends_with("B.toml")).unwrap().clone();
    for (wrong, what) in [(&b"wrong"[..], "sha256"), (b"righ", "length")] {
        let mut files = repository.published.clone();
        files.insert(path.clone(), wrong.to_vec());
        let refused = server.refresh(&files);
        assert!(
            matches!(&refused, Err(Refusal::Altered(why)) if why.contains(what)),
            "{refused:?}"
        );
        still_second(&server);
    }
    let mut files = repository.published.clone();
    files.insert(path.clone(), b"right and more".to_vec());
    let refused = server.refresh(&files);
    assert!(matches!(refused, Err(Refusal::Unreachable { .. })), "{refused:?}");
    files.remove(&path);
    assert_eq!(server.refresh(&files), Err(Refusal::Absent { path }));
}

/// A change of one role's keys: which role, what is done, and what comes of it.
type Change = fn(&mut Role);

#[test]
fn too_few_signatures_are_refused_for_each_role() {
    let change: Change = |role| role.threshold = 2;
    for role in ["root", "timestamp", "snapshot", "targets"] {
        let (mut repository, server) = fetched();
        match role {
            "root" => change(&mut repository.root),
            "timestamp" => change(&mut repository.timestamp),
            "snapshot" => change(&mut repository.snapshot),
            _ => change(&mut repository.top().role),
        }
        repository.publish_root(&[]);
        repository.set("A.toml", b"third");
        repository.publish();
        assert_eq!(server.refresh(&repository.published), Err(threshold(role, 1, 2)), "{role}");
    }
}

#[test]
fn a_root_that_only_its_own_new_keys_signed_is_refused() {
    let (mut repository, server) = fetched();
    repository.root.keys = vec![key()];
    repository.publish_root(&[]);
    assert_eq!(server.refresh(&repository.published), Err(threshold("root", 0, 1)));
    still_second(&server);
}

#[test]
fn one_signature_given_twice_counts_for_nothing() {
    let (mut repository, server) = fetched();
    repository.publish_timestamp_only();
    let bytes = repository.published["metadata/timestamp.json"].clone();
    let mut value: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    let twice = value["signatures"][0].clone();
    value["signatures"].as_array_mut().unwrap().push(twice);
    let bytes = serde_json::to_vec(&value).unwrap();
    repository.published.insert("metadata/timestamp.json".into(), bytes);
    let refused = Refusal::OneKeyTwice { role: "timestamp".into() };
    assert_eq!(server.refresh(&repository.published), Err(refused));
}

#[test]
fn one_key_under_two_names_is_not_two_keys() {
    let (mut repository, server) = fetched();
    repository.publish_root(&[]);
    repository.forge("metadata/2.root.json", "root", |signed| {
        let id = signed["roles"]["timestamp"]["keyids"][0].as_str().unwrap().to_owned();
        signed["keys"]["another"] = signed["keys"][&id].clone();
        signed["roles"]["timestamp"] = json!({"keyids": [id, "another"], "threshold": 2});
    });
    let refused = Refusal::OneKeyTwice { role: "timestamp".into() };
    assert_eq!(server.refresh(&repository.published), Err(refused.clone()));

    let pinned = repository.published["metadata/2.root.json"].clone();
    let client = Client::open(shelf(&repository.published), &pinned, Memory::default());
    assert_eq!(client.map(|_| ()).err(), Some(refused));
}

#[test]
fn one_key_under_two_names_is_not_two_keys_of_a_delegated_role_either() {
    let mut repository = Repository::new(now());
    repository.delegate("targets", "team", &["TEAM-*"]);
    repository.publish();
    repository.forge("metadata/2.targets.json", "targets", |signed| {
        let delegations = &mut signed["delegations"];
        let id = delegations["roles"][0]["keyids"][0].as_str().unwrap().to_owned();
        delegations["keys"]["another"] = delegations["keys"][&id].clone();
        delegations["roles"][0]["keyids"] = json!([id, "another"]);
        delegations["roles"][0]["threshold"] = 2.into();
    });
    let server = Server::trusting(&repository);
    let refused = Refusal::OneKeyTwice { role: "team".into() };
    assert_eq!(server.refresh(&repository.published), Err(refused));
}

#[test]
fn each_role_that_expired_is_named() {
    let soon = after(1) - jiff::SignedDuration::from_secs(1);
    for role in ["root", "timestamp", "snapshot", "targets", "team"] {
        let (mut repository, server) = fetched();
        repository.delegate("targets", "team", &["TEAM-*"]);
        match role {
            "root" => repository.root.expires = soon,
            "timestamp" => repository.timestamp.expires = soon,
            "snapshot" => repository.snapshot.expires = soon,
            name => repository.targets.get_mut(name).unwrap().role.expires = soon,
        }
        repository.publish_root(&[]);
        repository.publish();
        let refresh = |at| server.feed().refresh(shelf(&repository.published), at);
        assert_eq!(refresh(after(1)), Err(expired(role, soon)));
        still_second(&server);
        assert!(refresh(soon).is_ok(), "{role}: the last moment");
    }
}

#[test]
fn a_key_of_an_unknown_type_signs_nothing() {
    let (mut repository, server) = fetched();
    repository.publish_root(&[]);
    repository.forge("metadata/2.root.json", "root", |signed| {
        let id = signed["roles"]["timestamp"]["keyids"][0].as_str().unwrap().to_owned();
        signed["keys"][&id]["keytype"] = "rot13".into();
        signed["keys"][&id]["scheme"] = "rot13".into();
    });
    repository.publish();
    assert_eq!(server.refresh(&repository.published), Err(threshold("timestamp", 0, 1)));
}

#[test]
fn a_revoked_key_signs_nothing_any_more() {
    let (mut repository, server) = fetched();
    let stolen = std::mem::replace(&mut repository.timestamp.keys, vec![key()]);
    repository.publish_root(&[]);
    // The thief goes on.
    let honest = std::mem::replace(&mut repository.timestamp.keys, stolen);
    repository.set("A.toml", b"the thief's");
    repository.publish();
    assert_eq!(server.refresh(&repository.published), Err(threshold("timestamp", 0, 1)));
    // What was taken before stays, and it is known that the key behind it was taken away.
    still_second(&server);
    assert!(server.feed().load(now()).unwrap().is_superseded());

    repository.timestamp.keys = honest;
    repository.set("A.toml", b"third");
    repository.publish();
    server.refresh(&repository.published).unwrap();
    assert_eq!(server.offered().unwrap()["A.toml"], b"third");
    assert!(!server.feed().load(now()).unwrap().is_superseded());
    // The root that took the key away is remembered, whatever is offered.
    let mut without = repository.published.clone();
    without.remove("metadata/2.root.json");
    assert!(server.refresh(&without).is_ok());
}

#[test]
fn a_root_key_that_was_rotated_out_makes_no_next_root() {
    let (mut repository, server) = fetched();
    let old = std::mem::replace(&mut repository.root.keys, vec![key()]);
    repository.publish_root(&old);
    server.refresh(&repository.published).unwrap();
    repository.root.keys = old;
    repository.publish_root(&[]);
    assert_eq!(server.refresh(&repository.published), Err(threshold("root", 0, 1)));
}

#[test]
fn a_target_name_that_leads_elsewhere_is_listed_and_never_asked_for() {
    let (mut repository, server) = fetched();
    let names =
        ["../../etc/cron.d/x", "/etc/passwd", "a/b", ".hidden", "..", "", "a\\b", "ü", "a\nb"];
    for name in names {
        repository.set(name, b"evil");
    }
    repository.publish();
    let place = shelf(&repository.published);
    server.feed().refresh(place.clone(), now()).unwrap();
    still_second(&server);
    let loaded = server.feed().load(now()).unwrap();
    let Listing { files, refused } = loaded.listing();
    assert_eq!((files.len(), refused.len()), (1, names.len()));
    assert!(refused.iter().all(|file| !file.name.contains('\n')), "names are made readable");
    let evil = Digest::of(b"evil").to_string();
    assert!(!place.asked.lock().unwrap().iter().any(|path| path.contains(&evil)));
}

#[test]
fn a_role_name_that_leads_elsewhere_is_refused() {
    let mut repository = Repository::new(now());
    repository.delegate("targets", "../../x", &["*"]);
    repository.publish();
    let server = Server::trusting(&repository);
    let refused = server.refresh(&repository.published);
    assert!(matches!(refused, Err(Refusal::Malformed(_))), "{refused:?}");
}

#[test]
fn a_file_without_a_sha256_or_too_large_is_listed_and_never_asked_for() {
    let (mut repository, server) = fetched();
    repository.set("B.toml", b"b");
    repository.set("C.toml", b"c");
    repository.publish();
    repository.forge("metadata/4.targets.json", "targets", |signed| {
        signed["targets"]["B.toml"]["hashes"] = json!({"sha512": "00"});
        signed["targets"]["C.toml"]["length"] = (50 << 20).into();
    });
    server.refresh(&repository.published).unwrap();
    let refused = server.feed().load(now()).unwrap().listing().refused.clone();
    let refused: Vec<(&str, &str)> =
        refused.iter().map(|file| (file.name.as_str(), file.why)).collect();
    assert_eq!(
        refused,
        [("B.toml", "there is no SHA-256 digest of it"), ("C.toml", "it is too large")]
    );
}

#[test]
fn roles_that_delegate_in_a_circle_end() {
    let mut repository = Repository::new(now());
    repository.delegate("targets", "a", &["A-*"]);
    repository.delegate("a", "b", &["A-*"]);
    repository.delegate("b", "a", &["A-*"]);
    repository.delegate("b", "targets", &["A-*"]);
    repository.targets.get_mut("b").unwrap().files.insert("A-1".into(), b"1".into());
    repository.publish();
    let server = Server::trusting(&repository);
    server.refresh(&repository.published).unwrap();
    assert_eq!(server.offered(), Ok(BTreeMap::from([("A-1".into(), b"1".to_vec())])));
}

#[test]
fn delegations_that_go_too_deep_are_refused() {
    let mut repository = Repository::new(now());
    repository.delegate("targets", "r0", &["A-*"]);
    for depth in 0..40 {
        repository.delegate(&format!("r{depth}"), &format!("r{}", depth + 1), &["A-*"]);
    }
    repository.publish();
    let server = Server::trusting(&repository);
    let refused = Refusal::TooMany { what: "targets roles", limit: 32 };
    assert_eq!(server.refresh(&repository.published), Err(refused));
}

#[test]
fn a_role_for_which_a_second_delegator_names_other_keys_is_refused() {
    let mut repository = Repository::new(now());
    repository.delegate("targets", "a", &["A-*"]);
    repository.delegate("targets", "b", &["*"]);
    repository.delegate("b", "a", &["*"]);
    repository.publish();
    repository.forge("metadata/1.b.json", "b", |signed| {
        signed["delegations"]["roles"][0]["keyids"] = json!(["of somebody else"]);
    });
    let server = Server::trusting(&repository);
    assert_eq!(server.refresh(&repository.published), Err(threshold("a", 0, 1)));
}

#[test]
fn a_delegated_role_may_say_only_what_it_was_given() {
    let mut repository = Repository::new(now());
    let team = repository.delegate("targets", "team", &["TEAM-*"]);
    team.files.insert("TEAM-1.toml".into(), b"ours".into());
    team.files.insert("OTHER-1.toml".into(), b"not ours".into());
    repository.publish();
    let server = Server::trusting(&repository);
    server.refresh(&repository.published).unwrap();
    let offered = server.offered().unwrap();
    assert_eq!(offered, BTreeMap::from([("TEAM-1.toml".into(), b"ours".to_vec())]));
    assert_eq!(server.feed().load(now()).unwrap().listing().files[0].role, "team");
}

#[test]
fn more_root_rotations_than_are_followed_are_refused() {
    let (mut repository, server) = fetched();
    for _ in 0..40 {
        repository.publish_root(&[]);
    }
    let first = server.refresh(&repository.published);
    assert_eq!(first, Err(Refusal::TooMany { what: "new roots at once", limit: 32 }));
    // They are remembered, so the next time it goes on from there.
    server.refresh(&repository.published).unwrap();
    still_second(&server);
}

#[test]
fn a_root_behind_which_none_can_come_is_refused() {
    let mut repository = Repository::new(now());
    repository.forge("metadata/1.root.json", "root", |signed| signed["version"] = u64::MAX.into());
    let client =
        Client::open(shelf(&repository.published), &repository.first_root(), Memory::default());
    assert!(matches!(client.map(|_| ()), Err(Refusal::Malformed(_))));
}

#[test]
fn delegated_metadata_without_measure_is_refused() {
    let mut repository = Repository::new(now());
    for role in ["a", "b", "c"] {
        let role = repository.delegate("targets", role, &["X-*"]);
        role.files.insert("y".repeat(4_000_000), Vec::new());
    }
    repository.publish();
    let server = Server::trusting(&repository);
    let refused = server.refresh(&repository.published);
    let Err(Refusal::Unreachable { error, .. }) = refused else { panic!("{refused:?}") };
    assert_eq!(error.step, ConnectStep::Length);
}
