//! What is kept of a file once it was read: its layers of configuration, owned.

use std::collections::HashMap;

use crate::rewrite::{OutboundRule, PreCondition, RewriteMap, Rule};
use roxmltree::Node;
use stopgap_model::host::{Iis, ServerPath};
use stopgap_model::reason::IisReason;

use super::entry::{Collection, Entry};
use super::entry_read::{read_map, read_outbound, read_precondition, read_rule};
use super::facts::{self, RewriteSupport};
use super::handlers;
use super::place::{Place, normal, way_to};
use super::section::{Section, section};
use super::xml::{Doc, Written as _};

/// What was extracted from one configuration file.
#[derive(Debug, Clone, Default)]
pub(crate) struct ParsedConfig {
    /// The file's root, then its locations, in document order.
    pub(crate) layers: Vec<LocationLayer>,
    /// Which of them have a path: there are servers with thousands.
    by_path: HashMap<String, Vec<usize>>,
    /// What only applicationHost.config says.
    pub(crate) host: Option<(Iis, RewriteSupport)>,
    /// The PHP programs that it names, as written.
    pub(crate) programs: Vec<String>,
}

/// The root of a file or one `<location>`, as far as rewriting goes.
#[derive(Debug, Clone, Default)]
pub(crate) struct LocationLayer {
    /// The location's path as written; `None` for the file's root.
    pub(crate) location_path: Option<String>,
    /// The path in one spelling. Empty for the root.
    pub(crate) path: String,
    /// Whether child applications do not inherit what is in it.
    pub(crate) not_inherited: bool,
    /// `overrideMode`, or what `allowOverride` stands for.
    pub(crate) mode: Mode,
    /// The `globalRules` sections; a valid file has at most one.
    pub(crate) global: Vec<Section<Rule>>,
    /// The `rules` sections; a valid file has at most one.
    pub(crate) rules: Vec<Section<Rule>>,
    /// The `outboundRules` sections; a valid file has at most one.
    pub(crate) outbound: Vec<Section<OutboundRule>>,
    /// The `preConditions` in them.
    pub(crate) preconditions: Vec<Section<PreCondition>>,
    /// The `allowedServerVariables` sections; a valid file has at most one.
    pub(crate) allowed: Vec<Section<()>>,
    /// The `rewriteMaps` sections; a valid file has at most one.
    pub(crate) maps: Vec<Section<RewriteMap>>,
    /// Whether `modules` ends up with the rewrite module, where it says so.
    pub(crate) module: Option<bool>,
    /// Whether responses may be kept in the kernel's cache, where `caching` says so.
    pub(crate) kernel_cache: Option<bool>,
}

/// Whether the sections of a location may appear below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Mode {
    #[default]
    Inherit,
    Allow,
    Deny,
}

impl LocationLayer {
    /// Where what it says stands.
    pub(crate) fn place(&self, is_host: bool) -> Place {
        match &self.location_path {
            Some(path) => Place::Location { path: path.clone() },
            None if is_host => Place::Location { path: String::new() },
            None => Place::WebConfig,
        }
    }

    /// Whether a section in it holds for the whole of its path and locks nothing.
    pub(crate) fn is_plain(&self) -> bool {
        !self.not_inherited && self.mode != Mode::Deny
    }

    /// The members of a collection that have this name, and why one is not understood.
    pub(crate) fn named(
        &self,
        collection: Collection,
        name: &str,
    ) -> Vec<Result<Entry, IisReason>> {
        fn of<T: Clone>(
            sections: &[Section<T>],
            name: &str,
            entry: impl Fn(T) -> Entry,
        ) -> Vec<Result<Entry, IisReason>> {
            let listed = sections.iter().flat_map(|section| section.named(name));
            listed.map(|listed| listed.item.clone().map(&entry)).collect()
        }
        match collection {
            Collection::GlobalRules => of(&self.global, name, Entry::Rule),
            Collection::Rules => of(&self.rules, name, Entry::Rule),
            Collection::OutboundRules => of(&self.outbound, name, Entry::Outbound),
            Collection::PreConditions => of(&self.preconditions, name, Entry::PreCondition),
            Collection::AllowedVariables => {
                of(&self.allowed, name, |()| Entry::AllowedVariable(name.to_owned()))
            }
            Collection::Pools => Vec::new(),
        }
    }

    /// Whether it drops an inherited member of this name: by `<clear/>`, or by the name itself.
    pub(crate) fn drops(&self, collection: Collection, name: &str) -> Option<Dropped> {
        match collection {
            Collection::Rules => dropped(&self.rules, name),
            Collection::OutboundRules => dropped(&self.outbound, name),
            Collection::PreConditions => dropped(&self.preconditions, name),
            Collection::AllowedVariables => dropped(&self.allowed, name),
            Collection::GlobalRules | Collection::Pools => None,
        }
    }

    /// Whether it has a section of a collection at all, and whether that is written elsewhere.
    pub(crate) fn has(&self, collection: Collection) -> Option<&str> {
        fn of<T>(sections: &[Section<T>]) -> Option<&str> {
            sections.first().map(|section| section.source.as_deref().unwrap_or_default())
        }
        match collection {
            Collection::GlobalRules => of(&self.global),
            Collection::Rules => of(&self.rules),
            Collection::OutboundRules | Collection::PreConditions => of(&self.outbound),
            Collection::AllowedVariables => of(&self.allowed),
            Collection::Pools => None,
        }
    }
}

/// How an inherited entry is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dropped {
    /// With all others.
    Cleared,
    /// By its name: somebody means it.
    Removed,
}

fn dropped<T>(sections: &[Section<T>], name: &str) -> Option<Dropped> {
    let any = |test: &dyn Fn(&Section<T>) -> bool| sections.iter().any(test);
    if any(&|section| section.removes(name)) {
        return Some(Dropped::Removed);
    }
    any(&Section::clears).then_some(Dropped::Cleared)
}

impl ParsedConfig {
    /// What `doc` says; `host` is its path where it is applicationHost.config.
    pub(crate) fn of(doc: &Doc<'_>, host: Option<&ServerPath>) -> Self {
        let root = doc.root();
        let locations = doc.children(root, "location");
        let layers: Vec<LocationLayer> =
            std::iter::once(root).chain(locations).map(|node| layer(doc, node)).collect();
        let host = host.map(|path| (facts::iis(doc, path), facts::support(doc)));
        let mut by_path: HashMap<String, Vec<usize>> = HashMap::new();
        // Servers with thousands of locations are asked about one path at a time.
        for (at, layer) in layers.iter().enumerate() {
            by_path.entry(layer.path.clone()).or_default().push(at);
        }
        Self { layers, by_path, host, programs: handlers::programs(doc) }
    }

    /// The layers that hold for a path, from the widest to the narrowest.
    pub(crate) fn layers_for(&self, path: &str) -> impl Iterator<Item = &LocationLayer> {
        let found = way_to(path).filter_map(|above| self.by_path.get(above));
        found.flatten().filter_map(|at| self.layers.get(*at))
    }

    /// What a file says that holds one section of another one: its root is the section.
    pub(crate) fn of_section(doc: &Doc<'_>) -> Self {
        let root = doc.root();
        let mut layer = LocationLayer::default();
        match doc.name(root) {
            "globalRules" => {
                layer.global.push(section(doc, root, Collection::GlobalRules, read_rule))
            }
            "rules" => layer.rules.push(section(doc, root, Collection::Rules, read_rule)),
            "outboundRules" => {
                outbound(doc, root, &mut layer);
                if layer.preconditions.is_empty() {
                    layer.preconditions.push(Section::default());
                }
            }
            "rewriteMaps" => layer.maps.push(maps(doc, root)),
            "allowedServerVariables" => layer.allowed.push(allowed(doc, root)),
            _ => {}
        }
        Self { layers: vec![layer], ..Self::default() }
    }

    /// The files that its sections name as the place of their content, as written.
    pub(crate) fn sources(&self) -> Vec<&str> {
        fn of<T>(sections: &[Section<T>]) -> impl Iterator<Item = &str> {
            sections.iter().filter_map(|section| section.source.as_deref())
        }
        let all = self.layers.iter().flat_map(|layer| {
            of(&layer.global)
                .chain(of(&layer.rules))
                .chain(of(&layer.outbound))
                .chain(of(&layer.allowed))
                .chain(of(&layer.maps))
        });
        all.collect()
    }
}

/// How a `<location>` holds: whether it is inherited and what it locks.
pub(crate) fn reach(node: Node<'_, '_>) -> (bool, Mode) {
    let says = |name: &str, word: &str| {
        node.own_attribute(name).is_some_and(|value| value.eq_ignore_ascii_case(word))
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

fn layer(doc: &Doc<'_>, node: Node<'_, '_>) -> LocationLayer {
    let is_location = node != doc.root();
    let location_path =
        is_location.then(|| node.own_attribute("path").unwrap_or_default().to_owned());
    // The root of a file locks nothing, and everything below inherits it.
    let (inherits, mode) = if is_location { reach(node) } else { (true, Mode::Inherit) };
    let mut layer = LocationLayer {
        path: normal(location_path.as_deref().unwrap_or_default()),
        location_path,
        not_inherited: !inherits,
        mode,
        module: module(doc, node),
        kernel_cache: kernel_cache(doc, node),
        ..LocationLayer::default()
    };
    for group in doc.descend(node, &["system.webServer", "rewrite"]) {
        for child in group.children().filter(Node::is_element) {
            match doc.name(child) {
                "globalRules" => {
                    layer.global.push(section(doc, child, Collection::GlobalRules, read_rule));
                }
                "rules" => layer.rules.push(section(doc, child, Collection::Rules, read_rule)),
                "outboundRules" => outbound(doc, child, &mut layer),
                "rewriteMaps" => layer.maps.push(maps(doc, child)),
                "allowedServerVariables" => layer.allowed.push(allowed(doc, child)),
                _ => {}
            }
        }
    }
    layer
}

fn outbound(doc: &Doc<'_>, node: Node<'_, '_>, layer: &mut LocationLayer) {
    layer.outbound.push(section(doc, node, Collection::OutboundRules, read_outbound));
    for child in doc.children(node, "preConditions") {
        let read = section(doc, child, Collection::PreConditions, read_precondition);
        layer.preconditions.push(read);
    }
    // The preconditions are where the rules are.
    if let Some(source) = node.own_attribute("configSource") {
        layer.preconditions.push(Section { source: Some(source.to_owned()), ..Section::default() });
    }
}

fn allowed(doc: &Doc<'_>, node: Node<'_, '_>) -> Section<()> {
    section(doc, node, Collection::AllowedVariables, |_| Ok(()))
}

fn maps(doc: &Doc<'_>, node: Node<'_, '_>) -> Section<RewriteMap> {
    super::section::section_of(doc, node, &|name| name == "rewriteMap", |node| Ok(read_map(node)))
}

/// Whether `modules` adds the rewrite module or takes it away.
fn module(doc: &Doc<'_>, node: Node<'_, '_>) -> Option<bool> {
    let sections = doc.descend(node, &["system.webServer", "modules"]);
    let children = sections.into_iter().flat_map(|node| node.children()).filter(Node::is_element);
    children.fold(None, |state, child| {
        // As IIS merges a collection: what comes later wins.
        let ours = child.own_attribute("name") == Some(facts::REWRITE_MODULE);
        match child.written_name() {
            "clear" => Some(false),
            "remove" if ours => Some(false),
            "add" if ours => Some(true),
            _ => state,
        }
    })
}

/// Whether `caching` turns the kernel's cache off or on.
fn kernel_cache(doc: &Doc<'_>, node: Node<'_, '_>) -> Option<bool> {
    let sections = doc.descend(node, &["system.webServer", "caching"]);
    let said = |node: &Node<'_, '_>, name: &str| {
        node.own_attribute(name).map(|value| !value.eq_ignore_ascii_case("false"))
    };
    let all =
        sections.iter().flat_map(|node| [said(node, "enabled"), said(node, "enableKernelCache")]);
    all.flatten().reduce(|one, other| one && other)
}
