//! Which rewrite rules a request meets, in which order.

use crate::rewrite::{OutboundRule, Rule};
use stopgap_model::host::{ServerPath, Site};
use stopgap_model::reason::IisReason;

use super::collect::{Merge, Shape};
use super::entry::{Collection, Entry};
use super::facts::RewriteSupport;
use super::in_effect::{Effective, Fault, Outbound};
use super::merge::{Step, host_steps, web_steps};
use super::parsed_config::ParsedConfig;
use super::place::{Place, normal};
use super::section::Section;
use super::snapshot::{File, Snapshot};
use super::xml::{Doc, NotReadable};

/// Something found by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The file that it is in.
    pub file: ServerPath,
    /// Where in that file.
    pub place: Place,
    /// What it says, or why that is not understood.
    pub entry: Result<Entry, IisReason>,
}

/// What of URL Rewrite is in effect for `url_path` of `site`. The path is decoded and without
/// query, such as `/owa/auth.owa`; case does not matter in either.
///
/// # Errors
/// [`Fault`] if IIS would refuse the configuration, or which inbound rules there are is not known.
pub fn effective_rules(
    snapshot: &Snapshot,
    site: &str,
    url_path: &str,
) -> Result<Effective, Fault> {
    effective_rules_named(snapshot, site, url_path, &|_| true)
}

/// As [`effective_rules`], but only the rules whose name passes `keep`. The whole configuration is
/// judged all the same.
///
/// # Errors
/// [`Fault`], as with [`effective_rules`].
pub(crate) fn effective_rules_named(
    snapshot: &Snapshot,
    site: &str,
    url_path: &str,
    keep: &dyn Fn(&str) -> bool,
) -> Result<Effective, Fault> {
    let (host, iis, support) = snapshot.host().map_err(Fault::Unknown)?;
    let site = find_site(&iis.sites, site)
        .ok_or_else(|| Fault::Unknown(IisReason::SiteMissing { site: site.to_owned() }))?;
    let path = normal(url_path);
    let mut steps = host_steps(host, site, &path).map_err(Fault::Unknown)?;
    let of_host = steps.len();
    steps.extend(web_steps(snapshot, site, &path).map_err(Fault::Unknown)?);
    effective(snapshot, &steps, of_host, support, keep)
}

/// What the steps come to; the first `of_host` of them are of applicationHost.config.
fn effective(
    snapshot: &Snapshot,
    steps: &[Step<'_>],
    of_host: usize,
    support: RewriteSupport,
    keep: &dyn Fn(&str) -> bool,
) -> Result<Effective, Fault> {
    let merge = |shape| Merge { snapshot, steps, shape };
    let of_server = steps.get(..of_host).unwrap_or(steps);
    let global = Merge { snapshot, steps: of_server, shape: Shape::global() };
    let mut rules = global.run(|layer| &layer.global, keep)?;
    rules.extend(merge(Shape::of(support, Collection::Rules)).run(|layer| &layer.rules, keep)?);
    let outbound_rules = merge(Shape::of(support, Collection::OutboundRules));
    let preconditions = merge(Shape::of(support, Collection::PreConditions));
    let outbound = known(outbound_rules.run(|layer| &layer.outbound, keep))?;
    let preconditions = known(preconditions.run(|layer| &layer.preconditions, &|_| true))?;
    let variables = merge(Shape::of(support, Collection::AllowedVariables));
    let allowed = known(variables.run(|layer| &layer.allowed, &|_| true))?;
    let maps = known(merge(Shape::maps(support)).run(|layer| &layer.maps, &|_| true))?;
    let reached = || steps.iter().filter(|step| step.reaches);
    // The last one on the way decides: it is the nearest to the path.
    let module = reached().filter_map(|step| step.layer.module).next_back();
    let kernel_cache = reached().filter_map(|step| step.layer.kernel_cache).next_back();
    Ok(Effective {
        rules,
        outbound: outbound.and_then(|rules| Ok(Outbound { rules, preconditions: preconditions? })),
        allowed: allowed.map(|all| all.into_iter().map(|allowed| allowed.name).collect()),
        maps: maps.into_iter().flatten().filter_map(|map| map.item.ok()).collect(),
        // A file that stands for itself says nothing of what is above it.
        module: support.module && module.unwrap_or(of_host == 0),
        kernel_cache: kernel_cache.unwrap_or(true),
    })
}

/// What is not known of one collection is no reason to know nothing of the others; what breaks one
/// breaks them all.
fn known<T>(merged: Result<T, Fault>) -> Result<Result<T, IisReason>, Fault> {
    match merged {
        Ok(found) => Ok(Ok(found)),
        Err(Fault::Unknown(why)) => Ok(Err(why)),
        Err(fault @ Fault::Broken { .. }) => Err(fault),
    }
}

/// Everything of this name in a collection, wherever in the snapshot it is. Case does not matter.
#[must_use]
pub fn entries_named(snapshot: &Snapshot, collection: Collection, name: &str) -> Vec<Named> {
    let mut found = Vec::new();
    for file in snapshot.files() {
        let Ok(parsed) = file.parsed() else { continue };
        for layer in &parsed.layers {
            // Global rules hold for the whole server, wherever in the file they stand.
            let place = match collection {
                Collection::GlobalRules => Place::Server,
                _ => layer.place(file.is_host()),
            };
            let named = layer.named(collection, name).into_iter();
            found.extend(named.map(|entry| Named {
                file: file.path().clone(),
                place: place.clone(),
                entry,
            }));
        }
    }
    found
}

/// Every rule and precondition whose name begins so, wherever in the snapshot it is, with its name as
/// it is written. Case does not matter.
#[must_use]
pub fn entries_called(snapshot: &Snapshot, prefix: &str) -> Vec<(String, Named)> {
    let begins = |name: &str| {
        name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    let mut found = Vec::new();
    for file in snapshot.files() {
        let Ok(parsed) = file.parsed() else { continue };
        for layer in &parsed.layers {
            let here = || layer.place(file.is_host());
            let all = members(&layer.global, Entry::Rule, Place::Server)
                .chain(members(&layer.rules, Entry::Rule, here()))
                .chain(members(&layer.outbound, Entry::Outbound, here()))
                .chain(members(&layer.preconditions, Entry::PreCondition, here()));
            found.extend(all.filter(|(name, _, _)| begins(name)).map(|(name, place, entry)| {
                (name, Named { file: file.path().clone(), place, entry })
            }));
        }
    }
    found
}

/// The members of sections, with their names and their place.
fn members<'l, T: Clone>(
    sections: &'l [Section<T>],
    entry: impl Fn(T) -> Entry + 'l,
    place: Place,
) -> impl Iterator<Item = (String, Place, Result<Entry, IisReason>)> + 'l {
    sections
        .iter()
        .flat_map(Section::listed)
        .map(move |listed| (listed.name.clone(), place.clone(), listed.item.clone().map(&entry)))
}

/// What a rule does not work without: a precondition or an allowed variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependency {
    /// The collection of what it needs.
    pub collection: Collection,
    /// The name of what it needs, as the rule writes it. Case does not matter.
    pub needed: String,
    /// The rule's name.
    pub rule: String,
}

/// What the rules need, wherever in the snapshot they are.
#[must_use]
pub fn dependencies(snapshot: &Snapshot) -> Vec<Dependency> {
    let mut all = Vec::new();
    for layer in snapshot.files().filter_map(|file| file.parsed().ok()).flat_map(|s| &s.layers) {
        for listed in layer.rules.iter().flat_map(Section::listed) {
            let variables = listed.item.iter().flat_map(|rule: &Rule| &rule.server_variables);
            all.extend(variables.map(|variable| Dependency {
                collection: Collection::AllowedVariables,
                needed: variable.name.clone(),
                rule: listed.name.clone(),
            }));
        }
        for listed in layer.outbound.iter().flat_map(Section::listed) {
            let preconditions = listed.item.iter().map(|rule: &OutboundRule| &rule.precondition);
            all.extend(preconditions.map(|precondition| Dependency {
                collection: Collection::PreConditions,
                needed: precondition.clone(),
                rule: listed.name.clone(),
            }));
        }
    }
    all
}

/// The rules and maps of one lone web.config, as if it were that of a site's root on a server that
/// has the module and lets its rules set what they set: what a request for `/` meets. The file is
/// called `web.config`.
///
/// # Errors
/// [`NotReadable`] if it is not a configuration file that can be read, or its rules are broken.
pub fn standalone_rules(bytes: &[u8]) -> Result<Effective, NotReadable> {
    let parsed = ParsedConfig::of(&Doc::parse(bytes)?, None);
    let file = File::lone(ServerPath::new("web.config"), parsed);
    let layers = file.parsed().map_err(|why| NotReadable::Rules(why.to_string()))?.layers.iter();
    let steps: Vec<_> = layers
        .filter(|layer| layer.path.is_empty())
        .map(|layer| Step::lone(&file, layer))
        .collect();
    let mut found = effective(&Snapshot::new(), &steps, 0, RewriteSupport::everything(), &|_| true)
        .map_err(|fault| NotReadable::Rules(fault.to_string()))?;
    // Which variables may be set is said in applicationHost.config, which is not here.
    let rules = found.rules.iter().filter_map(|rule| rule.item.as_ref().ok());
    let set = rules.flat_map(|rule| &rule.server_variables).map(|variable| variable.name.clone());
    found.allowed = Ok(set.collect());
    Ok(found)
}

/// The site of this name.
pub(crate) fn find_site<'s>(sites: &'s [Site], name: &str) -> Option<&'s Site> {
    sites.iter().find(|site| site.name.eq_ignore_ascii_case(name))
}
