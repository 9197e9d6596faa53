//! What is kept of a file once it was read: its layers of rewrite configuration, owned.

use roxmltree::Node;
use stopgap_model::host::{Iis, ServerPath};
use stopgap_rules::iis::{RewriteMap, Rule};

use super::facts::{self, RewriteSupport};
use super::handlers;
use super::place::{Place, normal};
use super::rule_read::read_rule;
use super::xml::Doc;

/// What was extracted from one configuration file.
#[derive(Debug, Clone)]
pub(crate) struct Summary {
    /// The file's root, then its locations, in document order.
    pub(crate) layers: Vec<Layer>,
    /// What only applicationHost.config says.
    pub(crate) host: Option<(Iis, RewriteSupport)>,
    /// The PHP programs that it names, as written.
    pub(crate) programs: Vec<String>,
}

/// The root of a file or one `<location>`, as far as rewriting goes.
#[derive(Debug, Clone)]
pub(crate) struct Layer {
    /// The location's path as written; `None` for the file's root.
    pub(crate) written: Option<String>,
    /// The path in one spelling. Empty for the root.
    pub(crate) path: String,
    /// Whether child applications inherit what is in it.
    pub(crate) inherits: bool,
    /// `overrideMode`, or what `allowOverride` stands for.
    pub(crate) mode: Mode,
    /// The `globalRules` sections; a valid file has at most one.
    pub(crate) global: Vec<Section>,
    /// The `rules` sections; a valid file has at most one.
    pub(crate) rules: Vec<Section>,
    /// Changes to the collection of rewrite maps.
    pub(crate) maps: Vec<Change<RewriteMap>>,
    /// Whether `modules` ends up with the rewrite module, where it says so.
    pub(crate) module: Option<bool>,
}

/// Whether the sections of a location may appear below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Inherit,
    Allow,
    Deny,
}

/// A `rules` or `globalRules` element.
#[derive(Debug, Clone)]
pub(crate) struct Section {
    pub(crate) changes: Vec<Change<Listed>>,
    /// Why what it says cannot be followed.
    pub(crate) problem: Option<String>,
}

/// A change to an inherited collection.
#[derive(Debug, Clone)]
pub(crate) enum Change<T> {
    Clear,
    Remove(String),
    Add(T),
}

/// A rule in a section.
#[derive(Debug, Clone)]
pub(crate) struct Listed {
    pub(crate) name: String,
    /// The name in one spelling: case does not matter.
    pub(crate) key: String,
    pub(crate) rule: Result<Rule, String>,
    /// Whether `lockItem` forbids dropping it below.
    pub(crate) locked: bool,
}

impl Layer {
    /// Where its rules are.
    pub(crate) fn place(&self, is_host: bool) -> Place {
        match &self.written {
            Some(path) => Place::Location { path: path.clone() },
            None if is_host => Place::Location { path: String::new() },
            None => Place::WebConfig,
        }
    }

    /// Whether a section in it holds for the whole of its path and locks nothing.
    pub(crate) fn is_plain(&self) -> bool {
        self.inherits && self.mode != Mode::Deny
    }
}

impl Summary {
    /// What `doc` says; `host` is its path where it is applicationHost.config.
    pub(crate) fn of(doc: &Doc<'_>, host: Option<&ServerPath>) -> Self {
        let root = doc.root();
        let locations = doc.children(root, "location");
        let layers = std::iter::once(root).chain(locations).map(|node| layer(doc, node)).collect();
        let host = host.map(|path| (facts::iis(doc, path), facts::support(doc)));
        Self { layers, host, programs: handlers::programs(doc) }
    }
}

/// How a `<location>` holds: whether it is inherited and what it locks.
pub(crate) fn reach(node: Node<'_, '_>) -> (bool, Mode) {
    let says = |name: &str, word: &str| {
        node.attribute(name).is_some_and(|value| value.eq_ignore_ascii_case(word))
    };
    let mode = if says("overrideMode", "Deny") || says("allowOverride", "false") {
        Mode::Deny
    } else if says("overrideMode", "Allow") || says("allowOverride", "true") {
        Mode::Allow
    } else {
        Mode::Inherit
    };
    (!says("inheritInChildApplications", "false"), mode)
}

fn layer(doc: &Doc<'_>, node: Node<'_, '_>) -> Layer {
    let is_location = node != doc.root();
    let written = is_location.then(|| node.attribute("path").unwrap_or_default().to_owned());
    let (inherits, mode) = if is_location { reach(node) } else { (true, Mode::Inherit) };
    let sections = |name: &str| {
        let nodes = doc.descend(node, &["system.webServer", "rewrite", name]);
        nodes.into_iter().map(|node| section(doc, node)).collect()
    };
    Layer {
        path: normal(written.as_deref().unwrap_or_default()),
        written,
        inherits,
        mode,
        global: sections("globalRules"),
        rules: sections("rules"),
        maps: maps(doc, node),
        module: module(doc, node),
    }
}

fn section(doc: &Doc<'_>, node: Node<'_, '_>) -> Section {
    let mut changes = Vec::new();
    let mut problem = elsewhere(node);
    for child in node.children().filter(|child| child.is_element()) {
        let name = || child.attribute("name").unwrap_or_default().to_owned();
        match doc.name(child) {
            "clear" => changes.push(Change::Clear),
            "remove" => changes.push(Change::Remove(name())),
            "rule" | "add" => changes.push(Change::Add(Listed {
                name: name(),
                key: name().to_ascii_lowercase(),
                rule: read_rule(child),
                locked: child.attribute("lockItem") == Some("true"),
            })),
            other => problem = Some(format!("its rules have an element `{other}`")),
        }
    }
    Section { changes, problem }
}

/// Attributes by which a section's content is somewhere else, or locked in ways not followed here.
fn elsewhere(node: Node<'_, '_>) -> Option<String> {
    let foreign = ["configSource", "configProtectionProvider", "childSource"];
    let attribute = node.attributes().find(|attribute| {
        foreign.contains(&attribute.name())
            || (attribute.name().starts_with("lock") && attribute.value() != "false")
    })?;
    Some(format!("its rules have `{}`, which is not followed", attribute.name()))
}

fn maps(doc: &Doc<'_>, node: Node<'_, '_>) -> Vec<Change<RewriteMap>> {
    let sections = doc.descend(node, &["system.webServer", "rewrite", "rewriteMaps"]);
    let children = sections.into_iter().flat_map(|node| node.children());
    let text = |node: Node<'_, '_>, name: &str| node.attribute(name).unwrap_or_default().to_owned();
    let change = |child: Node<'_, '_>| match child.tag_name().name() {
        "clear" => Some(Change::Clear),
        "remove" => Some(Change::Remove(text(child, "name"))),
        "rewriteMap" => Some(Change::Add(RewriteMap {
            name: text(child, "name"),
            default: text(child, "defaultValue"),
            ignore_case: child.attribute("ignoreCase") != Some("false"),
            entries: child
                .children()
                .filter(|node| node.has_tag_name("add"))
                .map(|node| (text(node, "key"), text(node, "value")))
                .collect(),
        })),
        _ => None,
    };
    children.filter(Node::is_element).filter_map(change).collect()
}

/// Whether `modules` adds the rewrite module or takes it away.
fn module(doc: &Doc<'_>, node: Node<'_, '_>) -> Option<bool> {
    let sections = doc.descend(node, &["system.webServer", "modules"]);
    let children = sections.into_iter().flat_map(|node| node.children()).filter(Node::is_element);
    children.fold(None, |state, child| {
        let ours = child.attribute("name") == Some(facts::REWRITE_MODULE);
        match child.tag_name().name() {
            "clear" => Some(false),
            "remove" if ours => Some(false),
            "add" if ours => Some(true),
            _ => state,
        }
    })
}
