//! A publisher of our own, for tests that forge its feeds.

use std::sync::OnceLock;

use stopgap_eocs::{CheckName, Refusal, Report, Trust, verify};
use stopgap_testkit::feed::{BODY, Publisher, Signing};

use super::{at, failed, sentence};

pub(crate) const NOW: &str = "2025-07-01T00:00:00Z";
pub(crate) const LATER: &str = "2030-01-01T00:00:00Z";

pub(crate) fn publisher() -> &'static Publisher {
    static PUBLISHER: OnceLock<Publisher> = OnceLock::new();
    PUBLISHER.get_or_init(Publisher::new)
}

pub(crate) fn trust() -> Trust {
    Trust::for_both(&[publisher().root_certificate()], &[]).expect("an anchor")
}

pub(crate) fn judge(document: &str) -> Report {
    verify(document.as_bytes(), &trust(), at(NOW))
}

pub(crate) fn signing() -> Signing {
    publisher().signing(BODY)
}

pub(crate) fn signed(signing: &Signing) -> Report {
    judge(&publisher().sign(signing))
}

/// A feed whose SignedInfo has `to` for `from`, and was signed so.
pub(crate) fn signed_with(from: &str, to: &str) -> Report {
    let replaced = vec![(from.to_owned(), to.to_owned())];
    signed(&Signing { signed_info: replaced, ..signing() })
}

#[track_caller]
pub(crate) fn refused(report: &Report, refusal: &Refusal) {
    assert_eq!(report.outcome.as_ref().err(), Some(refusal), "{}", sentence(report));
}

#[track_caller]
pub(crate) fn refused_by(report: &Report, check: CheckName) {
    assert_eq!(failed(report).first(), Some(&check), "{}", sentence(report));
}

/// A linear congruential generator (Knuth's MMIX): a failure comes again.
pub(crate) fn random(state: &mut u64) -> usize {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    usize::try_from(*state >> 33).expect("31 bits")
}
