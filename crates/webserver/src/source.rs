//! The files of a configuration, each once, and what becomes of them.

use std::collections::{BTreeMap, BTreeSet};

use stopgap_model::host::ServerPath;
use stopgap_model::problem::escaped;

use super::splice::Splices;
use stopgap_model::FileEdit;

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
            ended += ends(stretch);
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
        1 + before + ends(within)
    }

    /// A place in it, for a person.
    pub(super) fn told(&self, at: usize) -> String {
        format!("{}, line {}", escaped(self.path.as_str()), self.line(at))
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

    /// What is taken out with a line of ours that begins here: the end of the line before and the
    /// blank between, if nothing else is there. This is where it begins.
    pub(super) fn taken_out_from(&self, at: usize) -> usize {
        match self.before(at).0 {
            [line @ .., b'\r', b'\n'] | [line @ .., b'\n'] => line.len(),
            _ => at,
        }
    }

    /// What is before a place: up to the blank, and the blank.
    fn before(&self, at: usize) -> (&'a [u8], &'a [u8]) {
        let before = &self.bytes[..at];
        let blank = before.iter().rev().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        before.split_at(at - blank)
    }
}

/// How many lines end in it.
fn ends(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'\n').count()
}

/// A line without the carriage returns at its end: a line of ours that is put behind it shall not
/// make one of them a part of an end of line.
pub(super) fn without_returns(line: &[u8]) -> &[u8] {
    let length = line.iter().rposition(|byte| *byte != b'\r').map_or(0, |at| at + 1);
    &line[..length]
}

/// What differs from what is to be, by file and kind, with each place.
#[derive(Debug, Default)]
pub(super) struct Differences(BTreeMap<(usize, String), BTreeSet<usize>>);

impl Differences {
    pub(super) fn add(&mut self, source: usize, at: usize, what: String) {
        self.0.entry((source, what)).or_default().insert(at);
    }

    /// One sentence for each file and kind, with the first place.
    pub(super) fn told(&self, sources: &[Source<'_>]) -> Vec<String> {
        let told = self.0.iter().filter_map(|((source, what), places)| {
            let at = sources.get(*source)?.told(*places.first()?);
            let more = match places.len() - 1 {
                0 => String::new(),
                more => format!(", and {more} more there"),
            };
            Some(format!("{what}: {at}{more}"))
        });
        told.collect()
    }
}

/// The edits of files that are not ours.
pub(super) fn edits(sources: &[Source<'_>], splices: &Splices) -> Vec<FileEdit> {
    let mut seen = BTreeSet::new();
    let mut edits = Vec::new();
    for source in sources {
        if !splices.concern(source.real) || !seen.insert(source.real) {
            continue;
        }
        let after = splices.applied(source.real, source.bytes);
        if after != source.bytes {
            let (path, before) = (source.real.clone(), Some(source.bytes.to_vec()));
            edits.push(FileEdit { path, before, after: Some(after) });
        }
    }
    edits
}

/// What differs in a file of ours that this edit puts right.
pub(super) fn changed(edit: &FileEdit) -> String {
    let path = escaped(edit.path.as_str());
    match (&edit.before, &edit.after) {
        (None, _) => format!("{path} is not there"),
        (Some(_), None) => format!("{path} is there"),
        (Some(_), Some(_)) => format!("{path} has another content"),
    }
}
