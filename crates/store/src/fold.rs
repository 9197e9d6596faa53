//! What is on the server by our doing, from the change records.

use std::collections::{BTreeMap, BTreeSet};

use stopgap_model::{ActionId, Digest, ServerPath};
use stopgap_plan::{Part, Placed, Step};

use crate::change::{Change, FileChange, Status};

/// The fold of all change records.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Folded {
    /// What we put in and did not take out, by action.
    pub actions: BTreeMap<ActionId, Placed>,
    /// The files that carry them, by `ServerPath::key`.
    pub files: BTreeMap<String, FoldedFile>,
    /// The actions whose last attempt was undone, with the error.
    pub failures: BTreeMap<ActionId, String>,
}

/// A file that carries something of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoldedFile {
    /// All that was put into it since it was last without anything of ours.
    pub insertions: Vec<Part>,
    /// The change and the before-image with the bytes before our first change, and the digest
    /// after our last one, if every change since began with the bytes the one before it left.
    pub original: Option<(u64, FileChange, Digest)>,
}

/// Folds the change records, oldest first.
#[must_use]
pub fn fold(changes: &[Change]) -> Folded {
    let mut folded = Folded::default();
    for change in changes {
        match &change.status {
            Status::Undone { error } => folded.fail(change, error),
            Status::Committed => folded.take(change, true),
            // Whether a step of it was made is seen by looking at the server. A rule that may
            // still be there stays on the list.
            Status::Interrupted | Status::Intended => folded.take(change, false),
        }
    }
    folded
}

impl Folded {
    fn fail(&mut self, change: &Change, error: &str) {
        for step in &change.steps {
            self.failures.insert(step.action().clone(), error.to_owned());
        }
    }

    fn take(&mut self, change: &Change, committed: bool) {
        for file in &change.files {
            self.chain(change.number, file, committed);
        }
        for step in &change.steps {
            self.failures.remove(step.action());
            match step {
                Step::Insert(placed) => {
                    for part in &placed.parts {
                        self.file(&part.file).insertions.push(part.clone());
                    }
                    self.actions.insert(placed.action.clone(), (**placed).clone());
                }
                Step::Remove { action, .. } if committed => {
                    self.actions.remove(action);
                }
                Step::Remove { .. } => {}
            }
        }
        let parts = self.actions.values().flat_map(|placed| &placed.parts);
        let carried: BTreeSet<String> = parts.map(|part| part.file.key()).collect();
        let keys: Vec<String> =
            self.files.keys().filter(|key| !carried.contains(*key)).cloned().collect();
        for key in keys {
            self.files.remove(&key);
        }
    }

    fn chain(&mut self, number: u64, file: &FileChange, committed: bool) {
        let next = match self.files.get(&file.path.key()) {
            None => Some((number, file.clone(), file.after)),
            Some(FoldedFile { original: Some((first, before, tip)), .. })
                if *tip == file.before =>
            {
                Some((*first, before.clone(), file.after))
            }
            Some(_) => None,
        };
        self.file(&file.path).original = next.filter(|_| committed);
    }

    fn file(&mut self, path: &ServerPath) -> &mut FoldedFile {
        let empty = || FoldedFile { insertions: Vec::new(), original: None };
        self.files.entry(path.key()).or_insert_with(empty)
    }
}
