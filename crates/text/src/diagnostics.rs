//! Problems in a text that a person wrote, shown with the line and a mark under the place.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use stopgap_model::Problem;
use stopgap_model::problem::one_line;

/// Renders `problems` of the file `name`.
#[must_use]
pub fn render(name: &str, bytes: &[u8], problems: &[Problem]) -> String {
    // Where the bytes are no text the mark would not fit; the place is then said in the message.
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    let shown: Vec<String> = problems.iter().map(|problem| one(name, text, problem)).collect();
    shown.join("\n\n")
}

fn one(name: &str, text: &str, problem: &Problem) -> String {
    let mut group: Group<'_> = Level::ERROR.primary_title(problem.message.as_str()).element(
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
