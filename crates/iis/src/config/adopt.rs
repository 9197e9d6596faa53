//! How to take out what stands in a file when nothing tells how it was put in.

use roxmltree::Node;

use super::edit::{Element, Undo, Wrapper, members};
use super::entry::Entry;
use super::place::{Place, same_name};
use super::xml::{Doc, Written as _};

/// The inverse of putting an entry in that stands in a place, as if it had been put in here: what it
/// leaves empty around it goes with it. `None`: it is not there, or more than once; or it is a pool, of
/// which nobody knows what it was set to before.
#[must_use]
pub fn adopt(bytes: &[u8], place: &Place, entry: &Entry) -> Option<Undo> {
    if matches!(entry, Entry::DisabledPool(_)) {
        return None;
    }
    let doc = Doc::parse(bytes).ok()?;
    let collection = entry.collection(place);
    let mut there = members(&doc, place, collection).filter(|node| {
        node.own_attribute("name").is_some_and(|name| same_name(name, entry.name()))
    });
    let (node, None) = (there.next()?, there.next()) else { return None };
    let above = node.ancestors().skip(1).filter(|above| above.is_element());
    // What is around it counts as made for it: it goes only where it is left empty.
    let mut wrappers: Vec<Wrapper> = above
        .take_while(|above| *above != doc.root())
        .map(|above| Wrapper::Created {
            place: place.clone(),
            element: doc.name(above).to_owned(),
            leading_space: leading_space(&doc, above),
        })
        .collect();
    wrappers.reverse();
    let (place, name) = (place.clone(), entry.name().to_owned());
    Some(Undo::Element(Element {
        place,
        collection,
        name,
        leading_space: leading_space(&doc, node),
        wrappers,
    }))
}

/// The white space before an element that goes with it: its line's indentation and the line end.
fn leading_space(doc: &Doc<'_>, node: Node<'_, '_>) -> String {
    let before = doc.before(node.range().start);
    let rest = before.trim_end_matches([' ', '\t']);
    let rest = rest.strip_suffix('\n').map_or(rest, |rest| rest.strip_suffix('\r').unwrap_or(rest));
    before.strip_prefix(rest).unwrap_or_default().to_owned()
}
