//! The cycle: the one place that runs one.

use stopgap_model::HostFacts;
use stopgap_model::policy::Policy;
use stopgap_plan::{InstalledState, Order, Plan, Step};
use stopgap_store::{Entry, Event};

use crate::effect::{Effect, effects};
use crate::engine::{CycleError, CycleReport, Engine, View};
use crate::learned::Learned;
use crate::probing::Seen;
use crate::progress::{Made, Progress};
use crate::report::{add_notes, keep_withdrawn, report_withdrawals, states};
use crate::stop::{Halt, Watch};
use crate::transaction::Outcome;
use crate::trouble::Trouble;

/// What follows after a plan was carried out, as far as that went.
enum Next {
    Finish,
    /// Another plan is needed.
    Plan,
    /// The cycle is to stop, or an administrator decided something.
    Halt(Halt),
}

/// The last look at the server, and what it was taken with.
struct LastLook {
    view: View,
    policy: Policy,
    /// How many changes had been attempted by then.
    attempts: usize,
}

impl Engine<'_> {
    /// Runs one cycle. The caller holds the lock.
    ///
    /// # Errors
    /// See `CycleError`. A mitigation that cannot be applied is no error, its state says so; nor is a
    /// target on which something goes wrong, as the report says.
    pub fn cycle(&self, order: &Order) -> Result<CycleReport, CycleError> {
        let mut progress = Progress::new(Learned::new(self.store.evidence()));
        self.recover(&mut progress)?;
        if self.remember
            && let Err(why) = self.store.remember(self.catalog.mitigations())
        {
            progress.troubles.push(Trouble::NotRemembered(why));
        }
        let mut is_clean = false;
        let (halted, last) = loop {
            let watch = Watch::new(self.stop, self.store, self.policy, order)?;
            let (mut view, mut installed) = self.view(order, watch.policy(), &progress.learned)?;
            if !is_clean && self.remove_leftovers(&view.facts) {
                // A server may have included them.
                (view, installed) = self.view(order, watch.policy(), &progress.learned)?;
            }
            is_clean = true;
            let attempts = progress.attempts;
            let next = self.carry_out(&view.plan, &installed, &watch, &mut progress);
            let last = LastLook { view, policy: watch.policy().clone(), attempts };
            match next {
                Next::Plan if !progress.is_last_plan() => progress.plan_again(),
                // Each decision is news once, so this has an end.
                Next::Halt(Halt::Decided(_)) => {}
                Next::Halt(Halt::Asked) => return Err(CycleError::Asked(progress.ending())),
                Next::Halt(halt) => break (Some(halt), last),
                Next::Finish | Next::Plan => break (None, last),
            }
        };
        self.finish(order, progress, halted, last)
    }

    /// Removes what a configuration test that was cut short left beside configuration files; returns whether
    /// there was anything.
    fn remove_leftovers(&self, facts: &HostFacts) -> bool {
        let configs = facts.web.iter().flat_map(|web| &web.server.config);
        // One that cannot be removed is in nobody's way; the next cycle tries again.
        let removed = configs.filter(|config| self.host.remove_leftover(config).unwrap_or(false));
        removed.count() > 0
    }

    /// Carries out a plan, one target after the other: whatever becomes of one, the next is attempted.
    fn carry_out(
        &self,
        plan: &Plan,
        installed: &InstalledState,
        watch: &Watch<'_>,
        progress: &mut Progress,
    ) -> Next {
        let mut again = false;
        let committed_before = progress.made.len();
        for mut effect in effects(self, plan, installed) {
            let target = effect.target();
            if progress.is_left_alone(&target) {
                continue;
            }
            match self.transact(&mut *effect, watch, progress) {
                Outcome::Committed(seen) => {
                    if progress.made.len() == committed_before {
                        progress.planned.push(plan.report.clone());
                    }
                    self.take_note(&*effect, seen, progress);
                }
                Outcome::Replan => again = true,
                Outcome::Failed => progress.leave_alone(target),
                Outcome::Refused(why) => {
                    if let Some(server) = target.server() {
                        progress.learned.refused.insert(server.clone(), why);
                    }
                    progress.leave_alone(target);
                }
                Outcome::Halted(halt, begun) => {
                    progress.rolled_back = begun.then_some(target);
                    return Next::Halt(halt);
                }
            }
        }
        match watch.before_a_step() {
            // What was decided during the last step is not left to the next cycle.
            Some(halt @ Halt::Decided(_)) => Next::Halt(halt),
            _ if again => Next::Plan,
            _ => Next::Finish,
        }
    }

    /// Takes note of a change that was committed, and of what was seen of it.
    fn take_note(&self, effect: &dyn Effect<'_>, seen: Seen, progress: &mut Progress) {
        let Seen { sightings, notes } = seen;
        if let Some(server) = effect.target().server() {
            let mitigations: Vec<_> = effect.steps().iter().flat_map(Step::mitigations).collect();
            self.replace_evidence(server, &mitigations, sightings, progress);
            progress.asked.insert(server.clone());
        }
        progress.troubles.extend(effect.troubles());
        for action in effect.steps().iter().flat_map(Step::actions) {
            progress.notes.extend(notes.iter().map(|note| (action.clone(), note.clone())));
        }
        let (edits, steps) = (effect.edits().to_vec(), effect.steps().to_vec());
        progress.made.push(Made { edits, steps });
    }

    /// Makes the report, from what is observed now and not from what was done.
    fn finish(
        &self,
        order: &Order,
        mut progress: Progress,
        halted: Option<Halt>,
        last: LastLook,
    ) -> Result<CycleReport, CycleError> {
        let watch = Watch::new(self.stop, self.store, self.policy, order)?;
        // Where nothing was attempted since the last look, another one would see the same.
        let is_current = last.attempts == progress.attempts && last.policy == *watch.policy();
        let View { facts, plan: after } = match is_current {
            true => last.view,
            false => self.view(order, watch.policy(), &progress.learned)?.0,
        };
        if halted.is_none() {
            self.probe_late(&after.unchanged, order, &watch, &mut progress);
        }
        let is_whole = halted.is_none() && order.only.is_none() && watch.policy().enabled();
        self.remember_hindrances(is_whole, &mut progress);
        let mut mitigations = after.report;
        let places = (after.unchanged.as_slice(), after.altered.as_slice());
        let evidence = &progress.learned.evidence;
        self.report_evidence(&mut mitigations, places, evidence, &progress.asked);
        for planned in std::mem::take(&mut progress.planned) {
            keep_withdrawn(&mut mitigations, planned);
        }
        let (mut edits, mut services) = (Vec::new(), Vec::new());
        for made in std::mem::take(&mut progress.made) {
            report_withdrawals(&mut mitigations, &made.steps);
            edits.extend(made.edits);
            services.extend(made.steps.into_iter().filter_map(Step::into_services));
        }
        add_notes(&mut mitigations, std::mem::take(&mut progress.notes));
        let checked = Entry::new(Event::Checked, "", states(&mitigations));
        self.record(&[checked], &mut progress);
        let changed = !(edits.is_empty() && services.is_empty());
        let Progress { timings, troubles, .. } = progress;
        Ok(CycleReport { facts, mitigations, edits, services, changed, timings, troubles, halted })
    }
}
