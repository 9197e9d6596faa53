//! What is on the server by our doing, from the change records.

use std::collections::{BTreeMap, BTreeSet};

use stopgap_model::{ActionId, Digest, MitigationId, ServerId, ServerPath};
use stopgap_plan::{
    Failures, InstalledAction, InstalledEntry, InstalledRule, InstalledRules, InstalledServices,
    ServicesStep, Step, TargetId,
};

use crate::change::{Change, FailedAttempt, FileChange, Status};
use crate::rest::rest;

/// The fold of all change records.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Folded {
    /// What we put in and did not take out, by action.
    pub actions: BTreeMap<ActionId, InstalledAction>,
    /// The files that carry them, by `ServerPath::key`.
    pub files: BTreeMap<String, FoldedFile>,
    /// The rules on web servers other than IIS.
    pub web: BTreeMap<ServerId, InstalledRules>,
    /// The services that are disabled, by action.
    pub services: BTreeMap<ActionId, InstalledServices>,
    /// What was undone when it was last tried.
    pub failures: Failures,
}

/// A file that carries something of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoldedFile {
    /// All that was put into it since it was last without anything of ours.
    pub insertions: Vec<InstalledEntry>,
    /// The change and the before-image with the bytes before our first change, and the digest
    /// after our last one, if every change since began with the bytes the one before it left.
    pub original: Option<(u64, FileChange, Option<Digest>)>,
}

/// Folds the change records, oldest first.
#[must_use]
pub fn fold(changes: &[Change]) -> Folded {
    let mut folded = Folded::default();
    for change in changes {
        match &change.status {
            Status::Undone { error, fault, attempt } => {
                folded.fail(change, error, fault.as_ref());
                folded.rest(change, fault.as_ref(), attempt.as_ref());
            }
            Status::Halted { .. } => {}
            Status::Committed => folded.take(change, true),
            // Whether a step of it was made is seen by looking at the server. A rule that may
            // still be there stays on the list.
            Status::Interrupted | Status::Intended => {
                folded.take(change, false);
                if let Some(failed) = &change.failed_rollback {
                    let description = failed.description.clone();
                    folded.failures.not_restored.insert(change.target(), description);
                }
            }
        }
    }
    folded
}

impl Folded {
    fn fail(&mut self, change: &Change, error: &str, fault: Option<&MitigationId>) {
        for key in failed(change, fault) {
            self.failures.tries.insert(key, error.to_owned());
        }
    }

    /// What failed rests, where it is known with what it was tried.
    fn rest(
        &mut self,
        change: &Change,
        fault: Option<&MitigationId>,
        attempt: Option<&FailedAttempt>,
    ) {
        for key in failed(change, fault) {
            let before = self.failures.rests.remove(&key);
            if let Some(attempt) = attempt {
                self.failures.rests.insert(key, rest(attempt, change.at, before.as_ref()));
            }
        }
    }

    fn take(&mut self, change: &Change, committed: bool) {
        for file in &change.files {
            self.chain(change.number, file, committed);
        }
        for step in &change.steps {
            for action in step.actions() {
                let key = (step.target(), action.clone());
                self.failures.tries.remove(&key);
                self.failures.rests.remove(&key);
            }
            match step {
                Step::Insert(placed) => {
                    for entry in &placed.entries {
                        self.file(&entry.file).insertions.push(entry.clone());
                    }
                    self.actions.insert(placed.action.clone(), (**placed).clone());
                }
                Step::Remove { action, .. } if committed => {
                    self.actions.remove(action);
                }
                Step::Remove { .. } => {}
                Step::Rules { server, rules, text, left, .. } => {
                    let before = self.web.remove(server);
                    let (rules, left) = (rules.clone(), left.clone());
                    let mut own = InstalledRules { rules, text: *text, left };
                    // What was to be taken out may still be there.
                    if let Some(before) = before.filter(|_| !committed) {
                        own = both(before, own);
                    }
                    if !(own.rules.is_empty() && own.left.is_empty()) {
                        self.web.insert(server.clone(), own);
                    }
                }
                // One that was cut short is put back as it was before, so the records stay as they were.
                Step::Services(step) if committed => self.take_services(step),
                Step::Services(_) => {}
            }
        }
        let entries = self.actions.values().flat_map(|placed| &placed.entries);
        let carried: BTreeSet<String> = entries.map(|entry| entry.file.key()).collect();
        let keys: Vec<String> =
            self.files.keys().filter(|key| !carried.contains(*key)).cloned().collect();
        for key in keys {
            self.files.remove(&key);
        }
    }

    fn take_services(&mut self, step: &ServicesStep) {
        let ServicesStep { mitigation, revision, hash, action, disables, removed, .. } = step;
        if removed.is_some() {
            self.services.remove(action);
            return;
        }
        let installed = InstalledServices {
            mitigation: mitigation.clone(),
            revision: *revision,
            hash: *hash,
            action: action.clone(),
            services: disables.iter().map(|it| it.service.clone()).collect(),
        };
        self.services.insert(action.clone(), installed);
    }

    fn chain(&mut self, number: u64, file: &FileChange, committed: bool) {
        let next = match self.files.get(&file.path.key()) {
            None => Some((number, file.clone(), file.after)),
            Some(FoldedFile { original: Some((first, before, tip)), .. })
                if *tip == file.before =>
            {
                Some((*first, before.clone(), file.after))
            }
            Some(_) => None,
        };
        self.file(&file.path).original = next.filter(|_| committed);
    }

    fn file(&mut self, path: &ServerPath) -> &mut FoldedFile {
        let empty = || FoldedFile { insertions: Vec::new(), original: None };
        self.files.entry(path.key()).or_insert_with(empty)
    }
}

/// The targets and actions of a change that failed: of one mitigation only, if that alone is at fault.
fn failed(change: &Change, fault: Option<&MitigationId>) -> Vec<(TargetId, ActionId)> {
    let of_step = |step: &Step| -> Vec<(TargetId, ActionId)> {
        let at_fault: Option<BTreeSet<&ActionId>> = match (step, fault) {
            (Step::Rules { rules, .. }, Some(of)) => {
                let of_it = rules.iter().filter(|placed| placed.mitigation == *of);
                Some(of_it.map(|placed| &placed.action).collect())
            }
            _ => None,
        };
        let is_at_fault =
            |action: &&ActionId| at_fault.as_ref().is_none_or(|those| those.contains(action));
        let actions = step.actions().into_iter().filter(is_at_fault);
        actions.map(|action| (step.target(), action.clone())).collect()
    };
    change.steps.iter().flat_map(of_step).collect()
}

/// The rules that a change was to leave and those that were there before, of an action the newer one.
fn both(before: InstalledRules, after: InstalledRules) -> InstalledRules {
    let is_new = |placed: &InstalledRule| before.rules.iter().all(|old| old != placed);
    if !after.rules.iter().any(is_new) {
        return before;
    }
    let replaced = |old: &InstalledRule| after.rules.iter().any(|new| new.action == old.action);
    let stay: Vec<InstalledRule> = before.rules.into_iter().filter(|old| !replaced(old)).collect();
    InstalledRules { rules: after.rules.into_iter().chain(stay).collect(), ..after }
}
