//! Carries out the part of a plan that is IIS's: capture, replace, read back, judge, commit; or put
//! everything back.

use stopgap_host::{Read, ReplaceError};
use stopgap_iis::config::File;
use stopgap_model::problem::sentence;
use stopgap_model::{ActionId, Digest, ServerPath};
use stopgap_plan::{FileEdit, Ground, Plan, Probes, Step, breaks, verify};
use stopgap_store::{Change, Entry, Event, Status};
use stopgap_webserver::MAX_TOTAL_BYTES;

use crate::Engine;
use crate::collect::{Collected, collect};
use crate::cycle::Done;
use crate::files::make;
use crate::stop::{Halt, Watch};
use crate::undo::{Failing, Tries};

/// What became of an attempt at the files of IIS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Attempt {
    /// It is done.
    Done,
    /// It failed. What is not as before is among the troubles.
    Failed,
    /// A file was changed by somebody else since the plan was made: a new plan is needed.
    Stale,
    /// The cycle is to stop; whether anything was begun, which is taken back then.
    Halted(Halt, bool),
}

/// What became of writing the files of a change.
pub(crate) enum Written {
    /// All are written.
    All,
    /// One could not be: which, and why. So many were written, or may have been.
    Failed(usize, ServerPath, String),
    /// These were changed by somebody else; so many were written before the first of them.
    Stale(usize, Vec<ServerPath>),
    /// The cycle is to stop; so many were written.
    Halted(usize, Halt),
}

impl Engine<'_> {
    /// Makes one attempt at the files of IIS in `plan`.
    pub(crate) fn attempt(&self, plan: &Plan, watch: &Watch<'_>, done: &mut Done) -> Attempt {
        if let Some(halt) = watch.before_a_step() {
            return Attempt::Halted(halt, false);
        }
        let begun = self.store.begin((self.now)(), self.by, &plan.edits, &plan.steps);
        let mut change = match begun {
            Ok(change) => change,
            Err(why) => {
                self.not_begun(&plan.steps, why, done);
                return Attempt::Failed;
            }
        };
        match self.write(&plan.edits, &plan.steps, watch) {
            Written::All => {}
            Written::Halted(made, halt) => {
                self.halt(Failing::new(change, made, halt.to_string()), |_| Ok(()), done);
                return Attempt::Halted(halt, true);
            }
            Written::Failed(made, _, why) => {
                return self.give_up(Failing::new(change, made, why), done);
            }
            Written::Stale(made, paths) if done.is_last() => {
                return self.give_up(Failing::new(change, made, restless(&paths)), done);
            }
            Written::Stale(made, paths) => {
                let failing = Failing::new(change, made, stale(&paths));
                let (whole, _) = self.undo(failing, |_| Ok(()), done);
                return if whole { Attempt::Stale } else { Attempt::Failed };
            }
        }
        let made = plan.edits.len();
        if let Err(why) = self.judge(plan) {
            let failing = Failing::new(change, made, why).with(Tries::Iis(&plan.edits));
            return self.give_up(failing, done);
        }
        if let Err(why) = self.commit(&mut change, done) {
            return self.give_up(Failing::new(change, made, why), done);
        }
        Attempt::Done
    }

    /// Writes down that a change is made and good; otherwise why that cannot be written down.
    pub(crate) fn commit(&self, change: &mut Change, done: &mut Done) -> Result<(), String> {
        change.status = Status::Committed;
        if let Err(why) = self.store.save_change(change) {
            change.status = Status::Intended;
            let told = format!("it could not be written down: {}", sentence(&why));
            done.not_recorded(change, why);
            return Err(told);
        }
        self.record_steps(&change.steps, done);
        Ok(())
    }

    /// Writes each file, as long as it is the one that the plan was made from.
    pub(crate) fn write(&self, edits: &[FileEdit], steps: &[Step], watch: &Watch<'_>) -> Written {
        for (made, edit) in edits.iter().enumerate() {
            if let Some(halt) = watch.during(steps) {
                return Written::Halted(made, halt);
            }
            let before = edit.before.as_deref().map(Digest::of);
            match make(self.host, &edit.path, before, edit.after.as_deref()) {
                Ok(()) => {}
                Err(ReplaceError::Changed { .. }) => {
                    return Written::Stale(made, self.changed(&edits[made..]));
                }
                // Some errors come after the file took its place, so this one is looked at too.
                Err(error) => {
                    return Written::Failed(made + 1, edit.path.clone(), sentence(&error));
                }
            }
        }
        Written::All
    }

    /// Those of the files that are not any more what the plan was made from; the first one at least.
    fn changed(&self, edits: &[FileEdit]) -> Vec<ServerPath> {
        let is_changed = |(at, edit): &(usize, &FileEdit)| {
            *at == 0 || !self.has_bytes(&edit.path, edit.before.as_deref())
        };
        edits.iter().enumerate().filter(is_changed).map(|(_, edit)| edit.path.clone()).collect()
    }

    /// Whether a file has these bytes now; `None`: it is not there.
    pub(crate) fn has_bytes(&self, path: &ServerPath, bytes: Option<&[u8]>) -> bool {
        match (self.host.read(path, MAX_TOTAL_BYTES as u64), bytes) {
            (Read::Found(now), Some(bytes)) => now == bytes,
            (Read::Absent, None) => true,
            _ => false,
        }
    }

    /// Reads the server again and judges what is there now.
    fn judge(&self, plan: &Plan) -> Result<(), String> {
        let Collected { snapshot, facts, .. } = collect(self.host, self.declared);
        for edit in &plan.edits {
            if snapshot.file(&edit.path).and_then(File::bytes) != edit.after.as_deref() {
                return Err(format!("{} does not read back as it was written", edit.path));
            }
        }
        let mut before = snapshot.clone();
        for edit in &plan.edits {
            before = before
                .with_file(&edit.path, edit.before.clone().unwrap_or_default())
                .map_err(|error| error.to_string())?;
        }
        let (before, ground) = (Ground::new(&before), Ground::new(&snapshot));
        for mitigation in self.catalog.mitigations() {
            let inserted: Vec<ActionId> = plan
                .steps
                .iter()
                .filter_map(|step| match step {
                    Step::Insert(placed) if placed.mitigation == mitigation.id => {
                        Some(placed.action.clone())
                    }
                    Step::Insert(_) | Step::Remove { .. } | Step::Rules { .. } => None,
                })
                .collect();
            if !inserted.is_empty() {
                if let Some(why) = breaks(&before, &ground, mitigation, &inserted) {
                    return Err(why);
                }
                verify(mitigation, &inserted, &facts, &ground, Probes::All)
                    .map_err(|why| why.to_string())?;
            }
        }
        Ok(())
    }

    fn give_up(&self, failing: Failing<'_>, done: &mut Done) -> Attempt {
        self.fail(failing, |_| Ok(()), done);
        Attempt::Failed
    }

    fn record_steps(&self, steps: &[Step], done: &mut Done) {
        let inserts: Vec<&ActionId> = steps
            .iter()
            .filter(|step| matches!(step, Step::Insert(_)))
            .flat_map(Step::actions)
            .collect();
        let mut entries = Vec::new();
        for step in steps {
            match step {
                Step::Insert(placed) => {
                    let how = if placed.found { "found as it would be written in" } else { "in" };
                    let detail = format!("{} {how} {}", placed.action, list(&placed.files()));
                    entries.push(Entry::new(Event::Applied, placed.mitigation.as_str(), detail));
                }
                // A rule that is taken out to be put in anew is not withdrawn.
                Step::Remove { action, .. } if inserts.contains(&action) => {}
                Step::Remove { mitigation, action, files, why } => {
                    let detail = format!("{action} from {}: {why}", list(files));
                    entries.push(Entry::new(Event::Withdrawn, mitigation.as_str(), detail));
                }
                Step::Rules { .. } => entries.extend(rules_entries(step)),
            }
        }
        self.record(&entries, done);
    }
}

/// What is written down of the rules of a web server that came and went.
fn rules_entries(step: &Step) -> Vec<Entry<'_>> {
    let Step::Rules { server, rules, put_in, taken_out, .. } = step else { return Vec::new() };
    let put_in = rules.iter().filter(|placed| put_in.contains(&placed.action)).map(|placed| {
        let detail = format!("{} on {server}", placed.action);
        Entry::new(Event::Applied, placed.mitigation.as_str(), detail)
    });
    let taken_out = taken_out.iter().map(|out| {
        let detail = format!("{} from {server}: {}", out.action, out.why);
        Entry::new(Event::Withdrawn, out.mitigation.as_str(), detail)
    });
    put_in.chain(taken_out).collect()
}

/// Why a change is taken back whose files somebody else changed.
pub(crate) fn stale(paths: &[ServerPath]) -> String {
    format!("{} was changed by somebody else after the plan was made", list(paths))
}

/// Why nothing more is tried on a server whose files somebody else changes all the time.
pub(crate) fn restless(paths: &[ServerPath]) -> String {
    format!("{} was changed by somebody else each time a plan was made", list(paths))
}

fn list(files: &[ServerPath]) -> String {
    files.iter().map(ServerPath::as_str).collect::<Vec<_>>().join(", ")
}
