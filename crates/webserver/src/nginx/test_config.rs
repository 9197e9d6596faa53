//! What is for nginx's own test: the planned configuration, before anything of it is in its place.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::iter;
use std::rc::Rc;

use stopgap_model::host::ServerPath;
use stopgap_model::web::beside;

use super::parts::{Part, Parts, quoted};
use super::tree::{Block, Own, Tree};
use crate::files::Files;
use crate::text_edits::{TextEdit, TextEdits, apply};

/// The main file, in which every include of a file that changes is replaced by what that file will
/// say, because a file that is written beside one of them may be taken in by a pattern; and the
/// files of ours, which are not. nginx completes relative paths by the folder of the file that it
/// is started with, so it has to stand beside the main one.
pub(super) fn staged(
    files: &Files,
    tree: &Tree<'_>,
    parts: &Parts,
    edits: &TextEdits,
) -> Vec<(ServerPath, Vec<u8>)> {
    let (changes, texts) = (changes(tree, edits), RefCell::default());
    let staging =
        Staging { files, tree, parts, changes, blocks: blocks(tree), own: own(tree), texts };
    let main = files.main();
    let text = tree.names.get(&main).map(|at| staging.text(*at).to_vec()).unwrap_or_default();
    let own = parts.written().map(|(part, text)| (part.path(files), text.as_bytes().to_vec()));
    iter::once((main, text)).chain(own).collect()
}

struct Staging<'t, 'a> {
    files: &'t Files,
    tree: &'t Tree<'a>,
    parts: &'t Parts,
    /// The files that change or hold something of ours, and those that include one.
    changes: BTreeSet<usize>,
    /// The blocks of each file, each once, however often the file is included.
    blocks: BTreeMap<usize, BTreeMap<usize, &'t Block>>,
    /// The includes of ours in each file.
    own: BTreeMap<usize, Vec<&'t Own>>,
    /// What files will say, as far as it is known: one may be included thousands of times.
    texts: RefCell<BTreeMap<usize, Rc<[u8]>>>,
}

fn blocks<'t>(tree: &'t Tree<'_>) -> BTreeMap<usize, BTreeMap<usize, &'t Block>> {
    let mut blocks: BTreeMap<usize, BTreeMap<usize, &Block>> = BTreeMap::new();
    for block in &tree.blocks {
        blocks.entry(block.source).or_default().entry(block.body).or_insert(block);
    }
    blocks
}

fn own<'t>(tree: &'t Tree<'_>) -> BTreeMap<usize, Vec<&'t Own>> {
    let mut by_file: BTreeMap<usize, Vec<&Own>> = BTreeMap::new();
    for own in &tree.own {
        by_file.entry(own.source).or_default().push(own);
    }
    by_file
}

/// The files that change or hold something of ours, and those that include one.
fn changes(tree: &Tree<'_>, edits: &TextEdits) -> BTreeSet<usize> {
    let mut including: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (at, includes) in tree.includes.iter().enumerate() {
        for target in includes.statements.iter().flat_map(|(_, _, targets)| targets) {
            if let Some(target) = tree.names.get(target) {
                including.entry(*target).or_default().push(at);
            }
        }
    }
    let sources = tree.sources.iter().enumerate();
    let own = tree.own.iter().map(|own| own.source);
    let affected = sources.filter(|(_, source)| edits.affects(source.real)).map(|(at, _)| at);
    let mut left: Vec<usize> = affected.chain(own).collect();
    let mut changes = BTreeSet::new();
    while let Some(at) = left.pop() {
        if changes.insert(at) {
            left.extend(including.get(&at).into_iter().flatten());
        }
    }
    changes
}

impl Staging<'_, '_> {
    fn changes(&self, path: &ServerPath) -> Option<usize> {
        let at = self.tree.names.get(path)?;
        self.changes.contains(at).then_some(*at)
    }

    /// The text of a file.
    fn text(&self, at: usize) -> Rc<[u8]> {
        if let Some(known) = self.texts.borrow().get(&at) {
            return Rc::clone(known);
        }
        let text: Rc<[u8]> = self.write(at).into();
        self.texts.borrow_mut().insert(at, Rc::clone(&text));
        text
    }

    /// The same, anew; it calls itself as deep as includes are.
    fn write(&self, at: usize) -> Vec<u8> {
        let (Some(source), Some(includes)) = (self.tree.source(at), self.tree.includes.get(at))
        else {
            return Vec::new();
        };
        let mut edits: Vec<TextEdit> = Vec::new();
        let own = self.own.get(&at).map(Vec::as_slice).unwrap_or_default();
        if self.tree.is_fixed(at) {
            edits.extend(own.iter().map(|own| self.renamed(own)));
        } else {
            // Ours are taken out and put in anew, as they are when the file is written.
            edits.extend(own.iter().map(|own| TextEdit::remove(own.cut, own.to)));
            for block in self.blocks.get(&at).into_iter().flat_map(BTreeMap::values) {
                let lines = self.parts.within(block, source, |part| self.name(part));
                edits.extend(lines.into_iter().map(|(from, text)| TextEdit::insert(from, text)));
            }
        }
        for (from, to, targets) in &includes.statements {
            if targets.iter().any(|target| self.changes(target).is_some()) {
                edits.push(TextEdit { from: *from, to: *to, text: self.inlined(targets) });
            }
        }
        edits.sort();
        edits.dedup();
        apply(source.bytes, &edits)
    }

    /// What names a file of ours as it is written for the test.
    fn name(&self, part: Part) -> String {
        quoted(&beside(&part.path(self.files)))
    }

    /// An include of ours in a file that cannot be changed: it takes in what the file of ours will say.
    fn renamed(&self, own: &Own) -> TextEdit {
        let mut written = self.parts.written().map(|(part, _)| part);
        let named = written.find(|part| part.is_named(self.files, &own.path));
        let text = named.map(|part| format!("include {};", self.name(part)));
        TextEdit { from: own.from, to: own.to, text: text.unwrap_or_default().into_bytes() }
    }

    fn inlined(&self, targets: &[ServerPath]) -> Vec<u8> {
        let mut text = Vec::new();
        for target in targets {
            match self.changes(target) {
                Some(at) => text.extend_from_slice(&self.text(at)),
                None => text.extend_from_slice(format!("include {};", quoted(target)).as_bytes()),
            }
            // A comment may be what it ends with.
            text.push(b'\n');
        }
        text
    }
}
