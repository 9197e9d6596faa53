//! `publisher.toml`: how long metadata holds. Keys and thresholds are said by the root metadata
//! and nowhere else.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use stopgap_sign::Role;

/// The content of `publisher.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// What the feed is called, for people.
    #[serde(default)]
    pub(crate) name: String,
    /// How long each role's metadata holds.
    #[serde(default)]
    pub(crate) days: Days,
}

/// How long each role's metadata holds, in days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Days {
    root: u16,
    targets: u16,
    snapshot: u16,
    timestamp: u16,
}

impl Default for Days {
    /// `docs/feed.md` says why.
    fn default() -> Self {
        Self { root: 365, targets: 90, snapshot: 7, timestamp: 2 }
    }
}

/// The earliest warning before metadata that people must sign expires, in days.
const MAX_NOTICE: u16 = 30;

impl Days {
    fn of(self, role: Role) -> u16 {
        match role {
            Role::Root => self.root,
            Role::Targets => self.targets,
            Role::Snapshot => self.snapshot,
            Role::Timestamp => self.timestamp,
        }
    }

    /// When metadata that is made at `now` expires.
    pub(crate) fn expiry(self, role: Role, now: Timestamp) -> Timestamp {
        // At least a day: a 0 would publish what is expired already.
        let days = i64::from(self.of(role).max(1));
        now.saturating_add(SignedDuration::from_hours(24 * days)).unwrap_or(Timestamp::MAX)
    }

    /// Whether what expires at `expires` should be made anew soon: a quarter of its time is left.
    pub(crate) fn is_near(self, role: Role, expires: Timestamp, now: Timestamp) -> bool {
        let notice = (24 * i64::from(self.of(role)) / 4).min(24 * i64::from(MAX_NOTICE));
        expires.duration_since(now) < SignedDuration::from_hours(notice)
    }

    /// Whether more than half of its time is left, so that it need not be made anew.
    pub(crate) fn is_fresh(self, role: Role, expires: Timestamp, now: Timestamp) -> bool {
        expires.duration_since(now) > SignedDuration::from_hours(12 * i64::from(self.of(role)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_yearly_root_is_told_a_month_before_and_a_timestamp_half_a_day() {
        let days = Days::default();
        let now = Timestamp::UNIX_EPOCH;
        let hours = |hours| now + SignedDuration::from_hours(hours);
        assert_eq!(days.expiry(Role::Timestamp, now), hours(48));
        assert!(!days.is_near(Role::Root, hours(24 * 30), now));
        assert!(days.is_near(Role::Root, hours(24 * 30 - 1), now));
        assert!(!days.is_near(Role::Timestamp, hours(12), now));
        assert!(days.is_near(Role::Timestamp, hours(11), now));
        assert!(days.is_near(Role::Timestamp, now - SignedDuration::from_hours(1), now));
        assert!(days.is_fresh(Role::Snapshot, hours(85), now));
        assert!(!days.is_fresh(Role::Snapshot, hours(84), now));
    }
}
