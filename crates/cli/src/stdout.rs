//! Standard output.

use std::fmt;
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};

/// Prints a line to standard output; see [`line`].
macro_rules! print_line {
    ($($text:tt)*) => { $crate::stdout::line(format_args!($($text)*)) };
}

/// Set when standard output did not take what was written.
static FAILED: AtomicBool = AtomicBool::new(false);

/// Prints a line. A closed or full output must not end the program half-way through its work; it is
/// remembered instead.
pub(crate) fn line(text: fmt::Arguments<'_>) {
    if writeln!(anstream::stdout(), "{text}").is_err() {
        FAILED.store(true, Ordering::Relaxed);
    }
}

/// Whether output was lost.
pub(crate) fn failed() -> bool {
    FAILED.load(Ordering::Relaxed)
}
