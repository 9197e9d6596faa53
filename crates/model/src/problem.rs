//! Something wrong in a text that a person wrote: what, where, and what would be right.

use std::ops::Range;

/// Something wrong in a text, with the place to mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The byte range of the text that is wrong. Empty where something is missing.
    pub span: Range<usize>,
    /// What is wrong, as a sentence without a full stop.
    pub message: String,
    /// What was expected, to stand beside the mark. May be empty.
    pub expected: String,
    /// What to do about it. May be empty.
    pub help: String,
}

impl Problem {
    /// A problem at `span`.
    #[must_use]
    pub fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self { span, message: message.into(), expected: String::new(), help: String::new() }
    }

    /// The same with what was expected.
    #[must_use]
    pub fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = expected.into();
        self
    }

    /// The same with what to do about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }
}

/// The longest foreign text that is repeated in a message, in characters.
const MAX_QUOTED: usize = 80;
/// The longest path that Linux takes (`PATH_MAX`), in bytes.
const MAX_PATH: usize = 4096;

/// Foreign text made fit for a message: one line, control characters escaped, not too long.
#[must_use]
pub fn one_line(text: &str) -> String {
    first_of_line(text, MAX_QUOTED)
}

/// A path, or a reason with one in it, made fit for a message: as `one_line`, and as long as paths
/// are. What matters may be at its end.
#[must_use]
pub fn escaped(text: &str) -> String {
    first_of_line(text, MAX_PATH)
}

fn first_of_line(text: &str, most: usize) -> String {
    let mut line: String = text.chars().take(most).flat_map(escape_control).collect();
    if text.chars().nth(most).is_some() {
        line.push('…');
    }
    line
}

/// What failed and why, down to the first cause: one sentence without a full stop.
#[must_use]
pub fn sentence(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {}", sentence(cause)),
        None => error.to_string(),
    }
}

/// `1 more site`, `2 more sites`.
#[must_use]
pub fn more_sites(count: usize) -> String {
    format!("{count} more {}", if count == 1 { "site" } else { "sites" })
}

/// Whether a character changes the direction of the text behind it, and so what a line seems to say.
#[must_use]
pub fn turns_text(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn escape_control(c: char) -> Vec<char> {
    if c.is_control() || turns_text(c) { c.escape_default().collect() } else { vec![c] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_cannot_write_on_the_terminal() {
        assert_eq!(one_line("a\u{1b}[31m\nb"), "a\\u{1b}[31m\\nb");
        assert_eq!(one_line("a\u{202e}b"), "a\\u{202e}b");
        assert_eq!(escaped(&"x".repeat(MAX_PATH + 1)).chars().count(), MAX_PATH + 1);
        assert_eq!(escaped("a\u{1b}[31m\nb\u{202e}"), "a\\u{1b}[31m\\nb\\u{202e}");
        assert_eq!(one_line(&"x".repeat(200)).chars().count(), MAX_QUOTED + 1);
    }
}
