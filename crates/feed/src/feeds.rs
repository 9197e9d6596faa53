//! The feeds of a server, as its state folder has them.
//!
//! ```text
//! trust/feeds/NAME/feed.toml       where it is and what it may ask for
//! trust/feeds/NAME/standing.json   when it was fetched, and what went wrong since
//! trust/feeds/NAME/…               what is trusted: the pinned root or anchors, the versions seen
//! cache/feeds/NAME/…               what was fetched; it can be deleted at any time
//! ```

use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use stopgap_eocs::Verified;
use stopgap_fs::{FsError, Lock, LockError, PrivateDir, PrivateDirError};
use stopgap_model::problem::sentence;

use crate::anchors::{self, AnchorsError};
use crate::eocs_feed::{EocsFailure, EocsFeed};
use crate::place::{Hop, Network, Place, PlaceError, place};
use crate::powers::Powers;
use crate::standing::{Expiry, Standing, Trouble, grace};
use crate::tuf::{Cost, Loaded, Refreshed, Refusal, TufFeed, lock_cache};

const TRUST: &str = "trust";
const FEEDS: &str = "trust/feeds";
const CACHES: &str = "cache/feeds";
/// The largest of the small files that are kept of a feed.
const MAX_SMALL: u64 = 1024 * 1024;
/// The most feeds of a server. Each is asked every hour.
const MAX_FEEDS: usize = 32;

/// The name of a feed: what a person calls it, and a folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct FeedName(String);

/// The text cannot name a feed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no name for a feed: 1 to 32 of a-z, 0-9 and `-`, a letter or digit first")]
pub struct NotAFeedName(String);

impl FeedName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for FeedName {
    type Err = NotAFeedName;

    fn from_str(text: &str) -> Result<Self, NotAFeedName> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let good = (1..=32).contains(&text.len())
            && text.starts_with(plain)
            && text.chars().all(|c| plain(c) || c == '-');
        if good { Ok(Self(text.to_owned())) } else { Err(NotAFeedName(text.to_owned())) }
    }
}

impl TryFrom<String> for FeedName {
    type Error = NotAFeedName;

    fn try_from(text: String) -> Result<Self, NotAFeedName> {
        text.parse()
    }
}

impl From<FeedName> for String {
    fn from(name: FeedName) -> Self {
        name.0
    }
}

impl fmt::Display for FeedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

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
    pub powers: Powers,
}

/// The feeds cannot be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum FeedsError {
    /// The state folder is not fit to be used.
    #[error(transparent)]
    Folder(#[from] PrivateDirError),
    /// A file cannot be read or written.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// A file is not what was written.
    #[error("{file} in the state folder cannot be read: {why}")]
    Unreadable {
        /// The file.
        file: String,
        /// Why.
        why: String,
    },
    /// There is a feed of this name.
    #[error("there is a feed `{0}` already")]
    Exists(FeedName),
    /// There are too many.
    #[error("there are {MAX_FEEDS} feeds already, which is the most")]
    TooMany,
    /// The pinned root is not one.
    #[error("the root metadata cannot be trusted: {0}")]
    Root(Box<Refusal>),
    /// The anchors cannot be used.
    #[error("the trust anchors cannot be used: {0}")]
    Anchors(#[from] AnchorsError),
    /// The anchors cannot be kept.
    #[error(transparent)]
    Eocs(Box<EocsFailure>),
    /// Another process fetches.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The address is none.
    #[error(transparent)]
    Url(#[from] PlaceError),
}

/// A feed was not taken.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A TUF repository.
    #[error(transparent)]
    Tuf(#[from] Refusal),
    /// A feed in Microsoft's format.
    #[error(transparent)]
    Eocs(#[from] EocsFailure),
    /// The place cannot be used.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// The outcome could not be written down.
    #[error("the outcome could not be written down: {0}")]
    NotKept(#[source] Box<FeedsError>),
}

impl Failure {
    /// The step on the way at which it failed, in a word.
    #[must_use]
    pub fn hop(&self) -> &'static str {
        if let Some(error) = self.on_the_way() {
            return error.hop.as_str();
        }
        match self {
            Self::Tuf(Refusal::Absent { .. }) | Self::Eocs(EocsFailure::NotThere) => "status",
            Self::Tuf(Refusal::Expired { .. } | Refusal::RolledBack { .. })
            | Self::Eocs(EocsFailure::WentBack(_)) => "freshness",
            Self::Tuf(
                Refusal::NothingRemembered
                | Refusal::Torn(_)
                | Refusal::TrustTorn(_)
                | Refusal::InUse { .. }
                | Refusal::Store(_),
            )
            | Self::Eocs(EocsFailure::Fs(_) | EocsFailure::Seen(_) | EocsFailure::Anchors(_))
            | Self::NotKept(_) => "file",
            Self::Tuf(_) | Self::Eocs(_) | Self::Place(_) => "signature",
        }
    }

    /// What went wrong on the way to the feed, if something did.
    #[must_use]
    pub fn on_the_way(&self) -> Option<&PlaceError> {
        match self {
            Self::Place(error)
            | Self::Eocs(EocsFailure::Place(error))
            | Self::Tuf(Refusal::Unreachable { error, .. }) => Some(error),
            Self::Tuf(_) | Self::Eocs(_) | Self::NotKept(_) => None,
        }
    }

    /// Whether this was signed by none of the feed's keys: it is of another feed.
    #[must_use]
    pub fn is_of_other_keys(&self) -> bool {
        matches!(self, Self::Tuf(Refusal::Threshold { found: 0, .. }))
    }
}

/// What a feed holds, verified, as it was taken last.
pub enum Content<'a> {
    /// It holds nothing yet.
    Nothing,
    /// Of a TUF repository.
    Tuf(Box<Loaded<'a>>),
    /// Of a feed in Microsoft's format.
    Eocs(Box<Verified>),
}

/// A feed as it stands.
pub struct View<'a> {
    /// The feed.
    pub feed: Feed,
    /// When it was fetched.
    pub standing: Standing,
    /// What of it expires first.
    pub expiry: Option<Expiry>,
    /// Why nothing new of it is applied, if so.
    pub trouble: Option<Trouble>,
    /// What it holds.
    pub content: Content<'a>,
    /// The organisation's policy of the last whole feed that was taken, whatever became of the rest.
    pub kept_policy: Option<Vec<u8>>,
    /// What a person should know of it beside: sentences without a full stop.
    pub notes: Vec<String>,
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
        let text = String::from_utf8(bytes).map_err(|error| unreadable(&file, &error))?;
        toml::from_str(&text).map(Some).map_err(|error| unreadable(&file, &error.message()))
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
            place(&address(feed.format, url).0, &Network::default())?;
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
        let text = toml::to_string(feed).map_err(|error| unreadable(&file, &error))?;
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

    /// Fetches what is new of `feed` at `now`, and writes down how that went.
    ///
    /// # Errors
    /// It was not taken. What was taken before stays as it was.
    pub fn refresh(
        &self,
        feed: &Feed,
        network: &Network,
        now: Timestamp,
    ) -> Result<Refreshed, Failure> {
        let Some(url) = &feed.url else { return Ok(Refreshed::default()) };
        let (url, path) = address(feed.format, url);
        let outcome = place(&url, network)
            .map_err(Failure::from)
            .and_then(|place| self.take(feed, place, &path, now));
        self.keep(feed, outcome, now, 0)
    }

    /// Writes down that `feed` did not come `within` the time for all feeds; answers the failure.
    pub fn too_late(&self, feed: &Feed, within: Duration, now: Timestamp) -> Failure {
        let why = format!("not done within {} s", within.as_secs());
        let late = || Failure::Place(PlaceError::new(Hop::Time, &why));
        self.keep(feed, Err(late()), now, 0).err().unwrap_or_else(late)
    }

    /// Takes `feed` from a bundle, which may have expired up to `stale_days` ago.
    ///
    /// # Errors
    /// It was not taken. What was taken before stays as it was.
    pub fn import(
        &self,
        feed: &Feed,
        bundle: Arc<dyn Place>,
        stale_days: u32,
        now: Timestamp,
    ) -> Result<Refreshed, Failure> {
        let judged_at = now.checked_sub(grace(stale_days)).unwrap_or(Timestamp::MIN);
        let refreshed = self.take(feed, bundle, "", judged_at)?;
        self.keep(feed, Ok(refreshed), now, stale_days)
    }

    /// Looks whether `feed` could be taken from its place, and changes nothing.
    ///
    /// # Errors
    /// It could not.
    pub fn probe(&self, feed: &Feed, network: &Network, now: Timestamp) -> Result<(), Failure> {
        let Some(url) = &feed.url else { return Ok(()) };
        let (url, path) = address(feed.format, url);
        let place = place(&url, network)?;
        match feed.format {
            Format::Tuf => Ok(self.tuf(feed)?.probe(place, now)?),
            Format::Eocs => Ok(self.eocs(feed).probe(place.as_ref(), &path, now)?),
        }
    }

    fn take(
        &self,
        feed: &Feed,
        place: Arc<dyn Place>,
        path: &str,
        now: Timestamp,
    ) -> Result<Refreshed, Failure> {
        match feed.format {
            Format::Tuf => Ok(self.tuf(feed)?.refresh(place, now)?),
            Format::Eocs => {
                let (changed, bytes) = self.eocs(feed).refresh(place.as_ref(), path, now)?;
                let changed = if changed { vec!["feed.xml".to_owned()] } else { Vec::new() };
                let cost = Cost { requests: 1, bytes };
                Ok(Refreshed { changed, cost, ..Refreshed::default() })
            }
        }
    }

    fn keep(
        &self,
        feed: &Feed,
        outcome: Result<Refreshed, Failure>,
        now: Timestamp,
        stale_days: u32,
    ) -> Result<Refreshed, Failure> {
        let not_kept = |error| Failure::NotKept(Box::new(error));
        let standing = match &outcome {
            Ok(refreshed) => Standing::success(now, stale_days, refreshed.has_policy),
            Err(failure) => {
                let before = self.readable_standing(&feed.name).map_err(not_kept)?;
                before.failed(now, sentence(failure))
            }
        };
        let kept = self.save_standing(&feed.name, &standing);
        // That it was not taken weighs more than that this could not be written down.
        outcome.and_then(|refreshed| kept.map(|()| refreshed).map_err(not_kept))
    }

    /// The feed as it stands at `now`, from what was taken last. Never asks the network.
    ///
    /// # Errors
    /// The state folder cannot be read. What is remembered and torn, or was taken and does not verify
    /// any more, is no error but trouble of this feed.
    pub fn view(&self, feed: Feed, now: Timestamp) -> Result<View<'_>, FeedsError> {
        let standing = self.readable_standing(&feed.name)?;
        let mut notes: Vec<String> = standing.in_the_future(now).into_iter().collect();
        if feed.format == Format::Eocs {
            notes.extend(self.eocs(&feed).notes(now));
        }
        let kept_policy = match feed.format {
            Format::Tuf => self.tuf(&feed).ok().and_then(|tuf| tuf.kept_policy()),
            Format::Eocs => None,
        };
        let (expiry, trouble, content) = (None, None, Content::Nothing);
        let mut view = View { feed, standing, expiry, trouble, content, kept_policy, notes };
        // All that can be there was good when the feed was added, and whether it still is, is
        // another question.
        let judged_at = view.standing.succeeded.unwrap_or(view.feed.added_at);
        let loaded = match self.load(&view.feed, &view.standing, judged_at) {
            Err(_) if view.standing.succeeded.is_none() => Ok(Content::Nothing),
            loaded => loaded,
        };
        match loaded {
            Ok(content) => {
                view.trouble = view.standing.trouble(None, now);
                if let Content::Tuf(loaded) = &content {
                    let (role, at) = loaded.expires();
                    view.expiry = Some(Expiry { role, at });
                    view.trouble = view.standing.trouble(view.expiry.as_ref(), now);
                    if loaded.is_superseded() {
                        let why =
                            "its keys were changed, and nothing came yet that the new ones sign";
                        let since = view.standing.succeeded;
                        let changed = Trouble { why: why.into(), since };
                        view.trouble.get_or_insert(changed);
                    }
                }
                view.content = content;
            }
            Err(failure) => {
                let why = format!("what was taken of it cannot be used: {}", sentence(&failure));
                view.trouble = Some(Trouble { why, since: view.standing.succeeded });
            }
        }
        Ok(view)
    }

    fn load(
        &self,
        feed: &Feed,
        standing: &Standing,
        at: Timestamp,
    ) -> Result<Content<'_>, Failure> {
        match feed.format {
            Format::Tuf => {
                let grace = grace(standing.stale_days);
                let judged_at = at.checked_sub(grace).unwrap_or(Timestamp::MIN);
                Ok(Content::Tuf(Box::new(self.tuf(feed)?.load(judged_at)?)))
            }
            Format::Eocs => {
                let feed = self.eocs(feed).load(at)?;
                Ok(feed.map_or(Content::Nothing, |feed| Content::Eocs(Box::new(feed))))
            }
        }
    }

    /// When the feed `name` was fetched, and what went wrong since.
    ///
    /// # Errors
    /// That cannot be read.
    pub fn standing(&self, name: &FeedName) -> Result<Standing, FeedsError> {
        let file = format!("{FEEDS}/{name}/standing.json");
        let Some(bytes) = self.dir.read(&file, MAX_SMALL)? else { return Ok(Standing::default()) };
        serde_json::from_slice(&bytes).map_err(|error| unreadable(&file, &error))
    }

    /// The same. One that is torn is of a try that failed: the next that succeeds mends it.
    fn readable_standing(&self, name: &FeedName) -> Result<Standing, FeedsError> {
        match self.standing(name) {
            Err(torn @ FeedsError::Unreadable { .. }) => {
                Ok(Standing { failure: Some(torn.to_string()), ..Standing::default() })
            }
            standing => standing,
        }
    }

    fn save_standing(&self, name: &FeedName, standing: &Standing) -> Result<(), FeedsError> {
        let file = format!("{FEEDS}/{name}/standing.json");
        let bytes =
            serde_json::to_vec_pretty(standing).map_err(|error| unreadable(&file, &error))?;
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

fn unreadable(file: &str, why: &dyn fmt::Display) -> FeedsError {
    FeedsError::Unreadable { file: file.to_owned(), why: why.to_string() }
}
