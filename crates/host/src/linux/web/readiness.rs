//! Waiting for a server to be ready.

use std::time::Duration;

/// How long a server may take until its new processes answer, or until it is up. nginx with a
/// thousand sites takes less than a second.
pub(crate) const SETTLE_TIME: Duration = Duration::from_secs(10);
/// Between two looks at the processes. Each reads some hundred small files.
pub(crate) const POLL_INTERVAL: Duration = Duration::from_millis(20);
/// Whether a server is up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Readiness {
    /// Nothing of it listens.
    No,
    /// One process listens, and may not be ready.
    Alone,
    /// It is.
    Yes,
}
