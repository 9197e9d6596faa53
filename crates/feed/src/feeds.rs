//! The feeds of a server, as its state folder has them.
//!
//! ```text
//! trust/feeds/NAME/feed.toml       where it is and what it may ask for
//! trust/feeds/NAME/standing.json   when it was fetched, and what went wrong since
//! trust/feeds/NAME/…               what is trusted: the pinned root or anchors, the versions seen
//! cache/feeds/NAME/…               what was fetched; it can be deleted at any time
//! ```

mod refresh;
mod view;

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use stopgap_fs::{Lock, PrivateDir};

use crate::anchors;
use crate::eocs_feed::EocsFeed;
use crate::failure::{FeedsError, MAX_FEEDS};
use crate::name::FeedName;
use crate::open::open_transport;
use crate::permissions::Permissions;
use crate::status::FetchStatus;
use crate::status_file;
use crate::transport::Network;
use crate::tuf::{Refusal, TufFeed, lock_cache};

pub use view::{Content, View};

const TRUST: &str = "trust";
const FEEDS: &str = "trust/feeds";
const CACHES: &str = "cache/feeds";
/// The largest of the small files that are kept of a feed.
const MAX_SMALL: u64 = 1024 * 1024;

/// The format of a feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// A TUF repository with one target for each mitigation.
    Tuf,
    /// Microsoft's.
    Eocs,
}

impl Format {
    /// The word used in output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tuf => "tuf",
            Self::Eocs => "eocs",
        }
    }
}

/// A feed: where it is, and what it may ask for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feed {
    /// Its name.
    pub name: FeedName,
    /// Where it is; `None` if it is only carried in by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Its format.
    pub format: Format,
    /// Who added it.
    pub added_by: String,
    /// When.
    pub added_at: Timestamp,
    /// What it may ask for.
    #[serde(rename = "powers")]
    pub permissions: Permissions,
}

/// The feeds of a server.
pub struct Feeds {
    dir: PrivateDir,
}

impl Feeds {
    /// The feeds in the state folder `state`, which is made if it is not there.
    ///
    /// # Errors
    /// The folder cannot be made or is not private.
    pub fn open(state: &Path) -> Result<Self, FeedsError> {
        Ok(Self { dir: PrivateDir::open_or_create(state)? })
    }

    /// The same feeds once more, for another thread.
    ///
    /// # Errors
    /// The folder is not private any more.
    pub fn again(&self) -> Result<Self, FeedsError> {
        Self::open(self.dir.path())
    }

    /// Takes the lock for fetching, waiting up to `wait`; `on_wait` is told once who holds it.
    ///
    /// # Errors
    /// Another process still holds it, or it cannot be made.
    pub fn lock(
        &self,
        holder: &str,
        wait: Duration,
        on_wait: &mut dyn FnMut(&str),
    ) -> Result<Lock, FeedsError> {
        self.dir.create_dir(TRUST)?;
        let folder = self.dir.folder_in(TRUST)?;
        Ok(Lock::acquire(&folder, holder, wait, on_wait)?)
    }

    /// Keeps what was taken of the feeds from being replaced while it is read, which takes a moment.
    ///
    /// # Errors
    /// It is being replaced, and that does not end; or the lock cannot be made.
    pub fn reading(&self) -> Result<Lock, FeedsError> {
        Ok(lock_cache(&self.dir)?)
    }

    /// All feeds, in the order of their names.
    ///
    /// # Errors
    /// One of them cannot be read.
    pub fn all(&self) -> Result<Vec<Feed>, FeedsError> {
        let names = self.dir.list(FEEDS)?;
        let mut names: Vec<FeedName> = names.iter().filter_map(|name| name.parse().ok()).collect();
        names.sort();
        let mut feeds = Vec::new();
        for name in names {
            feeds.extend(self.get(&name)?);
        }
        Ok(feeds)
    }

    /// The feed `name`, if there is one.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn get(&self, name: &FeedName) -> Result<Option<Feed>, FeedsError> {
        let file = format!("{FEEDS}/{name}/feed.toml");
        let Some(bytes) = self.dir.read(&file, MAX_SMALL)? else { return Ok(None) };
        let text =
            String::from_utf8(bytes).map_err(|error| FeedsError::unreadable(&file, &error))?;
        toml::from_str(&text)
            .map(Some)
            .map_err(|error| FeedsError::unreadable(&file, &error.message()))
    }

    /// Adds a TUF repository, whose root metadata is `root`. It is not fetched.
    ///
    /// # Errors
    /// The name is taken, the root does not sign itself, or nothing can be written.
    pub fn add_tuf(&self, feed: &Feed, root: &[u8]) -> Result<(), FeedsError> {
        self.begin(feed)?;
        let pinned = self.tuf(feed).and_then(|tuf| tuf.init(root));
        pinned.map_err(|refusal| FeedsError::Root(Box::new(refusal)))?;
        self.save(feed)
    }

    /// Adds a feed in Microsoft's format, with the trust anchors in the folder `anchors`. It is not
    /// fetched.
    ///
    /// # Errors
    /// The name is taken, the anchors cannot be used, or nothing can be written.
    pub fn add_eocs(&self, feed: &Feed, anchors: &Path) -> Result<(), FeedsError> {
        let files = anchors::read_obeyed_folder(anchors)?;
        anchors::trust(&anchors.display().to_string(), &files)?;
        self.begin(feed)?;
        let kept = self.eocs(feed).init(&files, &anchors.display().to_string());
        kept.map_err(|failure| FeedsError::Eocs(Box::new(failure)))?;
        self.save(feed)
    }

    /// Makes room. What an addition that was cut short left is no feed, and goes.
    fn begin(&self, feed: &Feed) -> Result<(), FeedsError> {
        if let Some(url) = &feed.url {
            open_transport(&address(feed.format, url).0, &Network::default())?;
        }
        if self.get(&feed.name)?.is_some() {
            return Err(FeedsError::Exists(feed.name.clone()));
        }
        if self.all()?.len() >= MAX_FEEDS {
            return Err(FeedsError::TooMany);
        }
        self.clear(&feed.name)?;
        Ok(self.dir.create_dir(&format!("{FEEDS}/{}", feed.name))?)
    }

    /// The last file that is written: from here on it is a feed.
    fn save(&self, feed: &Feed) -> Result<(), FeedsError> {
        let file = format!("{FEEDS}/{}/feed.toml", feed.name);
        let text = toml::to_string(feed).map_err(|error| FeedsError::unreadable(&file, &error))?;
        Ok(self.dir.write_atomic(&file, text.as_bytes())?)
    }

    /// Removes the feed `name`, with everything that is kept of it; `false` if there is none. What
    /// is in force of it stays.
    ///
    /// # Errors
    /// It cannot be removed.
    pub fn remove(&self, name: &FeedName) -> Result<bool, FeedsError> {
        // Without this file it is no feed any more, whatever happens next.
        let was = self.dir.remove_file(&format!("{FEEDS}/{name}/feed.toml"))?;
        self.clear(name)?;
        Ok(was)
    }

    fn clear(&self, name: &FeedName) -> Result<(), FeedsError> {
        self.dir.remove_dir_all(&format!("{FEEDS}/{name}"))?;
        self.dir.remove_dir_all(&format!("{CACHES}/{name}"))?;
        Ok(())
    }

    /// When the feed `name` was fetched, and what went wrong since.
    ///
    /// # Errors
    /// That cannot be read, or a newer program wrote it.
    pub fn status(&self, name: &FeedName) -> Result<FetchStatus, FeedsError> {
        let file = format!("{FEEDS}/{name}/standing.json");
        let Some(bytes) = self.dir.read(&file, MAX_SMALL)? else {
            return Ok(FetchStatus::default());
        };
        status_file::read(&file, &bytes)
    }

    /// Like `status`, but a file that cannot be read counts as a fetch that failed. If it is corrupt, the next
    /// fetch that succeeds overwrites it; if a newer program wrote it, none does.
    fn readable_status(&self, name: &FeedName) -> Result<FetchStatus, FeedsError> {
        match self.status(name) {
            Err(torn @ FeedsError::Unreadable { .. }) => {
                Ok(FetchStatus { failure: Some(torn.to_string()), ..FetchStatus::default() })
            }
            Err(newer @ FeedsError::Newer { .. }) => {
                // The feed may have had the organisation's policy, whose loss must not go unnoticed.
                let (failure, has_policy) = (Some(newer.to_string()), true);
                Ok(FetchStatus { failure, has_policy, ..FetchStatus::default() })
            }
            status => status,
        }
    }

    fn save_status(&self, name: &FeedName, status: &FetchStatus) -> Result<(), FeedsError> {
        let file = format!("{FEEDS}/{name}/standing.json");
        let bytes =
            status_file::write(status).map_err(|error| FeedsError::unreadable(&file, &error))?;
        Ok(self.dir.write_atomic(&file, &bytes)?)
    }

    fn tuf(&self, feed: &Feed) -> Result<TufFeed<'_>, Refusal> {
        TufFeed::new(&self.dir, feed.name.as_str())
    }

    fn eocs(&self, feed: &Feed) -> EocsFeed<'_> {
        let Feed { name, .. } = feed;
        EocsFeed::new(&self.dir, format!("{FEEDS}/{name}"), format!("{CACHES}/{name}"))
    }
}

/// The address of the folder, and the file in it that is the feed, where a feed is one file.
fn address(format: Format, url: &str) -> (String, String) {
    match (format, url.rsplit_once('/')) {
        (Format::Eocs, Some((folder, file))) => (folder.to_owned(), file.to_owned()),
        _ => (url.to_owned(), String::new()),
    }
}
