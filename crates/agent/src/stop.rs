//! Whether the process was asked to stop, and whether it is at something that must not be cut short.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Set when the process is asked to stop.
static STOP: AtomicBool = AtomicBool::new(false);
/// Whether a cycle is under way.
static WORKING: AtomicBool = AtomicBool::new(false);
/// How many cycles have ended.
static FINISHED: AtomicUsize = AtomicUsize::new(0);

/// Asks the process to stop: a cycle that is under way ends before its next step.
pub fn request() {
    STOP.store(true, Ordering::SeqCst);
}

/// Whether the process was asked to stop.
#[must_use]
pub fn is_requested() -> bool {
    STOP.load(Ordering::SeqCst)
}

/// Returns what the engine and the network look at between two steps.
#[must_use]
pub fn flag() -> &'static AtomicBool {
    &STOP
}

/// Whether a cycle is under way. Where none is, nothing has to be finished before the process ends.
#[must_use]
pub fn is_working() -> bool {
    WORKING.load(Ordering::SeqCst)
}

/// Whether a cycle of this process has ended.
#[must_use]
pub fn has_worked() -> bool {
    FINISHED.load(Ordering::SeqCst) > 0
}

/// A cycle that is under way until this is dropped.
pub(crate) struct Work(());

impl Work {
    /// Begins a cycle.
    pub(crate) fn begin() -> Self {
        WORKING.store(true, Ordering::SeqCst);
        Self(())
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        // In this order: a signal that sees no work sees that it was done.
        FINISHED.fetch_add(1, Ordering::SeqCst);
        WORKING.store(false, Ordering::SeqCst);
    }
}
