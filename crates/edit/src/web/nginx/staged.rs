//! What is for nginx's own test: the planned configuration, before anything of it is in its place.

use std::collections::BTreeMap;
use std::iter;

use stopgap_model::host::ServerPath;
use stopgap_model::web::beside;

use super::super::files::Files;
use super::super::splice::{Splice, Splices, apply};
use super::place::{Part, Parts, quoted, removals};
use super::tree::Tree;

/// The main file, in which every include of a file that changes is replaced by what that file will
/// say, because a file that is written beside one of them may be taken in by a pattern; and the
/// files of ours, which are not. nginx completes relative paths by the folder of the file that it
/// is started with, so it has to stand beside the main one.
pub(super) fn staged(
    files: &Files,
    tree: &Tree<'_>,
    parts: &Parts,
    splices: &Splices,
) -> Vec<(ServerPath, Vec<u8>)> {
    let staging = Staging { files, tree, parts, changes: changes(tree, splices) };
    let main = files.main();
    let text = tree.names.get(&main).map(|at| staging.text(*at)).unwrap_or_default();
    let own = parts.written().map(|(part, text)| (part.path(files), text.as_bytes().to_vec()));
    iter::once((main, text)).chain(own).collect()
}

struct Staging<'t, 'a> {
    files: &'t Files,
    tree: &'t Tree<'a>,
    parts: &'t Parts,
    /// Whether each file, or one that it includes, changes.
    changes: BTreeMap<usize, bool>,
}

/// Whether each file, or one that it includes, changes or holds something of ours.
fn changes(tree: &Tree<'_>, splices: &Splices) -> BTreeMap<usize, bool> {
    let sources = tree.sources.iter().enumerate();
    let mut changes: BTreeMap<usize, bool> =
        sources.map(|(at, source)| (at, splices.concern(source.real))).collect();
    // Includes do not loop and have a bounded depth: each round goes one further up.
    loop {
        let mut more = Vec::new();
        for (at, includes) in tree.includes.iter().enumerate() {
            let mut targets = includes.statements.iter().flat_map(|(_, _, targets)| targets);
            let of = |target: &ServerPath| tree.names.get(target).and_then(|at| changes.get(at));
            if changes.get(&at) == Some(&false) && targets.any(|target| of(target) == Some(&true)) {
                more.push(at);
            }
        }
        if more.is_empty() {
            return changes;
        }
        changes.extend(more.into_iter().map(|at| (at, true)));
    }
}

impl Staging<'_, '_> {
    fn changes(&self, path: &ServerPath) -> Option<usize> {
        let at = self.tree.names.get(path)?;
        self.changes.get(at).copied().unwrap_or(false).then_some(*at)
    }

    /// The text of a file; it calls itself as deep as includes are.
    fn text(&self, at: usize) -> Vec<u8> {
        let source = &self.tree.sources[at];
        let mut splices = removals(self.tree, at);
        let include = |part: Part| {
            let path = part.path(self.files);
            quoted(&beside(&path))
        };
        for block in self.tree.blocks.iter().filter(|block| block.source == at) {
            let text = self.parts.within(block, source, include);
            splices.push(Splice { from: block.body, to: block.body, text });
        }
        for (from, to, targets) in &self.tree.includes[at].statements {
            if targets.iter().any(|target| self.changes(target).is_some()) {
                splices.push(Splice { from: *from, to: *to, text: self.inlined(targets) });
            }
        }
        splices.sort();
        splices.dedup();
        apply(source.bytes, &splices)
    }

    fn inlined(&self, targets: &[ServerPath]) -> Vec<u8> {
        let mut text = Vec::new();
        for target in targets {
            match self.changes(target) {
                Some(at) => text.extend(self.text(at)),
                None => text.extend_from_slice(format!("include {};", quoted(target)).as_bytes()),
            }
            // A comment may be what it ends with.
            text.push(b'\n');
        }
        text
    }
}
