//! One report of two cycles, where news came while the first one ran.

use std::collections::{BTreeMap, BTreeSet};

use stopgap_model::MitigationId;
use stopgap_model::report::{ActionReport, MitigationReport, State};
use stopgap_plan::FileEdit;

use crate::engine::CycleReport;
use crate::report::summarize;

impl CycleReport {
    /// Returns the report of this cycle and of `earlier`, which went before it: the states are those of now,
    /// and what was done, rolled back or went wrong is that of both.
    pub fn after(self, earlier: Self) -> Self {
        let mut both = self;
        let edits = std::mem::replace(&mut both.edits, earlier.edits);
        for edit in edits {
            append(&mut both.edits, edit);
        }
        both.halted = both.halted.or(earlier.halted);
        both.services.splice(0..0, earlier.services);
        both.changed = !(both.edits.is_empty() && both.services.is_empty());
        both.timings.splice(0..0, earlier.timings);
        let reported: BTreeSet<String> = both.troubles.iter().map(ToString::to_string).collect();
        let news = earlier.troubles.into_iter().filter(|it| !reported.contains(&it.to_string()));
        both.troubles.splice(0..0, news.collect::<Vec<_>>());
        keep_what_was_reported(&mut both.mitigations, earlier.mitigations);
        both
    }
}

/// Adds a replacement to those before it. A file that came back to the bytes it had was not changed.
fn append(edits: &mut Vec<FileEdit>, edit: FileEdit) {
    let Some(known) = edits.iter_mut().find(|known| known.path == edit.path) else {
        edits.push(edit);
        return;
    };
    known.after = edit.after;
    edits.retain(|edit| edit.before != edit.after);
}

/// Keeps what was withdrawn in the earlier cycle, and what was to be known of each action.
fn keep_what_was_reported(mitigations: &mut Vec<MitigationReport>, earlier: Vec<MitigationReport>) {
    let places = mitigations.iter().enumerate().map(|(at, report)| (report.id.clone(), at));
    let places: BTreeMap<MitigationId, usize> = places.collect();
    for report in earlier {
        match places.get(&report.id).and_then(|&at| mitigations.get_mut(at)) {
            Some(known) => keep_actions(known, report.actions),
            None if report.actions.iter().any(was_withdrawn) => mitigations.push(report),
            None => {}
        }
    }
}

fn keep_actions(known: &mut MitigationReport, earlier: Vec<ActionReport>) {
    let mut is_news = false;
    for action in earlier {
        let Some(now) = known.actions.iter_mut().find(|now| now.id == action.id) else {
            if was_withdrawn(&action) {
                known.actions.push(action);
                is_news = true;
            }
            continue;
        };
        let rests = matches!(now.state, State::NotAffected | State::Blocked | State::Pending);
        let notes = action.notes.iter().filter(|note| !now.notes.contains(note));
        let notes: Vec<_> = notes.cloned().collect();
        now.notes.extend(notes);
        if was_withdrawn(&action) && rests {
            now.state = State::Withdrawn;
            now.reason = action.reason;
            is_news = true;
        }
    }
    if is_news {
        summarize(known);
    }
}

fn was_withdrawn(action: &ActionReport) -> bool {
    action.state == State::Withdrawn
}
