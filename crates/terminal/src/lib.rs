//! What both programs print: lines that fit a terminal and cannot control it, problems with a mark under
//! the place in a file, and what becomes of a request that is tried.

mod actions;
mod answer;
mod answer_object;
mod diagnostics;
mod json;

pub use actions::{Actions, UnusableAction};
pub use answer::{Answer, PossibleAnswer, ResponseAnswer};
pub use answer_object::AnswerObject;
pub use diagnostics::{render, render_finding};
pub use json::{JSON_SCHEMA, json_line};
use stopgap_model::problem::turns_text;

/// The widest that output for a person gets, in columns.
pub const WIDTH: u16 = 80;

/// Breaks the lines of `text` between words so that they fit; each continuation begins with `indent`. A
/// style's escape sequences have no width.
#[must_use]
pub fn wrap(text: &str, indent: &str) -> String {
    wrap_at(text, indent, usize::from(WIDTH))
}

/// The same for another width.
fn wrap_at(text: &str, indent: &str, most: usize) -> String {
    let lines: Vec<String> = text.split('\n').map(|line| wrap_line(line, indent, most)).collect();
    lines.join("\n")
}

fn wrap_line(text: &str, indent: &str, most: usize) -> String {
    let mut wrapped = String::new();
    let mut column = 0;
    for (at, word) in text.split(' ').enumerate() {
        // A word that is longer than a line stays whole: it may be a path that somebody copies.
        let width = anstream::adapter::strip_str(word).to_string().chars().count();
        if at > 0 && column + 1 + width > most && column > indent.len() {
            wrapped.push('\n');
            wrapped.push_str(indent);
            column = indent.len();
        } else if at > 0 {
            wrapped.push(' ');
            column += 1;
        }
        wrapped.push_str(word);
        column += width;
    }
    wrapped
}

/// Returns a reason without control characters, at its full length.
#[must_use]
pub fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || turns_text(c) { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_never_grows_past_eighty_columns() {
        let text = wrap(&format!("head\n{}", "word ".repeat(60)), "  ");
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }
}
