//! Feeds that are fetched side by side, each on a thread of its own, while something else is done.
//!
//! A place may hang for ever, such as a folder of a server that is gone. So nobody waits for a thread:
//! what did not come in time is told, and what comes later is there the next time.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use stopgap_feed::tuf::Refreshed;
use stopgap_feed::{Failure, Feed, FeedName, Feeds, FeedsError, Network};
use stopgap_fs::Lock;
use stopgap_model::problem::sentence;

use crate::error::CliError;
use crate::session::{STOP, Session};

/// How long all feeds of a cycle are fetched.
pub(crate) const OF_A_CYCLE: Duration = Duration::from_secs(30);
/// How long they are where a person asked for nothing else.
pub(crate) const BY_HAND: Duration = Duration::from_secs(900);
/// How often it is looked whether the program is to end.
const TICK: Duration = Duration::from_millis(100);

/// What came of the try to fetch a feed.
pub(crate) struct Outcome {
    pub(crate) name: FeedName,
    pub(crate) result: Result<Refreshed, Failure>,
    /// Whether it was in trouble before for the same reason.
    pub(crate) known: bool,
    /// Whether it has an address. If not, nothing was tried.
    pub(crate) fetched: bool,
}

/// Feeds that are being fetched.
pub(crate) struct Fetching {
    news: Receiver<News>,
    until: Instant,
    within: Duration,
}

/// What the threads tell.
enum News {
    /// These are being fetched.
    Begun(Vec<Feed>),
    /// One was, or was refused.
    Done(Outcome),
    /// None is.
    Not(FeedsError),
}

/// What the threads work with. The lock is held until the last of them ends.
struct Room {
    feeds: Feeds,
    network: Network,
    _lock: Lock,
}

impl Fetching {
    /// Begins to fetch `feeds` for `command`; all of them end `within` this time. Another process that
    /// fetches is waited for, for at most `wait`.
    pub(crate) fn begin(
        session: &Session,
        feeds: Vec<Feed>,
        command: &str,
        wait: Duration,
        within: Duration,
    ) -> Result<Self, CliError> {
        let until = Instant::now() + within;
        let network = Network { until: Some(until), ..network(session) };
        let (own, holder) = (session.feeds.again()?, holder(command));
        let (tell, news) = channel();
        thread::spawn(move || {
            let lock = own.lock(&holder, wait.min(within), &mut waiting);
            if let Err(error) = lock.and_then(|lock| fetch_all(own, lock, network, feeds, &tell)) {
                let _ = tell.send(News::Not(error));
            }
        });
        Ok(Self { news, until, within })
    }

    /// Waits for what comes, until the time is over or the program is to end.
    pub(crate) fn finish(self, session: &Session) -> Result<Vec<Outcome>, CliError> {
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
                Err(RecvTimeoutError::Timeout) if STOP.load(Ordering::Relaxed) => break,
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
    tell: &Sender<News>,
) -> Result<(), FeedsError> {
    // What was removed or added anew while this waited is not what it was.
    let mut there = Vec::new();
    for feed in feeds {
        there.extend(own.get(&feed.name)?);
    }
    let _ = tell.send(News::Begun(there.clone()));
    let room = Arc::new(Room { feeds: own, network, _lock: lock });
    for feed in there {
        let (room, tell) = (Arc::clone(&room), tell.clone());
        thread::spawn(move || {
            let before = failure_before(&room.feeds, &feed);
            let result = room.feeds.refresh(&feed, &room.network, Timestamp::now());
            // The lock first: whoever is told that all is done may fetch again.
            drop(room);
            let _ = tell.send(News::Done(Outcome::of(feed, result, before)));
        });
    }
    Ok(())
}

/// Why the last try failed, if it did.
fn failure_before(feeds: &Feeds, feed: &Feed) -> Option<String> {
    feeds.standing(&feed.name).ok()?.failure
}

/// How feeds are fetched, as the policy file says.
pub(crate) fn network(session: &Session) -> Network {
    Network { proxy: session.settings.proxy.clone(), stop: Some(&STOP), ..Network::default() }
}

/// Who fetches, for others that wait.
pub(crate) fn holder(command: &str) -> String {
    format!("stopgap {command} (process {})", std::process::id())
}

/// Says on standard error who is waited for.
pub(crate) fn waiting(who: &str) {
    eprintln!("waiting for {who} to fetch the feeds …");
}
