//! What is remembered of a feed is torn, altered, lost, or cannot be written.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests may say plainly what they expect"
)]

mod common;

use std::fs;
use std::path::PathBuf;

use common::{Server, now, shelf};
use stopgap_feed::tuf::{Refusal, TufFeed};
use stopgap_testkit::repository::{Repository, key};

/// A repository at its first and at its second content, with a delegated role and a second root.
struct Story {
    repository: Repository,
    old: std::collections::BTreeMap<String, Vec<u8>>,
    server: Server,
}

fn story() -> Story {
    let mut repository = Repository::new(now());
    repository.set("A.toml", b"first");
    let team = repository.delegate("targets", "team", &["TEAM-*"]);
    team.files.insert("TEAM-1.toml".into(), b"first".into());
    repository.publish();
    repository.publish_root(&[]);
    let old = repository.published.clone();
    repository.set("A.toml", b"second");
    let team = repository.targets.get_mut("team").unwrap();
    team.files.insert("TEAM-1.toml".into(), b"second".into());
    repository.publish();
    let server = Server::trusting(&repository);
    server.refresh(&repository.published).unwrap();
    Story { repository, old, server }
}

impl Story {
    /// Every file that is remembered, by its path in the state folder. The lock says nothing.
    fn files(&self) -> Vec<String> {
        let files = self.server.tree.state_files().into_keys();
        files.filter(|path| path != "cache/lock").collect()
    }

    fn at(&self, path: &str) -> PathBuf {
        self.server.tree.state().join(path)
    }

    fn is_second(&self) -> bool {
        let offered = self.server.offered();
        offered
            .is_ok_and(|files| files.len() == 2 && files.values().all(|bytes| bytes == b"second"))
    }
}

/// Several ways in which a file may be damaged.
fn damaged(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> =
        [0, 1, bytes.len() / 3, bytes.len() - 1].map(|cut| bytes[..cut].to_vec()).into();
    for at in [0, bytes.len() / 4, bytes.len() / 2, bytes.len() - 1] {
        let mut flipped = bytes.to_vec();
        flipped[at] ^= 1;
        all.push(flipped);
    }
    all
}

#[test]
fn each_file_that_is_torn_or_altered_is_found_out_and_never_lets_an_older_version_in() {
    let story = story();
    let files = story.files();
    assert_eq!(files.len(), 10, "{files:?}");
    for path in files {
        let good = fs::read(story.at(&path)).unwrap();
        for bad in damaged(&good) {
            fs::write(story.at(&path), &bad).unwrap();
            // Offline: what is given out is right, or nothing is.
            if let Ok(offered) = story.server.offered() {
                assert!(offered.len() == 2 && offered.values().all(|bytes| bytes == b"second"));
            }
            let is_trust = path.starts_with("trust/");
            // The old repository is refused in every case.
            let older = story.server.refresh(&story.old);
            assert!(older.is_err(), "{path}: {older:?}");
            // The new one mends the cache, or it is said that the feed must be added again.
            match story.server.refresh(&story.repository.published) {
                Ok(_) if !story.is_second() => {
                    // A torn file is found when it is read, and fetched the next time.
                    story.server.refresh(&story.repository.published).unwrap();
                    assert!(story.is_second(), "{path}");
                }
                Ok(_) => {}
                Err(Refusal::TrustTorn(torn)) => {
                    assert!(is_trust && path == torn, "{path}: {torn}")
                }
                Err(other) => panic!("{path}: {other:?}"),
            }
            fs::write(story.at(&path), &good).unwrap();
        }
    }
}

#[test]
fn a_file_of_what_is_trusted_that_is_gone_is_told() {
    for path in ["trust/feeds/acme/root.json", "trust/feeds/acme/seen.json"] {
        let story = story();
        fs::remove_file(story.at(path)).unwrap();
        let refused = Refusal::TrustTorn(path.into());
        for files in [&story.old, &story.repository.published] {
            assert_eq!(story.server.refresh(files), Err(refused.clone()), "{path}");
        }
        assert_eq!(story.server.offered(), Err(refused));
    }
}

#[test]
fn a_cache_that_is_deleted_is_fetched_again_and_lets_no_older_version_in() {
    let story = story();
    fs::remove_dir_all(story.at("cache")).unwrap();
    let rolled_back = Refusal::RolledBack { role: "timestamp".into(), seen: 3, offered: 2 };
    assert_eq!(story.server.refresh(&story.old), Err(rolled_back));
    assert_eq!(story.server.offered(), Err(Refusal::NothingRemembered));
    story.server.refresh(&story.repository.published).unwrap();
    assert!(story.is_second());
}

#[test]
fn a_cache_that_is_put_back_to_an_older_one_is_not_believed() {
    let Story { repository, old, .. } = story();
    let server = Server::trusting(&repository);
    server.refresh(&old).unwrap();
    let cache = server.tree.state().join("cache");
    let backup = server.tree.state().join("backup");
    fs::rename(&cache, &backup).unwrap();
    server.refresh(&repository.published).unwrap();
    fs::remove_dir_all(&cache).unwrap();
    fs::rename(&backup, &cache).unwrap();

    assert!(matches!(server.offered(), Err(Refusal::Torn(_))));
    let rolled_back = Refusal::RolledBack { role: "timestamp".into(), seen: 3, offered: 2 };
    assert_eq!(server.refresh(&old), Err(rolled_back));
    server.refresh(&repository.published).unwrap();
    assert_eq!(server.offered().unwrap()["A.toml"], b"second");
}

#[test]
fn a_root_that_is_lost_is_fetched_again_and_no_older_root_is_taken_for_it() {
    let story = story();
    let path = "trust/feeds/acme/roots/2.root.json";
    fs::remove_file(story.at(path)).unwrap();
    let mut without = story.repository.published.clone();
    without.remove("metadata/2.root.json");
    let rolled_back = Refusal::RolledBack { role: "root".into(), seen: 2, offered: 1 };
    assert_eq!(story.server.refresh(&without), Err(rolled_back));
    story.server.refresh(&story.repository.published).unwrap();
    assert!(story.at(path).exists() && story.is_second());
}

#[test]
fn a_root_that_came_with_a_refused_refresh_is_not_gone_behind_either() {
    let Story { mut repository, server, .. } = story();
    let before = repository.published.clone();
    let stolen = std::mem::replace(&mut repository.timestamp.keys, vec![key()]);
    repository.publish_root(&[]);
    repository.timestamp.keys = stolen;
    repository.publish();
    let refused = Refusal::Threshold { role: "timestamp".into(), found: 0, threshold: 1 };
    assert_eq!(server.refresh(&repository.published), Err(refused));

    fs::remove_file(server.tree.state().join("trust/feeds/acme/roots/3.root.json")).unwrap();
    let rolled_back = Refusal::RolledBack { role: "root".into(), seen: 3, offered: 2 };
    assert_eq!(server.refresh(&before), Err(rolled_back));
}

#[test]
fn a_write_that_fails_is_an_error_and_leaves_what_was_remembered() {
    // Root may write to a folder that is read-only, so something else stands in the way. Of each
    // file that is written the new one is beside it first.
    for (folder, name) in [
        ("trust/feeds/acme/roots", "3.root.json"),
        ("trust/feeds/acme", "seen.json"),
        ("cache/feeds/acme/metadata", "timestamp.json"),
        ("cache/feeds/acme/metadata", "4.snapshot.json"),
        ("cache/feeds/acme/metadata", "4.targets.json"),
    ] {
        let Story { mut repository, server, .. } = story();
        repository.set("A.toml", b"third");
        repository.publish_root(&[]);
        repository.publish();
        let in_the_way = server.tree.state().join(format!("{folder}/.{name}.stopgap-new"));
        fs::create_dir(&in_the_way).unwrap();
        let refused = server.refresh(&repository.published);
        assert!(matches!(refused, Err(Refusal::Store(_))), "{name}: {refused:?}");
        let offered = server.offered().unwrap();
        if name != "seen.json" {
            assert_eq!(offered["A.toml"], b"second", "{name}");
        }
        fs::remove_dir(&in_the_way).unwrap();
        server.refresh(&repository.published).unwrap();
        assert_eq!(server.offered().unwrap()["A.toml"], b"third", "{name}");
    }
}

#[test]
fn a_file_where_the_folder_for_files_should_be_is_an_error() {
    let Story { repository, .. } = story();
    let server = Server::trusting(&repository);
    fs::create_dir(server.tree.state().join("cache")).unwrap();
    fs::write(server.tree.state().join("cache/feeds"), b"").unwrap();
    let refused = server.refresh(&repository.published);
    assert!(matches!(refused, Err(Refusal::Store(_))), "{refused:?}");
}

#[test]
fn a_file_that_is_torn_is_told_when_it_is_read_and_fetched_the_next_time() {
    let story = story();
    let path = story.files().into_iter().find(|path| path.ends_with("A.toml")).unwrap();
    fs::write(story.at(&path), b"secund").unwrap();
    assert_eq!(story.server.offered(), Err(Refusal::Torn("A.toml".into())));
    let refreshed = story.server.refresh(&story.repository.published).unwrap();
    assert_eq!((refreshed.cost.requests, refreshed.changed.len()), (3, 0));
    assert!(story.is_second());
}

#[test]
fn what_is_not_named_any_more_is_removed() {
    let mut story = story();
    let before = story.files();
    story.repository.set("A.toml", b"third");
    story.repository.publish();
    fs::write(story.at("cache/feeds/acme/targets/litter"), b"x").unwrap();
    story.server.refresh(&story.repository.published).unwrap();
    let after = story.files();
    assert_eq!(after.len(), before.len(), "{after:?}");
    assert!(!after.iter().any(|path| path.ends_with("litter") || path.contains("3.snapshot")));
}

#[test]
fn a_feed_is_pinned_only_to_a_root_that_signs_itself() {
    let mut repository = Repository::new(now());
    let good = repository.first_root();
    repository.root.keys = vec![key()];
    repository.forge("metadata/1.root.json", "root", |_| {});
    let server = Server::trusting(&Repository::new(now()));
    let before = server.tree.state_files();
    let forged = repository.first_root();
    let refused = Refusal::Threshold { role: "root".into(), found: 0, threshold: 1 };
    assert_eq!(server.feed().init(&forged), Err(refused));
    assert!(matches!(server.feed().init(b"{}"), Err(Refusal::Malformed(_))));
    assert_eq!(server.tree.state_files(), before);
    server.feed().init(&good).unwrap();
}

#[test]
fn the_same_root_again_forgets_nothing_and_another_root_everything() {
    let story = story();
    let feed = story.server.feed();
    feed.init(&story.repository.first_root()).unwrap();
    assert!(story.is_second());
    let other = Repository::new(now());
    feed.init(&other.first_root()).unwrap();
    assert_eq!(story.server.offered(), Err(Refusal::NothingRemembered));
    feed.refresh(shelf(&other.published), now()).unwrap();
    feed.forget().unwrap();
    assert!(story.files().is_empty());
    assert_eq!(feed.refresh(shelf(&other.published), now()), Err(Refusal::NothingRemembered));
}

#[test]
fn a_feed_name_that_leads_elsewhere_is_refused() {
    let server = Server::trusting(&Repository::new(now()));
    for name in ["", "..", "a/b", ".a", "a b", "é", &"a".repeat(70)] {
        assert!(matches!(TufFeed::new(&server.state, name), Err(Refusal::Store(_))), "{name}");
    }
}
