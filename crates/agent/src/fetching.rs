//! Feeds that are fetched side by side, each on a thread of its own, while something else is done.
//!
//! A place may hang for ever, such as a folder of a server that is gone. So nobody waits for a thread:
//! a feed that has not come in time counts as failed, and what comes later is there the next time.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use stopgap_feed::tuf::Refreshed;
use stopgap_feed::{Failure, Feed, FeedName, Feeds, FeedsError, Network};
use stopgap_fs::Lock;
use stopgap_model::problem::{one_line, sentence};
use stopgap_store::Event;

use crate::error::AgentError;
use crate::log;
use crate::session::Session;
use crate::stop;

/// How long the feeds of a cycle may take, all together.
pub(crate) const OF_A_CYCLE: Duration = Duration::from_secs(30);
/// How long they may take where an administrator asked for nothing else.
pub const BY_HAND: Duration = Duration::from_secs(900);
/// The most mitigations that one phrase names.
const MAX_NAMED: usize = 5;
/// How often it is looked whether the process is asked to stop.
const TICK: Duration = Duration::from_millis(100);

/// What came of fetching a feed.
pub struct Outcome {
    /// The feed.
    pub name: FeedName,
    /// What was new, or why it was refused or not reached.
    pub result: Result<Refreshed, Failure>,
    /// Whether the fetch before failed for the same reason.
    pub known: bool,
    /// Whether it has an address. If not, nothing was tried.
    pub fetched: bool,
}

/// Feeds that are being fetched.
pub struct Fetching {
    news: Receiver<News>,
    until: Instant,
    within: Duration,
}

/// What the threads report.
enum News {
    /// These are being fetched.
    Begun(Vec<Feed>),
    /// One was fetched, or refused.
    Done(Outcome),
    /// None can be fetched.
    Not(FeedsError),
}

/// What all threads work with. The lock is held until the last of them ends.
struct Shared {
    feeds: Feeds,
    network: Network,
    _lock: Lock,
}

impl Fetching {
    /// Begins to fetch `feeds`, all of them `within` this time. Another process that fetches is waited
    /// for as long as the session waits.
    ///
    /// # Errors
    /// The state folder of the feeds cannot be opened once more.
    pub fn begin(
        session: &Session,
        feeds: Vec<Feed>,
        within: Duration,
    ) -> Result<Self, AgentError> {
        let until = Instant::now() + within;
        let network = Network { until: Some(until), ..network(session) };
        let (own, holder) = (session.feeds.again()?, session.setup().holder());
        let wait = session.setup().wait.min(within);
        let (report, news) = channel();
        thread::spawn(move || {
            let lock = own.lock(&holder, wait, &mut waiting);
            if let Err(error) = lock.and_then(|lock| fetch_all(own, lock, network, feeds, &report))
            {
                let _ = report.send(News::Not(error));
            }
        });
        Ok(Self { news, until, within })
    }

    /// Waits for the feeds, until the time is over or the process is asked to stop. What has not come
    /// then is reported as failed.
    ///
    /// # Errors
    /// Another process fetches and does not end, or the state folder cannot be read.
    pub fn finish(self, session: &Session) -> Result<Vec<Outcome>, AgentError> {
        let mut missing: Vec<Feed> = Vec::new();
        let mut outcomes = Vec::new();
        loop {
            let left = self.until.saturating_duration_since(Instant::now());
            match self.news.recv_timeout(left.min(TICK)) {
                Ok(News::Begun(feeds)) => missing = feeds,
                Ok(News::Done(outcome)) => {
                    missing.retain(|feed| feed.name != outcome.name);
                    outcomes.push(outcome);
                }
                Ok(News::Not(error)) => return Err(error.into()),
                // All threads have ended.
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) if left.is_zero() => break,
                Err(RecvTimeoutError::Timeout) if stop::is_requested() => break,
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
        for feed in missing {
            let before = failure_before(&session.feeds, &feed);
            let failure = session.feeds.too_late(&feed, self.within, Timestamp::now());
            outcomes.push(Outcome::of(feed, Err(failure), before));
        }
        outcomes.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(outcomes)
    }
}

impl Outcome {
    fn of(feed: Feed, result: Result<Refreshed, Failure>, before: Option<String>) -> Self {
        let why = result.as_ref().err().map(|failure| sentence(failure));
        let known = why.is_some() && why == before;
        Self { name: feed.name, result, known, fetched: feed.url.is_some() }
    }
}

/// Fetches each on a thread of its own.
fn fetch_all(
    own: Feeds,
    lock: Lock,
    network: Network,
    feeds: Vec<Feed>,
    report: &Sender<News>,
) -> Result<(), FeedsError> {
    // A feed that was removed or added anew while this waited is no longer the one it was.
    let mut there = Vec::new();
    for feed in feeds {
        there.extend(own.get(&feed.name)?);
    }
    let _ = report.send(News::Begun(there.clone()));
    let shared = Arc::new(Shared { feeds: own, network, _lock: lock });
    for feed in there {
        let (shared, report) = (Arc::clone(&shared), report.clone());
        thread::spawn(move || {
            let before = failure_before(&shared.feeds, &feed);
            let result = shared.feeds.refresh(&feed, &shared.network, Timestamp::now());
            // The lock first: whoever hears that all is done may fetch again.
            drop(shared);
            let _ = report.send(News::Done(Outcome::of(feed, result, before)));
        });
    }
    Ok(())
}

/// Returns why the last fetch failed, if it did.
fn failure_before(feeds: &Feeds, feed: &Feed) -> Option<String> {
    feeds.status(&feed.name).ok()?.failure
}

/// Returns how feeds are fetched, as the policy file says.
#[must_use]
pub fn network(session: &Session) -> Network {
    Network {
        proxy: session.settings.proxy.clone(),
        stop: Some(stop::flag()),
        ..Network::default()
    }
}

/// Takes the lock under which feeds are fetched.
///
/// # Errors
/// Another process fetches and does not end in time.
pub fn lock(session: &Session) -> Result<Lock, AgentError> {
    let setup = session.setup();
    Ok(session.feeds.lock(&setup.holder(), setup.wait, &mut waiting)?)
}

/// Writes that another process fetches, which is waited for.
fn waiting(who: &str) {
    log::waiting(who, "fetch the feeds");
}

/// Writes into the audit trail what was new, and each failure once.
pub fn record(session: &Session, outcomes: &[Outcome]) {
    for Outcome { name, result, known, .. } in outcomes {
        let (event, detail) = match result {
            Ok(refreshed) if !refreshed.is_empty() => {
                (Event::FeedChanged, format!("{name}: {}", changes(refreshed)))
            }
            // A feed that stays unreachable would fill the trail, every hour with the same line.
            Err(failure) if !known => {
                (Event::FeedRefused, format!("{name}: {}", sentence(failure)))
            }
            Ok(_) | Err(_) => continue,
        };
        session.record(event, "", &detail);
    }
}

/// Returns what is new in a feed, as a phrase.
#[must_use]
pub fn changes(refreshed: &Refreshed) -> String {
    let part = |what: &str, names: &[String]| {
        let shown: Vec<String> = names.iter().take(MAX_NAMED).map(|name| one_line(name)).collect();
        let more = if names.len() > shown.len() { ", …" } else { "" };
        (!names.is_empty()).then(|| format!("{} {what} ({}{more})", names.len(), shown.join(", ")))
    };
    let parts = [
        part("new", &refreshed.added),
        part("changed", &refreshed.changed),
        part("no longer offered", &refreshed.removed),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() { "nothing new".into() } else { parts.join(", ") }
}
