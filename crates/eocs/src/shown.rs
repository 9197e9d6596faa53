//! What a document says, repeated to people.

use std::fmt::Display;

/// The longest word that is repeated, in characters: the names of all algorithms of XML-DSig fit.
const MAX_WORD: usize = 54;
/// The longest sentence or list that is repeated, in characters.
const MAX_SENTENCE: usize = 160;

/// A word of the document: on one line, and not long.
pub(crate) fn shown(word: &str) -> String {
    cut(word, MAX_WORD)
}

/// A sentence or a list that repeats of the document what it likes: a parser's words, for one.
pub(crate) fn said(error: &impl Display) -> String {
    cut(&error.to_string(), MAX_SENTENCE)
}

fn cut(text: &str, max: usize) -> String {
    let mut shown: String = text.chars().take(max).map(clean).collect();
    if text.chars().nth(max).is_some() {
        shown.push('…');
    }
    shown
}

/// Neither a control character nor one that turns the direction of the text behind it.
fn clean(c: char) -> char {
    let turns = matches!(
        c,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    );
    if c.is_control() || turns { '\u{fffd}' } else { c }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_cannot_write_on_the_terminal() {
        assert_eq!(shown("a\u{1b}[31m\nb\u{202e}c"), "a\u{fffd}[31m\u{fffd}b\u{fffd}c");
        assert_eq!(said(&"x".repeat(1_000)).chars().count(), MAX_SENTENCE + 1);
    }
}
