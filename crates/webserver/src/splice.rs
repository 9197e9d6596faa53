//! Changes of a text at places of it.

use std::collections::{BTreeMap, BTreeSet};

use stopgap_model::host::ServerPath;

use super::files::Files;
use stopgap_model::FileEdit;

/// A range of bytes and what it becomes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Splice {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) text: Vec<u8>,
}

/// What becomes of several files, by the path of each file itself. The same change twice is one:
/// a file that is included twice is one file.
#[derive(Debug, Default)]
pub(super) struct Splices {
    files: BTreeMap<ServerPath, BTreeSet<Splice>>,
}

impl Splices {
    pub(super) fn replace(&mut self, file: &ServerPath, splice: Splice) {
        self.files.entry(file.clone()).or_default().insert(splice);
    }

    /// Whether something becomes of this file.
    pub(super) fn concern(&self, file: &ServerPath) -> bool {
        self.files.contains_key(file)
    }

    /// The text of this file with its changes.
    pub(super) fn applied(&self, file: &ServerPath, bytes: &[u8]) -> Vec<u8> {
        match self.files.get(file) {
            Some(splices) => apply(bytes, splices),
            None => bytes.to_vec(),
        }
    }
}

/// A text with changes that are in order; one that begins inside of another is left out.
pub(super) fn apply<'a>(bytes: &[u8], splices: impl IntoIterator<Item = &'a Splice>) -> Vec<u8> {
    let mut text = Vec::with_capacity(bytes.len());
    let mut at = 0;
    for splice in splices {
        if splice.from < at || splice.to > bytes.len() {
            continue;
        }
        text.extend_from_slice(&bytes[at..splice.from]);
        text.extend_from_slice(&splice.text);
        at = splice.to;
    }
    text.extend_from_slice(&bytes[at..]);
    text
}

/// The edit that gives a file of ours these bytes; none if it has them. Nothing: no file.
pub(super) fn own_file(files: &Files, path: &ServerPath, text: &[u8]) -> Option<FileEdit> {
    let after = (!text.is_empty()).then(|| text.to_vec());
    let (real, before) = match files.found(path) {
        Some((real, bytes)) => (real, Some(bytes.to_vec())),
        None => (path, None),
    };
    (before != after).then(|| FileEdit { path: real.clone(), before, after })
}
