//! A server that follows a feed, by the product's own client.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use stopgap_feed::DirTransport;
use stopgap_feed::tuf::{Refusal, TufFeed};
use stopgap_fs::PrivateDir;

use super::Team;

/// A server with what it remembers of a feed, in the team's folder.
pub(crate) struct Server {
    state: PrivateDir,
}

impl Server {
    /// A server that was given a root.
    pub(crate) fn new(team: &Team, name: &str, root: &str) -> Self {
        let server = Self::again(team, name);
        server.feed().init(&team.bytes(root)).expect("a root that signs itself");
        server
    }

    /// A server that was there before.
    pub(crate) fn again(team: &Team, name: &str) -> Self {
        let state = PrivateDir::open_or_create(&team.path(name)).expect("a state folder");
        Self { state }
    }

    fn feed(&self) -> TufFeed<'_> {
        TufFeed::new(&self.state, "acme").expect("a name")
    }

    /// Fetches from a folder; answers every file with its text.
    pub(crate) fn follow(&self, place: &Path) -> Result<BTreeMap<String, String>, Refusal> {
        let now = Timestamp::now();
        let feed = self.feed();
        feed.refresh(Arc::new(DirTransport::new(place)), now)?;
        let loaded = feed.load(now)?;
        let mut files = BTreeMap::new();
        for file in &loaded.listing().files {
            let text = String::from_utf8_lossy(&loaded.read(file)?).into_owned();
            files.insert(file.name.clone(), text);
        }
        Ok(files)
    }

    /// The same, which must go well; answers every file with its revision.
    #[track_caller]
    pub(crate) fn follows(&self, place: &Path) -> Vec<String> {
        let files = self.follow(place).unwrap_or_else(|error| panic!("{error:?}"));
        revisions(&files)
    }
}

/// Every file with its revision.
pub(crate) fn revisions(files: &BTreeMap<String, String>) -> Vec<String> {
    let line = |(name, text): (&String, &String)| {
        let revision = text.lines().find(|line| line.starts_with("revision"));
        let number = revision.and_then(|line| line.split_whitespace().last());
        let gone = if text.contains("\nwithdrawn") { " withdrawn" } else { "" };
        format!("{name} {}{gone}", number.unwrap_or("-"))
    };
    files.iter().map(line).collect()
}
