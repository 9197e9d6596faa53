//! The file with when a feed was fetched: those of older versions are read for ever, and one of a newer
//! version is refused and left alone.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says plainly what it expects")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use stopgap_feed::{
    Content, DirTransport, Failure, Feed, Feeds, FeedsError, FetchStatus, Format, Network,
    Permissions,
};
use stopgap_testkit::Tree;
use stopgap_testkit::repository::Repository;

const NOW: &str = "2026-12-01T01:00:00Z";
const LATER: &str = "2026-12-01T02:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A server with the feed `acme`, which is a folder with one file and the organisation's policy.
struct Scene {
    tree: Tree,
    feeds: Feeds,
    feed: Feed,
}

impl Scene {
    fn new() -> Self {
        let tree = Tree::exchange("15.2.1118.7");
        let mut repository = Repository::new(at(NOW));
        repository.set("A.toml", b"first");
        repository.set("policy.toml", b"");
        repository.publish();
        let folder = tree.root().with_file_name("published");
        repository.write_to(&folder);
        let feed = Feed {
            name: "acme".parse().unwrap(),
            url: Some(format!("file://{}", folder.display())),
            format: Format::Tuf,
            added_by: "a test".into(),
            added_at: at(NOW),
            permissions: Permissions::given(&[], &[], &[], &[]),
        };
        let feeds = Feeds::open(&tree.state()).unwrap();
        feeds.add_tuf(&feed, &repository.first_root()).unwrap();
        Self { tree, feeds, feed }
    }

    fn published(&self) -> PathBuf {
        self.tree.root().with_file_name("published")
    }

    fn status_file(&self) -> PathBuf {
        self.tree.state().join("trust/feeds/acme/standing.json")
    }

    /// From now on there is nothing to be fetched.
    fn unpublish(&self) {
        fs::rename(self.published(), self.published().with_extension("away")).unwrap();
    }

    /// Every file of the state folder with its bytes.
    fn state(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        fn walk(folder: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                match path.is_dir() {
                    true => walk(&path, files),
                    false => {
                        files.insert(path.clone(), fs::read(&path).unwrap());
                    }
                }
            }
        }
        let mut files = BTreeMap::new();
        walk(&self.tree.state(), &mut files);
        files
    }

    fn fetch(&self, now: &str) -> Result<(), Failure> {
        self.feeds.refresh(&self.feed, &Network::default(), at(now)).map(|_| ())
    }

    fn import(&self, stale_days: u32) -> Result<(), Failure> {
        let folder = Arc::new(DirTransport::new(&self.published()));
        self.feeds.import(&self.feed, folder, stale_days, at(NOW)).map(|_| ())
    }
}

/// What the file with the fetch status says, written as `bytes` beside the feed of `scene`.
fn read(scene: &Scene, bytes: &[u8]) -> FetchStatus {
    fs::write(scene.status_file(), bytes).unwrap();
    scene.feeds.status(&scene.feed.name).unwrap()
}

#[test]
fn the_files_of_older_versions_are_read_and_written_again_to_the_byte() {
    let scene = Scene::new();
    let fixture = |name: &str| {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/status/b278786");
        fs::read(format!("{folder}/{name}.json")).unwrap()
    };
    let fetched = FetchStatus::success(at(NOW), 0, true);
    assert_eq!(read(&scene, &fixture("fetched")), fetched);
    let carried_in = FetchStatus::success(at(NOW), 30, true);
    assert_eq!(read(&scene, &fixture("carried-in")), carried_in);
    let failed = carried_in.failed(at(LATER), "there is no `metadata/timestamp.json`".into());
    assert_eq!(read(&scene, &fixture("failed")), failed);
    // Older programs read what this one writes, too.
    fs::remove_file(scene.status_file()).unwrap();
    scene.fetch(NOW).unwrap();
    assert_eq!(fs::read(scene.status_file()).unwrap(), fixture("fetched"));
    scene.import(30).unwrap();
    assert_eq!(fs::read(scene.status_file()).unwrap(), fixture("carried-in"));
    scene.unpublish();
    scene.fetch(LATER).unwrap_err();
    assert_eq!(fs::read(scene.status_file()).unwrap(), fixture("failed"));
}

#[test]
fn a_number_is_read_where_it_stands() {
    let scene = Scene::new();
    let status = read(&scene, format!(r#"{{"schema":1,"succeeded":"{NOW}"}}"#).as_bytes());
    assert_eq!(status.succeeded, Some(at(NOW)));
    for torn in [r#"{"schema":0}"#, r#"{"schema":"2"}"#, r#"{"schema":1,"other":1}"#, "{", ""] {
        fs::write(scene.status_file(), torn).unwrap();
        let refused = scene.feeds.status(&scene.feed.name);
        assert!(matches!(refused, Err(FeedsError::Unreadable { .. })), "{torn}: {refused:?}");
    }
}

#[test]
fn the_file_of_a_newer_version_is_refused_and_left_alone_by_all_that_would_write_it() {
    let newer = br#"{"schema":2,"fetched":["with something that is not known yet"]}"#;
    let scene = Scene::new();
    scene.fetch(NOW).unwrap();
    let taken = scene.state();
    fs::write(scene.status_file(), newer).unwrap();
    let with_newer = scene.state();
    assert_ne!(taken, with_newer);
    let refused = scene.feeds.status(&scene.feed.name).unwrap_err();
    assert!(
        matches!(refused, FeedsError::Newer { schema: 2, known: 1, .. })
            && refused.to_string().contains("trust/feeds/acme/standing.json"),
        "{refused:?}"
    );
    // Neither a fetch that would succeed nor one that fails, and nothing that is carried in.
    let succeeds = scene.fetch(LATER).unwrap_err();
    assert!(matches!(succeeds, Failure::NewerStatus(_)), "{succeeds:?}");
    assert!(succeeds.to_string().contains("written by a newer Stopgap"), "{succeeds}");
    assert!(matches!(scene.import(30), Err(Failure::NewerStatus(_))));
    let late = scene.feeds.too_late(&scene.feed, Duration::from_secs(1), at(LATER));
    assert!(matches!(late, Failure::NewerStatus(_)), "{late:?}");
    scene.unpublish();
    assert!(matches!(scene.fetch(LATER), Err(Failure::NewerStatus(_))));
    assert!(with_newer == scene.state(), "something was written");
    // What was taken of it stays what it was, and nothing new of it is applied.
    let view = scene.feeds.view(scene.feed.clone(), at(LATER)).unwrap();
    assert!(matches!(view.content, Content::Tuf(_)));
    assert!(view.trouble.unwrap().why.contains("written by a newer Stopgap"));
}
