//! Edits of texts by ranges of bytes.

use std::collections::{BTreeMap, BTreeSet};

use stopgap_model::FileEdit;
use stopgap_model::host::ServerPath;

use crate::files::Files;

/// A range of bytes and the text that replaces it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct TextEdit {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) text: Vec<u8>,
}

impl TextEdit {
    /// Puts a text in.
    pub(super) fn insert(at: usize, text: Vec<u8>) -> Self {
        Self { from: at, to: at, text }
    }

    /// Takes a range of bytes out.
    pub(super) fn remove(from: usize, to: usize) -> Self {
        Self { from, to, text: Vec::new() }
    }
}

/// The edits of several files, by the path of each file with links followed. The same edit twice is one,
/// because a file that is included twice is one file.
#[derive(Debug, Default)]
pub(super) struct TextEdits {
    files: BTreeMap<ServerPath, BTreeSet<TextEdit>>,
}

impl TextEdits {
    /// Adds an edit of this file.
    pub(super) fn add(&mut self, file: &ServerPath, edit: TextEdit) {
        self.files.entry(file.clone()).or_default().insert(edit);
    }

    /// Returns whether this file has edits.
    pub(super) fn affects(&self, file: &ServerPath) -> bool {
        self.files.contains_key(file)
    }

    /// Returns the text of this file with its edits made.
    pub(super) fn apply_to(&self, file: &ServerPath, bytes: &[u8]) -> Vec<u8> {
        match self.files.get(file) {
            Some(edits) => apply(bytes, edits),
            None => bytes.to_vec(),
        }
    }
}

/// Returns a text with edits made, which must be sorted. An edit that begins inside of another is left out.
pub(super) fn apply<'a>(bytes: &[u8], edits: impl IntoIterator<Item = &'a TextEdit>) -> Vec<u8> {
    let mut text = Vec::with_capacity(bytes.len());
    let mut at = 0;
    for edit in edits {
        if edit.to > bytes.len() {
            continue;
        }
        // There is no such range where the edit begins before the end of the one before it.
        let Some(kept) = bytes.get(at..edit.from) else { continue };
        text.extend_from_slice(kept);
        text.extend_from_slice(&edit.text);
        at = edit.to;
    }
    text.extend_from_slice(bytes.get(at..).unwrap_or_default());
    text
}

/// Returns the edit that gives one of Stopgap's files these bytes; `None` if it has them. Without bytes
/// there shall be no file.
pub(super) fn managed_file(files: &Files, path: &ServerPath, text: &[u8]) -> Option<FileEdit> {
    let after = (!text.is_empty()).then(|| text.to_vec());
    let (real, before) = match files.found(path) {
        Some((real, bytes)) => (real, Some(bytes.to_vec())),
        None => (path, None),
    };
    (before != after).then(|| FileEdit { path: real.clone(), before, after })
}
