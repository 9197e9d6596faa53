//! One collection of a file: what it adds to what is inherited, and what it drops of it.

use std::collections::HashMap;

use roxmltree::Node;
use stopgap_model::host::ServerPath;
use stopgap_model::reason::IisReason;

use super::entry::Collection;
use super::place::same_name;
use super::xml::{Doc, Written as _};

/// A section such as `rules`, or a collection in one.
#[derive(Debug, Clone)]
pub(crate) struct Section<T> {
    pub(crate) changes: Vec<Change<Listed<T>>>,
    /// Why what it says cannot be followed.
    pub(crate) problem: Option<SectionProblem>,
    /// `configSource`: the file, beside this one, that holds its content.
    pub(crate) source: Option<String>,
    /// Where in `changes` the members of a name are, by its key: who asks for thousands of names would
    /// otherwise walk over thousands of members for each.
    pub(crate) by_key: HashMap<String, Vec<usize>>,
}

/// Why what a section says cannot be followed.
#[derive(Debug, Clone)]
pub(crate) struct SectionProblem {
    section: String,
    kind: ProblemKind,
}

#[derive(Debug, Clone)]
enum ProblemKind {
    Encrypted,
    Element(String),
    Attribute(String),
}

impl SectionProblem {
    /// The same as a reason, of a section that stands in `file`.
    pub(crate) fn of_file(&self, file: &ServerPath) -> IisReason {
        let (file, section) = (file.to_string(), self.section.clone());
        match self.kind.clone() {
            ProblemKind::Encrypted => IisReason::SectionEncrypted { file, section },
            ProblemKind::Element(element) => IisReason::SectionElement { file, section, element },
            ProblemKind::Attribute(attribute) => {
                IisReason::SectionAttribute { file, section, attribute }
            }
        }
    }
}

/// A change to an inherited collection.
#[derive(Debug, Clone)]
pub(crate) enum Change<T> {
    Clear,
    Remove(String),
    Add(T),
}

/// A member of a section.
#[derive(Debug, Clone)]
pub(crate) struct Listed<T> {
    pub(crate) name: String,
    /// The name in one spelling: case does not matter.
    pub(crate) key: String,
    /// What it says, or why that is not understood.
    pub(crate) item: Result<T, IisReason>,
    /// Whether `lockItem` forbids dropping it below.
    pub(crate) locked: bool,
}

impl<T> Default for Section<T> {
    fn default() -> Self {
        Self { changes: Vec::new(), problem: None, source: None, by_key: HashMap::new() }
    }
}

impl<T> Section<T> {
    /// Its members.
    pub(crate) fn listed(&self) -> impl Iterator<Item = &Listed<T>> {
        self.changes.iter().filter_map(|change| match change {
            Change::Add(listed) => Some(listed),
            Change::Clear | Change::Remove(_) => None,
        })
    }

    /// Its members of this name.
    pub(crate) fn named(&self, name: &str) -> impl Iterator<Item = &Listed<T>> {
        let places = self.by_key.get(&name.to_ascii_lowercase()).into_iter().flatten();
        places.filter_map(|at| match self.changes.get(*at) {
            Some(Change::Add(listed)) => Some(listed),
            _ => None,
        })
    }

    /// Whether it drops all that is inherited.
    pub(crate) fn clears(&self) -> bool {
        self.changes.iter().any(|change| matches!(change, Change::Clear))
    }

    /// Whether it drops what is inherited under this name.
    pub(crate) fn removes(&self, name: &str) -> bool {
        let by_name =
            |change: &Change<_>| matches!(change, Change::Remove(n) if same_name(n, name));
        self.changes.iter().any(by_name)
    }
}

/// Reads a section of a collection.
pub(crate) fn section<'d, 'a, T>(
    doc: &'d Doc<'a>,
    node: Node<'d, 'a>,
    collection: Collection,
    read: impl Fn(Node<'d, 'a>) -> Result<T, IisReason>,
) -> Section<T> {
    section_of(doc, node, &|name| collection.has(name), read)
}

/// Reads a section whose members are the elements that `member` knows.
pub(crate) fn section_of<'d, 'a, T>(
    doc: &'d Doc<'a>,
    node: Node<'d, 'a>,
    member: &dyn Fn(&str) -> bool,
    read: impl Fn(Node<'d, 'a>) -> Result<T, IisReason>,
) -> Section<T> {
    let mut changes: Vec<Change<Listed<T>>> = Vec::new();
    let mut problem = elsewhere(doc, node);
    for child in node.children().filter(|child| child.is_element()) {
        let name = || child.own_attribute("name").unwrap_or_default().to_owned();
        match doc.name(child) {
            "clear" => changes.push(Change::Clear),
            "remove" => changes.push(Change::Remove(name())),
            // These belong to `outboundRules` and are no rules.
            "preConditions" | "customTags" => {}
            element if member(element) => changes.push(Change::Add(Listed {
                name: name(),
                key: name().to_ascii_lowercase(),
                item: read(child),
                locked: child.own_attribute("lockItem") == Some("true"),
            })),
            // The first problem tells most: what is in an encrypted section is none.
            other => {
                problem.get_or_insert_with(|| SectionProblem {
                    section: doc.name(node).to_owned(),
                    kind: ProblemKind::Element(other.to_owned()),
                });
            }
        }
    }
    let source = node.own_attribute("configSource").map(str::to_owned);
    let mut by_key: HashMap<String, Vec<usize>> = HashMap::new();
    for (at, change) in changes.iter().enumerate() {
        if let Change::Add(Listed { key, .. }) = change {
            by_key.entry(key.clone()).or_default().push(at);
        }
    }
    Section { changes, problem, source, by_key }
}

/// Attributes by which a section's content cannot be read, or is locked in ways not followed here.
fn elsewhere(doc: &Doc<'_>, node: Node<'_, '_>) -> Option<SectionProblem> {
    let section = doc.name(node).to_owned();
    if node.own_attribute("configProtectionProvider").is_some() {
        return Some(SectionProblem { section, kind: ProblemKind::Encrypted });
    }
    let attribute = node.attributes().find(|attribute| {
        attribute.name() == "childSource"
            || (attribute.name().starts_with("lock") && attribute.value() != "false")
    })?;
    let kind = ProblemKind::Attribute(attribute.name().to_owned());
    Some(SectionProblem { section, kind })
}
