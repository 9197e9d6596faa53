//! Standard output: a line at a time, and whether all of it could be written.

use std::fmt;
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};

use stopgap_terminal::wrap;

/// Set when standard output did not take what was written.
static STDOUT_FAILED: AtomicBool = AtomicBool::new(false);

/// Prints a line to standard output as it is; see [`line`].
macro_rules! print_line {
    ($($text:tt)*) => { $crate::stdout::line(format_args!($($text)*)) };
}

/// Prints a line for a person, broken to fit.
macro_rules! print_words {
    ($($text:tt)*) => { $crate::stdout::words(&format!($($text)*)) };
}

pub(crate) use {print_line, print_words};

/// Prints a line to standard output. A closed or full output must not end the program half-way
/// through its work; it is remembered instead.
pub(crate) fn line(text: fmt::Arguments<'_>) {
    if writeln!(anstream::stdout(), "{text}").is_err() {
        STDOUT_FAILED.store(true, Ordering::Relaxed);
    }
}

/// Prints words for a person, broken to fit.
pub(crate) fn words(text: &str) {
    line(format_args!("{}", wrap(text, "  ")));
}

/// Whether output was lost.
pub(crate) fn was_lost() -> bool {
    STDOUT_FAILED.load(Ordering::Relaxed)
}
