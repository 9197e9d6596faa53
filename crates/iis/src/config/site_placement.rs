//! The places for a rule in one scope of a site: the best one for the scope, and further ones for
//! the parts of it that do not inherit.

use std::collections::{HashMap, HashSet};

use stopgap_model::host::{ServerPath, Site};
use stopgap_model::reason::IisReason;

use super::collect::Lock;
use super::facts::{Definition, OverrideMode};
use super::folders::{Folder, application_of};
use super::levels::paths;
use super::merge::{Step, host_steps, web_steps};
use super::parsed_config::Dropped;
use super::place::{Place, is_within, joined, normal};
use super::snapshot::{File, Snapshot};
use super::target::{Gap, Placement, PlacementRequest, PlacementTarget, Refusal};

/// How many web.config files of plain folders get a rule of their own. Who may upload to a folder
/// can make many of them.
const MAX_PLAIN_TARGETS: usize = 64;

/// A scope that was found on the server.
pub(crate) struct SitePlacement<'s, 'p> {
    snapshot: &'s Snapshot,
    host: &'s File,
    site: &'s Site,
    placing: &'p PlacementRequest<'p>,
    mode: OverrideMode,
    definition: Definition,
    /// The path in the site, in one spelling.
    path: String,
    /// The path as the server spells it, without outer slashes.
    spelled: String,
    /// The paths in it that may have a configuration of their own, its own included.
    paths: Vec<String>,
    /// The web.config files that hold for a folder outside of it too: which one, as spelled.
    outside: HashMap<String, String>,
}

impl<'s, 'p> SitePlacement<'s, 'p> {
    pub(crate) fn of(
        snapshot: &'s Snapshot,
        site: &'s Site,
        path: &str,
        placing: &'p PlacementRequest<'p>,
    ) -> Result<Self, Refusal> {
        let (host, _, support) = snapshot.host().map_err(Refusal::Unknown)?;
        let section = || Refusal::SectionNotDeclared(placing.collection.section().to_owned());
        let declared = support.declared(placing.collection).ok_or_else(section)?;
        let spelled = spelled(snapshot, host, site, path)?;
        let (mode, definition, path) = (declared.mode, declared.definition, normal(path));
        let paths = paths(snapshot, &site.name, &path);
        let outside = outside(snapshot, &site.name, &path);
        Ok(Self { snapshot, host, site, placing, mode, definition, path, spelled, paths, outside })
    }

    pub(crate) fn place(&self) -> Result<Placement, Refusal> {
        self.check_name("", &self.path)?;
        let steps = self.steps(&self.path).map_err(Refusal::Unknown)?;
        let (target, why) = self.main(&steps)?;
        let mut placement = Placement { targets: vec![target], why, gaps: Vec::new() };
        let mut known = placement.targets.iter().map(Stand::of_target).collect();
        let mut reached = false;
        // What does not inherit from the main place gets one of its own, or is a gap.
        for level in &self.paths {
            reached |= self.reach(level, &mut placement, &mut known)?;
        }
        match placement.gaps.first() {
            Some(gap) if !reached => Err(Refusal::Locked(gap.why.clone())),
            _ => Ok(placement),
        }
    }

    fn steps(&self, path: &str) -> Result<Vec<Step<'s>>, IisReason> {
        let mut steps = host_steps(self.host, self.site, path)?;
        steps.extend(web_steps(self.snapshot, self.site, path)?);
        Ok(steps)
    }

    /// The place for the scope itself, and why there.
    fn main(&self, steps: &[Step<'s>]) -> Result<(PlacementTarget, IisReason), Refusal> {
        // What no application below inherits costs its own part alone, which is a gap then.
        let dropping = steps
            .iter()
            .rfind(|step| step.reaches && !self.is_narrow(step) && self.dropped(step).is_some());
        // A file that drops what is above it leaves only itself as a place.
        let web = dropping.filter(|step| !step.file.is_host());
        let why = match web {
            Some(step) if self.dropped(step) == Some(Dropped::Removed) => {
                let file = step.file.path().to_string();
                return Err(Refusal::Locked(IisReason::DropsByName { file }));
            }
            Some(step) => IisReason::Drops { by: said_by(step) },
            None => match self.in_location(steps) {
                Ok(target) => return Ok((target, IisReason::InLocation)),
                Err(why) => why,
            },
        };
        match self.in_own_file(steps, web) {
            Ok(target) => {
                let (because, file) = (Box::new(why), target.file.to_string());
                Ok((target, IisReason::InOwnFile { because, file }))
            }
            Err(also) => Err(Refusal::Locked(IisReason::NoPlaceAtAll {
                first: Box::new(why),
                second: Box::new(also),
            })),
        }
    }

    /// Whether a step holds for a part of the scope only: its application, and there are others.
    fn is_narrow(&self, step: &Step<'_>) -> bool {
        let own = application_of(self.site, &step.level);
        step.layer.not_inherited
            && self.paths.iter().any(|path| application_of(self.site, path) != own)
    }

    /// Whether a step drops what we would put above it.
    fn dropped(&self, step: &Step<'_>) -> Option<Dropped> {
        step.drops(self.snapshot, self.placing.collection, self.placing.name)
    }

    /// The location of applicationHost.config for the scope, or why it cannot be.
    fn in_location(&self, steps: &[Step<'s>]) -> Result<PlacementTarget, IisReason> {
        let path = self.full_path();
        let key = normal(&path);
        let of_host: Vec<_> = steps.iter().filter(|step| step.file.is_host()).collect();
        // Only what stands above the location can lock it.
        let mut lock = Lock::None;
        for step in &of_host {
            if step.layer.path != key && step.reaches && self.has_section(step) {
                lock = lock.after(step);
            }
        }
        if let Lock::Denied(file) = lock {
            return Err(IisReason::LockedByLocation { path, file: file.path().to_string() });
        }
        let here = of_host.iter().filter(|step| step.layer.path == key && self.has_section(step));
        for step in here {
            if !step.layer.is_plain() {
                let file = self.host.path().to_string();
                return Err(IisReason::LocationNotPlain { path, file });
            }
            self.not_elsewhere(step)?;
        }
        let place = Place::Location { path: path.clone() };
        Ok(PlacementTarget { file: self.host.path().clone(), place, suffix: String::new(), path })
    }

    /// The scope's own web.config, or why it cannot be; `after` is a step that drops what comes
    /// before it.
    fn in_own_file(
        &self,
        steps: &[Step<'s>],
        after: Option<&Step<'s>>,
    ) -> Result<PlacementTarget, IisReason> {
        let folders = self.snapshot.folders().of_site(&self.site.name);
        let folder = folders.iter().find(|folder| folder.level == self.path);
        let folder = folder.ok_or(IisReason::NoOwnFolder)?;
        let path = folder.web_config()?;
        // Nested applications over one folder meet its file once for each of them.
        let own = steps.iter().find(|step| {
            step.file.path().key() == path.key()
                && step.layer.location_path.is_none()
                && step.level == self.path
        });
        let Some(own) = own else {
            return Err(IisReason::FileMissing { file: path.to_string() });
        };
        if let Some(after) = after {
            let later = steps.iter().rposition(|step| std::ptr::eq(step, after));
            let here = steps.iter().position(|step| std::ptr::eq(step, own));
            if later > here {
                return Err(IisReason::NothingBehind);
            }
        }
        self.may_stand_in(own, steps)?;
        Ok(PlacementTarget {
            file: own.file.path().clone(),
            place: Place::WebConfig,
            suffix: String::new(),
            path: self.full_path(),
        })
    }

    /// Whether a section of ours may stand in a web.config.
    fn may_stand_in(&self, step: &Step<'s>, steps: &[Step<'s>]) -> Result<(), IisReason> {
        let path = step.file.path();
        let file = path.to_string();
        let mut lock = match self.mode {
            OverrideMode::Deny => Lock::Below(self.host),
            OverrideMode::Allow => Lock::None,
        };
        for above in steps.iter().take_while(|above| !std::ptr::eq(*above, step)) {
            if above.reaches && self.has_section(above) {
                lock = lock.after(above);
            }
        }
        if !matches!(lock, Lock::None) {
            return Err(IisReason::FileLocked { file });
        }
        if step.depth > self.definition {
            return Err(IisReason::FileTooDeep { file });
        }
        self.not_elsewhere(step)?;
        match self.outside.get(&path.key()) {
            Some(folder) => Err(IisReason::FileShared { file, folder: folder.clone() }),
            None => Ok(()),
        }
    }

    fn has_section(&self, step: &Step<'_>) -> bool {
        step.layer.has(self.placing.collection).is_some()
    }

    fn not_elsewhere(&self, step: &Step<'_>) -> Result<(), IisReason> {
        match step.layer.has(self.placing.collection) {
            None | Some("") => Ok(()),
            Some(source) => Err(IisReason::RulesElsewhere {
                section: "rules".to_owned(),
                file: step.file.path().to_string(),
                named: source.to_owned(),
            }),
        }
    }

    /// Sees to it that a level of the scope has the rule too: inherited, or by one of its own. Answers
    /// whether it has.
    fn reach(
        &self,
        level: &str,
        placement: &mut Placement,
        known: &mut HashSet<Stand>,
    ) -> Result<bool, Refusal> {
        // What is unknown further down is no reason to leave the rest unprotected.
        let Ok(steps) = self.steps(level) else { return Ok(true) };
        let Some(main) = placement.targets.first() else { return Ok(true) };
        let from = steps
            .iter()
            .position(|step| is_at(step, main))
            .map_or_else(|| self.behind_location(&steps), |at| at + 1);
        let below = steps.get(from..).unwrap_or_default();
        let Some(step) = below.iter().rfind(|s| s.reaches && self.dropped(s).is_some()) else {
            return Ok(true);
        };
        if known.contains(&Stand::of_step(step)) {
            return Ok(true);
        }
        let in_files = placement.targets.iter().filter(|t| t.place == Place::WebConfig).count();
        match self.own_target(step, &steps, in_files) {
            Ok(target) => {
                self.check_name(&target.suffix, &step.level)?;
                known.insert(Stand::of_target(&target));
                placement.targets.push(target);
                Ok(true)
            }
            Err(why) => {
                // It is one gap, however many folders are in it.
                let at = joined(&self.site.name, &step.level);
                if placement.gaps.iter().all(|gap| gap.at != at) {
                    placement.gaps.push(Gap { at, why });
                }
                Ok(false)
            }
        }
    }

    /// Where the location of the scope stands in the order of steps, if it is not there yet.
    fn behind_location(&self, steps: &[Step<'s>]) -> usize {
        let key = normal(&self.full_path());
        let before = |step: &&Step<'_>| step.file.is_host() && is_within(&key, &step.layer.path);
        steps.iter().take_while(before).count()
    }

    /// A place of its own for the part of the scope that `step` cuts off.
    /// There are rules in `in_files` web.config files already.
    fn own_target(
        &self,
        step: &Step<'s>,
        steps: &[Step<'s>],
        in_files: usize,
    ) -> Result<PlacementTarget, IisReason> {
        let file = step.file.path();
        if self.dropped(step) == Some(Dropped::Removed) {
            return Err(IisReason::DropsByName { file: file.to_string() });
        }
        // Applications are few and the administrator's; plain folders can be anybody's.
        let is_plain = !step.file.is_host() && step.depth == Definition::Everywhere;
        if is_plain && in_files >= MAX_PLAIN_TARGETS {
            let (file, most) = (file.to_string(), MAX_PLAIN_TARGETS);
            return Err(IisReason::TooManyFiles { file, most });
        }
        let place = match (&step.layer.location_path, step.file.is_host()) {
            (Some(path), true) if step.layer.is_plain() => Place::Location { path: path.clone() },
            (None, false) => {
                self.may_stand_in(step, steps)?;
                Place::WebConfig
            }
            _ if step.layer.not_inherited => {
                return Err(IisReason::ClearsForItself { by: said_by(step) });
            }
            _ => return Err(IisReason::Clears { by: said_by(step) }),
        };
        self.not_elsewhere(step)?;
        let spelled = step.base.trim_matches('/');
        let path = joined(&self.site.name, spelled);
        Ok(PlacementTarget { file: file.clone(), place, suffix: format!(" /{spelled}"), path })
    }

    /// No other one on any way that leads through a level of the scope may have the name.
    fn check_name(&self, suffix: &str, level: &str) -> Result<(), Refusal> {
        let name = format!("{}{suffix}", self.placing.name);
        for path in self.paths.iter().filter(|path| is_within(path, level)) {
            // What is unknown further down is no reason to leave the rest unprotected.
            let steps = self.steps(path).or_else(|_| host_steps(self.host, self.site, path));
            let steps = steps.map_err(Refusal::Unknown)?;
            if let Some((file, place)) = steps.iter().find_map(|step| self.taken(step, &name)) {
                return Err(Refusal::NameTaken { name, file, place });
            }
        }
        Ok(())
    }

    /// Where in a step something has the name that is not ours.
    fn taken(&self, step: &Step<'_>, name: &str) -> Option<(ServerPath, Place)> {
        let file = step.file.path();
        let place = step.layer.place(step.file.is_host());
        let collection = self.placing.collection;
        let there = !step.layer.named(collection, name).is_empty();
        (there && !(self.placing.own)(file, &place, name)).then(|| (file.clone(), place))
    }

    fn full_path(&self) -> String {
        joined(&self.site.name, &self.spelled)
    }
}

/// Where something stands: the file, and the place in it, each in one spelling.
#[derive(PartialEq, Eq, Hash)]
struct Stand(String, String);

impl Stand {
    fn of_target(target: &PlacementTarget) -> Self {
        Self(target.file.key(), target.place.key())
    }

    fn of_step(step: &Step<'_>) -> Self {
        Self(step.file.path().key(), step.layer.place(step.file.is_host()).key())
    }
}

/// The file of a step, and whether a location of it is meant.
fn said_by(step: &Step<'_>) -> String {
    match step.layer.location_path {
        Some(_) => format!("a location of {}", step.file.path()),
        None => step.file.path().to_string(),
    }
}

/// Whether a step is the place of a target.
fn is_at(step: &Step<'_>, target: &PlacementTarget) -> bool {
    Stand::of_step(step) == Stand::of_target(target)
}

/// The web.config files that hold for folders outside of a path of a site.
fn outside(snapshot: &Snapshot, site: &str, path: &str) -> HashMap<String, String> {
    let site = normal(site);
    let folders = snapshot.folders().all();
    let outside = folders.filter(|(of, folder)| *of != site || !is_within(&folder.level, path));
    let file = |folder: &Folder| Some((folder.web_config().ok()?.key(), folder.spelled.clone()));
    outside.filter_map(|(_, folder)| file(folder)).collect()
}

/// A path of a site as the server spells it.
fn spelled(snapshot: &Snapshot, host: &File, site: &Site, path: &str) -> Result<String, Refusal> {
    let key = normal(path);
    if key.is_empty() {
        return Ok(String::new());
    }
    let folders = snapshot.folders().of_site(&site.name);
    if let Some(folder) = folders.iter().find(|folder| folder.level == key) {
        return Ok(folder.spelled.clone());
    }
    let full = joined(&normal(&site.name), &key);
    let layers = &host.parsed().map_err(Refusal::Unknown)?.layers;
    // A folder that is neither may still have a location, such as `owa/auth` on Exchange.
    let written =
        layers.iter().find(|layer| layer.path == full).and_then(|l| l.location_path.as_deref());
    let below = written.and_then(|written| written.trim_matches('/').split_once('/'));
    below
        .map(|(_, path)| path.to_owned())
        .ok_or_else(|| Refusal::NoSuchPath { site: site.name.clone(), path: path.to_owned() })
}
