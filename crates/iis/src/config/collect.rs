//! One collection, merged over the layers that a path meets.

use std::collections::HashMap;

use stopgap_model::reason::IisReason;

use super::entry::Collection;
use super::facts::{Declared, Definition, OverrideMode, RewriteSupport};
use super::in_effect::{Fault, InEffect};
use super::merge::Step;
use super::parsed_config::{LocationLayer, Mode};
use super::place::Place;
use super::section::{Change, Listed, Section};
use super::snapshot::{File, Snapshot};

/// What a collection is called, where it may appear, and how its members are told apart.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    /// The section's name below `system.webServer/rewrite`.
    section: &'static str,
    /// What a member is called.
    member: &'static str,
    /// `None`: any section of it is an error of the configuration.
    declared: Option<Declared>,
    global: bool,
}

impl Shape {
    /// `globalRules`. Where they are not declared, nothing of them is looked at.
    pub(crate) fn global() -> Self {
        let declared = Declared { mode: OverrideMode::Allow, definition: Definition::Server };
        Self { section: "globalRules", member: "rules", declared: Some(declared), global: true }
    }

    /// `rewriteMaps`.
    pub(crate) fn maps(support: RewriteSupport) -> Self {
        let declared = support.rewrite_maps;
        Self { section: "rewriteMaps", member: "rewrite maps", declared, global: false }
    }

    /// Another collection.
    pub(crate) fn of(support: RewriteSupport, collection: Collection) -> Self {
        let member = match collection {
            Collection::PreConditions => "preconditions",
            Collection::AllowedVariables => "allowed variables",
            _ => "rules",
        };
        let declared = support.declared(collection);
        Self { section: collection.section(), member, declared, global: false }
    }
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
    /// Whether a section may not appear in this step; the file that says so.
    fn forbids(self, step: &Step<'_>) -> Option<&'s File> {
        let elsewhere = |file: &File| file.path().key() != step.file.path().key();
        match self {
            Self::Below(file) if elsewhere(file) => Some(file),
            Self::Denied(file) if elsewhere(file) || step.layer.mode != Mode::Allow => Some(file),
            Self::None | Self::Below(_) | Self::Denied(_) => None,
        }
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

/// The merge of one collection.
pub(crate) struct Merge<'s> {
    pub(crate) snapshot: &'s Snapshot,
    pub(crate) steps: &'s [Step<'s>],
    pub(crate) shape: Shape,
}

/// The members in effect so far.
struct Merged<'s, T> {
    /// In order; what was dropped leaves a gap.
    members: Vec<Option<(&'s Step<'s>, &'s Listed<T>)>>,
    /// Where each is among them, by its name in one spelling.
    names: HashMap<&'s str, usize>,
}

impl<'s> Merge<'s> {
    /// The members in effect whose name passes `keep`.
    pub(crate) fn run<T: Clone + 's>(
        &self,
        sections: impl Fn(&'s LocationLayer) -> &'s [Section<T>],
        keep: &dyn Fn(&str) -> bool,
    ) -> Result<Vec<InEffect<T>>, Fault> {
        let mut merged = Merged { members: Vec::new(), names: HashMap::new() };
        let mut last: Option<&Step<'_>> = None;
        let mut lock = self.first_lock();
        for step in self.steps.iter().filter(|step| step.reaches) {
            let found = sections(step.layer);
            let Some(section) = found.first() else { continue };
            // In one file and for one path a section may be there once, in whichever of two locations.
            let again = last.is_some_and(|last| {
                last.level == step.level
                    && last.layer.path == step.layer.path
                    && last.file.path().key() == step.file.path().key()
            });
            if found.len() > 1 || again {
                let section = self.shape.section.to_owned();
                return Err(broken(step, IisReason::SectionTwice { section }));
            }
            self.check_place(step, lock)?;
            lock = lock.after(step);
            last = Some(step);
            self.add(&mut merged, step, section, &sections)?;
        }
        Ok(self.finish(merged, keep))
    }

    fn first_lock(&self) -> Lock<'s> {
        match (self.shape.declared.map(|declared| declared.mode), self.steps.first()) {
            (Some(OverrideMode::Deny), Some(first)) if first.file.is_host() => {
                Lock::Below(first.file)
            }
            _ => Lock::None,
        }
    }

    fn check_place(&self, step: &Step<'_>, lock: Lock<'_>) -> Result<(), Fault> {
        let section = format!("system.webServer/rewrite/{}", self.shape.section);
        let Some(declared) = self.shape.declared else {
            return Err(broken(step, IisReason::SectionUndeclared { section }));
        };
        if let Some(file) = lock.forbids(step) {
            let by = file.path().to_string();
            return Err(broken(step, IisReason::SectionLocked { section, by }));
        }
        if step.depth > declared.definition {
            return Err(broken(step, IisReason::SectionTooDeep { section }));
        }
        Ok(())
    }

    fn add<T: 's>(
        &self,
        merged: &mut Merged<'s, T>,
        step: &'s Step<'s>,
        section: &'s Section<T>,
        sections: &impl Fn(&'s LocationLayer) -> &'s [Section<T>],
    ) -> Result<(), Fault> {
        // The content may be in a file of its own.
        let section = match &section.source {
            None => section,
            Some(source) => {
                let held = self.snapshot.source(step.file, source).map_err(Fault::Unknown)?;
                match held.layers.iter().find_map(|layer| sections(layer).first()) {
                    Some(section) => section,
                    None => {
                        let (named, section) = (source.clone(), self.shape.section.to_owned());
                        let reason = IisReason::SourceWithoutSection { named, section };
                        return Err(broken(step, reason));
                    }
                }
            }
        };
        if let Some(problem) = &section.problem {
            return Err(Fault::Unknown(problem.of_file(step.file.path())));
        }
        merged.names.reserve(section.changes.len());
        for change in &section.changes {
            match change {
                Change::Clear => merged.clear(step)?,
                Change::Remove(name) => merged.remove(step, name)?,
                Change::Add(member) => {
                    // IIS does not mind the case of names, and neither do the keys.
                    if merged.names.insert(&member.key, merged.members.len()).is_some() {
                        let (members, name) = (self.shape.member.to_owned(), member.name.clone());
                        return Err(broken(step, IisReason::NameTwice { members, name }));
                    }
                    merged.members.push(Some((step, member)));
                }
            }
        }
        Ok(())
    }

    fn finish<T: Clone + 's>(
        &self,
        merged: Merged<'s, T>,
        keep: &dyn Fn(&str) -> bool,
    ) -> Vec<InEffect<T>> {
        let kept = merged.members.into_iter().flatten().filter(|(_, listed)| keep(&listed.name));
        let in_effect = kept.map(|(step, listed)| InEffect {
            name: listed.name.clone(),
            item: listed.item.clone(),
            base: step.base.clone(),
            file: step.file.path().clone(),
            place: match self.shape.global {
                true => Place::Server,
                false => step.layer.place(step.file.is_host()),
            },
        });
        in_effect.collect()
    }
}

impl<T> Merged<'_, T> {
    fn clear(&mut self, step: &Step<'_>) -> Result<(), Fault> {
        let mut members = self.members.iter().flatten();
        if let Some((_, member)) = members.find(|(_, member)| member.locked) {
            return Err(locked(step, &member.name));
        }
        self.members.clear();
        self.names.clear();
        Ok(())
    }

    fn remove(&mut self, step: &Step<'_>, name: &str) -> Result<(), Fault> {
        let at = self.names.get(name.to_ascii_lowercase().as_str());
        let Some(found) = at.and_then(|at| self.members.get_mut(*at)) else { return Ok(()) };
        if let Some((_, member)) = found.take() {
            if member.locked {
                return Err(locked(step, &member.name));
            }
            self.names.remove(member.key.as_str());
        }
        Ok(())
    }
}

fn locked(step: &Step<'_>, name: &str) -> Fault {
    broken(step, IisReason::MemberLocked { name: name.to_owned() })
}

fn broken(step: &Step<'_>, reason: IisReason) -> Fault {
    Fault::Broken { reason, file: step.file.path().clone() }
}
