//! The ways in which a clause can hold: each a list of conditions that all hold.
//!
//! A line of HAProxy has such a list, and no other server needs one. How many lines and conditions there
//! may be is said here, because a rule that has more is refused when it is translated.

use stopgap_model::reason::RuleReason;
use stopgap_model::web::WebKind;

use super::clause::{Clause, Match};

/// HAProxy reads no more words in a line (`MAX_LINE_ARGS` in its `defaults.h`).
const MAX_WORDS: usize = 64;
/// The words of a line around its conditions, at most, and those of a condition.
const WORDS_AROUND: usize = 8;
const WORDS_OF_CONDITION: usize = 7;
/// The conditions of a line, at most.
const MAX_CONDITIONS: usize = (MAX_WORDS - WORDS_AROUND) / WORDS_OF_CONDITION;
/// The ways of a rule, at most, each of which is a line: more than any rule of the field needs.
const MAX_WAYS: usize = 64;

/// A list of conditions that all hold, each a pattern that is found or is not.
pub(crate) type Way<'a> = Vec<(&'a Match, bool)>;

/// Whether HAProxy has room for `clause`.
pub(super) fn check(clause: &Clause) -> Result<(), RuleReason> {
    let ways = ways(clause).ok_or(RuleReason::TooManyWays { most: MAX_WAYS })?;
    if ways.iter().any(|way| way.len() > MAX_CONDITIONS) {
        return Err(RuleReason::LineTooLong { server: WebKind::HaProxy, most: MAX_CONDITIONS });
    }
    Ok(())
}

/// The ways in which `clause` can hold: it holds where one of them does. `None`: too many.
pub(crate) fn ways(clause: &Clause) -> Option<Vec<Way<'_>>> {
    match clause {
        Clause::Match(found) => Some(vec![vec![(found, true)]]),
        Clause::Not(found) => Some(vec![vec![(found, false)]]),
        Clause::Any(members) => {
            let mut all = Vec::new();
            for member in members {
                all.extend(ways(member)?);
                within(&all)?;
            }
            Some(all)
        }
        Clause::All(members) => {
            let mut all = vec![Vec::new()];
            for member in members {
                let member = ways(member)?;
                let pairs = all.iter().flat_map(|left: &Way<'_>| {
                    member.iter().map(move |right| [left.as_slice(), right.as_slice()].concat())
                });
                // One more than there may be is enough to see that they are too many.
                all = pairs.take(MAX_WAYS + 1).collect();
                within(&all)?;
            }
            Some(all)
        }
    }
}

fn within(ways: &[Way<'_>]) -> Option<()> {
    (ways.len() <= MAX_WAYS).then_some(())
}
