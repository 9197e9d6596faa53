//! Where a rule goes so that it holds for its scope and survives.

use stopgap_model::host::{Iis, ServerPath, Site};
use stopgap_model::mitigation::Scope;

use super::effective::{Fault, Lock, effective_rules, find_site, listed, rules_named, same};
use super::facts::OverrideMode;
use super::merge::{Step, folders, host_steps, web_steps};
use super::place::{Place, depth, is_within, joined, normal};
use super::snapshot::{File, Snapshot};
use super::summary::{Change, Layer};

/// Where a rule goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The file.
    pub file: ServerPath,
    /// Where in the file.
    pub place: Place,
}

/// Why there is no place for a rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The server has no such site.
    #[error("the server has no site \"{site}\"; it has {}", list(available))]
    NoSuchSite {
        /// The site's name.
        site: String,
        /// The names of the sites that are there.
        available: Vec<String>,
    },
    /// The site has no such application, virtual directory or location.
    #[error("site \"{site}\" has no application or virtual directory {path}")]
    NoSuchPath {
        /// The site's name.
        site: String,
        /// The path.
        path: String,
    },
    /// URL Rewrite is not installed.
    #[error("the URL Rewrite module is not installed: globalModules has no RewriteModule")]
    NoModule,
    /// The section is not declared, and any rule would break the site.
    #[error("section {0} is not declared in configSections of applicationHost.config")]
    SectionNotDeclared(String),
    /// The rules of the scope are locked or do not reach all of it; a sentence without a full stop.
    #[error("{0}")]
    Locked(String),
    /// A rule of this name is in the scope already.
    #[error("a rule \"{name}\" is there already: {file}, {place}")]
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
    let quoted: Vec<_> = names.iter().map(|name| format!("\"{name}\"")).collect();
    if quoted.is_empty() { "none".to_owned() } else { quoted.join(", ") }
}

/// Where a rule of this name goes to hold for a scope; `None` is the whole server.
///
/// # Errors
/// [`Refusal`] with what is in the way.
pub fn place_for(
    snapshot: &Snapshot,
    scope: Option<&Scope>,
    rule_name: &str,
) -> Result<Target, Refusal> {
    let (host, iis, support) = snapshot.host().map_err(Refusal::Unknown)?;
    if !support.module {
        return Err(Refusal::NoModule);
    }
    let undeclared =
        |name: &str| Refusal::SectionNotDeclared(format!("system.webServer/rewrite/{name}"));
    match scope {
        None => {
            support.global_rules.ok_or_else(|| undeclared("globalRules"))?;
            global(snapshot, host, iis, rule_name)
        }
        Some(scope) => {
            let mode = support.rules.ok_or_else(|| undeclared("rules"))?;
            Scoped::of(snapshot, host, iis, scope)?.place(mode, rule_name)
        }
    }
}

/// A rule for the whole server. No web.config can drop a global rule, so none is looked into but
/// for the name.
fn global(snapshot: &Snapshot, host: &File, iis: &Iis, rule_name: &str) -> Result<Target, Refusal> {
    if let Some(found) = rules_named(snapshot, rule_name).into_iter().next() {
        let (file, place) = (found.file, found.place);
        return Err(Refusal::NameTaken { name: rule_name.to_owned(), file, place });
    }
    let layers = &host.summary().map_err(Refusal::Unknown)?.layers;
    let sections: Vec<_> = layers.iter().flat_map(|layer| &layer.global).collect();
    if sections.len() > 1 {
        return Err(Refusal::Broken(format!("{} has two globalRules sections", iis.config)));
    }
    if let Some(problem) = sections.iter().find_map(|section| section.problem.as_ref()) {
        return Err(Refusal::Unknown(format!("{}: {problem}", iis.config)));
    }
    Ok(Target { file: iis.config.clone(), place: Place::Server })
}

/// A scope that was found on the server.
struct Scoped<'s> {
    snapshot: &'s Snapshot,
    host: &'s File,
    site: &'s Site,
    /// The path in the site, in one spelling.
    path: String,
    /// The path as the server spells it, without outer slashes.
    spelled: String,
}

impl<'s> Scoped<'s> {
    fn of(
        snapshot: &'s Snapshot,
        host: &'s File,
        iis: &'s Iis,
        scope: &Scope,
    ) -> Result<Self, Refusal> {
        let site = find_site(&iis.sites, &scope.site).ok_or_else(|| Refusal::NoSuchSite {
            site: scope.site.clone(),
            available: iis.sites.iter().map(|site| site.name.clone()).collect(),
        })?;
        let path = normal(&scope.path);
        let folder = folders(site).into_iter().find(|folder| folder.level == path);
        let spelled = folder.map(|folder| folder.spelled);
        let full = joined(&normal(&site.name), &path);
        let layers = &host.summary().map_err(Refusal::Unknown)?.layers;
        // A folder that is neither may still have a location, such as `owa/auth` on Exchange.
        let location = || {
            let layer = layers.iter().find(|layer| layer.path == full)?;
            layer
                .written
                .as_deref()?
                .trim_matches('/')
                .split_once('/')
                .map(|(_, path)| path.to_owned())
        };
        let spelled = spelled
            .or_else(|| if path.is_empty() { Some(String::new()) } else { location() })
            .ok_or_else(|| Refusal::NoSuchPath {
                site: site.name.clone(),
                path: scope.path.clone(),
            })?;
        Ok(Self { snapshot, host, site, path, spelled })
    }

    fn place(&self, mode: OverrideMode, rule_name: &str) -> Result<Target, Refusal> {
        effective_rules(self.snapshot, &self.site.name, &self.path)?;
        self.check_name(rule_name)?;
        let host_steps = self.host_steps(&self.path)?;
        let web_steps = self.web_steps(&self.path)?;
        let mut dropping =
            web_steps.iter().filter(|step| step.reaches && drops(step.layer, rule_name));
        if let Some(step) = dropping.next_back() {
            return self.below(step, rule_name);
        }
        self.in_location(&host_steps, mode)
    }

    fn host_steps(&self, path: &str) -> Result<Vec<Step<'s>>, Refusal> {
        host_steps(self.host, self.site, path).map_err(Refusal::Unknown)
    }

    fn web_steps(&self, path: &str) -> Result<Vec<Step<'s>>, Refusal> {
        web_steps(self.snapshot, self.site, path).map_err(Refusal::Unknown)
    }

    /// No rule on any way that leads through the scope may have the name.
    fn check_name(&self, rule_name: &str) -> Result<(), Refusal> {
        let mut paths: Vec<_> = folders(self.site).into_iter().map(|folder| folder.level).collect();
        let site = normal(&self.site.name);
        let layers = &self.host.summary().map_err(Refusal::Unknown)?.layers;
        let located = layers.iter().filter(|layer| is_within(&layer.path, &site));
        paths.extend(located.map(|layer| layer.path[site.len()..].trim_matches('/').to_owned()));
        for path in paths.iter().filter(|path| is_within(path, &self.path)) {
            let mut steps = self.host_steps(path)?;
            // What is unknown further down is no reason to leave the rest unprotected.
            steps.extend(self.web_steps(path).unwrap_or_default());
            let taken = steps.iter().find_map(|step| {
                let mut rules = step
                    .layer
                    .rules
                    .iter()
                    .map(|rules| (false, rules))
                    .chain(step.layer.global.iter().map(|rules| (true, rules)));
                let (global, _) = rules
                    .find(|(_, rules)| listed(rules).any(|rule| same(&rule.name, rule_name)))?;
                let place =
                    if global { Place::Server } else { step.layer.place(step.file.is_host()) };
                Some((step.file.path().clone(), place))
            });
            if let Some((file, place)) = taken {
                return Err(Refusal::NameTaken { name: rule_name.to_owned(), file, place });
            }
        }
        Ok(())
    }

    /// The location of applicationHost.config for the scope.
    fn in_location(&self, steps: &[Step<'s>], mode: OverrideMode) -> Result<Target, Refusal> {
        let key = joined(&normal(&self.site.name), &self.path);
        let mut lock = match mode {
            OverrideMode::Deny => Lock::Below(self.host),
            OverrideMode::Allow => Lock::None,
        };
        let above = steps.iter().filter(|step| step.layer.path != key);
        for step in above.filter(|step| step.reaches && !step.layer.rules.is_empty()) {
            lock = lock.after(step);
        }
        if let Lock::Denied(file) = lock {
            let path = joined(&self.site.name, &self.spelled);
            let why = format!("rules for \"{path}\" are locked by a location of {}", file.path());
            return Err(Refusal::Locked(why));
        }
        let path = joined(&self.site.name, &self.spelled);
        let here = steps.iter().filter(|step| step.layer.path == key);
        let narrow = |step: &&Step<'_>| !step.layer.rules.is_empty() && !step.layer.is_plain();
        if here.clone().any(|step| narrow(&step)) {
            let why = format!(
                "the rules of location \"{path}\" in {} are in one that is locked or not inherited",
                self.host.path()
            );
            return Err(Refusal::Locked(why));
        }
        Ok(Target { file: self.host.path().clone(), place: Place::Location { path } })
    }

    /// The scope's own web.config, where it drops what is inherited.
    fn below(&self, step: &Step<'s>, rule_name: &str) -> Result<Target, Refusal> {
        let file = step.file.path();
        let refuse =
            |why: &str| Err(Refusal::Locked(format!("{file} drops inherited rules, {why}")));
        let folders = folders(self.site);
        let own = folders
            .iter()
            .find(|folder| folder.level == self.path)
            .and_then(|folder| folder.web_config().ok())
            .is_some_and(|path| path.key() == file.key());
        if !own || depth(&step.level) != depth(&self.path) {
            return refuse("and it is not the file of this scope");
        }
        if step.layer.written.is_some() {
            return refuse(
                "and does so in a location, which a rule in the file itself may not follow",
            );
        }
        if removes(step.layer, rule_name) {
            return refuse("this rule by its name");
        }
        let iis = self.snapshot.host().map_err(Refusal::Unknown)?.1;
        let elsewhere = iis.sites.iter().any(|site| {
            let outside =
                |level: &str| site.name != self.site.name || !is_within(level, &self.path);
            super::merge::folders(site).iter().any(|folder| {
                outside(&folder.level)
                    && folder.web_config().is_ok_and(|path| path.key() == file.key())
            })
        });
        if elsewhere {
            return refuse("and it also holds for paths outside of this scope");
        }
        Ok(Target { file: file.clone(), place: Place::WebConfig })
    }
}

/// Whether a layer drops an inherited rule of this name.
fn drops(layer: &Layer, rule_name: &str) -> bool {
    let mut changes = layer.rules.iter().flat_map(|rules| &rules.changes);
    changes.any(|change| matches!(change, Change::Clear)) || removes(layer, rule_name)
}

/// Whether a layer drops an inherited rule by this name.
fn removes(layer: &Layer, rule_name: &str) -> bool {
    let mut changes = layer.rules.iter().flat_map(|rules| &rules.changes);
    changes.any(|change| matches!(change, Change::Remove(name) if same(name, rule_name)))
}
