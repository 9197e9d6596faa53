//! How long what failed rests.

use std::time::Duration;

use jiff::Timestamp;
use stopgap_plan::Rest;

use crate::change::FailedAttempt;

/// How long what may have been the moment's fault rests after it failed once. It is less than the time
/// between two checks of the service, so the first of them tries again.
const FIRST_REST: Duration = Duration::from_secs(30 * 60);
/// The longest that it rests: each try may cost the server a reload.
const LONGEST_REST: Duration = Duration::from_secs(24 * 60 * 60);

/// The rest after a try of `at` that failed, where `before` is that after the try before it.
pub(crate) fn rest(failed: &FailedAttempt, at: Timestamp, before: Option<&Rest>) -> Rest {
    let before = before.filter(|before| before.tried == failed.with);
    let tries = before.map_or(0, |before| before.tries).saturating_add(1);
    let again = at.checked_add(time(tries)).ok().filter(|_| !failed.lasting);
    Rest {
        tried: failed.with,
        tries,
        since: text(at),
        again: again.map(|again| (again.as_second(), text(again))),
    }
}

/// How long what was tried so often in a row rests: each time twice as long as before.
fn time(tries: u32) -> Duration {
    let doubled = 2u32.checked_pow(tries.saturating_sub(1));
    doubled
        .and_then(|times| FIRST_REST.checked_mul(times))
        .map_or(LONGEST_REST, |time| time.min(LONGEST_REST))
}

fn text(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

#[cfg(test)]
mod tests {
    use stopgap_model::Digest;

    use super::*;

    fn failed(with: &str, lasting: bool) -> FailedAttempt {
        FailedAttempt { with: Digest::of(with.as_bytes()), lasting }
    }

    #[test]
    fn each_rest_is_twice_as_long_as_the_one_before_up_to_a_day() {
        let hours = |tries| time(tries).as_secs() as f64 / 3600.0;
        assert_eq!(
            [1, 2, 3, 6, 7, 40, u32::MAX].map(hours),
            [0.5, 1.0, 2.0, 16.0, 24.0, 24.0, 24.0]
        );
    }

    #[test]
    fn what_is_tried_with_something_else_is_tried_for_the_first_time() {
        let at: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        let first = rest(&failed("a", false), at, None);
        let second = rest(&failed("a", false), at, Some(&first));
        assert_eq!((first.tries, second.tries), (1, 2));
        assert_eq!(second.again.as_ref().unwrap().1, "2026-01-02 04:04 UTC");
        assert_eq!(rest(&failed("b", false), at, Some(&second)).tries, 1);
        let lasting = rest(&failed("a", true), at, None);
        assert_eq!((lasting.again, lasting.since.as_str()), (None, "2026-01-02 03:04 UTC"));
    }
}
