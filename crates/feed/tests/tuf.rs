//! A feed is fetched, remembered, and fetched again.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "tests may say plainly what they expect"
)]

mod common;

use std::collections::BTreeMap;

use common::{Server, now, shelf};
use stopgap_feed::tuf::{Client, Memory, Refusal};
use stopgap_testkit::repository::Repository;

#[test]
fn a_feed_is_fetched_remembered_and_read_back() {
    let mut repository = Repository::new(now());
    repository.set("A.toml", b"a");
    repository.set("B.toml", b"b");
    repository.publish();
    let server = Server::trusting(&repository);
    assert_eq!(server.offered(), Err(Refusal::NothingRemembered));

    let first = server.refresh(&repository.published).unwrap();
    assert_eq!(first.added, ["A.toml", "B.toml"]);
    let offered = BTreeMap::from([
        ("A.toml".to_owned(), b"a".to_vec()),
        ("B.toml".to_owned(), b"b".to_vec()),
    ]);
    assert_eq!(server.offered(), Ok(offered.clone()));

    repository.set("A.toml", b"aa");
    repository.set("C.toml", b"c");
    repository.top().files.remove("B.toml");
    repository.publish();
    let second = server.refresh(&repository.published).unwrap();
    assert_eq!(second.added, ["C.toml"]);
    assert_eq!(second.changed, ["A.toml"]);
    assert_eq!(second.removed, ["B.toml"]);
    assert_eq!(server.offered().unwrap()["A.toml"], b"aa");

    let third = server.refresh(&repository.published).unwrap();
    assert_eq!((third.added.len(), third.changed.len(), third.removed.len()), (0, 0, 0));
    assert_eq!(third.cost.requests, 2);
}

#[test]
fn a_client_needs_no_disk() {
    let mut repository = Repository::new(now());
    repository.set("A.toml", b"a");
    repository.publish();
    let place = shelf(&repository.published);
    let mut client = Client::open(place, &repository.first_root(), Memory::default()).unwrap();
    client.refresh(now()).unwrap();
    let listing = client.files(now()).unwrap();
    assert_eq!(client.fetch(&listing.files[0]), Ok(b"a".to_vec()));
    assert_eq!(client.expires(), ("timestamp".to_owned(), common::after(1)));
    assert_eq!(client.versions()["targets"], 2);
}
