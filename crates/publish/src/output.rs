//! What a person or a program reads. The rules are those of `stopgap`: results go to standard
//! output, errors, hints and warnings to standard error; 80 columns; no foreign text raw.

use anstyle::{AnsiColor, Style};
use jiff::Timestamp;
use stopgap_terminal::{plain, wrap};

/// Prints a warning: something is not as it should be, but the command goes on.
pub(crate) fn warning(text: &str) {
    let style = Style::new().fg_color(Some(AnsiColor::Yellow.into())).bold();
    anstream::eprintln!("{}", wrap(&format!("{style}warning{style:#}: {}", plain(text)), "  "));
}

/// A day and an hour, in UTC.
pub(crate) fn time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// `1 signature`, `2 signatures`.
pub(crate) fn counted(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}
