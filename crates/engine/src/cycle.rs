//! The cycle.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use stopgap_host::{Host, Read};
use stopgap_model::policy::Policy;
use stopgap_model::report::{MitigationReport, State};
use stopgap_model::web::WebServer;
use stopgap_model::{ActionId, ServerId, ServerPath};
use stopgap_plan::{Failures, Input, Order, Plan, Step, WebChange, WebConfig, plan, summary};
use stopgap_store::{Change, Entry, Event, Hindrance, KeptEvidence, StoreError, Stuck};

use crate::apply::{Attempt, restless};
use crate::collect::collect;
use crate::live::WebAttempt;
use crate::stop::{Halt, Watch};
use crate::trouble::{NotBack, Trouble};
use crate::{CycleError, CycleReport, Ending, Engine, Timing, View};

/// How often a cycle starts again because a file changed between plan and apply.
const MAX_PLANS: u32 = 3;

/// What was learned in a cycle and is in no record.
#[derive(Default)]
pub(crate) struct Known {
    /// Servers that refuse their own configuration as it stands, and why.
    refused: BTreeMap<ServerId, String>,
    /// Files of servers that could not be changed, and why.
    fixed: BTreeMap<(ServerId, ServerPath), String>,
    /// What failed, where that could not be written down.
    failures: Failures,
    /// What was seen of the rules in place.
    pub(crate) evidence: KeptEvidence,
}

impl Known {
    /// What the last check learned, for whoever only looks.
    pub(crate) fn remembered(evidence: KeptEvidence) -> Self {
        let mut known = Self::default();
        for Hindrance { at, server, file, why } in &evidence.hindrances {
            let why = format!("{why} (at the check of {})", at.strftime("%Y-%m-%d %H:%M UTC"));
            match file {
                Some(file) => known.fixed.insert((server.clone(), file.clone()), why),
                None => known.refused.insert(server.clone(), why),
            };
        }
        Self { evidence, ..known }
    }

    /// What is to be remembered of it.
    pub(crate) fn hindrances(&self, at: Timestamp) -> Vec<Hindrance> {
        let of = |server: &ServerId, file: Option<&ServerPath>, why: &str| Hindrance {
            at,
            server: server.clone(),
            file: file.cloned(),
            why: why.to_owned(),
        };
        let refused = self.refused.iter().map(|(server, why)| of(server, None, why));
        let fixed = self.fixed.iter().map(|((server, file), why)| of(server, Some(file), why));
        refused.chain(fixed).collect()
    }

    /// Takes note of the files of a server that could not be changed.
    fn fix(&self, config: &mut WebConfig) {
        let id = config.facts.server.id();
        for ((_, path), why) in self.fixed.iter().filter(|((of, _), _)| *of == id) {
            config.files.fix(path.clone(), why.clone());
        }
    }
}

/// What a cycle did so far.
#[derive(Default)]
pub(crate) struct Done {
    /// What was made, as it was planned.
    made: Vec<Plan>,
    pub(crate) timings: Vec<Timing>,
    pub(crate) known: Known,
    /// The servers that are not touched again in this cycle, as a change of them failed; `None` is
    /// IIS.
    left: BTreeSet<Option<ServerId>>,
    /// The servers whose sites were asked in this cycle.
    pub(crate) asked: BTreeSet<ServerId>,
    /// How many plans were made.
    plans: u32,
    /// What a person should know of an action beside its reason.
    notes: Vec<(ActionId, String)>,
    pub(crate) troubles: Vec<Trouble>,
    /// What was begun last and taken back because the cycle was to stop.
    taken_back: Option<String>,
}

/// What is next after a plan was carried out, as far as that went.
enum Next {
    Finish,
    /// Another plan is needed.
    Plan,
    /// The cycle is to stop there, or an administrator decided something.
    Halt(Halt),
}

impl Done {
    fn ending(self) -> Ending {
        let Self { made, taken_back, troubles, .. } = self;
        Ending { made: made.len(), taken_back, troubles }
    }

    /// Whether no further plan is made.
    pub(crate) fn is_last(&self) -> bool {
        self.plans >= MAX_PLANS
    }

    /// A file of a web server cannot be changed, so the next plan is made without it. Not the main one:
    /// nothing can be put in without that.
    pub(crate) fn fix(&mut self, server: &WebServer, path: &ServerPath, why: String) {
        if server.config.first() != Some(path) {
            self.known.fixed.insert((server.id(), path.clone()), why);
        }
    }

    /// Takes note of the files of a server that could not be changed.
    pub(crate) fn fix_known(&self, config: &mut WebConfig) {
        self.known.fix(config);
    }

    /// Files of a web server were changed by somebody else since the plan was made. That happens once;
    /// the next time the plan is made without them.
    pub(crate) fn stale(&mut self, server: &WebServer, paths: &[ServerPath]) {
        if self.plans > 1 {
            for path in paths {
                self.fix(server, path, restless(std::slice::from_ref(path)));
            }
        }
    }

    /// A change that could not be taken back whole: what is told of it.
    pub(crate) fn stuck(
        &mut self,
        change: &mut Change,
        error: String,
        files: Vec<NotBack>,
    ) -> String {
        let server = change.server().cloned();
        let trouble = Trouble::NotUndone { server: server.clone(), error: error.clone(), files };
        let told = trouble.to_string();
        change.stuck = Some(Stuck { error, told: told.clone() });
        self.known.failures.stuck.insert(server, told.clone());
        self.troubles.push(trouble);
        told
    }

    /// Tells of files that could not be put back and in which what stays of ours does nothing. Answers
    /// what went wrong, with them.
    pub(crate) fn idle(&mut self, change: &Change, error: String, files: Vec<NotBack>) -> String {
        if files.is_empty() {
            return error;
        }
        let trouble = Trouble::NotUndone { server: change.server().cloned(), error, files };
        let told = trouble.to_string();
        self.fail_all(&change.steps, &told);
        self.troubles.push(trouble);
        told
    }

    /// The actions of these steps failed, and no record says so.
    pub(crate) fn fail_all(&mut self, steps: &[Step], error: &str) {
        for step in steps {
            let server = step.server();
            for action in step.actions().into_iter().cloned() {
                match server.cloned() {
                    Some(server) => {
                        self.known.failures.web.insert((server, action), error.to_owned());
                    }
                    None => {
                        self.known.failures.actions.insert(action, error.to_owned());
                    }
                }
            }
        }
    }

    /// What became of a change could not be written down. That is told once for each server.
    pub(crate) fn not_recorded(&mut self, change: &Change, why: StoreError) {
        let server = change.server().cloned();
        let is_told = self.troubles.iter().any(
            |trouble| matches!(trouble, Trouble::NotRecorded { server: of, .. } if *of == server),
        );
        if !is_told {
            self.troubles.push(Trouble::NotRecorded { server, why });
        }
    }
}

impl Engine<'_> {
    pub(crate) fn view(
        &self,
        order: &Order,
        policy: &Policy,
        known: &Known,
    ) -> Result<View, CycleError> {
        let mut collected = collect(self.host, self.declared);
        for config in &mut collected.web {
            config.refused = known.refused.get(&config.facts.server.id()).cloned();
            known.fix(config);
        }
        let (in_place, mut failures) = self.store.in_place()?;
        failures.add(&known.failures);
        failures.wake((self.now)().as_second());
        let gone = gone(self.host, in_place.web.keys(), &collected.web);
        let plan = plan(&Input {
            catalog: self.catalog,
            facts: &collected.facts,
            snapshot: &collected.snapshot,
            web: &collected.web,
            gone: &gone,
            policy,
            in_place: &in_place,
            failures: &failures,
            order,
        });
        Ok(View { facts: collected.facts, plan })
    }

    /// One cycle. The caller holds the lock.
    ///
    /// # Errors
    /// See `CycleError`. A mitigation that cannot be applied is no error, its state says so; nor is a
    /// server on which something goes wrong, as the report says.
    pub fn cycle(&self, order: &Order) -> Result<CycleReport, CycleError> {
        let known = Known { evidence: self.store.evidence(), ..Known::default() };
        let mut done = Done { known, ..Done::default() };
        self.recover(&mut done)?;
        if self.remember
            && let Err(why) = self.store.remember(self.catalog.mitigations())
        {
            done.troubles.push(Trouble::NotRemembered(why));
        }
        let mut round = 1;
        let halted = loop {
            done.plans = round;
            let watch = Watch::new(self.stop, self.store, self.policy, order)?;
            let plan = self.view(order, watch.policy(), &done.known)?.plan;
            match self.carry_out(plan, &watch, &mut done) {
                Next::Plan if !done.is_last() => round += 1,
                // Each decision is news once, so this has an end.
                Next::Halt(Halt::Decided(_)) => {}
                Next::Halt(Halt::Asked) => return Err(CycleError::Asked(done.ending())),
                Next::Halt(halt) => break Some(halt),
                Next::Finish | Next::Plan => break None,
            }
        };
        self.finish(order, done, halted)
    }

    /// Carries out a plan: the files of IIS, then each web server alone.
    fn carry_out(&self, mut plan: Plan, watch: &Watch<'_>, done: &mut Done) -> Next {
        let web = std::mem::take(&mut plan.web);
        let mut again = false;
        if !(plan.edits.is_empty() && plan.steps.is_empty() || done.left.contains(&None)) {
            match self.attempt(&plan, watch, done) {
                Attempt::Stale => again = true,
                Attempt::Halted(halt, begun) => {
                    done.taken_back = begun.then(|| "IIS".to_owned());
                    return Next::Halt(halt);
                }
                Attempt::Failed => {
                    done.left.insert(None);
                }
                Attempt::Done => done.made.push(plan.clone()),
            }
        }
        for change in web {
            if !done.left.contains(&Some(change.server.id())) {
                match self.carry_out_web(&plan, change, watch, done) {
                    Next::Finish => {}
                    Next::Plan => again = true,
                    halt @ Next::Halt(_) => return halt,
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

    fn carry_out_web(
        &self,
        plan: &Plan,
        change: WebChange,
        watch: &Watch<'_>,
        done: &mut Done,
    ) -> Next {
        match self.attempt_web(&change, watch, done) {
            WebAttempt::Stale => Next::Plan,
            WebAttempt::Halted(halt, begun) => {
                done.taken_back = begun.then(|| change.server.id().to_string());
                Next::Halt(halt)
            }
            // Without the one that is at fault the others are tried again.
            WebAttempt::Fault if change.fresh => Next::Plan,
            WebAttempt::Fault | WebAttempt::Failed => {
                done.left.insert(Some(change.server.id()));
                Next::Finish
            }
            WebAttempt::Refused(why) => {
                done.known.refused.insert(change.server.id(), why);
                done.left.insert(Some(change.server.id()));
                Next::Finish
            }
            WebAttempt::Done(seen) => {
                let mut notes = seen.notes;
                let (server, mitigations) = (change.server.id(), change.step.mitigations());
                self.replace_evidence(&server, &mitigations, seen.sightings, done);
                done.asked.insert(server);
                notes.extend(change.strays.iter().cloned());
                for action in change.step.actions() {
                    done.notes.extend(notes.iter().map(|note| (action.clone(), note.clone())));
                }
                let report = plan.report.clone();
                let (edits, steps, standing, altered) = Default::default();
                let web = vec![change];
                done.made.push(Plan { edits, steps, web, standing, altered, report });
                Next::Finish
            }
        }
    }

    /// Looks again, so that the report says what was observed and not what was done.
    fn finish(
        &self,
        order: &Order,
        mut done: Done,
        halted: Option<Halt>,
    ) -> Result<CycleReport, CycleError> {
        let watch = Watch::new(self.stop, self.store, self.policy, order)?;
        let View { facts, plan: after } = self.view(order, watch.policy(), &done.known)?;
        if halted.is_none() {
            self.probe_late(&after.standing, order, &watch, &mut done);
        }
        let is_whole = halted.is_none() && order.only.is_none() && watch.policy().enabled();
        self.remember_hindrances(is_whole, &mut done);
        let mut mitigations = after.report;
        let Done { known, asked, .. } = &done;
        let places = (after.standing.as_slice(), after.altered.as_slice());
        self.tell_evidence(&mut mitigations, places, &known.evidence, asked);
        let mut edits = Vec::new();
        for made in std::mem::take(&mut done.made) {
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
        self.record(&[Entry::new(Event::Checked, "", states.join(", "))], &mut done);
        let changed = !edits.is_empty();
        let Done { timings, troubles, .. } = done;
        Ok(CycleReport { facts, mitigations, edits, changed, timings, troubles, halted })
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
