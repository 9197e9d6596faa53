//! Application pools: what they are set to, which applications they carry, and their switch.

use std::ops::Range;

use roxmltree::Node;
use stopgap_model::host::Iis;
use stopgap_model::problem::one_line;
use stopgap_model::reason::IisReason;

use super::edit_error::EditError;
use super::entry::Collection;
use super::place::same_name;
use super::snapshot::Snapshot;
use super::xml::{Doc, NotReadable, Written as _};

/// What a pool that is not to start has, as EOMT sets it too.
const OFF: [(&str, &str); 2] = [("autoStart", "false"), ("startMode", "OnDemand")];

/// An application pool as the configuration sets it, defaults filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool {
    /// Its name, as the server spells it.
    pub name: String,
    /// `autoStart`: whether it starts with IIS.
    pub auto_start: bool,
    /// Whether `startMode` is `AlwaysRunning`: it starts before the first request comes.
    pub always_running: bool,
    /// Whether it has, written on it and not inherited, what it is given here to keep it from starting.
    pub to_the_letter: bool,
    /// The applications that it carries, such as `Default Web Site/ecp`.
    pub applications: Vec<String>,
}

impl Pool {
    /// Whether it is set not to start.
    #[must_use]
    pub fn is_disabled(&self) -> bool {
        !self.auto_start && !self.always_running
    }
}

/// What a pool's attributes were before they were set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolUndo {
    /// The pool's name.
    pub pool: String,
    /// The attributes that were changed, in order.
    pub attributes: Vec<AttributeUndo>,
}

/// What one attribute was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributeUndo {
    /// Its name.
    pub name: String,
    /// The value that it was given.
    pub set: String,
    /// Its value as it was written, quotes included. `None`: it was not there.
    pub was: Option<String>,
}

/// The pool of this name; `None` if there is none.
///
/// # Errors
/// What is known of the pools is not enough.
pub fn pool(snapshot: &Snapshot, name: &str) -> Result<Option<Pool>, IisReason> {
    let (file, iis, _) = snapshot.host()?;
    let bytes = file.bytes().unwrap_or_default();
    let path = || file.path().to_string();
    let unusable =
        |why: NotReadable| IisReason::FileUnusable { file: path(), why: why.to_string() };
    let doc = Doc::parse(bytes).map_err(unusable)?;
    if let Some(attribute) = elsewhere(&doc) {
        let attribute = attribute.to_owned();
        return Err(IisReason::PoolsElsewhere { file: path(), attribute });
    }
    let found = pools(&doc, name);
    let [node] = found.as_slice() else {
        return match found.len() {
            0 => Ok(None),
            _ => Err(IisReason::PoolTwice { file: path(), pool: name.to_owned() }),
        };
    };
    let value = |attribute: &str, default: &str| {
        let own = node.own_attribute(attribute);
        own.or_else(|| default_of(&doc, attribute)).unwrap_or(default).to_owned()
    };
    let mode = value("startMode", "OnDemand");
    let to_the_letter = OFF.iter().all(|(name, value)| node.own_attribute(name) == Some(*value));
    Ok(Some(Pool {
        name: node.own_attribute("name").unwrap_or_default().to_owned(),
        auto_start: !is_false(&value("autoStart", "true")),
        always_running: mode.eq_ignore_ascii_case("AlwaysRunning") || mode == "1",
        to_the_letter,
        applications: applications(iis, name),
    }))
}

/// Sets a pool not to start. What is set so already is left as it is.
pub(crate) fn disable_pool(bytes: &[u8], name: &str) -> Result<(Vec<u8>, PoolUndo), EditError> {
    let doc = Doc::parse(bytes).map_err(EditError::NotReadable)?;
    if elsewhere(&doc).is_some() {
        return Err(EditError::Elsewhere("applicationPools".to_owned()));
    }
    let node = only_pool(&doc, name)?;
    let mut text = doc.text.to_owned();
    let mut undo = PoolUndo { pool: name.to_owned(), attributes: Vec::new() };
    // Backwards, so that the ranges of the attributes before hold.
    let mut splices: Vec<(Range<usize>, String)> = Vec::new();
    let mut added = String::new();
    for (attribute, wanted) in OFF {
        let (name, set) = (attribute.to_owned(), wanted.to_owned());
        // Only what has another value is changed, and only that is given back.
        match value_range(&node, attribute) {
            Some(_) if node.own_attribute(attribute) == Some(wanted) => {}
            Some(range) => {
                let was = Some(doc.slice(range.clone()).to_owned());
                splices.push((range, format!("\"{wanted}\"")));
                undo.attributes.push(AttributeUndo { name, set, was });
            }
            None => {
                added.push_str(&format!(" {attribute}=\"{wanted}\""));
                undo.attributes.push(AttributeUndo { name, set, was: None });
            }
        }
    }
    let end = doc.attributes_end(node);
    splices.push((end..end, added));
    splices.sort_by_key(|(range, _)| std::cmp::Reverse(range.start));
    for (range, with) in splices {
        text.replace_range(range, &with);
    }
    Ok((text.into_bytes(), undo))
}

/// Gives a pool's attributes back. One that somebody has changed since is his, and a pool that is
/// gone is no error.
pub(crate) fn restore_pool(bytes: &[u8], undo: &PoolUndo) -> Result<Vec<u8>, EditError> {
    let mut text = Doc::parse(bytes).map_err(EditError::NotReadable)?.text.to_owned();
    for attribute in undo.attributes.iter().rev() {
        let doc = Doc::parse(text.as_bytes()).map_err(EditError::NotReadable)?;
        let node = match only_pool(&doc, &undo.pool) {
            Ok(node) => node,
            Err(EditError::NoSuchPool(_)) => break,
            Err(error) => return Err(error),
        };
        if node.own_attribute(attribute.name.as_str()) != Some(attribute.set.as_str()) {
            continue;
        }
        let Some(value) = value_range(&node, &attribute.name) else { continue };
        let (range, with) = match &attribute.was {
            Some(was) => (value, was.as_str()),
            None => (with_name(&doc, &node, &attribute.name, value), ""),
        };
        text.replace_range(range, with);
    }
    Ok(text.into_bytes())
}

/// The whole attribute with the white space before it.
fn with_name(doc: &Doc<'_>, node: &Node<'_, '_>, name: &str, value: Range<usize>) -> Range<usize> {
    let start = node.own_attribute_node(name).map_or(value.start, |found| found.range().start);
    // What was put in has one blank before it.
    start - usize::from(doc.before(start).ends_with(' '))..value.end
}

/// Where an attribute's value stands, quotes included.
fn value_range(node: &Node<'_, '_>, name: &str) -> Option<Range<usize>> {
    let inner = node.own_attribute_node(name)?.range_value();
    Some(inner.start.checked_sub(1)?..inner.end + 1)
}

fn only_pool<'d, 'a>(doc: &'d Doc<'a>, name: &str) -> Result<Node<'d, 'a>, EditError> {
    match pools(doc, name).as_slice() {
        [node] => Ok(*node),
        [] => Err(EditError::NoSuchPool(name.to_owned())),
        _ => Err(EditError::Ambiguous(format!(
            "two application pools are named \"{}\"",
            one_line(name)
        ))),
    }
}

fn pools<'d, 'a>(doc: &'d Doc<'a>, name: &str) -> Vec<Node<'d, 'a>> {
    let sections = doc.descend(doc.root(), Collection::Pools.chain());
    let pools = sections.into_iter().flat_map(|section| doc.children(section, "add"));
    pools
        .filter(|node| node.own_attribute("name").is_some_and(|found| same_name(found, name)))
        .collect()
}

/// The attribute by which the pools are not written in this file.
fn elsewhere(doc: &Doc<'_>) -> Option<&'static str> {
    let sections = doc.descend(doc.root(), Collection::Pools.chain());
    let foreign = ["configSource", "configProtectionProvider"];
    foreign
        .into_iter()
        .find(|name| sections.iter().any(|section| section.own_attribute(name).is_some()))
}

/// An attribute's value in `applicationPoolDefaults`.
fn default_of<'d>(doc: &'d Doc<'_>, attribute: &str) -> Option<&'d str> {
    let path = ["system.applicationHost", "applicationPools", "applicationPoolDefaults"];
    let defaults = doc.descend(doc.root(), &path);
    defaults.into_iter().find_map(|node| node.own_attribute(attribute))
}

fn is_false(text: &str) -> bool {
    text.eq_ignore_ascii_case("false") || text == "0"
}

fn applications(iis: &Iis, pool: &str) -> Vec<String> {
    let of = |site: &stopgap_model::host::Site| {
        let carried = site.applications.iter().filter(|application| {
            application.pool.as_deref().is_some_and(|name| same_name(name, pool))
        });
        carried
            .map(|application| match application.path.trim_matches('/') {
                "" => format!("{}/", site.name),
                path => format!("{}/{path}", site.name),
            })
            .collect::<Vec<_>>()
    };
    iis.sites.iter().flat_map(of).collect()
}
