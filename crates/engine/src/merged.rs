//! One report of two cycles, where news came while the first one ran.

use stopgap_model::report::{ActionReport, MitigationReport, State};
use stopgap_plan::FileEdit;

use crate::engine::CycleReport;
use crate::report::summarize;

impl CycleReport {
    /// The report of this cycle and of `earlier`, which went before it: the states are those of now, and
    /// what was done, taken back or went wrong is that of both.
    pub fn after(self, earlier: Self) -> Self {
        let mut both = self;
        let edits = std::mem::replace(&mut both.edits, earlier.edits);
        for edit in edits {
            append(&mut both.edits, edit);
        }
        both.halted = both.halted.or(earlier.halted);
        both.changed = !both.edits.is_empty();
        both.timings.splice(0..0, earlier.timings);
        let told: Vec<String> = both.troubles.iter().map(ToString::to_string).collect();
        let news = earlier.troubles.into_iter().filter(|it| !told.contains(&it.to_string()));
        both.troubles.splice(0..0, news.collect::<Vec<_>>());
        for report in earlier.mitigations {
            keep_what_was_told(&mut both.mitigations, report);
        }
        both
    }
}

/// Adds a replacement to those before it. A file that came back to the bytes it had was not changed.
fn append(edits: &mut Vec<FileEdit>, edit: FileEdit) {
    let Some(at) = edits.iter().position(|known| known.path == edit.path) else {
        edits.push(edit);
        return;
    };
    edits[at].after = edit.after;
    if edits[at].before == edits[at].after {
        edits.remove(at);
    }
}

/// What went in the earlier cycle is still told, and what was to be known of an action.
fn keep_what_was_told(mitigations: &mut Vec<MitigationReport>, earlier: MitigationReport) {
    let went = |action: &ActionReport| action.state == State::Withdrawn;
    let Some(known) = mitigations.iter_mut().find(|known| known.id == earlier.id) else {
        if earlier.actions.iter().any(went) {
            mitigations.push(earlier);
        }
        return;
    };
    let mut told = false;
    for action in earlier.actions {
        let Some(now) = known.actions.iter_mut().find(|now| now.id == action.id) else {
            if went(&action) {
                known.actions.push(action);
                told = true;
            }
            continue;
        };
        let resting = matches!(now.state, State::NotAffected | State::Blocked | State::Pending);
        if went(&action) && resting {
            now.state = State::Withdrawn;
            now.reason = action.reason;
            told = true;
        }
        let notes = action.notes.into_iter().filter(|note| !now.notes.contains(note));
        let notes: Vec<String> = notes.collect();
        now.notes.extend(notes);
    }
    if told {
        summarize(known);
    }
}
