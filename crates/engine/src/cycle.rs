//! The cycle.

use std::collections::{BTreeMap, BTreeSet};

use stopgap_host::{Host, Read};
use stopgap_model::report::{MitigationReport, State};
use stopgap_model::{ActionId, ServerId, ServerPath};
use stopgap_plan::{Input, Order, Plan, Step, WebChange, WebConfig, plan, summary};
use stopgap_store::Event;

use crate::apply::Attempt;
use crate::collect::collect;
use crate::live::WebAttempt;
use crate::{CycleError, CycleReport, Engine, Timing, View};

/// How often a cycle starts again because a file changed between plan and apply.
const MAX_PLANS: u32 = 3;

/// Servers that refuse their own configuration as it stands, and why.
type Refusals = BTreeMap<ServerId, String>;

/// What a cycle did so far.
#[derive(Default)]
struct Done {
    /// What was made, as it was planned.
    made: Vec<Plan>,
    timings: Vec<Timing>,
    refused: Refusals,
    /// What a person should know of an action beside its reason.
    notes: Vec<(ActionId, String)>,
}

/// What is next after a plan was carried out.
enum Next {
    Finished,
    /// Another plan is needed: why the last one could not be carried out to its end.
    Again(Again),
}

enum Again {
    Stale(ServerPath),
    /// What a server refuses, or what failed because of one mitigation, is known now.
    Wiser,
}

impl Engine<'_> {
    pub(crate) fn view(&self, order: &Order, refused: &Refusals) -> Result<View, CycleError> {
        let mut collected = collect(self.host, self.declared);
        for config in &mut collected.web {
            config.refused = refused.get(&config.facts.server.id()).cloned();
        }
        let (in_place, failures) = self.store.in_place()?;
        let gone = gone(self.host, in_place.web.keys(), &collected.web);
        let plan = plan(&Input {
            catalog: self.catalog,
            facts: &collected.facts,
            snapshot: &collected.snapshot,
            web: &collected.web,
            gone: &gone,
            policy: self.policy,
            in_place: &in_place,
            failures: &failures,
            order,
        });
        Ok(View { facts: collected.facts, plan })
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
        let mut done = Done::default();
        for round in 1.. {
            let plan = self.view(order, &done.refused)?.plan;
            match self.carry_out(plan, &mut done)? {
                Next::Finished => break,
                Next::Again(Again::Stale(path)) if round >= MAX_PLANS => {
                    return Err(CycleError::Restless(path));
                }
                Next::Again(Again::Wiser) if round >= MAX_PLANS => break,
                Next::Again(_) => {}
            }
        }
        self.finish(order, done)
    }

    /// Carries out a plan: the files of IIS, then each web server alone.
    fn carry_out(&self, mut plan: Plan, done: &mut Done) -> Result<Next, CycleError> {
        let web = std::mem::take(&mut plan.web);
        if !(plan.edits.is_empty() && plan.steps.is_empty()) {
            match self.attempt(&plan)? {
                Attempt::Stale(path) => return Ok(Next::Again(Again::Stale(path))),
                Attempt::Undone => {}
                Attempt::Done => done.made.push(plan.clone()),
            }
        }
        let mut again = None;
        for change in web {
            again = self.carry_out_web(&plan, change, done)?.or(again);
        }
        Ok(again.map_or(Next::Finished, Next::Again))
    }

    fn carry_out_web(
        &self,
        plan: &Plan,
        change: WebChange,
        done: &mut Done,
    ) -> Result<Option<Again>, CycleError> {
        let (attempt, timing) = self.attempt_web(&change)?;
        done.timings.push(timing);
        Ok(match attempt {
            WebAttempt::Stale(path) => Some(Again::Stale(path)),
            WebAttempt::Undone => None,
            WebAttempt::Fault => change.fresh.then_some(Again::Wiser),
            WebAttempt::Refused(why) => {
                done.refused.insert(change.server.id(), why);
                Some(Again::Wiser)
            }
            WebAttempt::Done(notes) => {
                for action in change.step.actions() {
                    done.notes.extend(notes.iter().map(|note| (action.clone(), note.clone())));
                }
                let report = plan.report.clone();
                let (edits, steps, web) = (Vec::new(), Vec::new(), vec![change]);
                done.made.push(Plan { edits, steps, web, report });
                None
            }
        })
    }

    /// Looks again, so that the report says what was observed and not what was done.
    fn finish(&self, order: &Order, done: Done) -> Result<CycleReport, CycleError> {
        let View { facts, plan: after } = self.view(order, &done.refused)?;
        let mut mitigations = after.report;
        let mut edits = Vec::new();
        for made in done.made {
            edits.extend(made.all_edits().cloned());
            keep_what_went(&mut mitigations, made.report);
            let web = made.web.into_iter().map(|change| change.step);
            let steps: Vec<Step> = made.steps.into_iter().chain(web).collect();
            for report in &mut mitigations {
                tell_withdrawal(report, &steps);
            }
        }
        let actions = mitigations.iter_mut().flat_map(|report| &mut report.actions);
        for action in actions {
            let of_it = done.notes.iter().filter(|(id, _)| *id == action.id);
            action.notes.extend(of_it.map(|(_, note)| note.clone()));
        }
        let states: Vec<String> = mitigations
            .iter()
            .filter(|report| report.state != State::NotAffected)
            .map(|report| format!("{} {}", report.id, report.state.as_str()))
            .collect();
        self.store.record((self.now)(), self.by, Event::Checked, "", &states.join(", "))?;
        let (changed, timings) = (!edits.is_empty(), done.timings);
        Ok(CycleReport { facts, mitigations, edits, changed, timings })
    }
}

/// Those of the servers that records tell of and that were not found whose main configuration file is
/// not there either.
fn gone<'i>(
    host: &dyn Host,
    recorded: impl Iterator<Item = &'i ServerId>,
    found: &[WebConfig],
) -> BTreeSet<ServerId> {
    let missing = recorded.filter(|id| found.iter().all(|config| config.facts.server.id() != **id));
    let is_gone = |id: &&ServerId| host.read(&id.config(), 0) == Read::Absent;
    missing.filter(is_gone).cloned().collect()
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
            Step::Rules { taken_out, .. } => {
                let out = taken_out.iter().find(|out| out.action == action.id);
                out.map(|out| &out.why)
            }
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
