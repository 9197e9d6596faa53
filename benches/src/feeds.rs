//! How long the verification of a feed takes.

use std::hint::black_box;
use std::time::Instant;

use jiff::Timestamp;
use stopgap_eocs::{Trust, verify};
use stopgap_testkit::feed::{BODY, Publisher};

use crate::report::{Report, Target, median};

const RUNS: usize = 101;

/// The time for a feed of one mitigation, and for one of 10,000.
pub(crate) fn measure(report: &mut Report) -> Result<(), String> {
    let publisher = Publisher::new();
    let trust = Trust::for_both(&[publisher.root_certificate()], &[]);
    let trust = trust.map_err(|fault| fault.to_string())?;
    let body: String = (0..10_000).map(|n| BODY.replace("M1", &format!("M{n}"))).collect();
    let one = of(publisher.feed(BODY).as_bytes(), &trust, RUNS)?;
    report.figure("an EOCS feed of one mitigation", one, "ms", Target::AtMost(5.0));
    let many = of(publisher.feed(&body).as_bytes(), &trust, 5)?;
    report.remark("an EOCS feed of 10,000 mitigations", many, "ms");
    Ok(())
}

/// Milliseconds for one verification.
fn of(feed: &[u8], trust: &Trust, runs: usize) -> Result<f64, String> {
    let now: Timestamp = "2025-07-01T00:00:00Z".parse().map_err(|_| "no time")?;
    let mut times = Vec::new();
    for _ in 0..runs {
        let start = Instant::now();
        let verified = verify(black_box(feed), trust, now);
        times.push(start.elapsed().as_secs_f64() * 1000.0);
        verified.outcome.map_err(|refusal| refusal.to_string())?;
    }
    Ok(median(times))
}
