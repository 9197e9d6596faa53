//! Reports changes that are only intended: another process makes them just now, or they were cut short. What
//! is only intended is never reported as applied.

use std::collections::BTreeSet;

use stopgap_model::ActionId;
use stopgap_model::reason::ChangeReason;
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
        changes
            .retain(|change| change.status == Status::Intended && change.failed_rollback.is_none());
        if changes.is_empty() {
            return Ok(());
        }
        let interrupted = self.store.interrupted()?;
        let busy = self.store.busy()?;
        for change in changes {
            let is_cut_short = interrupted.iter().any(|it| it.number == change.number);
            match (is_cut_short, &busy) {
                (true, _) => mark(reports, &change, State::Unknown, cut_short(&change)),
                (false, Some(who)) => {
                    let why = ChangeReason::BeingChanged { by: who.to_string() };
                    mark(reports, &change, State::Pending, why);
                }
                // It was finished while this looked.
                (false, None) => {}
            }
        }
        Ok(())
    }
}

/// That a change was cut short.
fn cut_short(change: &Change) -> ChangeReason {
    ChangeReason::CutShort { at: change.at.strftime("%Y-%m-%d %H:%M UTC").to_string() }
}

/// The actions that a change puts in or takes out have this state, for this reason.
fn mark(reports: &mut [MitigationReport], change: &Change, state: State, why: ChangeReason) {
    let concerned: BTreeSet<&ActionId> = change.steps.iter().flat_map(Step::actions).collect();
    for report in reports {
        let mut is_concerned = false;
        for action in report.actions.iter_mut().filter(|it| concerned.contains(&it.id)) {
            action.state = state;
            action.reason = why.clone().into();
            is_concerned = true;
        }
        if is_concerned {
            summarize(report);
        }
    }
}
