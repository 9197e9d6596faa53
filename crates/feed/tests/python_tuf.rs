//! A repository that python-tuf writes, with keys of every kind, is read here as it is meant.
#![cfg(unix)] // python-tuf is installed for this machine only
#![allow(clippy::expect_used, reason = "a test says plainly what it expects")]

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use stopgap_feed::DirTransport;
use stopgap_feed::tuf::{File, Refreshed, Refusal, TufFeed};
use stopgap_fs::PrivateDir;
use stopgap_testkit::{Tree, python_tuf};

/// What `write_repository.py` writes, and a state folder beside it.
struct Written(Tree);

impl Written {
    /// None, with a message, without python-tuf.
    fn new() -> Option<Self> {
        let tree = Tree::empty();
        let status = python_tuf("write_repository.py")?.arg(tree.root()).status();
        assert!(status.expect("python runs").success());
        Some(Self(tree))
    }

    /// The repository as it is at this time.
    fn at(&self, time: u32) -> PathBuf {
        self.0.root().join(time.to_string())
    }

    fn first_root(&self) -> Vec<u8> {
        fs::read(self.at(1).join("metadata/1.root.json")).expect("the first root")
    }

    fn state(&self) -> PrivateDir {
        PrivateDir::open_or_create(&self.0.state()).expect("a state folder")
    }

    fn refresh(&self, feed: &TufFeed<'_>, time: u32) -> Result<Refreshed, Refusal> {
        feed.refresh(Arc::new(DirTransport::new(&self.at(time))), Timestamp::now())
    }
}

/// Every file with its role and its content.
fn files(feed: &TufFeed<'_>) -> BTreeMap<String, (String, String)> {
    let loaded = feed.load(Timestamp::now()).expect("what is remembered verifies");
    let listing = loaded.listing();
    assert_eq!(listing.refused, []);
    let content =
        |file: &File| String::from_utf8(loaded.read(file).expect("a file")).expect("text");
    let entry = |file: &File| (file.name.clone(), (file.role.clone(), content(file)));
    listing.files.iter().map(entry).collect()
}

fn expected(files: &[(&str, &str, &str)]) -> BTreeMap<String, (String, String)> {
    let entry = |(name, role, content): &(&str, &str, &str)| {
        ((*name).to_owned(), ((*role).to_owned(), (*content).to_owned()))
    };
    files.iter().map(entry).collect()
}

const POLICY: (&str, &str, &str) = ("policy.toml", "targets", "enabled = true\n");
const OTHER: (&str, &str, &str) = ("OTHER-1.toml", "rest", "the first of the rest\n");

#[test]
fn a_repository_of_python_tuf_is_followed_over_delegations_thresholds_and_rotated_keys() {
    let Some(written) = Written::new() else { return };
    let state = written.state();
    let feed = TufFeed::new(&state, "python").expect("a name");
    feed.init(&written.first_root()).expect("the root signs itself");

    let refreshed = written.refresh(&feed, 1).expect("the first fetch");
    assert_eq!(refreshed.added, ["ACME-1.toml", "OTHER-1.toml", "policy.toml"]);
    let acme = ("ACME-1.toml", "acme", "the first of acme\n");
    assert_eq!(files(&feed), expected(&[acme, OTHER, POLICY]));

    let refreshed = written.refresh(&feed, 2).expect("other keys, signed for by the old ones");
    assert_eq!(refreshed.added, ["ACME-2.toml"]);
    assert_eq!(refreshed.changed, ["ACME-1.toml"]);
    assert_eq!(refreshed.removed, [""; 0]);
    let acme = [
        ("ACME-1.toml", "acme", "the first of acme, mended\n"),
        ("ACME-2.toml", "acme", "the second of acme\n"),
    ];
    let second = expected(&[acme[0], acme[1], OTHER, POLICY]);
    assert_eq!(files(&feed), second);

    let refused = written.refresh(&feed, 3);
    let expected = Refusal::Threshold { role: "acme".into(), found: 1, threshold: 2 };
    assert_eq!(refused, Err(expected));
    assert_eq!(files(&feed), second);
}

#[test]
fn a_newcomer_with_the_first_root_of_python_tuf_goes_through_the_rotation() {
    let Some(written) = Written::new() else { return };
    let state = written.state();
    let feed = TufFeed::new(&state, "python").expect("a name");
    feed.init(&written.first_root()).expect("the root signs itself");
    let refreshed = written.refresh(&feed, 2).expect("two roots at once");
    assert_eq!(refreshed.added.len(), 4);
    let loaded = feed.load(Timestamp::now()).expect("what is remembered verifies");
    let versions = loaded.versions();
    let version = |role: &str| versions.get(role).copied();
    assert_eq!((version("root"), version("acme"), version("rest")), (Some(2), Some(2), Some(1)));
    drop(loaded);
    // What the key that was taken away had signed counts no more.
    let back = written.refresh(&feed, 1);
    let expected = Refusal::Threshold { role: "timestamp".into(), found: 0, threshold: 1 };
    assert_eq!(back, Err(expected));
}
