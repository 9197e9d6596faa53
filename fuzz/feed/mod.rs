//! A feed that was signed once, by keys that were thrown away: `signed.xml` with the trust anchor
//! `root.der`, made by testkit's publisher. Nothing else was ever signed for this anchor, so
//! whatever verifies says what it says.

use std::sync::OnceLock;

use jiff::Timestamp;
use stopgap_eocs::{MAX_BYTES, Seen, Trust, Verified, admits, verify};

pub const SIGNED: &str = include_str!("signed.xml");
const ROOT: &[u8] = include_bytes!("root.der");

/// No check says more than this, in bytes.
const MAX_SAID: usize = 700;

fn trust() -> &'static Trust {
    static TRUST: OnceLock<Trust> = OnceLock::new();
    TRUST.get_or_init(|| Trust::for_both(&[ROOT.to_vec()], &[]).expect("an anchor"))
}

fn now() -> Timestamp {
    "2030-01-01T00:00:00Z".parse().expect("a time")
}

fn genuine() -> &'static Verified {
    static GENUINE: OnceLock<Verified> = OnceLock::new();
    GENUINE.get_or_init(|| verify(SIGNED.as_bytes(), trust(), now()).outcome.expect("it verifies"))
}

/// Verifies a document: it is refused in words that do a terminal no harm, or it says what was
/// signed.
pub fn judge(document: &[u8]) {
    assert!(document.len() <= MAX_BYTES);
    let report = verify(document, trust(), now());
    for check in &report.checks {
        let said = match &check.outcome {
            Ok(detail) => detail.clone(),
            Err(refusal) => refusal.to_string(),
        };
        assert!(!said.contains(char::is_control), "{said:?}");
        assert!(said.len() < MAX_SAID, "{} bytes", said.len());
    }
    let failed = report.checks.iter().any(|check| check.outcome.is_err());
    assert_eq!(failed, report.outcome.is_err());
    if let Ok(feed) = report.outcome {
        assert_eq!((feed.version(), feed.configs()), (genuine().version(), genuine().configs()));
        // A stamp may be taken away; another time cannot be put in its place.
        let stamped = feed.gen_time();
        assert!(stamped.is_none() || stamped == genuine().gen_time(), "{stamped:?}");
        assert!(admits(&Seen::default(), &feed).is_ok());
    }
}
