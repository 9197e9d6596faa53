//! Removal of one inserted rule, and of what exists only for such rules.

use std::ops::Range;

use roxmltree::Node;

use super::edit::{EditError, Scaffold, Undo, chain, containers, rules_of};
use super::effective::same;
use super::place::Place;
use super::xml::{Doc, is_blank};

/// Takes an inserted rule out again. `scaffold` is what all edits of this file created or opened,
/// those that were undone before included, so that what rules share goes with the last of them.
/// A rule that is gone already is no error.
///
/// # Errors
/// [`EditError`] if the file cannot be read, or has two rules of this name in this place.
pub fn remove(bytes: &[u8], undo: &Undo, scaffold: &[Scaffold]) -> Result<Vec<u8>, EditError> {
    let doc = Doc::parse(bytes).map_err(EditError::NotReadable)?;
    let ours: Vec<_> = rules_of(&doc, &undo.place)
        .map(|(_, node)| node)
        .filter(|node| node.attribute("name").is_some_and(|name| same(name, &undo.rule)))
        .collect();
    let (mut text, mut at) = match ours.as_slice() {
        [] => (doc.text.to_owned(), None),
        [rule] => {
            let range = extent(&doc, *rule, &undo.lead);
            (without(doc.text, &range, ""), Some(range.start))
        }
        _ => {
            let what = format!("more than one rule is named \"{}\" in {}", undo.rule, undo.place);
            return Err(EditError::Ambiguous(what));
        }
    };
    // Innermost first: what is around is empty only once what is in it is gone.
    let elements =
        ["globalRules", "rules", "rewrite", "system.webServer", "location", "configuration"];
    for element in elements {
        for piece in undo.scaffold.iter().chain(scaffold).filter(|piece| name_of(piece) == element)
        {
            if let Some((range, with)) = dismantled(&text, piece, at)? {
                text = without(&text, &range, &with);
                at = Some(range.start);
            }
        }
    }
    Ok(text.into_bytes())
}

/// What becomes of one piece of scaffold, if it is there and empty. Only an element around `at`,
/// where something was just taken out, is surely the one that is meant. Without it, when the rule
/// was gone already, just one element may look exactly as it was made.
fn dismantled(
    text: &str,
    piece: &Scaffold,
    at: Option<usize>,
) -> Result<Option<(Range<usize>, String)>, EditError> {
    let doc = Doc::parse(text.as_bytes()).map_err(EditError::NotReadable)?;
    let (Scaffold::Created { place, element, .. } | Scaffold::Opened { place, element, .. }) =
        piece;
    let around = |node: &Node<'_, '_>| {
        at.is_none_or(|at| doc.start_tag_end(*node) <= at && at < node.range().end)
    };
    let empty = candidates(&doc, place, element)
        .into_iter()
        .filter(|node| doc.is_empty(*node) && !doc.is_self_closing(*node) && around(node));
    let changes: Vec<_> = match piece {
        Scaffold::Created { lead, .. } => empty
            .filter(|node| node.attributes().all(|attribute| attribute.name() == "path"))
            .filter(|node| at.is_some() || text[..node.range().start].ends_with(lead.as_str()))
            .map(|node| (extent(&doc, node, lead), String::new()))
            .collect(),
        Scaffold::Opened { was, .. } => empty
            .map(|node| doc.attributes_end(node)..node.range().end)
            .filter(|tail| text[tail.clone()] != **was)
            .map(|tail| (tail, was.clone()))
            .collect(),
    };
    match changes.as_slice() {
        [change] => Ok(Some(change.clone())),
        // Several look like ours: an empty element does no harm, taking the wrong one might.
        _ => Ok(None),
    }
}

fn name_of(piece: &Scaffold) -> &str {
    match piece {
        Scaffold::Created { element, .. } | Scaffold::Opened { element, .. } => element,
    }
}

/// The elements of this name on the way to a place's section.
fn candidates<'d, 'a>(doc: &'d Doc<'a>, place: &Place, element: &str) -> Vec<Node<'d, 'a>> {
    if element == "configuration" {
        return vec![doc.root()];
    }
    let containers = containers(doc, place);
    if element == "location" {
        return containers.into_iter().filter(|node| *node != doc.root()).collect();
    }
    let names = chain(place);
    let Some(depth) = names.iter().position(|name| *name == element) else { return Vec::new() };
    names[..=depth].iter().fold(containers, |nodes, name| {
        let below = |node| doc.children(node, name).collect::<Vec<_>>();
        nodes.into_iter().flat_map(below).collect()
    })
}

/// What goes with an element: the white space that was put before it or, where someone laid the
/// file out anew, the line that it has for itself.
fn extent(doc: &Doc<'_>, node: Node<'_, '_>, lead: &str) -> Range<usize> {
    let range = node.range();
    if doc.text[..range.start].ends_with(lead) {
        return range.start - lead.len()..range.end;
    }
    let rest = &doc.text[range.end..];
    let line_rest = rest.split('\n').next().unwrap_or_default();
    if !doc.begins_line(range.start) || !is_blank(line_rest) {
        return range;
    }
    let before = doc.text[..range.start].trim_end_matches([' ', '\t']);
    let before = before.strip_suffix('\n').unwrap_or(before);
    let before = before.strip_suffix('\r').unwrap_or(before);
    before.len()..range.end + line_rest.trim_end_matches('\r').len()
}

fn without(text: &str, range: &Range<usize>, with: &str) -> String {
    format!("{}{with}{}", &text[..range.start], &text[range.end..])
}
