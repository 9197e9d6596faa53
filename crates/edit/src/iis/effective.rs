//! Which inbound rewrite rules a request meets, in which order.

use std::collections::HashSet;

use stopgap_model::host::{ServerPath, Site};
use stopgap_rules::iis::{RewriteMap, Rule};

use super::facts::OverrideMode;
use super::merge::{Step, host_steps, web_steps};
use super::place::{Place, normal};
use super::snapshot::{File, Snapshot};
use super::summary::{Change, Listed, Mode, Section, Summary};
use super::xml::{Doc, NotReadable};

/// A rule that a request meets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EffectiveRule {
    /// Its name.
    pub name: String,
    /// What it says, or why that is not understood: a sentence without a full stop.
    pub rule: Result<Rule, String>,
    /// The URL path that its `match` is relative to: `/`, or such as `/owa/`.
    pub base: String,
    /// The file that it is in.
    pub file: ServerPath,
    /// Where in that file.
    pub place: Place,
}

/// The inbound rules for one path of a site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective {
    /// The rules in the order in which they run: global ones, then those of parents before those of
    /// children.
    pub rules: Vec<EffectiveRule>,
    /// The rewrite maps that their templates may use.
    pub maps: Vec<RewriteMap>,
    /// Whether the rewrite module runs for this path. Where it does not, no rule has any effect.
    pub module: bool,
}

/// Why it cannot be said which rules a request meets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// IIS answers every such request with 500.19.
    #[error("the configuration is broken (500.19): {reason}, in {file}")]
    Broken {
        /// What is wrong, without a full stop.
        reason: String,
        /// The file that makes it so.
        file: ServerPath,
    },
    /// Something that the answer needs is not known; a sentence without a full stop.
    #[error("{0}")]
    Unknown(String),
}

/// A rule found by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedRule {
    /// The file that it is in.
    pub file: ServerPath,
    /// Where in that file.
    pub place: Place,
    /// What it says, or why that is not understood.
    pub rule: Result<Rule, String>,
}

/// The inbound rewrite rules that a request for `url_path` of `site` meets. The path is decoded and
/// without query, such as `/owa/auth.owa`; case does not matter in either.
///
/// # Errors
/// [`Fault`] if IIS would refuse the configuration, or part of it is not known.
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
pub fn effective_rules_named(
    snapshot: &Snapshot,
    site: &str,
    url_path: &str,
    keep: &dyn Fn(&str) -> bool,
) -> Result<Effective, Fault> {
    let (host, iis, support) = snapshot.host().map_err(Fault::Unknown)?;
    let site = find_site(&iis.sites, site)
        .ok_or_else(|| Fault::Unknown(format!("there is no site \"{site}\"")))?;
    let path = normal(url_path);
    let host_layers = host_steps(host, site, &path).map_err(Fault::Unknown)?;
    let global = Merge::run(&host_layers, Kind::Global, Lock::None, keep)?;
    let mut steps = host_layers;
    steps.extend(web_steps(snapshot, site, &path).map_err(Fault::Unknown)?);
    let lock = match support.rules {
        Some(OverrideMode::Deny) => Lock::Below(host),
        Some(OverrideMode::Allow) => Lock::None,
        None => return undeclared(&steps),
    };
    let rules = Merge::run(&steps, Kind::Distributed, lock, keep)?;
    let mut module = steps.iter().filter(|step| step.reaches).filter_map(|step| step.layer.module);
    Ok(Effective {
        rules: global.into_iter().chain(rules).collect(),
        maps: maps(&steps),
        module: support.module && module.next_back().unwrap_or(true),
    })
}

/// Every rule of this name, wherever in the snapshot it is. Case does not matter.
#[must_use]
pub fn rules_named(snapshot: &Snapshot, name: &str) -> Vec<NamedRule> {
    let mut found = Vec::new();
    for file in snapshot.files() {
        let Ok(summary) = file.summary() else { continue };
        for layer in &summary.layers {
            let place = layer.place(file.is_host());
            for (place, sections) in [(Place::Server, &layer.global), (place, &layer.rules)] {
                found.extend(sections.iter().flat_map(listed).filter(|l| same(&l.name, name)).map(
                    |listed| NamedRule {
                        file: file.path().clone(),
                        place: place.clone(),
                        rule: listed.rule.clone(),
                    },
                ));
            }
        }
    }
    found
}

/// The rules and maps of one lone web.config, as if it were that of a site's root on a server that
/// has the module: what a request for `/` meets. The file is called `web.config`.
///
/// # Errors
/// [`NotReadable`] if it is not a configuration file that can be read, or its rules are broken.
pub fn standalone_rules(bytes: &[u8]) -> Result<Effective, NotReadable> {
    let summary = Summary::of(&Doc::parse(bytes)?, None);
    let file = File::lone(ServerPath::new("web.config"), summary);
    let steps: Vec<_> = file
        .summary()
        .map_err(NotReadable::Rules)?
        .layers
        .iter()
        .filter(|layer| layer.path.is_empty())
        .map(|layer| Step {
            file: &file,
            layer,
            level: String::new(),
            base: "/".to_owned(),
            reaches: true,
        })
        .collect();
    let rules = Merge::run(&steps, Kind::Distributed, Lock::None, &|_| true)
        .map_err(|fault| NotReadable::Rules(fault.to_string()))?;
    Ok(Effective { rules, maps: maps(&steps), module: true })
}

/// The site of this name.
pub(crate) fn find_site<'s>(sites: &'s [Site], name: &str) -> Option<&'s Site> {
    sites.iter().find(|site| site.name.eq_ignore_ascii_case(name))
}

/// The rules of a section.
pub(crate) fn listed(section: &Section) -> impl Iterator<Item = &Listed> {
    section.changes.iter().filter_map(|change| match change {
        Change::Add(listed) => Some(listed),
        Change::Clear | Change::Remove(_) => None,
    })
}

/// Whether two rule names are one; collection keys do not mind case.
pub(crate) fn same(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
}

/// Without a declared section any rule anywhere on the way is an error of the configuration.
fn undeclared(steps: &[Step<'_>]) -> Result<Effective, Fault> {
    match steps.iter().find(|step| step.reaches && !step.layer.rules.is_empty()) {
        Some(step) => Err(broken(step, "section system.webServer/rewrite/rules is not declared")),
        None => Ok(Effective { rules: Vec::new(), maps: Vec::new(), module: false }),
    }
}

fn broken(step: &Step<'_>, reason: impl Into<String>) -> Fault {
    Fault::Broken { reason: reason.into(), file: step.file.path().clone() }
}

fn maps(steps: &[Step<'_>]) -> Vec<RewriteMap> {
    let mut maps: Vec<RewriteMap> = Vec::new();
    let layers = steps.iter().filter(|step| step.reaches);
    for change in layers.flat_map(|step| &step.layer.maps) {
        match change {
            Change::Clear => maps.clear(),
            Change::Remove(name) => maps.retain(|map| !same(&map.name, name)),
            Change::Add(map) => {
                maps.retain(|known| !same(&known.name, &map.name));
                maps.push(map.clone());
            }
        }
    }
    maps
}

/// Which of the two collections of rules.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Global,
    Distributed,
}

/// Where a section may not appear.
#[derive(Clone, Copy)]
pub(crate) enum Lock<'s> {
    None,
    /// In files below this one; its own locations are free.
    Below(&'s File),
    /// Anywhere below a location of this file that denies it, unless a location of the same file
    /// allows it again.
    Denied(&'s File),
}

impl<'s> Lock<'s> {
    /// Why a section may not appear in this step.
    pub(crate) fn forbids(self, step: &Step<'_>) -> Option<String> {
        let elsewhere = |file: &File| file.path().key() != step.file.path().key();
        let by = match self {
            Self::Below(file) if elsewhere(file) => file,
            Self::Denied(file) if elsewhere(file) || step.layer.mode != Mode::Allow => file,
            Self::None | Self::Below(_) | Self::Denied(_) => return None,
        };
        Some(format!("section system.webServer/rewrite/rules is locked by {}", by.path()))
    }

    /// What holds below a step that has the section.
    pub(crate) fn after(self, step: &Step<'s>) -> Self {
        match step.layer.mode {
            Mode::Inherit => self,
            Mode::Allow => Self::None,
            Mode::Deny => Self::Denied(step.file),
        }
    }
}

/// A merge of sections in progress.
struct Merge<'s> {
    kind: Kind,
    rules: Vec<(&'s Step<'s>, &'s Listed)>,
    /// The names of `rules`, in one spelling.
    names: HashSet<&'s str>,
}

impl<'s> Merge<'s> {
    fn run(
        steps: &'s [Step<'s>],
        kind: Kind,
        mut lock: Lock<'s>,
        keep: &dyn Fn(&str) -> bool,
    ) -> Result<Vec<EffectiveRule>, Fault> {
        let mut merge = Self { kind, rules: Vec::new(), names: HashSet::new() };
        let mut last: Option<&Step<'_>> = None;
        for step in steps.iter().filter(|step| step.reaches) {
            let sections = match kind {
                Kind::Global => &step.layer.global,
                Kind::Distributed => &step.layer.rules,
            };
            let Some(section) = sections.first() else { continue };
            let again = last.is_some_and(|last| {
                last.level == step.level
                    && last.layer.path == step.layer.path
                    && last.file.path().key() == step.file.path().key()
            });
            if sections.len() > 1 || again {
                return Err(broken(step, "its section of rules is there twice for one path"));
            }
            if let Some(reason) = lock.forbids(step) {
                return Err(broken(step, reason));
            }
            lock = lock.after(step);
            last = Some(step);
            merge.section(step, section)?;
        }
        Ok(merge.finish(keep))
    }

    fn section(&mut self, step: &'s Step<'s>, section: &'s Section) -> Result<(), Fault> {
        if let Some(problem) = &section.problem {
            return Err(Fault::Unknown(format!("{}: {problem}", step.file.path())));
        }
        self.names.reserve(section.changes.len());
        for change in &section.changes {
            match change {
                Change::Clear => self.drop_where(step, |_| true)?,
                Change::Remove(name) => self.drop_where(step, |rule| same(&rule.name, name))?,
                Change::Add(rule) => {
                    if !self.names.insert(&rule.key) {
                        let reason = format!("two rules are named \"{}\"", rule.name);
                        return Err(broken(step, reason));
                    }
                    self.rules.push((step, rule));
                }
            }
        }
        Ok(())
    }

    fn drop_where(
        &mut self,
        step: &Step<'_>,
        drops: impl Fn(&Listed) -> bool,
    ) -> Result<(), Fault> {
        if let Some((_, rule)) = self.rules.iter().find(|(_, rule)| rule.locked && drops(rule)) {
            return Err(broken(step, format!("the rule \"{}\" above is locked", rule.name)));
        }
        self.rules.retain(|(_, rule)| !drops(rule));
        self.names = self.rules.iter().map(|(_, rule)| rule.key.as_str()).collect();
        Ok(())
    }

    fn finish(self, keep: &dyn Fn(&str) -> bool) -> Vec<EffectiveRule> {
        let kind = self.kind;
        let effective = |(step, listed): (&Step<'_>, &Listed)| EffectiveRule {
            name: listed.name.clone(),
            rule: listed.rule.clone(),
            base: step.base.clone(),
            file: step.file.path().clone(),
            place: match kind {
                Kind::Global => Place::Server,
                Kind::Distributed => step.layer.place(step.file.is_host()),
            },
        };
        let kept = self.rules.into_iter().filter(|(_, listed)| keep(&listed.name));
        kept.map(effective).collect()
    }
}
