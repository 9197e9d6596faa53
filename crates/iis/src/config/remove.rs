//! Removal of one thing that was put in, and of what exists only for such things.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use roxmltree::Node;
use stopgap_model::problem::one_line;

use super::edit::{Element, Undo, Wrapper, containers, members};
use super::edit_error::EditError;
use super::entry::Collection;
use super::place::{Place, same_name};
use super::pools::restore_pool;
use super::xml::{Doc, Written as _, is_blank};

/// The elements that are created or opened, each before those around it.
const WRAPPERS: [&str; 9] = [
    "preConditions",
    "globalRules",
    "rules",
    "outboundRules",
    "allowedServerVariables",
    "rewrite",
    "system.webServer",
    "location",
    "configuration",
];

/// Takes something that was put in out again. `wrappers` is what all edits of this file created or opened,
/// those that were undone before included, so that what several share goes with the last of them.
/// What is gone already is no error.
///
/// # Errors
/// [`EditError`] if the file cannot be read, or has two of this name in this place.
pub fn remove(bytes: &[u8], undo: &Undo, wrappers: &[Wrapper]) -> Result<Vec<u8>, EditError> {
    let element = match undo {
        Undo::Element(element) => element,
        Undo::Pool(pool) => return restore_pool(bytes, pool),
    };
    let doc = Doc::parse(bytes).map_err(EditError::NotReadable)?;
    let ours: Vec<_> = members(&doc, &element.place, element.collection)
        .filter(|node| {
            node.own_attribute("name").is_some_and(|name| same_name(name, &element.name))
        })
        .collect();
    let (mut text, mut at) = match ours.as_slice() {
        [] => (doc.text.to_owned(), None),
        [rule] => {
            // The white space that was put before it goes with it.
            let range = extent(&doc, *rule, &element.leading_space);
            (doc.with(&range, "").ok_or(EditError::Lost)?, Some(range.start))
        }
        _ => {
            let what = format!(
                "more than one is named \"{}\" in {}",
                one_line(&element.name),
                element.place
            );
            return Err(EditError::Ambiguous(what));
        }
    };
    // What is around is empty only once what is in it is gone.
    let pieces = innermost_first(element, wrappers);
    let mut left = pieces.as_slice();
    while let Some((behind, (range, with))) = next_dismantled(&text, left, at)? {
        text = replaced(&text, &range, &with).ok_or(EditError::Lost)?;
        at = Some(range.start);
        left = behind;
    }
    Ok(text.into_bytes())
}

/// Takes several things out, as [`remove`] does one after the other. Of those of one collection that are as
/// they were put in, the file is read twice, however many they are.
///
/// # Errors
/// [`EditError`] of one of them; nothing is changed then.
pub fn remove_all(
    bytes: &[u8],
    undos: &[&Undo],
    wrappers: &[Wrapper],
) -> Result<Vec<u8>, EditError> {
    let (mut bytes, mut left) = (bytes.to_vec(), undos.to_vec());
    while let Some(first) = left.first().copied() {
        let is_beside = |undo: &&Undo| collection_of(undo) == collection_of(first);
        let (beside, others): (Vec<&Undo>, Vec<&Undo>) = left.into_iter().partition(is_beside);
        let beside = remove_side_by_side(&mut bytes, beside)?;
        for undo in beside {
            bytes = remove(&bytes, undo, wrappers)?;
        }
        left = others;
    }
    Ok(bytes)
}

/// The collection that a thing was put into, and its place; `None` for a pool, which is not taken out.
fn collection_of(undo: &Undo) -> Option<(&Place, Collection)> {
    match undo {
        Undo::Element(element) => Some((&element.place, element.collection)),
        Undo::Pool(_) => None,
    }
}

/// Takes out of one collection what can go at once, and returns the rest.
///
/// Those go that are as they were put in and stand in one section, all but the last of them: as long as
/// that is there, nothing around them is empty, so that nothing else changes.
fn remove_side_by_side<'u>(
    bytes: &mut Vec<u8>,
    undos: Vec<&'u Undo>,
) -> Result<Vec<&'u Undo>, EditError> {
    let Some((place, collection)) = undos.first().copied().and_then(collection_of) else {
        return Ok(undos);
    };
    if undos.len() < 2 {
        return Ok(undos);
    }
    let doc = Doc::parse(bytes).map_err(EditError::NotReadable)?;
    let named = members_by_name(&doc, place, collection);
    let all: Vec<_> = undos.iter().map(|undo| (*undo, as_put(&doc, &named, undo))).collect();
    let last = all.iter().rev().find_map(|(_, standing)| standing.as_ref());
    let Some(section) = last.map(|standing| standing.section) else { return Ok(undos) };
    let (mut left, mut going) = (Vec::new(), Vec::new());
    for (undo, standing) in all {
        match standing {
            Some(Standing { section: around, range }) if around == section => {
                going.push((undo, range));
            }
            _ => left.push(undo),
        }
    }
    // The last one keeps the section.
    left.extend(going.last().map(|(undo, _)| *undo));
    let mut ranges: Vec<Range<usize>> = going.into_iter().map(|(_, range)| range).collect();
    let kept = ranges.last().cloned();
    ranges.sort_by_key(|range| range.start);
    // Two that are one, or not white space before one of them: nothing is as it seems.
    if ranges.windows(2).any(|pair| matches!(pair, [one, next] if one.end > next.start)) {
        return Ok(undos);
    }
    ranges.retain(|range| Some(range) != kept.as_ref());
    *bytes = doc.without(&ranges).into_bytes();
    Ok(left)
}

/// The members of a collection in a place by their names in lower case.
fn members_by_name<'d, 'a>(
    doc: &'d Doc<'a>,
    place: &Place,
    collection: Collection,
) -> HashMap<String, Vec<Node<'d, 'a>>> {
    let mut named: HashMap<String, Vec<Node<'_, '_>>> = HashMap::new();
    for node in members(doc, place, collection) {
        let name = node.own_attribute("name").unwrap_or_default();
        named.entry(name.to_ascii_lowercase()).or_default().push(node);
    }
    named
}

/// Where something stands that was put in.
struct Standing<'d, 'a> {
    /// The element around it.
    section: Option<Node<'d, 'a>>,
    /// What it takes up, the white space included that was put before it.
    range: Range<usize>,
}

/// Where something stands; `None`: it is not there, there twice, or not behind the white space that was put
/// before it.
fn as_put<'d, 'a>(
    doc: &Doc<'_>,
    named: &HashMap<String, Vec<Node<'d, 'a>>>,
    undo: &Undo,
) -> Option<Standing<'d, 'a>> {
    let Undo::Element(element) = undo else { return None };
    let [node] = named.get(&element.name.to_ascii_lowercase())?.as_slice() else { return None };
    let (range, space) = (node.range(), element.leading_space.as_str());
    let from = range.start.checked_sub(space.len())?;
    let range = from..range.end;
    doc.slice(range.clone()).starts_with(space).then(|| Standing { section: node.parent(), range })
}

/// The wrappers that may be around an element, each once: many edits of one file tell of
/// the same ones.
fn innermost_first<'p>(element: &'p Element, all: &'p [Wrapper]) -> Vec<&'p Wrapper> {
    let key = element.place.key();
    let is_around = |piece: &&Wrapper| {
        let (Wrapper::Created { place, .. } | Wrapper::Opened { place, .. }) = piece;
        // Only the root is around more than one place.
        name_of(piece) == "configuration" || place.key() == key
    };
    let order = |piece: &&Wrapper| WRAPPERS.iter().position(|name| *name == name_of(piece));
    let mut seen = HashSet::new();
    let mut pieces: Vec<&Wrapper> = element.wrappers.iter().chain(all).collect();
    pieces.retain(|piece| order(piece).is_some() && is_around(piece) && seen.insert(*piece));
    pieces.sort_by_key(order);
    pieces
}

/// A change to the text: what is replaced, and by what.
type Replaced = (Range<usize>, String);

/// The first wrapper that is there and empty: what becomes of it, and the pieces behind
/// it. The file is read once for all that are not.
fn next_dismantled<'p, 's>(
    text: &str,
    pieces: &'p [&'s Wrapper],
    at: Option<usize>,
) -> Result<Option<(&'p [&'s Wrapper], Replaced)>, EditError> {
    if pieces.is_empty() {
        return Ok(None);
    }
    let doc = Doc::parse(text.as_bytes()).map_err(EditError::NotReadable)?;
    let found = pieces.iter().enumerate().find_map(|(index, piece)| {
        let change = dismantled(&doc, piece, at)?;
        Some((pieces.get(index + 1..).unwrap_or_default(), change))
    });
    Ok(found)
}

/// What becomes of one wrapper, if it is there and empty. Only an element around `at`,
/// where something was just taken out, is surely the one that is meant. Without it, when the rule
/// was gone already, just one element may look exactly as it was made.
fn dismantled(doc: &Doc<'_>, piece: &Wrapper, at: Option<usize>) -> Option<Replaced> {
    let (Wrapper::Created { place, element, .. } | Wrapper::Opened { place, element, .. }) = piece;
    let around = |node: &Node<'_, '_>| {
        at.is_none_or(|at| doc.start_tag_end(*node) <= at && at < node.range().end)
    };
    let empty = candidates(doc, place, element)
        .into_iter()
        .filter(|node| around(node) && doc.is_empty(*node) && !doc.is_self_closing(*node));
    let changes: Vec<_> = match piece {
        Wrapper::Created { leading_space, .. } => empty
            .filter(|node| node.attributes().all(|attribute| attribute.name() == "path"))
            .filter(|node| {
                at.is_some() || doc.before(node.range().start).ends_with(leading_space.as_str())
            })
            .map(|node| (extent(doc, node, leading_space), String::new()))
            .collect(),
        Wrapper::Opened { was, .. } => empty
            .map(|node| doc.attributes_end(node)..node.range().end)
            .filter(|tail| doc.slice(tail.clone()) != was.as_str())
            .map(|tail| (tail, was.clone()))
            .collect(),
    };
    match changes.as_slice() {
        [change] => Some(change.clone()),
        // Several look like ours: an empty element does no harm, taking the wrong one might.
        _ => None,
    }
}

fn name_of(piece: &Wrapper) -> &str {
    match piece {
        Wrapper::Created { element, .. } | Wrapper::Opened { element, .. } => element,
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
    let collections = [
        Collection::GlobalRules,
        Collection::Rules,
        Collection::PreConditions,
        Collection::AllowedVariables,
    ];
    let path = collections.iter().find_map(|collection| {
        let depth = collection.chain().iter().position(|name| *name == element)?;
        collection.chain().get(..=depth)
    });
    let Some(path) = path else { return Vec::new() };
    containers.into_iter().flat_map(|container| doc.descend(container, path)).collect()
}

/// What goes with an element: the white space that was put before it or, where someone laid the
/// file out anew, the line that it has for itself.
fn extent(doc: &Doc<'_>, node: Node<'_, '_>, leading_space: &str) -> Range<usize> {
    let range = node.range();
    if doc.before(range.start).ends_with(leading_space) {
        return range.start - leading_space.len()..range.end;
    }
    let rest = doc.behind(range.end);
    let line_rest = rest.split('\n').next().unwrap_or_default();
    if !doc.begins_line(range.start) || !is_blank(line_rest) {
        return range;
    }
    let before = doc.before(range.start).trim_end_matches([' ', '\t']);
    let before = before.strip_suffix('\n').unwrap_or(before);
    let before = before.strip_suffix('\r').unwrap_or(before);
    before.len()..range.end + line_rest.trim_end_matches('\r').len()
}

/// The text with something else in a range of it.
fn replaced(text: &str, range: &Range<usize>, with: &str) -> Option<String> {
    Some([text.get(..range.start)?, with, text.get(range.end..)?].concat())
}
