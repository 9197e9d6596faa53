//! What it costs to read and judge documents, and how much of it all feeds together may cause.
//!
//! The prices are upper bounds, measured with documents that are made to cost as much as they can
//! (`cargo xtask bench budget`). They are of the document alone and not of the machine, so that every
//! server takes the same documents.

use stopgap_model::rule::{Condition, Operator, Test};
use stopgap_model::{ActionKind, Mitigation, Request};
use stopgap_pattern::pattern_size;

/// All that the feeds may cause, in units of about a nanosecond: less than 2 s.
const ALL: u64 = 2_000_000_000;
/// To find and open a file.
const FILE: u64 = 20_000;
/// To read, digest and parse a byte of a document.
const BYTE: u64 = 40;
/// To compile a pattern at all: when it is checked, and when it is asked.
const PATTERN: u64 = 130_000;
/// And for each byte of it, with its repetitions written out.
const COMPILED: u64 = 2_500;
/// To look at a byte of a request once.
const LOOKED_AT: u64 = 4;
/// To ask a test at all.
const ASKED: u64 = 50;

/// What is left of what feeds may cause.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Work {
    /// For all feeds that come.
    all: u64,
    /// For the one that is read, out of that.
    share: u64,
}

impl Work {
    pub(crate) fn new() -> Self {
        Self { all: ALL, share: ALL }
    }

    /// What is left for all feeds that come.
    #[cfg(test)]
    pub(crate) fn all(self) -> u64 {
        self.all
    }

    /// The next feed is read; with it, so many are left. Each may use its part of what is left, so that
    /// one that takes all it gets takes nothing from the others, and one that takes little leaves more.
    pub(crate) fn next_feed(&mut self, left: usize) {
        self.share = self.all / u64::try_from(left.max(1)).unwrap_or(u64::MAX);
    }

    /// Spends this much; `false` if it is not there, and then nothing is.
    pub(crate) fn spend(&mut self, price: u64) -> bool {
        let pays = price <= self.share;
        if pays {
            self.share -= price;
            self.all -= price;
        } else {
            self.all -= self.share;
            self.share = 0;
        }
        pays
    }
}

/// To find, read and parse a document of so many bytes.
pub(crate) fn of_reading(bytes: u64) -> u64 {
    FILE.saturating_add(bytes.saturating_mul(BYTE))
}

/// To check a pattern, and to compile it once more.
pub(crate) fn of_pattern(source: &str) -> u64 {
    let size = pattern_size(source).saturating_add(source.len() as u64);
    size.saturating_mul(COMPILED).saturating_add(PATTERN)
}

/// To judge the probes of a mitigation.
pub(crate) fn of_judging(mitigation: &Mitigation) -> u64 {
    let mut price = 0_u64;
    for probe in &mitigation.probes {
        let size = size(&probe.request)
            + probe
                .response
                .iter()
                .flat_map(|it| &it.headers)
                .map(|(_, value)| value.len())
                .sum::<usize>();
        for action in &mitigation.actions {
            let when = match &action.kind {
                ActionKind::BlockRequest { rule, .. } => &rule.when,
                ActionKind::ResponseHeader { when, .. } => when,
                _ => continue,
            };
            price = price.saturating_add(of_condition(when, size as u64));
        }
    }
    price
}

fn size(request: &Request) -> usize {
    let headers = request.headers.iter().map(|(name, value)| name.len() + value.len());
    request.target.len() + request.body.len() + headers.sum::<usize>()
}

fn of_condition(condition: &Condition, size: u64) -> u64 {
    match condition {
        Condition::All(parts) | Condition::Any(parts) => {
            parts.iter().map(|part| of_condition(part, size)).fold(0, u64::saturating_add)
        }
        Condition::Not(part) => of_condition(part, size),
        Condition::Test(test) => of_test(test, size),
    }
}

fn of_test(test: &Test, size: u64) -> u64 {
    let decoded = 1 + test.decode.len() as u64;
    let compared = match &test.operator {
        // Every place is compared until a byte differs.
        Operator::Contains(text) => text.len() as u64,
        // As long as nothing is remembered of it, each byte costs the whole pattern.
        Operator::Matches(source) => pattern_size(source),
        Operator::Equals(_) | Operator::StartsWith(_) | Operator::EndsWith(_) => 1,
    };
    let looks = size.saturating_mul(decoded.saturating_add(compared));
    looks.saturating_mul(LOOKED_AT).saturating_add(ASKED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feed_that_takes_all_it_gets_leaves_the_others_their_parts() {
        let mut work = Work::new();
        let mut got = Vec::new();
        for left in (1..=4).rev() {
            work.next_feed(left);
            let mut spent = 0;
            // The second one needs next to nothing.
            let wants = if left == 3 { 1 } else { 2_000 };
            for _ in 0..wants {
                spent += if work.spend(ALL / 1_000) { ALL / 1_000 } else { 0 };
            }
            got.push(spent);
        }
        assert!(got.iter().sum::<u64>() <= ALL, "{got:?}");
        assert!(got[0] <= ALL / 4 && got[2] > ALL / 4 && got[3] > ALL / 4, "{got:?}");
    }
}
