//! Insertion of one entry into the bytes of a configuration file.
//!
//! Nothing but the inserted text changes: an empty element on the way is opened, missing ones are
//! created. What was opened and created is handed back, so that removal restores the exact bytes.

use std::collections::HashSet;

use roxmltree::Node;

use super::edit_error::EditError;
use super::entry::{Collection, Entry};
use super::entry_write::{escaped, write_entry};
use super::parsed_config::{Mode, reach};
use super::place::{Place, normal, same_name};
use super::pools::{PoolUndo, disable_pool};
use super::xml::{Doc, Written as _};

/// A file with something put into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inserted {
    /// The new content of the file.
    pub bytes: Vec<u8>,
    /// What removal needs.
    pub undo: Undo,
}

/// How to take one thing that was put in out again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Undo {
    /// An element was put in.
    Element(Element),
    /// Attributes of an application pool were set.
    Pool(PoolUndo),
}

/// How to take an element out again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element {
    /// Where it was put.
    pub place: Place,
    /// The collection that it is in.
    pub collection: Collection,
    /// Its name.
    pub name: String,
    /// The white space that was put before it.
    pub leading_space: String,
    /// What had to be created or opened around it, outermost first.
    pub wrappers: Vec<Wrapper>,
}

impl Undo {
    /// Where the thing is.
    #[must_use]
    pub fn place(&self) -> &Place {
        match self {
            Self::Element(element) => &element.place,
            Self::Pool(_) => &Place::Server,
        }
    }

    /// What had to be created or opened around it.
    #[must_use]
    pub fn wrappers(&self) -> &[Wrapper] {
        match self {
            Self::Element(element) => &element.wrappers,
            Self::Pool(_) => &[],
        }
    }
}

/// An element that exists, or is open, only for what we put in.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Wrapper {
    /// An element that was created.
    Created {
        /// The place whose entries it is an ancestor of.
        place: Place,
        /// The element's name, such as `rewrite`.
        element: String,
        /// The white space that was put before it.
        leading_space: String,
    },
    /// An empty element that was opened.
    Opened {
        /// The place whose entries it is an ancestor of.
        place: Place,
        /// The element's name, such as `rules`.
        element: String,
        /// How it ended behind its attributes, such as ` />` or `></rules>`.
        was: String,
    },
}

/// A replacement of a range of the text.
struct Splice {
    from: usize,
    to: usize,
    text: String,
}

/// Puts an entry into a place: before the others of its kind, behind what clears or removes. A pool
/// is found where it is, and its attributes are set.
///
/// # Errors
/// [`EditError`]; nothing is changed then.
pub fn insert(bytes: &[u8], place: &Place, entry: &Entry) -> Result<Inserted, EditError> {
    if let Entry::DisabledPool(name) = entry {
        let (bytes, undo) = disable_pool(bytes, name)?;
        return Ok(Inserted { bytes, undo: Undo::Pool(undo) });
    }
    let doc = Doc::parse(bytes).map_err(EditError::NotReadable)?;
    let collection = entry.collection(place);
    if let Some(name) = members(&doc, place, collection).find_map(|node| {
        node.own_attribute("name").filter(|name| same_name(name, entry.name())).map(str::to_owned)
    }) {
        return Err(EditError::NameTaken(name));
    }
    let (parent, missing) = insertion_parent(&doc, place, collection)?;
    let mut writer =
        Writer { doc: &doc, place, wrappers: Vec::new(), leading_space: String::new() };
    let splice = writer.splice(parent, &missing, entry)?;
    let text = doc.with(&(splice.from..splice.to), &splice.text).ok_or(EditError::Lost)?;
    Ok(Inserted { bytes: text.into_bytes(), undo: writer.undo(collection, entry) })
}

/// Puts entries of one collection into a place, as [`insert`] does one after the other; the file is
/// read twice, however many they are. The one that comes last stands first then.
///
/// # Errors
/// [`EditError`] of one of them; nothing is changed then.
pub fn insert_all(
    bytes: &[u8],
    place: &Place,
    entries: &[&Entry],
) -> Result<(Vec<u8>, Vec<Undo>), EditError> {
    let Some((first, others)) = entries.split_first() else {
        return Ok((bytes.into(), Vec::new()));
    };
    // The first one makes whatever is missing around it.
    let Inserted { mut bytes, undo } = insert(bytes, place, first)?;
    let mut undos = vec![undo];
    let collection = first.collection(place);
    if collection == Collection::Pools {
        for entry in others {
            let done = insert(&bytes, place, entry)?;
            bytes = done.bytes;
            undos.push(done.undo);
        }
        return Ok((bytes, undos));
    }
    if others.is_empty() {
        return Ok((bytes, undos));
    }
    let doc = Doc::parse(&bytes).map_err(EditError::NotReadable)?;
    let there = members(&doc, place, collection).filter_map(|node| node.own_attribute("name"));
    let mut names: HashSet<String> = there.map(str::to_ascii_lowercase).collect();
    let (section, missing) = insertion_parent(&doc, place, collection)?;
    let mut texts = Vec::new();
    let mut at = None;
    for entry in others {
        // Among those that are put in now, too, each name may be there once.
        if !names.insert(entry.name().to_ascii_lowercase()) {
            return Err(EditError::NameTaken(entry.name().to_owned()));
        }
        let mut writer =
            Writer { doc: &doc, place, wrappers: Vec::new(), leading_space: String::new() };
        let splice = writer.splice(section, &missing, entry)?;
        undos.push(writer.undo(collection, entry));
        texts.push(splice.text);
        at = Some(splice.from);
    }
    let at = at.unwrap_or(doc.text.len());
    let texts: String = texts.into_iter().rev().collect();
    let text = doc.with(&(at..at), &texts).ok_or(EditError::Lost)?;
    Ok((text.into_bytes(), undos))
}

/// The elements that may hold a place's sections: the root and its locations without a path, or
/// the locations of this path.
pub(crate) fn containers<'d, 'a>(doc: &'d Doc<'a>, place: &Place) -> Vec<Node<'d, 'a>> {
    let key = place.key();
    let root = key.is_empty().then(|| doc.root());
    let locations = doc
        .children(doc.root(), "location")
        .filter(|node| normal(node.own_attribute("path").unwrap_or_default()) == key);
    root.into_iter().chain(locations).collect()
}

/// The members of a collection in a place.
pub(crate) fn members<'d, 'a>(
    doc: &'d Doc<'a>,
    place: &Place,
    collection: Collection,
) -> impl Iterator<Item = Node<'d, 'a>> {
    let sections: Vec<_> = containers(doc, place)
        .into_iter()
        .flat_map(|container| doc.descend(container, collection.chain()))
        .collect();
    let children = sections.into_iter().flat_map(|section| section.children());
    children.filter(move |child| child.is_element() && collection.has(doc.name(*child)))
}

/// Whether what is in a container holds for all of its path.
fn is_plain(doc: &Doc<'_>, container: Node<'_, '_>) -> bool {
    let (inherits, mode) = reach(container);
    container == doc.root() || (inherits && mode != Mode::Deny)
}

/// The deepest element on the way to a place's collection that is there, and the names of those
/// below it that are not.
fn insertion_parent<'d, 'a>(
    doc: &'d Doc<'a>,
    place: &Place,
    collection: Collection,
) -> Result<(Node<'d, 'a>, Vec<&'static str>), EditError> {
    let names = collection.chain();
    let all = containers(doc, place);
    let found = |container: &Node<'d, 'a>| {
        let container = *container;
        doc.descend(container, names).into_iter().map(move |section| (container, section))
    };
    let sections: Vec<_> = all.iter().flat_map(found).collect();
    match sections.as_slice() {
        [] => {}
        [(_, section)] if lives_elsewhere(*section) => {
            return Err(EditError::Elsewhere(collection.section().to_owned()));
        }
        // `globalRules` hold everywhere, whatever is around them.
        [(container, section)] if *place == Place::Server || is_plain(doc, *container) => {
            return Ok((*section, Vec::new()));
        }
        [_] => return Err(EditError::NotPlain(place.clone())),
        _ => {
            let section = collection.section();
            return Err(EditError::Ambiguous(format!("{place} has more than one {section}")));
        }
    }
    let plain: Vec<_> = all.into_iter().filter(|node| is_plain(doc, *node)).collect();
    // The longer a part of the way is there, the less has to be created.
    for depth in (0..names.len()).rev() {
        let (there, missing) = names.split_at(depth);
        let parent = plain.iter().find_map(|container| descendant(doc, *container, there));
        match parent {
            Some(parent) if lives_elsewhere(parent) => {
                return Err(EditError::Elsewhere(collection.section().to_owned()));
            }
            Some(parent) => return Ok((parent, missing.to_vec())),
            None => {}
        }
    }
    let missing = std::iter::once("location").chain(names.iter().copied()).collect();
    Ok((doc.root(), missing))
}

/// The element at the end of a way of names. Of several of one name it is the last, on which insertion
/// and removal agree.
fn descendant<'d, 'a>(
    doc: &'d Doc<'a>,
    container: Node<'d, 'a>,
    names: &[&str],
) -> Option<Node<'d, 'a>> {
    names.iter().try_fold(container, |parent, name| doc.children(parent, name).last())
}

/// Whether a section has its content in another file or encrypted: then nothing may be put in.
fn lives_elsewhere(section: Node<'_, '_>) -> bool {
    ["configSource", "configProtectionProvider"]
        .iter()
        .any(|name| section.own_attribute(name).is_some())
}

/// Builds the text that goes in.
struct Writer<'w, 'a> {
    doc: &'w Doc<'a>,
    place: &'w Place,
    wrappers: Vec<Wrapper>,
    leading_space: String,
}

impl<'a> Writer<'_, 'a> {
    fn undo(self, collection: Collection, entry: &Entry) -> Undo {
        let Self { place, wrappers, leading_space, .. } = self;
        let (place, name) = (place.clone(), entry.name().to_owned());
        Undo::Element(Element { place, collection, name, leading_space, wrappers })
    }

    fn splice(
        &mut self,
        parent: Node<'_, 'a>,
        missing: &[&'static str],
        entry: &Entry,
    ) -> Result<Splice, EditError> {
        let doc = self.doc;
        let opens = doc.is_empty(parent);
        let at = if opens { doc.attributes_end(parent) } else { self.position(parent, missing) };
        let newline = doc.newline(at);
        let unit = self.unit();
        let outer = doc.indentation(parent.range().start);
        let indent = self.child_indent(parent).unwrap_or_else(|| format!("{outer}{unit}"));
        // How the tag ended is kept, so that removal can close it as it was.
        if opens {
            let was = doc.slice(at..parent.range().end).to_owned();
            let (place, element) = (self.place.clone(), doc.name(parent).to_owned());
            self.wrappers.push(Wrapper::Opened { place, element, was });
        }
        let inner = self.nested(missing, entry, newline, &indent, unit)?;
        if !opens {
            return Ok(Splice { from: at, to: at, text: inner });
        }
        let text = format!(">{inner}{newline}{outer}</{}>", doc.name(parent));
        Ok(Splice { from: at, to: parent.range().end, text })
    }

    /// The missing elements with the entry in them, each on a line of its own.
    fn nested(
        &mut self,
        missing: &[&'static str],
        entry: &Entry,
        newline: &str,
        indent: &str,
        unit: &str,
    ) -> Result<String, EditError> {
        let leading_space = format!("{newline}{indent}");
        // With nothing missing any more, it is the entry itself that is written.
        let Some((element, below)) = missing.split_first() else {
            let text = format!("{leading_space}{}", write_entry(entry, newline, indent, unit)?);
            self.leading_space = leading_space;
            return Ok(text);
        };
        let attributes = match (*element, self.place) {
            ("location", Place::Location { path }) => format!(" path=\"{}\"", escaped(path)?),
            _ => String::new(),
        };
        self.wrappers.push(Wrapper::Created {
            place: self.place.clone(),
            element: (*element).to_owned(),
            leading_space: leading_space.clone(),
        });
        let inner = self.nested(below, entry, newline, &format!("{indent}{unit}"), unit)?;
        Ok(format!("{leading_space}<{element}{attributes}>{inner}{leading_space}</{element}>"))
    }

    /// Where in an element that is not empty the text goes.
    fn position(&self, parent: Node<'_, 'a>, missing: &[&str]) -> usize {
        // `clear` and `remove` say what of the inherited stays: ours comes behind them.
        let mut after = parent.children().filter(Node::is_element).filter(|child| {
            !missing.is_empty() || matches!(self.doc.name(*child), "clear" | "remove")
        });
        after.next_back().map_or_else(|| self.doc.start_tag_end(parent), |child| child.range().end)
    }

    /// The indentation of the first child element that begins a line.
    fn child_indent(&self, parent: Node<'_, 'a>) -> Option<String> {
        let starts = parent.children().filter(Node::is_element).map(|child| child.range().start);
        let mut on_own_line = starts.filter(|start| self.doc.begins_line(*start));
        on_own_line.next().map(|start| self.doc.indentation(start).to_owned())
    }

    /// By how much the file indents: its first indented element says.
    fn unit(&self) -> &'a str {
        let outer = self.doc.indentation(self.doc.root().range().start);
        let starts =
            self.doc.root().children().filter(Node::is_element).map(|child| child.range().start);
        let indents = starts.filter(|start| self.doc.begins_line(*start));
        let units = indents.filter_map(|start| self.doc.indentation(start).strip_prefix(outer));
        units.into_iter().find(|unit| !unit.is_empty()).unwrap_or("    ")
    }
}
