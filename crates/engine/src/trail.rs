//! What a cycle writes into the audit trail.

use std::collections::BTreeSet;

use stopgap_model::{ActionId, ServerPath};
use stopgap_plan::{ServicesStep, Step};
use stopgap_store::{Entry, Event};

use crate::engine::Engine;
use crate::progress::Progress;
use crate::trouble::Trouble;

impl Engine<'_> {
    /// Adds lines to the audit trail. If they cannot be written, everything else is done all the same, and
    /// that is told once.
    pub(crate) fn record(&self, entries: &[Entry<'_>], progress: &mut Progress) {
        let recorded = self.store.record((self.now)(), self.by, entries);
        let is_told = |trouble: &Trouble| matches!(trouble, Trouble::NotAudited(_));
        match recorded {
            Err(why) if !progress.troubles.iter().any(is_told) => {
                progress.troubles.push(Trouble::NotAudited(why));
            }
            Ok(()) | Err(_) => {}
        }
    }

    /// Records what a committed change installed and removed.
    pub(crate) fn record_steps(&self, steps: &[Step], progress: &mut Progress) {
        let is_insert = |step: &&Step| matches!(step, Step::Insert(_));
        let inserts = steps.iter().filter(is_insert).flat_map(Step::actions);
        let inserts: BTreeSet<&ActionId> = inserts.collect();
        let mut entries = Vec::new();
        for step in steps {
            match step {
                Step::Insert(placed) => {
                    let how = if placed.found { "found as it would be written in" } else { "in" };
                    let detail = format!("{} {how} {}", placed.action, list(&placed.files()));
                    entries.push(Entry::new(Event::Applied, placed.mitigation.as_str(), detail));
                }
                // A rule that is removed to be installed again is not withdrawn.
                Step::Remove { action, .. } if inserts.contains(action) => {}
                Step::Remove { mitigation, action, files, why } => {
                    let detail = format!("{action} from {}: {why}", list(files));
                    entries.push(Entry::new(Event::Withdrawn, mitigation.as_str(), detail));
                }
                Step::Rules { .. } => entries.extend(of_rules(step)),
                Step::Services(step) => entries.push(of_services(step)),
            }
        }
        self.record(&entries, progress);
    }

    /// Records the failure of a change for each of its mitigations.
    pub(crate) fn record_failure(&self, steps: &[Step], error: &str, progress: &mut Progress) {
        let ids = steps.iter().flat_map(Step::mitigations);
        let entries: Vec<_> = ids.map(|id| Entry::new(Event::Failed, id.as_str(), error)).collect();
        self.record(&entries, progress);
    }
}

/// Returns the line for the services of an action that were disabled or given back.
fn of_services(step: &ServicesStep) -> Entry<'_> {
    let ServicesStep { action, mitigation, disables, gives_back, removed, .. } = step;
    let given_back = names(gives_back.iter().map(|it| &it.name));
    match removed {
        Some(why) => {
            let detail = format!("{action}: let go of {given_back}: {why}");
            Entry::new(Event::Withdrawn, mitigation.as_str(), detail)
        }
        None => {
            let mut detail =
                format!("{action}: disabled {}", names(disables.iter().map(|it| &it.service.name)));
            if !gives_back.is_empty() {
                detail.push_str(&format!(", let go of {given_back}"));
            }
            Entry::new(Event::Applied, mitigation.as_str(), detail)
        }
    }
}

fn names<'n>(names: impl Iterator<Item = &'n String>) -> String {
    names.map(String::as_str).collect::<Vec<_>>().join(", ")
}

/// Returns the lines for the rules of a web server that were installed and removed.
fn of_rules(step: &Step) -> Vec<Entry<'_>> {
    let Step::Rules { server, rules, installs, removals, .. } = step else { return Vec::new() };
    let installs: BTreeSet<&ActionId> = installs.iter().collect();
    let installed = rules.iter().filter(|placed| installs.contains(&placed.action)).map(|placed| {
        let detail = format!("{} on {server}", placed.action);
        Entry::new(Event::Applied, placed.mitigation.as_str(), detail)
    });
    let removed = removals.iter().map(|out| {
        let detail = format!("{} from {server}: {}", out.action, out.why);
        Entry::new(Event::Withdrawn, out.mitigation.as_str(), detail)
    });
    installed.chain(removed).collect()
}

/// Returns the files, for a person.
pub(crate) fn list(files: &[ServerPath]) -> String {
    files.iter().map(ServerPath::as_str).collect::<Vec<_>>().join(", ")
}
