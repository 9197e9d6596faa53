//! How long changes took.

use std::time::{Duration, Instant};

use stopgap_model::ServerId;

/// How long a change of a web server took, from the decision until it was verified or rolled back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timing {
    /// The server.
    pub server: ServerId,
    /// All of it.
    pub total: Duration,
    /// The part of it until the server had taken the rules; `None` where it did not, where they were rolled
    /// back, or where it does not run.
    pub enforced: Option<Duration>,
    /// The part in which the server was waited for: its own test, its reload, its answers.
    pub waiting: Duration,
}

/// Measures a change that begins now.
pub(crate) struct Stopwatch {
    begun: Instant,
    enforced: Option<Duration>,
    waiting: Duration,
}

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self { begun: Instant::now(), enforced: None, waiting: Duration::ZERO }
    }

    /// Does something that waits for the target.
    pub(crate) fn waiting<T>(&mut self, wait: impl FnOnce() -> T) -> T {
        let begun = Instant::now();
        let done = wait();
        self.waiting += begun.elapsed();
        done
    }

    /// Notes that the target uses the change now.
    pub(crate) fn note_enforced(&mut self) {
        self.enforced = Some(self.begun.elapsed());
    }

    /// Returns the timing of a change that ends now. One that was rolled back was not enforced.
    pub(crate) fn stop(self, server: ServerId, is_committed: bool) -> Timing {
        let Self { begun, enforced, waiting } = self;
        let enforced = enforced.filter(|_| is_committed);
        Timing { server, total: begun.elapsed(), enforced, waiting }
    }
}
