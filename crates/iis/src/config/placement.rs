//! Where a rule goes so that it holds for its scope, survives, and breaks nothing.

use stopgap_model::host::{Iis, Site};
use stopgap_model::reason::IisReason;

use super::effective::{effective_rules_named, entries_named, find_site};
use super::entry::Collection;
use super::facts::RewriteSupport;
use super::place::Place;
use super::site_placement::SitePlacement;
use super::snapshot::{File, Snapshot};
use super::target::{Placement, PlacementRequest, PlacementTarget, Refusal};

/// Where a rule goes to hold for its scope.
///
/// # Errors
/// [`Refusal`] with what is in the way.
pub fn find_placement(
    snapshot: &Snapshot,
    placing: &PlacementRequest<'_>,
) -> Result<Placement, Refusal> {
    let (host, iis, support) = snapshot.host().map_err(Refusal::Unknown)?;
    if !support.module {
        return Err(Refusal::NoModule);
    }
    match (placing.scope, placing.collection) {
        (None, Collection::OutboundRules) => everywhere(snapshot, iis, support, placing),
        (None, _) => {
            declared(support, Collection::GlobalRules)?;
            global(snapshot, host, iis, placing)
        }
        (Some(scope), collection) => {
            declared(support, collection)?;
            let site = find_site(&iis.sites, &scope.site).ok_or_else(|| Refusal::NoSuchSite {
                site: scope.site.clone(),
                available: iis.sites.iter().map(|site| site.name.clone()).collect(),
            })?;
            in_site(snapshot, site, &scope.path, placing)
        }
    }
}

fn declared(support: RewriteSupport, collection: Collection) -> Result<(), Refusal> {
    match support.declared(collection) {
        Some(_) => Ok(()),
        None => {
            let section = format!("system.webServer/rewrite/{}", collection.section());
            Err(Refusal::SectionNotDeclared(section))
        }
    }
}

/// A rule for the whole server. No web.config can drop a global rule, so none is looked into but
/// for the name.
fn global(
    snapshot: &Snapshot,
    host: &File,
    iis: &Iis,
    placing: &PlacementRequest<'_>,
) -> Result<Placement, Refusal> {
    let (name, own) = (placing.name, placing.own);
    // A rule of the same name further down would be taken for ours.
    for collection in [Collection::GlobalRules, Collection::Rules] {
        let mut there = entries_named(snapshot, collection, name).into_iter();
        if let Some(found) = there.find(|found| !own(&found.file, &found.place, name)) {
            let (file, place) = (found.file, found.place);
            return Err(Refusal::NameTaken { name: name.to_owned(), file, place });
        }
    }
    let layers = &host.parsed().map_err(Refusal::Unknown)?.layers;
    let sections: Vec<_> = layers.iter().flat_map(|layer| &layer.global).collect();
    if sections.len() > 1 {
        let file = iis.config.to_string();
        return Err(Refusal::Broken(IisReason::GlobalRulesTwice { file }));
    }
    if let Some(problem) = sections.iter().find_map(|section| section.problem.as_ref()) {
        return Err(Refusal::Unknown(problem.of_file(&iis.config)));
    }
    if let Some(source) = sections.iter().find_map(|section| section.source.as_ref()) {
        return Err(Refusal::Locked(IisReason::RulesElsewhere {
            section: "globalRules".to_owned(),
            file: iis.config.to_string(),
            named: source.clone(),
        }));
    }
    runs_somewhere(snapshot, iis)?;
    let (file, place) = (iis.config.clone(), Place::Server);
    Ok(Placement {
        targets: vec![PlacementTarget { file, place, suffix: String::new(), path: String::new() }],
        why: IisReason::InGlobalRules,
        gaps: Vec::new(),
    })
}

/// A global rule needs a site for which the module runs; of the others the report tells.
fn runs_somewhere(snapshot: &Snapshot, iis: &Iis) -> Result<(), Refusal> {
    let runs = |site: &Site| match effective_rules_named(snapshot, &site.name, "", &|_| false) {
        Ok(effective) => effective.module,
        // Of such a site nothing is known that would speak against the rule.
        Err(_) => true,
    };
    match iis.sites.is_empty() || iis.sites.iter().any(runs) {
        true => Ok(()),
        false => Err(Refusal::ModuleOff("any site".to_owned())),
    }
}

/// Outbound rules have no global section: each site gets its own.
fn everywhere(
    snapshot: &Snapshot,
    iis: &Iis,
    support: RewriteSupport,
    placing: &PlacementRequest<'_>,
) -> Result<Placement, Refusal> {
    declared(support, placing.collection)?;
    if iis.sites.is_empty() {
        return Err(Refusal::NoSites);
    }
    let (targets, gaps) = (Vec::new(), Vec::new());
    let mut all = Placement { targets, why: IisReason::InLocation, gaps };
    for site in &iis.sites {
        let placement = in_site(snapshot, site, "", placing)?;
        all.targets.extend(placement.targets);
        all.gaps.extend(placement.gaps);
        all.why = placement.why;
    }
    Ok(all)
}

fn in_site(
    snapshot: &Snapshot,
    site: &Site,
    path: &str,
    placing: &PlacementRequest<'_>,
) -> Result<Placement, Refusal> {
    // Before a place is looked for, the configuration has to work at all.
    let scoped = SitePlacement::of(snapshot, site, path, placing)?;
    let effective = effective_rules_named(snapshot, &site.name, path, &|_| false)?;
    if let (Collection::OutboundRules, Err(why)) = (placing.collection, effective.outbound) {
        return Err(Refusal::Unknown(why));
    }
    if !effective.module {
        return Err(Refusal::ModuleOff(format!("{}{path}", site.name)));
    }
    scoped.place()
}
