//! The order of feeds. The format has no expiry and no sequence number, so by itself it cannot
//! prove that it is fresh: what was seen is remembered, and going back is refused.

use jiff::Timestamp;

use crate::content::{FeedVersion, Verified};

/// The furthest that a feed has ever been.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// The highest version.
    pub version: Option<FeedVersion>,
    /// The newest stamped time.
    pub gen_time: Option<Timestamp>,
}

/// A feed is older than one that was seen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WentBack {
    /// A lower version.
    #[error("the feed's version {offered} is lower than {seen}, which was seen before")]
    Version {
        /// What is offered.
        offered: FeedVersion,
        /// What was seen.
        seen: FeedVersion,
    },
    /// An earlier stamp.
    #[error("the feed was stamped at {offered}, earlier than {seen}, which was seen before")]
    Stamp {
        /// What is offered.
        offered: Timestamp,
        /// What was seen.
        seen: Timestamp,
    },
    /// No stamp, after stamped ones.
    #[error("the feed has no time stamp; one of {seen} was seen before")]
    Unstamped {
        /// What was seen.
        seen: Timestamp,
    },
}

/// Whether `feed` may follow what was `seen`; if so, what is seen from now on.
///
/// The same version and the same stamp may come again.
///
/// # Errors
/// The feed is older than one that was seen.
pub fn admits(seen: &Seen, feed: &Verified) -> Result<Seen, WentBack> {
    if let Some(highest) = seen.version.as_ref().filter(|highest| feed.version() < *highest) {
        return Err(WentBack::Version { offered: feed.version().clone(), seen: highest.clone() });
    }
    match (feed.gen_time(), seen.gen_time) {
        (None, Some(newest)) => return Err(WentBack::Unstamped { seen: newest }),
        (Some(offered), Some(newest)) if offered < newest => {
            return Err(WentBack::Stamp { offered, seen: newest });
        }
        _ => {}
    }
    Ok(Seen { version: Some(feed.version().clone()), gen_time: feed.gen_time() })
}
