//! Puts Stopgap's includes into the blocks of nginx, and takes them out to the byte.

use std::collections::BTreeSet;

use stopgap_model::FileEdit;
use stopgap_model::glob;
use stopgap_model::host::ServerPath;
use stopgap_model::problem::escaped;
use stopgap_model::reason::{WebDifference, WebRefusal};
use stopgap_model::web::WebKind;

use super::parts::{Part, Parts, own_paths};
use super::reach::{is_reached, lines_in};
use super::test_config::staged;
use super::tree::{Place, Tree};
use crate::files::{Files, Read};
use crate::placement::Placement;
use crate::source::{Difference, Differences, difference_of, file_edits};
use crate::text_edits::{TextEdit, TextEdits, managed_file};

/// The files that lines of ours would stand in.
pub(crate) fn written_files(tree: &Tree<'_>) -> Vec<ServerPath> {
    let sources = tree.blocks.iter().filter_map(|block| tree.source(block.source));
    sources.map(|source| source.real.clone()).collect()
}

/// Returns the edits after which exactly these texts are in place.
pub(crate) fn place(
    files: &Files,
    tree: &Tree<'_>,
    parts: &Parts,
) -> Result<Placement, WebRefusal> {
    refuse_unreadable(files)?;
    if parts.written().next().is_some() {
        refuse_unreachable(files, tree, parts)?;
        refuse_taken_in(files, tree)?;
    }
    let mut differences = Differences::default();
    let text_edits = text_edits(files, tree, parts, &mut differences);
    let mut edits = own_edits(files, parts);
    let mut report: Vec<WebDifference> = edits.iter().map(difference_of).collect();
    report.extend(differences.report(&tree.sources));
    edits.extend(file_edits(&tree.sources, &text_edits));
    put_in_order(&mut edits, tree, parts);
    let staged = staged(files, tree, parts, &text_edits);
    Ok(Placement { edits, places: places(files, tree, parts), differences: report, staged })
}

/// Sorts the edits so that nginx starts with the configuration after each of them: our files exist as long
/// as they are included, and the file that defines our variables is included first and removed last.
fn put_in_order(edits: &mut [FileEdit], tree: &Tree<'_>, parts: &Parts) {
    let http = tree.blocks.iter().filter(|block| block.place == Place::Http);
    let http = http.filter_map(|block| tree.source(block.source)).map(|source| source.real);
    let http: BTreeSet<&ServerPath> = http.collect();
    let defines_variables = parts.written().any(|(part, _)| part == Part::Http);
    edits.sort_by_key(|edit| match (&edit.before, &edit.after) {
        (None, _) => 0,
        (_, None) => 4,
        _ if !http.contains(&edit.path) => 2,
        _ if defines_variables => 1,
        _ => 3,
    });
}

/// Returns the edits of the files of others: our lines are put where they belong, and removed elsewhere.
fn text_edits(
    files: &Files,
    tree: &Tree<'_>,
    parts: &Parts,
    differences: &mut Differences,
) -> TextEdits {
    let mut edits = TextEdits::default();
    // Our lines that are where they belong already: the file, from, to.
    let mut expected = BTreeSet::new();
    for block in &tree.blocks {
        let Some(source) = tree.source(block.source) else { continue };
        if !is_reached(files, tree, parts, block) {
            continue;
        }
        for (from, text) in lines_in(files, parts, block, source) {
            if source.has(from, &text) {
                expected.insert((block.source, from, from + text.len()));
            } else {
                let what = Difference::Missing(named(block.place).into());
                differences.add(block.source, block.from, what);
            }
            // A line that is there is taken out below and put in here: nothing becomes of it.
            if !tree.is_fixed(block.source) {
                edits.add(source.real, TextEdit::insert(from, text));
            }
        }
    }
    // What of ours stands in a file that cannot be changed stays: it takes in what of our files is there.
    for own in tree.own.iter().filter(|own| !tree.is_fixed(own.source)) {
        let Some(source) = tree.source(own.source) else { continue };
        edits.add(source.real, TextEdit::remove(own.cut, own.to));
        // The last of the expected lines that begin no later than this one.
        let before = expected.range(..=(own.source, own.cut, usize::MAX)).next_back();
        if !before.is_some_and(|(of, _, end)| *of == own.source && own.to <= *end) {
            differences.add(own.source, own.from, Difference::Stray);
        }
    }
    edits
}

fn named(place: Place) -> &'static str {
    match place {
        Place::Http => "the http block",
        Place::Server => "the server block",
        _ => "the block that sets request headers",
    }
}

/// Refuses to guess what a file of ours says.
fn refuse_unreadable(files: &Files) -> Result<(), WebRefusal> {
    for file in own_paths(files) {
        if let Some(Read::Unreadable(why)) = files.get(&file) {
            return Err(WebRefusal::OwnFileUnreadable { file, why: why.clone() });
        }
    }
    Ok(())
}

/// Refuses what would reach nothing at all.
fn refuse_unreachable(files: &Files, tree: &Tree<'_>, parts: &Parts) -> Result<(), WebRefusal> {
    if !tree.blocks.iter().any(|block| block.place == Place::Http) {
        return Err(WebRefusal::NoHttpBlock);
    }
    for place in [Place::Http, Place::Server] {
        let of_it = || tree.blocks.iter().filter(|block| block.place == place);
        let is_reached = of_it().any(|block| is_reached(files, tree, parts, block));
        let fixed = of_it().find_map(|block| tree.fixed.get(&block.source));
        if let (false, Some(why)) = (is_reached, fixed) {
            let what = named(place).to_owned();
            return Err(WebRefusal::NothingPutInto { what, why: why.clone() });
        }
    }
    Ok(())
}

/// Refuses files of ours that nginx would take in elsewhere, or not at all.
fn refuse_taken_in(files: &Files, tree: &Tree<'_>) -> Result<(), WebRefusal> {
    for file in own_paths(files) {
        if glob::is_pattern(file.as_str()) {
            return Err(WebRefusal::PathNotPlain { server: WebKind::Nginx, file });
        }
        // A pattern that cannot be read may take the file in as well.
        let may_take_in = |pattern: &str| glob::matches_path(pattern, file.as_str()) != Some(false);
        let taking = tree.patterns.iter().find(|(_, pattern)| may_take_in(pattern));
        if let Some((span, pattern)) = taking
            && let Some(at) = tree.place(*span)
        {
            return Err(WebRefusal::TakenInElsewhere { pattern: pattern.clone(), at });
        }
    }
    Ok(())
}

fn own_edits(files: &Files, parts: &Parts) -> Vec<FileEdit> {
    let each = parts.all();
    each.filter_map(|(part, text)| managed_file(files, &part.path(files), text.as_bytes()))
        .collect()
}

fn places(files: &Files, tree: &Tree<'_>, parts: &Parts) -> Vec<String> {
    let places = parts.written().map(|(part, _)| {
        let blocks = tree.blocks.iter().filter(|block| part.belongs(block));
        let blocks = blocks.filter(|block| is_reached(files, tree, parts, block));
        // A file that is included twice has each block once.
        let count = blocks.map(|block| (block.source, block.body)).collect::<BTreeSet<_>>().len();
        let path = part.path(files);
        let what = match (part, count) {
            (Part::Http, _) => "in the http block".to_owned(),
            (Part::Server, 1) => "in 1 server block".to_owned(),
            (Part::Server, _) => format!("in {count} server blocks"),
            (_, 1) => "in 1 block".to_owned(),
            (_, _) => format!("in {count} blocks"),
        };
        format!("{}, included {what}", escaped(path.as_str()))
    });
    places.collect()
}
