//! The cycle.

use stopgap_model::report::{MitigationReport, State};
use stopgap_plan::{Input, Order, Plan, Step, plan, summary};
use stopgap_store::Event;

use crate::apply::Attempt;
use crate::collect::{Collected, collect};
use crate::{CycleError, CycleReport, Engine, View};

/// How often a cycle starts again because a file changed between plan and apply.
const MAX_PLANS: u32 = 3;

impl Engine<'_> {
    pub(crate) fn view(&self, order: &Order) -> Result<(Collected, View), CycleError> {
        let collected = collect(self.host);
        let (in_place, failures) = self.store.in_place()?;
        let plan = plan(&Input {
            catalog: self.catalog,
            facts: &collected.facts,
            snapshot: &collected.snapshot,
            policy: self.policy,
            in_place: &in_place,
            failures: &failures,
            order,
        });
        let facts = collected.facts.clone();
        Ok((collected, View { facts, plan }))
    }

    /// One cycle. The caller holds the lock.
    ///
    /// # Errors
    /// See `CycleError`. A mitigation that cannot be applied is no error; its state says so.
    pub fn cycle(&self, order: &Order) -> Result<CycleReport, CycleError> {
        self.recover()?;
        if self.remember {
            self.store.remember(self.catalog.mitigations())?;
        }
        for _ in 1..MAX_PLANS {
            if let Some(report) = self.try_cycle(order)? {
                return Ok(report);
            }
        }
        match self.attempt_once(order)? {
            (_, Attempt::Stale(path)) => Err(CycleError::Restless(path)),
            (plan, attempt) => self.finish(order, plan, &attempt),
        }
    }

    fn try_cycle(&self, order: &Order) -> Result<Option<CycleReport>, CycleError> {
        match self.attempt_once(order)? {
            (_, Attempt::Stale(_)) => Ok(None),
            (plan, attempt) => self.finish(order, plan, &attempt).map(Some),
        }
    }

    fn attempt_once(&self, order: &Order) -> Result<(Plan, Attempt), CycleError> {
        let plan = self.look(order)?.plan;
        let idle = plan.edits.is_empty() && plan.steps.is_empty();
        let attempt = if idle { Attempt::Done } else { self.attempt(&plan)? };
        Ok((plan, attempt))
    }

    /// Looks again, so that the report says what was observed and not what was done.
    fn finish(
        &self,
        order: &Order,
        done: Plan,
        attempt: &Attempt,
    ) -> Result<CycleReport, CycleError> {
        let View { facts, plan: after } = self.look(order)?;
        let made = matches!(attempt, Attempt::Done);
        let mut mitigations = after.report;
        if made {
            keep_what_went(&mut mitigations, done.report);
            for report in &mut mitigations {
                tell_withdrawal(report, &done.steps);
            }
        }
        let states: Vec<String> = mitigations
            .iter()
            .filter(|report| report.state != State::NotAffected)
            .map(|report| format!("{} {}", report.id, report.state.as_str()))
            .collect();
        self.store.record((self.now)(), self.by, Event::Checked, "", &states.join(", "))?;
        let changed = made && !done.edits.is_empty();
        let edits = if made { done.edits } else { Vec::new() };
        Ok(CycleReport { facts, mitigations, edits, changed })
    }
}

/// An action that went in this cycle and that no mitigation asks for would not be told any more.
fn keep_what_went(mitigations: &mut Vec<MitigationReport>, before: Vec<MitigationReport>) {
    for mut report in before {
        for action in &mut report.actions {
            action.state = State::NotAffected;
        }
        let Some(known) = mitigations.iter_mut().find(|known| known.id == report.id) else {
            mitigations.push(report);
            continue;
        };
        let is_told = |id| known.actions.iter().any(|action| action.id == id);
        let gone: Vec<_> =
            report.actions.into_iter().filter(|action| !is_told(action.id.clone())).collect();
        known.actions.extend(gone);
    }
}

/// An action that was taken out in this cycle and is not there now is `withdrawn` in its report.
fn tell_withdrawal(report: &mut MitigationReport, steps: &[Step]) {
    let mut told = false;
    for action in &mut report.actions {
        let removed = steps.iter().find_map(|step| match step {
            Step::Remove { action: id, why, .. } if *id == action.id => Some(why),
            Step::Remove { .. } | Step::Insert(_) => None,
        });
        let resting = matches!(action.state, State::NotAffected | State::Blocked | State::Pending);
        if let (Some(why), true) = (removed, resting) {
            action.state = State::Withdrawn;
            action.reason.clone_from(why);
            told = true;
        }
    }
    if told {
        let states: Vec<State> = report.actions.iter().map(|action| action.state).collect();
        report.state = State::of_actions(&states);
        report.reason = summary(report.state, &report.actions);
    }
}
