//! Collects what is wrong in a document.

use std::ops::Range;

use super::limits::MAX_PROBLEMS;
use crate::problem::Problem;

/// What is wrong so far, and the one question that only the caller can answer.
pub(super) struct Diagnostics<'a> {
    text: &'a str,
    pattern_trouble: &'a dyn Fn(&str) -> Option<String>,
    problems: Vec<Problem>,
    /// The lines that the TOML parser could not read. What it made of them is a guess.
    guessed: Vec<Range<usize>>,
}

impl<'a> Diagnostics<'a> {
    /// Diagnostics that begins with the syntax errors.
    pub(super) fn new(
        text: &'a str,
        errors: &[toml::de::Error],
        pattern_trouble: &'a dyn Fn(&str) -> Option<String>,
    ) -> Self {
        let problems: Vec<Problem> = errors.iter().map(|error| syntax(text, error)).collect();
        let guessed = problems.iter().map(|problem| lines_of(text, &problem.span)).collect();
        Self { text, pattern_trouble, problems, guessed }
    }

    /// Reports something wrong, unless it is in a line that could not be read in the first place.
    pub(super) fn report(&mut self, problem: Problem) {
        let guess = self.guessed.iter().any(|line| line.contains(&problem.span.start));
        if !guess {
            self.problems.push(problem);
        }
    }

    /// Reports something missing. Where a line could not be read, it may just stand there.
    pub(super) fn missing(&mut self, problem: Problem) {
        if self.guessed.is_empty() {
            self.problems.push(problem);
        }
    }

    /// Reports why the pattern at `span` cannot be used, if it cannot.
    pub(super) fn check_pattern(&mut self, pattern: &str, span: Range<usize>) {
        if let Some(reason) = (self.pattern_trouble)(pattern) {
            let help = "a pattern is ECMAScript and must be matched in linear time";
            self.report(Problem::new(span, reason).help(help));
        }
    }

    /// The number of the line in which `at` lies, from 1.
    pub(super) fn line(&self, at: usize) -> usize {
        let before = self.text.as_bytes().iter().take(at);
        before.filter(|&&byte| byte == b'\n').count() + 1
    }

    /// Everything that is wrong, sorted by position.
    pub(super) fn finish(self) -> Vec<Problem> {
        let mut problems = self.problems;
        for problem in &mut problems {
            problem.span = fit(self.text, problem.span.clone());
        }
        problems.sort_by_key(|problem| (problem.span.start, problem.span.end));
        if let Some(more) = problems.len().checked_sub(MAX_PROBLEMS).filter(|&more| more > 0) {
            problems.truncate(MAX_PROBLEMS);
            let end = self.text.len();
            problems.push(Problem::new(end..end, format!("{more} more problems are not shown")));
        }
        problems
    }
}

fn syntax(text: &str, error: &toml::de::Error) -> Problem {
    let end = text.len();
    let span = fit(text, error.span().unwrap_or(end..end));
    match error.message().split_once(", expected ") {
        Some((message, expected)) => Problem::new(span, message).expected(expected),
        None => Problem::new(span, error.message()),
    }
}

fn lines_of(text: &str, span: &Range<usize>) -> Range<usize> {
    let before = text.get(..span.start).and_then(|before| before.rfind('\n'));
    let behind = text.get(span.end..).and_then(|behind| behind.find('\n'));
    let start = before.map_or(0, |at| at + 1);
    let end = behind.map_or(text.len(), |at| span.end + at);
    start..end + 1
}

/// The greatest byte range of `text` within `span` that begins and ends between characters.
fn fit(text: &str, span: Range<usize>) -> Range<usize> {
    let boundary = |at: usize| {
        let at = at.min(text.len());
        (0..=at).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
    };
    let start = boundary(span.start);
    start..boundary(span.end).max(start)
}
