//! Feeds in the state folder, read by one while another fetches.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says plainly what it expects")]

use std::time::Duration;

use jiff::Timestamp;
use stopgap_feed::{Content, Feed, Feeds, Format, Network, Permissions};
use stopgap_testkit::Tree;
use stopgap_testkit::repository::Repository;

/// The content of the one file of the feed, as it was taken last.
fn taken(feeds: &Feeds, feed: &Feed) -> Vec<u8> {
    let view = feeds.view(feed.clone(), Timestamp::now()).unwrap();
    let Content::Tuf(loaded) = view.content else { panic!("{:?}", view.trouble) };
    let [file] = loaded.listing().files.as_slice() else { panic!("one file") };
    loaded.read(file).unwrap()
}

#[test]
fn what_is_read_is_not_replaced_meanwhile() {
    let tree = Tree::exchange("15.2.1118.7");
    let folder = tree.root().with_file_name("published");
    let mut repository = Repository::new(Timestamp::now());
    let mut publish = |bytes: &[u8]| {
        repository.set("A.toml", bytes);
        repository.publish();
        repository.write_to(&folder);
        repository.first_root()
    };
    let root = publish(b"first");
    let feeds = Feeds::open(&tree.state()).unwrap();
    let feed = Feed {
        name: "acme".parse().unwrap(),
        url: Some(format!("file://{}", folder.display())),
        format: Format::Tuf,
        added_by: "a test".into(),
        added_at: Timestamp::now(),
        permissions: Permissions::given(&[], &[], &[], &[]),
    };
    feeds.add_tuf(&feed, &root).unwrap();
    feeds.refresh(&feed, &Network::default(), Timestamp::now()).unwrap();
    publish(b"second");
    let reading = feeds.reading().unwrap();
    let (state, other) = (tree.state(), feed.clone());
    let fetching = std::thread::spawn(move || {
        let feeds = Feeds::open(&state).unwrap();
        feeds.refresh(&other, &Network::default(), Timestamp::now()).unwrap()
    });
    std::thread::sleep(Duration::from_millis(300));
    assert!(!fetching.is_finished());
    assert_eq!(taken(&feeds, &feed), b"first");
    drop(reading);
    assert_eq!(fetching.join().unwrap().changed, ["A.toml"]);
    assert_eq!(taken(&feeds, &feed), b"second");
}
