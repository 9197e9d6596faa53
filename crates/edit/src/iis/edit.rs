//! Insertion of one rule into the bytes of a configuration file.
//!
//! Nothing but the inserted text changes: an empty element on the way is opened, missing ones are
//! created. What was opened and created is handed back, so that removal restores the exact bytes.

use std::collections::HashSet;

use roxmltree::Node;
use serde::{Deserialize, Serialize};
use stopgap_rules::iis::Rule;

use super::effective::same;
use super::place::{Place, normal};
use super::rule_write::{escaped, write_rule};
use super::summary::{Mode, reach};
use super::xml::{Doc, NotReadable};

/// A file with a rule put into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inserted {
    /// The new content of the file.
    pub bytes: Vec<u8>,
    /// What removal needs.
    pub undo: Undo,
}

/// How to take one inserted rule out again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undo {
    /// Where the rule was put.
    pub place: Place,
    /// The rule's name.
    pub rule: String,
    /// The white space that was put before the rule.
    pub lead: String,
    /// What had to be created or opened around it, outermost first.
    pub scaffold: Vec<Scaffold>,
}

/// An element that exists, or is open, only for our rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scaffold {
    /// An element that was created.
    Created {
        /// The place whose rules it is an ancestor of.
        place: Place,
        /// The element's name, such as `rewrite`.
        element: String,
        /// The white space that was put before it.
        lead: String,
    },
    /// An empty element that was opened.
    Opened {
        /// The place whose rules it is an ancestor of.
        place: Place,
        /// The element's name, such as `rules`.
        element: String,
        /// How it ended behind its attributes, such as ` />` or `></rules>`.
        was: String,
    },
}

/// Why a file was not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// It is not a configuration file that can be read.
    #[error("the file cannot be edited: {0}")]
    NotReadable(NotReadable),
    /// A value holds a character that XML cannot carry.
    #[error("the rule has the character U+{code:04X}, which XML cannot carry")]
    NotXml {
        /// The character's number.
        code: u32,
    },
    /// The place has a rule of this name already.
    #[error("there is a rule \"{0}\" there already")]
    NameTaken(String),
    /// More than one rule has this name, or more than one section is in this place.
    #[error("it is not clear which is meant: {0}")]
    Ambiguous(String),
    /// The place's rules are in a location with a narrower reach, or one that locks.
    #[error("the rules of {0} are in a location that is locked or not inherited")]
    NotPlain(Place),
}

/// A replacement of a range of the text.
struct Splice {
    from: usize,
    to: usize,
    text: String,
}

/// Puts a rule into a place: before the rules that are there, behind what clears or removes.
///
/// # Errors
/// [`EditError`]; nothing is changed then.
pub fn insert(bytes: &[u8], place: &Place, rule: &Rule) -> Result<Inserted, EditError> {
    let doc = Doc::parse(bytes).map_err(EditError::NotReadable)?;
    if let Some(name) = rules_of(&doc, place).find_map(|(_, node)| {
        node.attribute("name").filter(|name| same(name, &rule.name)).map(str::to_owned)
    }) {
        return Err(EditError::NameTaken(name));
    }
    let (parent, missing) = anchor(&doc, place)?;
    let mut writer = Writer { doc: &doc, place, scaffold: Vec::new(), lead: String::new() };
    let splice = writer.splice(parent, &missing, rule)?;
    let text = format!("{}{}{}", &doc.text[..splice.from], splice.text, &doc.text[splice.to..]);
    let Writer { scaffold, lead, .. } = writer;
    let undo = Undo { place: place.clone(), rule: rule.name.clone(), lead, scaffold };
    Ok(Inserted { bytes: text.into_bytes(), undo })
}

/// Puts rules into a place, as [`insert`] does one after the other; the file is read twice, however
/// many they are. The rule that comes last stands first then.
///
/// # Errors
/// [`EditError`] of one of the rules; nothing is changed then.
pub fn insert_all(
    bytes: &[u8],
    place: &Place,
    rules: &[&Rule],
) -> Result<(Vec<u8>, Vec<Undo>), EditError> {
    let Some((first, others)) = rules.split_first() else { return Ok((bytes.into(), Vec::new())) };
    // The first one makes whatever is missing around it.
    let Inserted { bytes, undo } = insert(bytes, place, first)?;
    if others.is_empty() {
        return Ok((bytes, vec![undo]));
    }
    let doc = Doc::parse(&bytes).map_err(EditError::NotReadable)?;
    let there = rules_of(&doc, place).filter_map(|(_, node)| node.attribute("name"));
    let mut names: HashSet<String> = there.map(str::to_ascii_lowercase).collect();
    let (section, missing) = anchor(&doc, place)?;
    let mut undos = vec![undo];
    let mut texts = Vec::new();
    let mut at = None;
    for rule in others {
        if !names.insert(rule.name.to_ascii_lowercase()) {
            return Err(EditError::NameTaken(rule.name.clone()));
        }
        let mut writer = Writer { doc: &doc, place, scaffold: Vec::new(), lead: String::new() };
        let splice = writer.splice(section, &missing, rule)?;
        let Writer { scaffold, lead, .. } = writer;
        undos.push(Undo { place: place.clone(), rule: rule.name.clone(), lead, scaffold });
        texts.push(splice.text);
        at = Some(splice.from);
    }
    let (before, after) = doc.text.split_at(at.unwrap_or(doc.text.len()));
    let texts: String = texts.into_iter().rev().collect();
    Ok(([before, &texts, after].concat().into_bytes(), undos))
}

/// The elements that may hold a place's `system.webServer`: the root and its locations without a
/// path, or the locations of this path.
pub(crate) fn containers<'d, 'a>(doc: &'d Doc<'a>, place: &Place) -> Vec<Node<'d, 'a>> {
    let key = place.key();
    let root = key.is_empty().then(|| doc.root());
    let locations = doc
        .children(doc.root(), "location")
        .filter(|node| normal(node.attribute("path").unwrap_or_default()) == key);
    root.into_iter().chain(locations).collect()
}

/// The names of the elements from a container down to a place's section.
pub(crate) fn chain(place: &Place) -> [&'static str; 3] {
    ["system.webServer", "rewrite", place.section()]
}

/// The rules of a place, each with its section.
pub(crate) fn rules_of<'d, 'a>(
    doc: &'d Doc<'a>,
    place: &Place,
) -> impl Iterator<Item = (Node<'d, 'a>, Node<'d, 'a>)> {
    let names = chain(place);
    let sections: Vec<_> = containers(doc, place)
        .into_iter()
        .flat_map(|container| {
            let groups = doc.descend(container, &["system.webServer", "rewrite"]);
            groups.into_iter().flat_map(|group| doc.children(group, names[2]).collect::<Vec<_>>())
        })
        .collect();
    sections.into_iter().flat_map(|section| {
        let children = section.children().filter(Node::is_element);
        children
            .filter(|child| matches!(doc.name(*child), "rule" | "add"))
            .map(move |child| (section, child))
            .collect::<Vec<_>>()
    })
}

/// Whether rules in a container hold for all of its path.
fn is_plain(doc: &Doc<'_>, container: Node<'_, '_>) -> bool {
    let (inherits, mode) = reach(container);
    container == doc.root() || (inherits && mode != Mode::Deny)
}

/// The deepest element on the way to a place's section that is there, and the names of those below
/// it that are not.
fn anchor<'d, 'a>(
    doc: &'d Doc<'a>,
    place: &Place,
) -> Result<(Node<'d, 'a>, Vec<&'static str>), EditError> {
    let names = chain(place);
    let all = containers(doc, place);
    let mut sections = Vec::new();
    for container in &all {
        for group in doc.descend(*container, &["system.webServer", "rewrite"]) {
            let found = doc.children(group, names[2]).map(|section| (*container, section));
            sections.extend(found.collect::<Vec<_>>());
        }
    }
    match sections.as_slice() {
        [] => {}
        // `globalRules` hold everywhere, whatever is around them.
        [(container, section)] if *place == Place::Server || is_plain(doc, *container) => {
            return Ok((*section, Vec::new()));
        }
        [_] => return Err(EditError::NotPlain(place.clone())),
        _ => {
            return Err(EditError::Ambiguous(format!(
                "{place} has more than one section of rules"
            )));
        }
    }
    let plain: Vec<_> = all.into_iter().filter(|node| is_plain(doc, *node)).collect();
    for depth in [2, 1, 0] {
        for container in &plain {
            let mut path = *container;
            // The last of several is the one that insertion and removal agree on.
            let found = names[..depth].iter().all(|name| match doc.children(path, name).last() {
                Some(next) => {
                    path = next;
                    true
                }
                None => false,
            });
            if found {
                return Ok((path, names[depth..].to_vec()));
            }
        }
    }
    let missing = std::iter::once("location").chain(names).collect();
    Ok((doc.root(), missing))
}

/// Builds the text that goes in.
struct Writer<'w, 'a> {
    doc: &'w Doc<'a>,
    place: &'w Place,
    scaffold: Vec<Scaffold>,
    lead: String,
}

impl<'a> Writer<'_, 'a> {
    fn splice(
        &mut self,
        parent: Node<'_, 'a>,
        missing: &[&'static str],
        rule: &Rule,
    ) -> Result<Splice, EditError> {
        let doc = self.doc;
        let opens = doc.is_empty(parent);
        let at = if opens { doc.attributes_end(parent) } else { self.position(parent, missing) };
        let newline = doc.newline(at);
        let unit = self.unit();
        let outer = doc.indentation(parent.range().start);
        let indent = self.child_indent(parent).unwrap_or_else(|| format!("{outer}{unit}"));
        if opens {
            let was = doc.text[at..parent.range().end].to_owned();
            let (place, element) = (self.place.clone(), doc.name(parent).to_owned());
            self.scaffold.push(Scaffold::Opened { place, element, was });
        }
        let inner = self.nested(missing, rule, newline, &indent, unit)?;
        if !opens {
            return Ok(Splice { from: at, to: at, text: inner });
        }
        let text = format!(">{inner}{newline}{outer}</{}>", doc.name(parent));
        Ok(Splice { from: at, to: parent.range().end, text })
    }

    /// The missing elements with the rule in them, each on a line of its own.
    fn nested(
        &mut self,
        missing: &[&'static str],
        rule: &Rule,
        newline: &str,
        indent: &str,
        unit: &str,
    ) -> Result<String, EditError> {
        let lead = format!("{newline}{indent}");
        let Some((element, below)) = missing.split_first() else {
            let text = format!("{lead}{}", write_rule(rule, newline, indent, unit)?);
            self.lead = lead;
            return Ok(text);
        };
        let attributes = match (*element, self.place) {
            ("location", Place::Location { path }) => format!(" path=\"{}\"", escaped(path)?),
            _ => String::new(),
        };
        self.scaffold.push(Scaffold::Created {
            place: self.place.clone(),
            element: (*element).to_owned(),
            lead: lead.clone(),
        });
        let inner = self.nested(below, rule, newline, &format!("{indent}{unit}"), unit)?;
        Ok(format!("{lead}<{element}{attributes}>{inner}{lead}</{element}>"))
    }

    /// Where in an element that is not empty the text goes.
    fn position(&self, parent: Node<'_, 'a>, missing: &[&str]) -> usize {
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
