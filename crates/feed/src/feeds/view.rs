//! What was taken of a feed last, verified again.

use jiff::Timestamp;
use stopgap_eocs::Verified;
use stopgap_model::problem::sentence;

use super::{Feed, Feeds, Format};
use crate::failure::{Failure, FeedsError};
use crate::status::{Expiry, FetchStatus, Trouble, grace};
use crate::tuf::Loaded;

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
    pub status: FetchStatus,
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

impl Feeds {
    /// The feed as it stands at `now`, from what was taken last. Never asks the network.
    ///
    /// # Errors
    /// The state folder cannot be read. What is remembered and torn, or was taken and does not verify
    /// any more, is no error but trouble of this feed.
    pub fn view(&self, feed: Feed, now: Timestamp) -> Result<View<'_>, FeedsError> {
        let status = self.readable_status(&feed.name)?;
        let mut notes: Vec<String> = status.in_the_future(now).into_iter().collect();
        if feed.format == Format::Eocs {
            notes.extend(self.eocs(&feed).notes(now));
        }
        let kept_policy = match feed.format {
            Format::Tuf => self.tuf(&feed).ok().and_then(|tuf| tuf.kept_policy()),
            Format::Eocs => None,
        };
        let (expiry, trouble, content) = (None, None, Content::Nothing);
        let mut view = View { feed, status, expiry, trouble, content, kept_policy, notes };
        // What was taken is verified as of the last success. Whether it has expired since is asked
        // below, and is no reason to forget it.
        let judged_at = view.status.succeeded.unwrap_or(view.feed.added_at);
        let loaded = match self.load(&view.feed, &view.status, judged_at) {
            Err(_) if view.status.succeeded.is_none() => Ok(Content::Nothing),
            loaded => loaded,
        };
        match loaded {
            Ok(content) => {
                view.trouble = view.status.trouble(None, now);
                if let Content::Tuf(loaded) = &content {
                    let (role, at) = loaded.expires();
                    view.expiry = Some(Expiry { role, at });
                    view.trouble = view.status.trouble(view.expiry.as_ref(), now);
                    if loaded.is_superseded() {
                        let why =
                            "its keys were changed, and nothing came yet that the new ones sign";
                        let since = view.status.succeeded;
                        let changed = Trouble { why: why.into(), since };
                        view.trouble.get_or_insert(changed);
                    }
                }
                view.content = content;
            }
            Err(failure) => {
                let why = format!("what was taken of it cannot be used: {}", sentence(&failure));
                view.trouble = Some(Trouble { why, since: view.status.succeeded });
            }
        }
        Ok(view)
    }

    fn load(
        &self,
        feed: &Feed,
        status: &FetchStatus,
        at: Timestamp,
    ) -> Result<Content<'_>, Failure> {
        match feed.format {
            Format::Tuf => {
                let grace = grace(status.stale_days);
                let judged_at = at.checked_sub(grace).unwrap_or(Timestamp::MIN);
                Ok(Content::Tuf(Box::new(self.tuf(feed)?.load(judged_at)?)))
            }
            Format::Eocs => {
                let feed = self.eocs(feed).load(at)?;
                Ok(feed.map_or(Content::Nothing, |feed| Content::Eocs(Box::new(feed))))
            }
        }
    }
}
