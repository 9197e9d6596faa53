//! What the tests of feeds share.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use stopgap_feed::tuf::{Refreshed, Refusal, TufFeed};
use stopgap_feed::{Answer, ConnectStep, Transport, TransportError};
use stopgap_fs::PrivateDir;
use stopgap_testkit::Tree;
use stopgap_testkit::repository::Repository;

/// The time at which the tests' repositories are published.
pub(crate) fn now() -> Timestamp {
    "2026-11-24T12:00:00Z".parse().expect("a time")
}

/// Some days after that.
pub(crate) fn after(days: i64) -> Timestamp {
    now() + SignedDuration::from_hours(24 * days)
}

/// A place in memory, which notes what it is asked for.
#[derive(Default)]
pub(crate) struct Shelf {
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    pub(crate) asked: Mutex<Vec<String>>,
}

impl Transport for Shelf {
    fn get(
        &self,
        path: &str,
        max: u64,
        _validator: Option<&str>,
    ) -> Result<Answer, TransportError> {
        self.asked.lock().expect("no panic").push(path.to_owned());
        match self.files.get(path) {
            Some(bytes) if bytes.len() as u64 > max => {
                Err(TransportError { step: ConnectStep::Length, why: "too large".into() })
            }
            Some(bytes) => Ok(Answer::Found { bytes: bytes.clone(), validator: None }),
            None => Ok(Answer::Absent),
        }
    }
}

/// The files of a repository, as they are now.
pub(crate) fn shelf(files: &BTreeMap<String, Vec<u8>>) -> Arc<Shelf> {
    Arc::new(Shelf { files: files.clone(), asked: Mutex::default() })
}

/// A server that has a feed.
pub(crate) struct Server {
    pub(crate) tree: Tree,
    pub(crate) state: PrivateDir,
}

impl Server {
    /// A server that trusts the first root of `repository`.
    pub(crate) fn trusting(repository: &Repository) -> Self {
        let tree = Tree::empty();
        let state = PrivateDir::open_or_create(&tree.state()).expect("a state folder");
        let server = Self { tree, state };
        server.feed().init(&repository.first_root()).expect("a root");
        server
    }

    pub(crate) fn feed(&self) -> TufFeed<'_> {
        TufFeed::new(&self.state, "acme").expect("a name")
    }

    /// Refreshes from these files on the first day.
    pub(crate) fn refresh(&self, files: &BTreeMap<String, Vec<u8>>) -> Result<Refreshed, Refusal> {
        self.feed().refresh(shelf(files), now())
    }

    /// Every file that is remembered, with its bytes.
    pub(crate) fn offered(&self) -> Result<BTreeMap<String, Vec<u8>>, Refusal> {
        let loaded = self.feed().load(now())?;
        let files = loaded.listing().files.iter();
        files.map(|file| Ok((file.name.clone(), loaded.read(file)?))).collect()
    }
}
