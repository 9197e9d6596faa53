//! What a person or a program reads. The rules are those of `stopgap`: results go to standard
//! output, errors, hints and warnings to standard error; 80 columns; no foreign text raw.

use std::fmt;
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};

use anstyle::{AnsiColor, Style};
use jiff::Timestamp;
use serde_json::{Value, json};
use stopgap_terminal::{plain, wrap};

use crate::error::PublishError;

/// The version of the JSON shapes.
const SCHEMA: u32 = 1;

/// Set when standard output did not take what was written.
static LOST: AtomicBool = AtomicBool::new(false);

/// Prints a line to standard output. A closed or full output must not end the program half-way
/// through its work; it is remembered instead.
pub(crate) fn line(text: fmt::Arguments<'_>) {
    if writeln!(anstream::stdout(), "{text}").is_err() {
        LOST.store(true, Ordering::Relaxed);
    }
}

/// Prints words for a person, broken to fit.
pub(crate) fn words(text: &str) {
    say!("{}", wrap(text, "  "));
}

/// Whether output was lost.
pub(crate) fn was_lost() -> bool {
    LOST.load(Ordering::Relaxed)
}

/// Prints an object with the schema's version.
pub(crate) fn print_json(mut object: Value) {
    if let Some(fields) = object.as_object_mut() {
        fields.insert("schema".into(), SCHEMA.into());
    }
    say!("{object}");
}

/// Tells of something that is not as it should be and does not keep the command from its work.
pub(crate) fn warning(text: &str) {
    let style = Style::new().fg_color(Some(AnsiColor::Yellow.into())).bold();
    anstream::eprintln!("{}", wrap(&format!("{style}warning{style:#}: {}", plain(text)), "  "));
}

/// Tells of a failure.
pub(crate) fn failure(error: &PublishError, as_json: bool) {
    let hint = error.hint();
    if as_json {
        print_json(json!({"error": error.sentence(), "hint": hint, "exit": error.code()}));
        return;
    }
    let style = Style::new().fg_color(Some(AnsiColor::Red.into())).bold();
    match error {
        // A rendered problem begins with the word already.
        PublishError::Document { rendered } => anstream::eprintln!("{rendered}"),
        _ => {
            let text = format!("{style}error{style:#}: {}", plain(&error.sentence()));
            anstream::eprintln!("{}", wrap(&text, "  "));
        }
    }
    if !hint.is_empty() {
        anstream::eprintln!("{}", wrap(&format!("hint: {hint}"), "      "));
    }
}

/// A day and an hour, in UTC.
pub(crate) fn time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// `1 signature`, `2 signatures`.
pub(crate) fn counted(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}
