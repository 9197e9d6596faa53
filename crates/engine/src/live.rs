//! The live step: how a web server that runs gets other rules.
//!
//! Have the server test the configuration before anything of it is replaced; record how each quick site
//! answers; replace; read back; reload; probe; every site must answer as before, the slow ones too,
//! which are waited for when the rules are in force. Otherwise everything goes back, and the server
//! takes that.

use stopgap_host::{Live, ReloadError, Replacing, Stop};
use stopgap_model::problem::sentence;
use stopgap_model::{Fact, MitigationId, ServerPath, WebKind};
use stopgap_plan::{FileEdit, Step, WebChange, WebPlaced, rule_text};
use stopgap_store::{Change, StoreError};

use crate::apply::{Written, restless, stale};
use crate::baseline::Baseline;
use crate::collect::read_web;
use crate::cycle::Done;
use crate::probing::{Failure, Probing, Seen};
use crate::stop::{Halt, Watch};
use crate::undo::{Failing, Tries};
use crate::{Engine, Timing};

/// What became of a change of one web server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum WebAttempt {
    /// It is done; what was seen of it.
    Done(Seen),
    /// It failed. What is not as before is among the troubles.
    Failed,
    /// A file was changed by somebody else since the plan was made: a new plan is needed.
    Stale,
    /// The server refuses its own configuration as it stands: it was left alone. Why.
    Refused(String),
    /// It failed because of one mitigation alone, and all is as before: the others can be tried again
    /// without it.
    Fault,
    /// The cycle is to stop; whether anything was begun, which is taken back then.
    Halted(Halt, bool),
}

/// What went wrong after something was written.
struct Failed {
    failure: Failure,
    /// Whether the same would come to the same; else it may be the moment's fault. `None`: the server was
    /// told of nothing, so that it costs nothing to try again.
    is_lasting: Option<bool>,
}

impl Failed {
    fn before_the_server(why: String) -> Self {
        Self { failure: Failure::of(why), is_lasting: None }
    }

    fn lasting(why: String) -> Self {
        Self { failure: Failure::of(why), is_lasting: Some(true) }
    }

    fn of_the_moment(why: String) -> Self {
        Self { failure: Failure::of(why), is_lasting: Some(false) }
    }
}

impl From<Failure> for Failed {
    fn from(failure: Failure) -> Self {
        let is_lasting = Some(failure.is_lasting);
        Self { failure, is_lasting }
    }
}

impl From<ReloadError> for Failed {
    fn from(error: ReloadError) -> Self {
        match error {
            ReloadError::Refused(why) => Self::lasting(why),
            ReloadError::NotTaken(why) => Self::of_the_moment(why),
        }
    }
}

impl Engine<'_> {
    /// Makes one attempt at the change of one web server.
    pub(crate) fn attempt_web(
        &self,
        planned: &WebChange,
        watch: &Watch<'_>,
        done: &mut Done,
    ) -> WebAttempt {
        let mut timing = Timing::of(planned.server.id());
        let attempt = self.try_web(planned, watch, &mut timing, done);
        timing.total = timing.begun.elapsed();
        if !matches!(attempt, WebAttempt::Done(_)) {
            timing.enforced = None;
        }
        done.timings.push(timing);
        attempt
    }

    fn try_web(
        &self,
        planned: &WebChange,
        watch: &Watch<'_>,
        timing: &mut Timing,
        done: &mut Done,
    ) -> WebAttempt {
        if let Some(halt) = watch.before_a_step() {
            return WebAttempt::Halted(halt, false);
        }
        let steps = std::slice::from_ref(&planned.step);
        let stop = || watch.ends_waiting(steps);
        // Of a server that is gone only the record is to go.
        let is_there = !planned.server.program.as_str().is_empty();
        let live = self.host.live().filter(|_| is_there);
        let tested = live
            .map(|live| timing.spend(|| live.test_until(&planned.server, &planned.staged, &stop)));
        // A test that was ended says nothing of the configuration.
        if let Some(halt) = watch.during(steps) {
            return WebAttempt::Halted(halt, false);
        }
        if let Some(Err(error)) = tested {
            return self.tested_badly(planned, &error, watch, timing, done);
        }
        let runs = matches!(planned.server.running, Fact::Known(true));
        let live = live.filter(|_| runs);
        let probing = Probing::new(self.catalog, planned, &self.standing_on(planned));
        let take = |live| Baseline::take(&probing, live, self.probe_time, &stop);
        let mut before = live.map(|live| timing.spend(|| take(live)));
        let mut running = live.zip(before.as_mut());
        if let Some(halt) = watch.before_a_step() {
            return WebAttempt::Halted(halt, false);
        }
        let mitigations = planned.step.mitigations();
        self.outdate_evidence(&planned.server.id(), &mitigations, done);
        let mut change = match self.write_web(planned, watch, done) {
            Ok(change) => change,
            Err(attempt) => return attempt,
        };
        let judged = self.read_back(planned, done).map_err(Failed::before_the_server);
        let judged = judged.and_then(|()| match &mut running {
            Some((live, before)) => {
                self.take_effect(*live, planned, &probing, (before, timing), &stop)
            }
            None => Ok(Seen::default()),
        });
        let failed = match judged {
            Ok(seen) => match self.commit(&mut change, done) {
                Ok(()) => return WebAttempt::Done(seen),
                Err(why) => Failed::of_the_moment(why),
            },
            Err(failed) => failed,
        };
        let halt = watch.during(steps);
        self.take_back((planned, change), running, &probing, (failed, halt), timing, done)
    }

    /// The rules that stand on a server before a change, as the records say. Where they cannot be read the
    /// change is not begun.
    fn standing_on(&self, planned: &WebChange) -> Vec<WebPlaced> {
        let in_place = self.store.in_place().map(|(in_place, _)| in_place).unwrap_or_default();
        in_place.web.get(&planned.server.id()).map(|own| own.rules.clone()).unwrap_or_default()
    }

    /// Captures what is to be changed and writes every file; otherwise what became of the attempt.
    fn write_web(
        &self,
        planned: &WebChange,
        watch: &Watch<'_>,
        done: &mut Done,
    ) -> Result<Change, WebAttempt> {
        let steps = std::slice::from_ref(&planned.step);
        let mut change = self.begin_web(planned, done).ok_or(WebAttempt::Failed)?;
        if let Err(why) = self.keep_after(&mut change, planned) {
            return Err(self.fail_web(change, 0, sentence(&why), done));
        }
        let halted = match self.write(&planned.edits, steps, watch) {
            Written::All => watch.during(steps).map(|halt| (planned.edits.len(), halt)),
            Written::Halted(made, halt) => Some((made, halt)),
            Written::Failed(made, path, why) if !costs_its_site(planned, &path, done) => {
                return Err(self.fail_web(change, made, why, done));
            }
            Written::Failed(made, path, why) => {
                done.fix(&planned.server, &path, why.clone());
                return Err(self.plan_anew(change, made, why, done));
            }
            Written::Stale(made, paths) if done.is_last() => {
                return Err(self.fail_web(change, made, restless(&paths), done));
            }
            Written::Stale(made, paths) => {
                done.stale(&planned.server, &paths);
                return Err(self.plan_anew(change, made, stale(&paths), done));
            }
        };
        let Some((made, halt)) = halted else { return Ok(change) };
        self.halt(Failing::new(change, made, halt.to_string()), |_| Ok(()), done);
        Err(WebAttempt::Halted(halt, true))
    }

    /// Keeps what files are to be that are written themselves, so that one that is cut short in that is
    /// known again.
    fn keep_after(&self, change: &mut Change, planned: &WebChange) -> Result<(), StoreError> {
        for (number, edit) in planned.edits.iter().enumerate() {
            let Some(after) = edit.after.as_deref().filter(|_| edit.before.is_some()) else {
                continue;
            };
            if self.host.replacing(&edit.path) == Ok(Replacing::InPlace) {
                self.store.keep_after(change, number, after)?;
            }
        }
        Ok(())
    }

    /// Takes a change back that the server has not taken, so that another plan can be made.
    fn plan_anew(&self, change: Change, made: usize, why: String, done: &mut Done) -> WebAttempt {
        let (whole, _) = self.undo(Failing::new(change, made, why), |_| Ok(()), done);
        if whole { WebAttempt::Stale } else { WebAttempt::Failed }
    }

    /// Captures what is to be changed; `None`: it could not be, which is told.
    pub(crate) fn begin_web(&self, planned: &WebChange, done: &mut Done) -> Option<Change> {
        let steps = std::slice::from_ref(&planned.step);
        match self.store.begin((self.now)(), self.by, &planned.edits, steps) {
            Ok(change) => Some(change),
            Err(why) => {
                self.not_begun(steps, why, done);
                None
            }
        }
    }

    /// Takes a change back that was made and found wanting, and has the server take that.
    fn take_back(
        &self,
        (planned, change): (&WebChange, Change),
        running: Option<(&dyn Live, &mut Baseline<'_>)>,
        probing: &Probing<'_>,
        (Failed { failure, is_lasting }, halt): (Failed, Option<Halt>),
        timing: &mut Timing,
        done: &mut Done,
    ) -> WebAttempt {
        // Somebody wrote over what was written: what is wrong may be that.
        let over = planned.edits.iter().filter(|edit| costs_its_site(planned, &edit.path, done));
        let over = over.filter(|edit| !self.has_bytes(&edit.path, edit.after.as_deref()));
        let over: Vec<ServerPath> = over.map(|edit| edit.path.clone()).collect();
        let restore = |why: &mut String| match running {
            Some((live, before)) => timing.spend(|| restore(live, planned, probing, before, why)),
            None => Ok(()),
        };
        // What was not waited for to its end is nobody's fault.
        if let Some(halt) = halt {
            let failing = Failing::new(change, planned.edits.len(), halt.to_string());
            self.halt(failing, restore, done);
            return WebAttempt::Halted(halt, true);
        }
        let fault = fault_of(&change, &failure);
        let by_one = fault.is_some();
        let failing = Failing { fault, ..Failing::new(change, planned.edits.len(), failure.why) };
        let failing = match is_lasting.filter(|_| over.is_empty()) {
            Some(is_lasting) => failing.with(Tries::Web { planned, is_lasting }),
            None => failing,
        };
        let whole = self.fail(failing, restore, done);
        if whole && !over.is_empty() {
            done.stale(&planned.server, &over);
            return WebAttempt::Stale;
        }
        if by_one && whole { WebAttempt::Fault } else { WebAttempt::Failed }
    }

    /// Takes a change back that the server has not taken.
    fn fail_web(&self, change: Change, made: usize, why: String, done: &mut Done) -> WebAttempt {
        self.fail(Failing::new(change, made, why), |_| Ok(()), done);
        WebAttempt::Failed
    }

    /// Has the server take what was written, and asks it until it answers as it should, or `stop` says
    /// that it is not waited for any longer.
    fn take_effect(
        &self,
        live: &dyn Live,
        planned: &WebChange,
        probing: &Probing<'_>,
        (before, timing): (&mut Baseline<'_>, &mut Timing),
        stop: &Stop<'_>,
    ) -> Result<Seen, Failed> {
        let reloaded = timing.spend(|| live.reload_until(&planned.server, stop));
        let note = reloaded.map_err(Failed::from)?;
        timing.enforced = Some(timing.begun.elapsed());
        let mut seen = timing.spend(|| probing.judge(live, before, (self.now)(), stop))?;
        seen.notes.extend(note);
        Ok(seen)
    }

    /// Reads the server's configuration again: exactly what was planned must stand there.
    fn read_back(&self, planned: &WebChange, done: &Done) -> Result<(), String> {
        let Step::Rules { rules, .. } = &planned.step else { return Ok(()) };
        if planned.edits.is_empty() {
            return Ok(());
        }
        let mut config = read_web(self.host, planned.server.clone());
        done.fix_known(&mut config);
        if let Some(why) = config.incomplete {
            return Err(why);
        }
        let layout = config.files.layout().map_err(|trouble| trouble.to_string())?;
        let text = rule_text(planned.server.kind, rules);
        let again = layout.place(&text).map_err(|error| error.to_string())?;
        match again.edits.first() {
            None => Ok(()),
            Some(edit) => Err(format!("{} does not read back as it was written", edit.path)),
        }
    }
}

/// Has the server take what was put back; it is started if it is gone. Where it takes not even that,
/// it still runs with what it had before: then it is not the change that is at fault, which is added
/// to `failed`.
///
/// # Errors
/// It does not answer as before: what is otherwise.
fn restore(
    live: &dyn Live,
    planned: &WebChange,
    probing: &Probing<'_>,
    before: &mut Baseline<'_>,
    failed: &mut String,
) -> Result<(), String> {
    let server = &planned.server;
    let taken = match live.is_running(server) {
        true => live.reload(server).map(|_| ()).map_err(|error| error.to_string()),
        false => live.start(server),
    };
    if let Err(still) = probing.as_before(live, before) {
        return Err(taken.err().unwrap_or(still.why));
    }
    if taken.is_err() {
        failed.push_str("; it does not take what was put back either");
    }
    Ok(())
}

/// Whether an edit is of a file that is not ours.
fn is_of_others(edit: &FileEdit) -> bool {
    edit.before.is_some() && edit.after.is_some()
}

/// Whether a file that cannot be written costs what is in it, and not the whole server.
fn costs_its_site(planned: &WebChange, path: &ServerPath, done: &Done) -> bool {
    let of_it = planned.edits.iter().find(|edit| edit.path == *path);
    let is_main = planned.server.config.first() == Some(path);
    planned.server.kind == WebKind::Nginx
        && of_it.is_some_and(is_of_others)
        && !is_main
        && !done.is_last()
}

/// The mitigation that a failure is because of, where others were put in too.
fn fault_of(change: &Change, failure: &Failure) -> Option<MitigationId> {
    failure.of.clone().filter(|of| concerns_others(change, of))
}

/// Whether a change puts in rules of another mitigation too.
fn concerns_others(change: &Change, fault: &MitigationId) -> bool {
    change.steps.iter().any(|step| match step {
        Step::Rules { rules, put_in, .. } => rules
            .iter()
            .any(|placed| put_in.contains(&placed.action) && placed.mitigation != *fault),
        Step::Insert(_) | Step::Remove { .. } => false,
    })
}
