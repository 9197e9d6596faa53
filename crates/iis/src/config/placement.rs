//! Where a rule goes so that it holds for its scope, survives, and breaks nothing.

use stopgap_model::host::{Iis, ServerPath, Site};
use stopgap_model::mitigation::Scope;
use stopgap_model::problem::one_line;

use super::effective::{Fault, effective_rules_named, entries_named, find_site};
use super::entry::Collection;
use super::facts::RewriteSupport;
use super::place::Place;
use super::site_placement::Scoped;
use super::snapshot::{File, Snapshot};

/// Where a rule goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The file.
    pub file: ServerPath,
    /// Where in the file.
    pub place: Place,
    /// What is put behind the rule's name here, so that no two on one way have the same name.
    pub suffix: String,
    /// The path in the site that this one holds for, such as `Default Web Site/owa`. Empty: the
    /// whole server.
    pub path: String,
}

/// Where a rule goes so that it holds for its whole scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    /// The places. The first one holds for the scope; each further one for a part of it that does
    /// not inherit.
    pub targets: Vec<Target>,
    /// Why there: a sentence without a full stop.
    pub why: String,
    /// The parts of the scope that the rule does not reach.
    pub gaps: Vec<Gap>,
}

/// A part of a scope that a rule does not reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The part, such as `Default Web Site/owa`.
    pub at: String,
    /// Why not: a sentence without a full stop.
    pub why: String,
}

/// What is to be placed.
#[derive(Clone, Copy)]
pub struct Placing<'a> {
    /// The scope that it is to hold for. `None`: the whole server.
    pub scope: Option<&'a Scope>,
    /// What it is: [`Collection::Rules`] or [`Collection::OutboundRules`].
    pub collection: Collection,
    /// Its name.
    pub name: &'a str,
    /// Whether the one of this name in a file and place is our own, which does not stand in the
    /// way.
    pub own: &'a dyn Fn(&ServerPath, &Place, &str) -> bool,
}

/// Why there is no place for a rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The server has no such site.
    #[error("the server has no site \"{}\"; it has {}", one_line(site), list(available))]
    NoSuchSite {
        /// The site's name.
        site: String,
        /// The names of the sites that are there.
        available: Vec<String>,
    },
    /// The server has no site at all.
    #[error("the server has no site")]
    NoSites,
    /// The site has no such application, virtual directory or location.
    #[error(
        "site \"{}\" has no application or virtual directory {}",
        one_line(site),
        one_line(path)
    )]
    NoSuchPath {
        /// The site's name.
        site: String,
        /// The path.
        path: String,
    },
    /// URL Rewrite is not installed.
    #[error("the URL Rewrite module is not installed: globalModules has no RewriteModule")]
    NoModule,
    /// URL Rewrite is installed and does not run for the scope.
    #[error("the URL Rewrite module does not run for {}: `modules` there is without it", one_line(.0))]
    ModuleOff(String),
    /// The section is not declared, and any rule would break the site.
    #[error("section {0} is not declared in configSections of applicationHost.config")]
    SectionNotDeclared(String),
    /// The rules of the scope are locked or do not reach all of it; a sentence without a full stop.
    #[error("{0}")]
    Locked(String),
    /// One of this name is in the scope already.
    #[error("a rule \"{}\" is there already: {file}, {place}", one_line(name))]
    NameTaken {
        /// The rule's name.
        name: String,
        /// The file that it is in.
        file: ServerPath,
        /// Where in that file.
        place: Place,
    },
    /// Something that the answer needs is not known; a sentence without a full stop.
    #[error("{0}")]
    Unknown(String),
    /// IIS refuses the configuration as it is; a sentence without a full stop.
    #[error("{0}")]
    Broken(String),
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Broken { .. } => Self::Broken(fault.to_string()),
            Fault::Unknown(why) => Self::Unknown(why),
        }
    }
}

fn list(names: &[String]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("\"{}\"", one_line(name))).collect();
    if quoted.is_empty() { "none".to_owned() } else { quoted.join(", ") }
}

/// Where a rule goes to hold for its scope.
///
/// # Errors
/// [`Refusal`] with what is in the way.
pub fn place_for(snapshot: &Snapshot, placing: &Placing<'_>) -> Result<Placement, Refusal> {
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
    placing: &Placing<'_>,
) -> Result<Placement, Refusal> {
    let (name, own) = (placing.name, placing.own);
    for collection in [Collection::GlobalRules, Collection::Rules] {
        let mut there = entries_named(snapshot, collection, name).into_iter();
        if let Some(found) = there.find(|found| !own(&found.file, &found.place, name)) {
            let (file, place) = (found.file, found.place);
            return Err(Refusal::NameTaken { name: name.to_owned(), file, place });
        }
    }
    let layers = &host.summary().map_err(Refusal::Unknown)?.layers;
    let sections: Vec<_> = layers.iter().flat_map(|layer| &layer.global).collect();
    if sections.len() > 1 {
        return Err(Refusal::Broken(format!("{} has two globalRules sections", iis.config)));
    }
    if let Some(problem) = sections.iter().find_map(|section| section.problem.as_ref()) {
        return Err(Refusal::Unknown(format!("{}: {problem}", iis.config)));
    }
    if let Some(source) = sections.iter().find_map(|section| section.source.as_ref()) {
        return Err(Refusal::Locked(format!(
            "the globalRules of {} are in {}",
            iis.config,
            one_line(source)
        )));
    }
    runs_somewhere(snapshot, iis)?;
    let (file, place) = (iis.config.clone(), Place::Server);
    Ok(Placement {
        targets: vec![Target { file, place, suffix: String::new(), path: String::new() }],
        why: "the global rules of applicationHost.config come before all others, and an update of \
              an application leaves that file alone"
            .to_owned(),
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
    placing: &Placing<'_>,
) -> Result<Placement, Refusal> {
    declared(support, placing.collection)?;
    if iis.sites.is_empty() {
        return Err(Refusal::NoSites);
    }
    let mut all = Placement { targets: Vec::new(), why: String::new(), gaps: Vec::new() };
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
    placing: &Placing<'_>,
) -> Result<Placement, Refusal> {
    let scoped = Scoped::of(snapshot, site, path, placing)?;
    let effective = effective_rules_named(snapshot, &site.name, path, &|_| false)?;
    if let (Collection::OutboundRules, Err(why)) = (placing.collection, effective.outbound) {
        return Err(Refusal::Unknown(why));
    }
    if !effective.module {
        return Err(Refusal::ModuleOff(format!("{}{path}", site.name)));
    }
    scoped.place()
}
