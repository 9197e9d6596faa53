//! The status of a feed: when it was fetched last, what went wrong since, and what follows from that.

use jiff::{Span, Timestamp};

/// How old trouble is before it is a warning, and before it is a loud one, in hours.
const WARNING_HOURS: i64 = 24;
const LOUD_HOURS: i64 = 7 * 24;
/// For how many days at most something expired is taken: as many as `--accept-stale` allows.
const MAX_STALE_DAYS: u32 = 366;

/// What is remembered of the attempts to fetch a feed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FetchStatus {
    /// The last attempt.
    pub tried: Option<Timestamp>,
    /// The last attempt that succeeded. Everything that is taken from the feed was judged at this time.
    pub succeeded: Option<Timestamp>,
    /// Why the last attempt failed, if it did: a sentence without a full stop.
    pub failure: Option<String>,
    /// For how many days after its expiry the administrator takes what was carried in by hand.
    pub stale_days: u32,
    /// Whether it had the organisation's policy then. If what was taken is lost, that is not.
    pub has_policy: bool,
}

/// The role of a feed that expires first, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expiry {
    /// The role, such as `timestamp`.
    pub role: String,
    /// When its metadata expires.
    pub at: Timestamp,
}

/// How loud trouble is told: it grows with its age.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Since less than a day.
    Note,
    /// Since a day.
    Warning,
    /// Since a week.
    Alarm,
}

impl Level {
    /// The word used in output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Alarm => "WARNING",
        }
    }
}

/// Why nothing new is applied from a feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// Why: a sentence without a full stop.
    pub why: String,
    /// Since when the feed gave nothing new: its last success, or its expiry, whichever is later;
    /// `None` if there was none.
    pub since: Option<Timestamp>,
}

impl FetchStatus {
    /// A try that succeeded.
    #[must_use]
    pub fn success(now: Timestamp, stale_days: u32, has_policy: bool) -> Self {
        Self { tried: Some(now), succeeded: Some(now), failure: None, stale_days, has_policy }
    }

    /// A try that failed, after what was before.
    #[must_use]
    pub fn failed(&self, now: Timestamp, failure: String) -> Self {
        Self { tried: Some(now), failure: Some(failure), ..self.clone() }
    }

    /// That it was fetched at a time that is not here yet, if so: a sentence without a full stop. What
    /// has expired cannot be told by a clock that was set back.
    #[must_use]
    pub fn in_the_future(&self, now: Timestamp) -> Option<String> {
        let fetched = self.succeeded.filter(|fetched| *fetched > now)?;
        let time = |time: Timestamp| time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string();
        Some(format!(
            "it was fetched on {}, and the clock says {}: one of the two is wrong; see whether the \
             clock was set back, and fetch it again",
            time(fetched),
            time(now)
        ))
    }

    /// What keeps new things of the feed from being applied at `now`.
    #[must_use]
    pub fn trouble(&self, expiry: Option<&Expiry>, now: Timestamp) -> Option<Trouble> {
        let since = self.succeeded;
        if let Some(why) = &self.failure {
            return Some(Trouble { why: why.clone(), since });
        }
        if since.is_none() {
            return Some(Trouble { why: "it was never fetched".into(), since });
        }
        let expiry = expiry?;
        let end = expiry.at.checked_add(grace(self.stale_days)).unwrap_or(Timestamp::MAX);
        (now >= end).then(|| {
            let Expiry { role, at } = expiry;
            let day = at.strftime("%Y-%m-%d %H:%M UTC");
            Trouble { why: format!("its {role} metadata expired on {day}"), since: Some(end) }
        })
    }
}

/// The time for which something expired is taken.
pub(crate) fn grace(stale_days: u32) -> Span {
    Span::new().hours(24 * i64::from(stale_days.min(MAX_STALE_DAYS)))
}

impl Trouble {
    /// How loud it is told at `now`.
    #[must_use]
    pub fn level(&self, now: Timestamp) -> Level {
        match self.hours(now) {
            None | Some(..WARNING_HOURS) => Level::Note,
            Some(WARNING_HOURS..LOUD_HOURS) => Level::Warning,
            Some(_) => Level::Alarm,
        }
    }

    /// For how long there was nothing new, in words such as `for 3 days`.
    #[must_use]
    pub fn age(&self, now: Timestamp) -> String {
        match self.hours(now) {
            None => "so far".into(),
            Some(..1) => "for less than an hour".into(),
            Some(hours @ 1..48) => format!("for {hours} h"),
            Some(hours) => format!("for {} days", hours / 24),
        }
    }

    fn hours(&self, now: Timestamp) -> Option<i64> {
        Some((now.as_second() - self.since?.as_second()).max(0) / 3600)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_warning_grows_with_age() {
        let status = FetchStatus::success(at("2026-11-01T00:00:00Z"), 0, false)
            .failed(at("2026-11-01T05:00:00Z"), "no answer".into());
        let told = |now: &str| {
            let trouble = status.trouble(None, at(now)).unwrap();
            (trouble.level(at(now)), trouble.age(at(now)))
        };
        assert_eq!(told("2026-11-01T05:00:00Z"), (Level::Note, "for 5 h".into()));
        assert_eq!(told("2026-11-02T12:00:00Z"), (Level::Warning, "for 36 h".into()));
        assert_eq!(told("2026-11-13T00:00:00Z"), (Level::Alarm, "for 12 days".into()));
    }

    #[test]
    fn what_was_taken_stale_is_good_for_so_many_days_and_no_longer() {
        let expiry = Expiry { role: "timestamp".into(), at: at("2026-11-01T00:00:00Z") };
        let trouble = |days, now: &str| {
            FetchStatus::success(at("2026-10-31T00:00:00Z"), days, false)
                .trouble(Some(&expiry), at(now))
        };
        assert!(trouble(0, "2026-10-31T23:59:59Z").is_none());
        assert!(trouble(0, "2026-11-01T00:00:00Z").is_some());
        assert!(trouble(3, "2026-11-03T23:00:00Z").is_none());
        let why = trouble(3, "2026-11-04T00:00:00Z").unwrap().why;
        assert_eq!(why, "its timestamp metadata expired on 2026-11-01 00:00 UTC");
    }

    #[test]
    fn a_clock_that_was_set_back_is_told() {
        let status = FetchStatus::success(at("2026-11-02T00:00:00Z"), 0, false);
        assert_eq!(status.in_the_future(at("2026-11-02T00:00:00Z")), None);
        let told = status.in_the_future(at("2026-11-01T00:00:00Z")).unwrap();
        assert!(told.contains("2026-11-02") && told.contains("set back"), "{told}");
        assert_eq!(FetchStatus::default().in_the_future(Timestamp::MIN), None);
    }

    #[test]
    fn a_feed_that_was_never_fetched_gives_nothing() {
        assert!(FetchStatus::default().trouble(None, at("2026-11-01T00:00:00Z")).is_some());
    }
}
