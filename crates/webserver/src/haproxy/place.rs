//! Puts Stopgap's lines at the heads of HAProxy's frontends, and takes them out to the byte.

use std::collections::{BTreeMap, BTreeSet};

use stopgap_model::host::ServerPath;
use stopgap_model::problem::{escaped, one_line};
use stopgap_model::reason::WebRefusal;

use super::mark::MARK;
use super::reach::{fixed, is_reached, is_there, text};
use super::tree::{Frontend, Tree};
use crate::files::Files;
use crate::placement::Placement;
use crate::source::{Difference, Differences, file_edits};
use crate::text_edits::{TextEdit, TextEdits};

/// The lines of ours that are there, without what they end with.
pub(crate) fn own_text(tree: &Tree<'_>) -> Vec<u8> {
    let mut text = Vec::new();
    for (source, from, to) in &tree.own {
        let line = tree.source(*source).and_then(|source| source.bytes.get(*from..*to));
        let line = line.unwrap_or_default().trim_ascii_end();
        text.extend_from_slice(line.strip_suffix(MARK.as_bytes()).unwrap_or(line));
        text.push(b'\n');
    }
    text
}

/// Returns the edits after which exactly these lines are in place.
pub(crate) fn place(
    files: &Files,
    tree: &Tree<'_>,
    lines: &[String],
) -> Result<Placement, WebRefusal> {
    if let Some(rule) = lines.iter().find(|line| line.contains(['\n', '\r'])) {
        return Err(WebRefusal::NotOneLine { rule: rule.clone() });
    }
    // No lines reach no frontend: each of ours that is there has to be taken out.
    let heads = if lines.is_empty() { Vec::new() } else { heads(files, tree, lines)? };
    refuse_held(files, tree, &heads)?;
    let mut differences = Differences::default();
    let edits = text_edits(files, tree, &heads, lines, &mut differences);
    let places = if lines.is_empty() { Vec::new() } else { places(tree, &heads) };
    Ok(Placement {
        edits: file_edits(&tree.sources, &edits),
        places,
        differences: differences.report(&tree.sources),
        staged: staged(tree, &edits),
    })
}

/// The frontends that our lines reach.
fn heads<'t>(
    files: &Files,
    tree: &'t Tree<'_>,
    lines: &[String],
) -> Result<Vec<&'t Frontend>, WebRefusal> {
    let all: Vec<&Frontend> = tree.frontends.iter().filter(|one| one.is_http()).collect();
    if all.is_empty() {
        return Err(WebRefusal::NoHttpFrontend);
    }
    let (heads, others): (Vec<&Frontend>, Vec<&Frontend>) =
        all.into_iter().partition(|head| is_reached(files, tree, head, lines));
    // Only a file that cannot be changed keeps a frontend from being reached.
    let why = others.first().and_then(|head| fixed(files, tree, head));
    if let (true, Some(why)) = (heads.is_empty(), why.cloned()) {
        return Err(WebRefusal::NothingPutInto { what: "the frontends".into(), why });
    }
    Ok(heads)
}

/// Refuses to leave lines behind that have to be removed: each line of ours takes effect by itself, so a line
/// that stays in a file that cannot be changed still blocks.
fn refuse_held(files: &Files, tree: &Tree<'_>, heads: &[&Frontend]) -> Result<(), WebRefusal> {
    // In a file with a frontend that is reached our lines are what they are to be.
    let reached: BTreeSet<usize> = heads.iter().map(|head| head.source).collect();
    for (source, start, _) in tree.own.iter().filter(|(of, ..)| !reached.contains(of)) {
        let Some(source) = tree.source(*source) else { continue };
        if let Some(why) = files.fixed(source.real) {
            return Err(WebRefusal::LineHeld { at: source.place(*start), why: why.clone() });
        }
    }
    Ok(())
}

/// The files that lines of ours would stand in.
pub(crate) fn written_files(tree: &Tree<'_>) -> Vec<ServerPath> {
    let heads = tree.frontends.iter().filter(|one| one.is_http());
    heads.filter_map(|head| Some(tree.source(head.source)?.real.clone())).collect()
}

/// Returns the edits of the files: our lines are put where they belong, and removed elsewhere.
fn text_edits(
    files: &Files,
    tree: &Tree<'_>,
    heads: &[&Frontend],
    lines: &[String],
    differences: &mut Differences,
) -> TextEdits {
    let mut edits = TextEdits::default();
    // Our lines that are where they belong already: the file, from, to.
    let mut expected = BTreeSet::new();
    for head in heads.iter().filter(|_| !lines.is_empty()) {
        let Some(source) = tree.source(head.source) else { continue };
        let (text, from) = (text(source, head, lines), head.head);
        if is_there(source, from, &text) {
            expected.insert((head.source, from, from + text.len()));
        } else {
            let what = Difference::Missing(head.name.clone());
            differences.add(head.source, head.from, what);
        }
        // Lines that are there are taken out below and put in here: nothing becomes of them.
        if files.fixed(source.real).is_none() {
            edits.add(source.real, TextEdit::insert(from, text));
        }
    }
    for (of, start, to) in &tree.own {
        let Some(source) = tree.source(*of).filter(|source| files.fixed(source.real).is_none())
        else {
            continue;
        };
        let from = source.cut_from(*start);
        edits.add(source.real, TextEdit::remove(from, *to));
        // The last of the expected lines that begin no later than this one.
        let before = expected.range(..=(*of, from, usize::MAX)).next_back();
        if !before.is_some_and(|(other, _, end)| other == of && to <= end) {
            differences.add(*of, *start, Difference::Stray);
        }
    }
    edits
}

fn places(tree: &Tree<'_>, heads: &[&Frontend]) -> Vec<String> {
    let mut by_file: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
    for head in heads {
        by_file.entry(head.source).or_default().push(&head.name);
    }
    let places = by_file.into_iter().filter_map(|(source, names)| {
        let path = escaped(tree.source(source)?.path.as_str());
        Some(match names.as_slice() {
            [name] => format!("{path}, at the head of {}", one_line(name)),
            names => format!("{path}, at the heads of {} frontends", names.len()),
        })
    });
    places.collect()
}

/// Returns every file as it will be, in the order read: HAProxy is tested with all of them.
fn staged(tree: &Tree<'_>, edits: &TextEdits) -> Vec<(ServerPath, Vec<u8>)> {
    let files = tree.sources.iter();
    files.map(|file| (file.path.clone(), edits.apply_to(file.real, file.bytes))).collect()
}
