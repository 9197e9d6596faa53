//! Fetching a feed, and writing down how that went.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use stopgap_model::problem::sentence;

use super::{Feed, Feeds, Format, address};
use crate::failure::{Failure, FeedsError};
use crate::open::open_transport;
use crate::status::{FetchStatus, grace};
use crate::transport::{ConnectStep, Network, Transport, TransportError};
use crate::tuf::{Cost, Refreshed};

impl Feeds {
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
        let outcome = open_transport(&url, network)
            .map_err(Failure::from)
            .and_then(|transport| self.take(feed, transport, &path, now));
        self.keep(feed, outcome, now, 0)
    }

    /// Writes down that `feed` did not come `within` the time for all feeds; answers the failure.
    pub fn too_late(&self, feed: &Feed, within: Duration, now: Timestamp) -> Failure {
        let why = format!("not done within {} s", within.as_secs());
        let late = || Failure::Transport(TransportError::new(ConnectStep::Time, &why));
        self.keep(feed, Err(late()), now, 0).err().unwrap_or_else(late)
    }

    /// Takes `feed` from a bundle, which may have expired up to `stale_days` ago.
    ///
    /// # Errors
    /// It was not taken. What was taken before stays as it was.
    pub fn import(
        &self,
        feed: &Feed,
        bundle: Arc<dyn Transport>,
        stale_days: u32,
        now: Timestamp,
    ) -> Result<Refreshed, Failure> {
        let judged_at = now.checked_sub(grace(stale_days)).unwrap_or(Timestamp::MIN);
        let refreshed = self.take(feed, bundle, "", judged_at)?;
        self.keep(feed, Ok(refreshed), now, stale_days)
    }

    /// Looks whether `feed` could be taken from its transport, and changes nothing.
    ///
    /// # Errors
    /// It could not.
    pub fn probe(&self, feed: &Feed, network: &Network, now: Timestamp) -> Result<(), Failure> {
        let Some(url) = &feed.url else { return Ok(()) };
        let (url, path) = address(feed.format, url);
        let transport = open_transport(&url, network)?;
        match feed.format {
            Format::Tuf => Ok(self.tuf(feed)?.probe(transport, now)?),
            Format::Eocs => Ok(self.eocs(feed).probe(transport.as_ref(), &path, now)?),
        }
    }

    fn take(
        &self,
        feed: &Feed,
        transport: Arc<dyn Transport>,
        path: &str,
        now: Timestamp,
    ) -> Result<Refreshed, Failure> {
        self.refuse_newer(feed)?;
        match feed.format {
            Format::Tuf => Ok(self.tuf(feed)?.refresh(transport, now)?),
            Format::Eocs => {
                let (changed, bytes) = self.eocs(feed).refresh(transport.as_ref(), path, now)?;
                let changed = if changed { vec!["feed.xml".to_owned()] } else { Vec::new() };
                let cost = Cost { requests: 1, bytes };
                Ok(Refreshed { changed, cost, ..Refreshed::default() })
            }
        }
    }

    /// Refuses a feed of which a newer program wrote down when it was fetched: what this one would take or
    /// write, that one might not understand.
    fn refuse_newer(&self, feed: &Feed) -> Result<(), Failure> {
        match self.status(&feed.name) {
            Err(newer @ FeedsError::Newer { .. }) => Err(Failure::NewerStatus(Box::new(newer))),
            _ => Ok(()),
        }
    }

    fn keep(
        &self,
        feed: &Feed,
        outcome: Result<Refreshed, Failure>,
        now: Timestamp,
        stale_days: u32,
    ) -> Result<Refreshed, Failure> {
        self.refuse_newer(feed)?;
        let not_kept = |error| Failure::NotKept(Box::new(error));
        let status = match &outcome {
            Ok(refreshed) => FetchStatus::success(now, stale_days, refreshed.has_policy),
            Err(failure) => {
                let before = self.readable_status(&feed.name).map_err(not_kept)?;
                before.failed(now, sentence(failure))
            }
        };
        let kept = self.save_status(&feed.name, &status);
        // That it was not taken weighs more than that this could not be written down.
        outcome.and_then(|refreshed| kept.map(|()| refreshed).map_err(not_kept))
    }
}
