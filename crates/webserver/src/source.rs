//! The files of a configuration, each once, with the places in them, and the edits of them.

use std::collections::{BTreeMap, BTreeSet};

use stopgap_model::FileEdit;
use stopgap_model::host::ServerPath;
use stopgap_model::reason::{ConfigPlace, WebDifference};

use crate::text_edits::TextEdits;

/// A file.
#[derive(Debug)]
pub(super) struct Source<'a> {
    /// The name that it was asked for by.
    pub(super) path: ServerPath,
    /// The file itself.
    pub(super) real: &'a ServerPath,
    pub(super) bytes: &'a [u8],
    /// How many lines end before each stretch of [`STRETCH`] bytes.
    lines: Vec<usize>,
}

/// A file may be long and its lines short: the place of each would take more memory than the file.
const STRETCH: usize = 4096;

impl<'a> Source<'a> {
    pub(super) fn new(path: ServerPath, real: &'a ServerPath, bytes: &'a [u8]) -> Self {
        let mut ended = 0;
        let stretches = bytes.chunks(STRETCH).map(|stretch| {
            let before = ended;
            ended += line_ends(stretch);
            before
        });
        let lines = stretches.collect();
        Self { path, real, bytes, lines }
    }

    /// The number of the line that a byte is in, from 1.
    pub(super) fn line(&self, at: usize) -> usize {
        let stretch = at.min(self.bytes.len().saturating_sub(1)) / STRETCH;
        let before = self.lines.get(stretch).copied().unwrap_or(0);
        let within = self.bytes.get(stretch * STRETCH..at).unwrap_or_default();
        1 + before + line_ends(within)
    }

    /// The line that a byte is in, with the name of the file.
    pub(super) fn place(&self, at: usize) -> ConfigPlace {
        ConfigPlace { file: self.path.clone(), line: self.line(at) }
    }

    /// How its lines end: as the first one does.
    pub(super) fn newline(&self) -> &'static [u8] {
        let first = self.bytes.iter().position(|byte| *byte == b'\n');
        match first.and_then(|at| at.checked_sub(1)).and_then(|before| self.bytes.get(before)) {
            Some(b'\r') => b"\r\n",
            _ => b"\n",
        }
    }

    /// The blank before what begins here, if nothing else is before it in its line.
    pub(super) fn indent(&self, at: usize) -> Option<&'a [u8]> {
        let (line, indent) = self.before(at);
        line.last().is_none_or(|byte| *byte == b'\n').then_some(indent)
    }

    /// From where on a line of ours that begins here is taken out: the end of the line before and the
    /// blank between go with it, if nothing else is there.
    pub(super) fn cut_from(&self, at: usize) -> usize {
        match self.before(at).0 {
            [line @ .., b'\r', b'\n'] | [line @ .., b'\n'] => line.len(),
            _ => at,
        }
    }

    /// Whether these bytes stand here.
    pub(super) fn has(&self, at: usize, text: &[u8]) -> bool {
        self.from(at).starts_with(text)
    }

    /// The bytes from here on.
    pub(super) fn from(&self, at: usize) -> &'a [u8] {
        self.bytes.get(at..).unwrap_or_default()
    }

    /// The bytes from here to the end of the line.
    pub(super) fn rest_of_line(&self, at: usize) -> &'a [u8] {
        self.from(at).split(|byte| *byte == b'\n').next().unwrap_or_default()
    }

    /// What is before a place: up to the blank, and the blank.
    fn before(&self, at: usize) -> (&'a [u8], &'a [u8]) {
        let before = self.bytes.get(..at).unwrap_or_default();
        let blank = before.iter().rev().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        before.split_at(before.len() - blank)
    }
}

/// Counts the ends of lines.
fn line_ends(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'\n').count()
}

/// Returns a line without the carriage returns at its end. A line that is added behind it must not turn one
/// of them into a part of a line end.
pub(super) fn without_returns(mut line: &[u8]) -> &[u8] {
    while let [shorter @ .., b'\r'] = line {
        line = shorter;
    }
    line
}

/// How a place of a file differs from what is to be there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Difference {
    /// A line of ours stands where none belongs.
    Stray,
    /// Our line is not at the end of the file.
    NotAtEnd,
    /// Our lines are missing; what they belong into.
    Missing(String),
}

/// All differences, by file and kind, with each place.
#[derive(Debug, Default)]
pub(super) struct Differences(BTreeMap<(usize, Difference), BTreeSet<usize>>);

impl Differences {
    pub(super) fn add(&mut self, source: usize, at: usize, what: Difference) {
        self.0.entry((source, what)).or_default().insert(at);
    }

    /// Returns one difference for each file and kind, at the first place, with the number of the others.
    pub(super) fn report(&self, sources: &[Source<'_>]) -> Vec<WebDifference> {
        let each = self.0.iter().filter_map(|((source, what), places)| {
            let at = sources.get(*source)?.place(*places.first()?);
            let more = places.len() - 1;
            Some(match what {
                Difference::NotAtEnd => WebDifference::LineNotAtEnd { at },
                Difference::Missing(what) => {
                    WebDifference::LinesMissing { what: what.clone(), at, more }
                }
                Difference::Stray => WebDifference::StrayLine { at, more },
            })
        });
        each.collect()
    }
}

/// Returns the edits of files that are not Stopgap's own.
pub(super) fn file_edits(sources: &[Source<'_>], edits: &TextEdits) -> Vec<FileEdit> {
    let mut seen = BTreeSet::new();
    let mut all = Vec::new();
    for source in sources {
        if !edits.affects(source.real) || !seen.insert(source.real) {
            continue;
        }
        let after = edits.apply_to(source.real, source.bytes);
        if after != source.bytes {
            let (path, before) = (source.real.clone(), Some(source.bytes.to_vec()));
            all.push(FileEdit { path, before, after: Some(after) });
        }
    }
    all
}

/// Returns the difference that this edit of one of Stopgap's files repairs.
pub(super) fn difference_of(edit: &FileEdit) -> WebDifference {
    let file = edit.path.clone();
    match (&edit.before, &edit.after) {
        (None, _) => WebDifference::FileMissing { file },
        (Some(_), None) => WebDifference::FileThere { file },
        (Some(_), Some(_)) => WebDifference::FileChanged { file },
    }
}
