//! Reports changes that are only intended: another process makes them just now, or they were cut short. What
//! is only intended is never reported as applied.

use stopgap_model::report::{MitigationReport, State};
use stopgap_plan::Step;
use stopgap_store::{Change, Status, StoreError};

use crate::engine::Engine;
use crate::report::summarize;

impl Engine<'_> {
    /// Sets the state of the actions of every change that is only intended: `pending` while a process makes
    /// it, `unknown` if it was cut short.
    pub(crate) fn report_unfinished(
        &self,
        reports: &mut [MitigationReport],
    ) -> Result<(), StoreError> {
        let mut changes = self.store.changes()?;
        changes.retain(|change| change.status == Status::Intended && change.stuck.is_none());
        if changes.is_empty() {
            return Ok(());
        }
        let interrupted = self.store.interrupted()?;
        let busy = self.store.busy()?;
        for change in changes {
            let is_cut_short = interrupted.iter().any(|it| it.number == change.number);
            match (is_cut_short, &busy) {
                (true, _) => mark(reports, &change, State::Unknown, &cut_short(&change)),
                (false, Some(who)) => {
                    let why = format!("{who} is changing it just now");
                    mark(reports, &change, State::Pending, &why);
                }
                // It was finished while this looked.
                (false, None) => {}
            }
        }
        Ok(())
    }
}

/// Returns what is reported of a change that was cut short: a sentence without a full stop.
fn cut_short(change: &Change) -> String {
    let at = change.at.strftime("%Y-%m-%d %H:%M UTC");
    format!(
        "a change of {at} was cut short, so what is there now was never found good; the next check \
         rolls it back and decides anew"
    )
}

/// Sets the state and the reason of the actions that a change installs or removes.
fn mark(reports: &mut [MitigationReport], change: &Change, state: State, why: &str) {
    let concerned: Vec<_> = change.steps.iter().flat_map(Step::actions).collect();
    for report in reports {
        let mut is_concerned = false;
        for action in report.actions.iter_mut().filter(|it| concerned.contains(&&it.id)) {
            action.state = state;
            action.reason = why.to_owned();
            is_concerned = true;
        }
        if is_concerned {
            summarize(report);
        }
    }
}
