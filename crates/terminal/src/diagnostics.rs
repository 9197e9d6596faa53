//! Problems in a text that a person wrote, shown with the line and a mark under the place.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use stopgap_model::Problem;
use stopgap_model::problem::one_line;

use crate::wrap_at;

/// Renders `problems` of the file `name`.
#[must_use]
pub fn render(name: &str, bytes: &[u8], problems: &[Problem]) -> String {
    let shown: Vec<String> =
        problems.iter().map(|p| one(name, bytes, p, Level::ERROR, None)).collect();
    shown.join("\n\n")
}

/// The widest that a line of help gets, in columns: what stands before it takes some dozen.
const HELP_WIDTH: usize = 66;

/// Renders something that a check of the name `check` found in the file `name`: an error, or a
/// warning.
#[must_use]
pub fn render_finding(
    name: &str,
    bytes: &[u8],
    problem: &Problem,
    check: &str,
    is_error: bool,
) -> String {
    let level = if is_error { Level::ERROR } else { Level::WARNING };
    let help = wrap_at(&problem.help, "", HELP_WIDTH);
    one(name, bytes, &Problem { help, ..problem.clone() }, level, Some(check))
}

fn one(
    name: &str,
    bytes: &[u8],
    problem: &Problem,
    level: Level<'_>,
    check: Option<&str>,
) -> String {
    // Where the bytes are no text the mark would not fit; the place is then said in the message.
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    let title = level.primary_title(problem.message.as_str());
    let title = match check {
        Some(check) => title.id(check),
        None => title,
    };
    let mut group: Group<'_> = title.element(
        Snippet::source(text).path(one_line(name)).annotation(
            AnnotationKind::Primary
                .span(within(text, &problem.span))
                .label(problem.expected.as_str()),
        ),
    );
    if !problem.help.is_empty() {
        group = group.element(Level::HELP.message(problem.help.as_str()));
    }
    Renderer::plain().term_width(80).render(&[group])
}

fn within(text: &str, span: &Range<usize>) -> Range<usize> {
    let start = floor(text, span.start);
    start..floor(text, span.end).max(start)
}

fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
}
