//! One row of a table: a server, what happened to it, and what a plan says and does.

use std::collections::{BTreeMap, BTreeSet};

use stopgap_model::host::{Exchange, HostFacts};
use stopgap_model::policy::{Block, Drift, Policy, Switch};
use stopgap_model::reason::{AffectedReason, ChangeReason, PolicyReason, Reason};
use stopgap_model::report::{ActionReport, MitigationReport};
use stopgap_model::{Catalog, Digest, Fact, Reasons, ServerPath};
use stopgap_plan::{
    Failures, Input, InstalledState, ManagedFile, Order, Original, Plan, Step, TargetId, plan,
};

use super::documents::read;
use super::server::{Server, VULNERABLE};

/// What a plan does about one action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    Nothing,
    PutIn,
    Removal,
    /// Taken out and put in again.
    Anew,
    /// Only a record is written.
    Recorded,
}

/// A row of a table.
#[derive(Clone)]
pub struct Story {
    pub name: String,
    pub server: Server,
    pub catalog: Catalog,
    pub facts: HostFacts,
    pub policy: Policy,
    pub installed: InstalledState,
    pub failures: Failures,
    pub order: Order,
    expected: Vec<Expected>,
}

#[derive(Clone)]
enum Expected {
    Action { id: String, state: &'static str, codes: String, done: Done },
    Whole { id: String, state: &'static str, codes: String },
    Note { id: String, code: &'static str, there: bool },
    Place { id: String, place: String },
    Left { id: String, codes: String },
    Stands { file: &'static str, text: String, count: usize },
    Names { id: String, names: Vec<&'static str> },
    Edits(Vec<&'static str>),
}

/// A server with these mitigations in its catalog.
pub fn story(name: &str, server: Server, documents: &[String]) -> Story {
    let mut facts = HostFacts::nothing();
    facts.exchange = exchange(VULNERABLE);
    Story {
        name: name.to_owned(),
        server,
        catalog: catalog(documents),
        facts,
        policy: Policy::everything_on(),
        installed: InstalledState::default(),
        failures: Failures::default(),
        order: Order::default(),
        expected: Vec::new(),
    }
}

pub fn catalog(documents: &[String]) -> Catalog {
    Catalog::of("the feed", documents.iter().map(|text| read(text)))
}

pub fn exchange(version: &str) -> Fact<Exchange> {
    Fact::Known(Exchange {
        version: Fact::Known(version.parse().unwrap()),
        version_source: ServerPath::new(r"C:\Exchange\bin\ExSetup.exe"),
        role: Fact::Known("mailbox".into()),
    })
}

/// What happened.
impl Story {
    /// A check ran, and what it planned was carried out.
    pub fn applied(mut self) -> Self {
        let plan = self.plan();
        self.carry_out(&plan);
        self
    }

    /// The catalog is another one.
    pub fn catalog(mut self, documents: &[String]) -> Self {
        self.catalog = catalog(documents);
        self
    }

    /// Somebody changes a text that is in a file once.
    pub fn edited(mut self, file: &str, from: &str, to: &str) -> Self {
        self.server = self.server.edit(file, from, to);
        self
    }

    /// Somebody writes a file.
    pub fn wrote(mut self, file: &str, text: &str) -> Self {
        self.server = self.server.file(file, text);
        self
    }

    /// The server becomes this one, whatever was written.
    pub fn restored(mut self, server: Server) -> Self {
        self.server = server;
        self
    }

    /// The state folder is lost with every record.
    pub fn lost(mut self) -> Self {
        self.installed = InstalledState::default();
        self
    }

    pub fn build(mut self, version: &str) -> Self {
        self.facts.exchange = exchange(version);
        self
    }

    pub fn blocked(self, id: &str) -> Self {
        self.block(id, false)
    }

    pub fn removed(self, id: &str) -> Self {
        self.block(id, true)
    }

    fn block(mut self, id: &str, take_back: bool) -> Self {
        let block = Block { by: "anna: breaks the print server".into(), take_back };
        self.policy.blocked.insert(id.parse().unwrap(), block);
        self
    }

    pub fn switched_off(mut self) -> Self {
        self.policy.organisation = Switch::Off("policy.toml".into());
        self
    }

    pub fn drift_is_reported(mut self) -> Self {
        self.policy.drift = Drift::Report;
        self
    }

    /// The source is in trouble.
    pub fn held(mut self) -> Self {
        for offer in &mut self.catalog.offers {
            offer.hold = Some(stopgap_model::Reasons::text("the feed is stale"));
        }
        self
    }

    /// The source may not ask for this action.
    pub fn denied(mut self, action: &str) -> Self {
        for offer in &mut self.catalog.offers {
            offer.denied.insert(
                action.parse().unwrap(),
                stopgap_model::Reasons::text("its key may not block requests"),
            );
        }
        self
    }

    /// The last try of this action failed.
    pub fn failed(mut self, action: &str) -> Self {
        let key = (TargetId::Iis, action.parse().unwrap());
        self.failures.tries.insert(key, "the disk is full".into());
        self
    }

    /// A change could not be rolled back whole.
    pub fn stuck(mut self) -> Self {
        self.failures.not_restored.insert(TargetId::Iis, "web.config is to be put back".into());
        self
    }

    pub fn only(mut self, id: &str) -> Self {
        self.order.only = Some(BTreeSet::from([id.parse().unwrap()]));
        self
    }

    pub fn take_back(mut self, id: &str) -> Self {
        self.order.take_back.insert(id.parse().unwrap());
        self
    }

    pub fn reapply(mut self, id: &str) -> Self {
        self.order.reapply.insert(id.parse().unwrap());
        self
    }

    /// Something else about it.
    pub fn but(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }
}

/// What is expected. Codes are all of them, in their order, each with what it follows from in brackets.
impl Story {
    /// The state of an action, why, and what is done about it.
    pub fn finds(mut self, id: &str, state: &'static str, codes: &str, done: Done) -> Self {
        let (id, codes) = (id.to_owned(), codes.to_owned());
        self.expected.push(Expected::Action { id, state, codes, done });
        self
    }

    /// The state of a mitigation, and the codes of its reason.
    pub fn whole(mut self, id: &str, state: &'static str, codes: &str) -> Self {
        let (id, codes) = (id.to_owned(), codes.to_owned());
        self.expected.push(Expected::Whole { id, state, codes });
        self
    }

    pub fn note(mut self, id: &str, code: &'static str) -> Self {
        self.expected.push(Expected::Note { id: id.to_owned(), code, there: true });
        self
    }

    pub fn no_note(mut self, id: &str, code: &'static str) -> Self {
        self.expected.push(Expected::Note { id: id.to_owned(), code, there: false });
        self
    }

    pub fn at(mut self, id: &str, place: &str) -> Self {
        self.expected.push(Expected::Place { id: id.to_owned(), place: place.to_owned() });
        self
    }

    /// What is left over of a mitigation.
    pub fn left(mut self, id: &str, codes: &str) -> Self {
        self.expected.push(Expected::Left { id: id.to_owned(), codes: codes.to_owned() });
        self
    }

    /// How often a text stands in a file once the plan is carried out.
    pub fn then(mut self, file: &'static str, text: &str, count: usize) -> Self {
        self.expected.push(Expected::Stands { file, text: text.to_owned(), count });
        self
    }

    /// What of ours stands there before the plan is carried out.
    pub fn stands(mut self, id: &str, names: &[&'static str]) -> Self {
        self.expected.push(Expected::Names { id: id.to_owned(), names: names.to_vec() });
        self
    }

    /// The files that are replaced.
    pub fn edits(mut self, files: &[&'static str]) -> Self {
        self.expected.push(Expected::Edits(files.to_vec()));
        self
    }
}

impl Story {
    pub fn plan(&self) -> Plan {
        let snapshot = self.server.snapshot();
        let mut facts = self.facts.clone();
        if facts.iis == Fact::Absent {
            facts.iis = snapshot.iis();
        }
        plan(&Input {
            catalog: &self.catalog,
            facts: &facts,
            snapshot: &snapshot,
            web: &[],
            gone: &BTreeSet::new(),
            policy: &self.policy,
            installed: &self.installed,
            failures: &self.failures,
            order: &self.order,
        })
    }

    /// Writes the files, and keeps the records that a change leaves.
    pub fn carry_out(&mut self, plan: &Plan) {
        for edit in &plan.edits {
            let after = edit.after.clone().expect("no file is deleted");
            self.server = self.server.clone().written(&edit.path, after);
        }
        for step in &plan.steps {
            match step {
                Step::Remove { action, .. } => {
                    self.installed.actions.remove(action);
                }
                Step::Insert(placed) => {
                    self.installed.actions.insert(placed.action.clone(), (**placed).clone());
                }
                Step::Rules { .. } | Step::Services(_) => panic!("there is no other target"),
            }
        }
        let mut files = BTreeMap::new();
        for part in self.installed.actions.values().flat_map(|placed| &placed.entries) {
            let key = part.file.key();
            let own = self.own_file(plan, &key);
            files.insert(key, own);
        }
        self.installed.files = files;
    }

    /// What the records say of a file after a change.
    fn own_file(&self, plan: &Plan, key: &str) -> ManagedFile {
        let known = self.installed.files.get(key);
        let mut own =
            known.cloned().unwrap_or(ManagedFile { wrappers: Vec::new(), original: None });
        let inserted = plan.steps.iter().filter_map(|step| match step {
            Step::Insert(placed) => Some(&placed.entries),
            Step::Remove { .. } | Step::Rules { .. } | Step::Services(_) => None,
        });
        for part in inserted.flatten().filter(|part| part.file.key() == key) {
            let new = part.undo.wrappers().iter().filter(|one| !own.wrappers.contains(one));
            let new: Vec<_> = new.cloned().collect();
            own.wrappers.extend(new);
        }
        if let Some(edit) = plan.edits.iter().find(|edit| edit.path.key() == key) {
            let before = edit.before.clone().unwrap_or_default();
            let tip = Digest::of(edit.after.as_deref().unwrap_or_default());
            own.original = match (known, own.original.take()) {
                (None, _) => Some(Original { bytes: before, tip }),
                (Some(_), Some(first)) if first.tip == Digest::of(&before) => {
                    Some(Original { bytes: first.bytes, tip })
                }
                (Some(_), _) => None,
            };
        }
        own
    }
}

/// Checks every row, and tells all that are not as expected.
pub fn check(table: Vec<Story>) {
    let told: Vec<String> = table.iter().filter_map(wrong).collect();
    assert!(told.is_empty(), "\n{}", told.join("\n"));
}

fn wrong(story: &Story) -> Option<String> {
    assert!(!story.expected.is_empty(), "`{}` expects nothing", story.name);
    let plan = story.plan();
    let mut next = story.clone();
    next.carry_out(&plan);
    let mut told: Vec<String> =
        story.expected.iter().filter_map(|one| differs(one, &plan, &next.server)).collect();
    // What was carried out is not planned once more.
    let again = next.plan();
    if !again.edits.is_empty() || !again.steps.is_empty() {
        told.push(format!("the next check would do this: {:?}", again.steps));
    }
    (!told.is_empty()).then(|| format!("{}:\n    {}", story.name, told.join("\n    ")))
}

fn differs(expected: &Expected, plan: &Plan, after: &Server) -> Option<String> {
    let (wanted, found) = match expected {
        Expected::Action { id, state, codes, done } => {
            let it = action(plan, id);
            let found =
                format!("{} [{}] {:?}", it.state.as_str(), codes_of(&it.reason), done_to(plan, id));
            (format!("{id}: {state} [{codes}] {done:?}"), format!("{id}: {found}"))
        }
        Expected::Whole { id, state, codes } => {
            let it = mitigation(plan, id);
            let found = format!("{id}: {} [{}]", it.state.as_str(), codes_of(&it.reason));
            (format!("{id}: {state} [{codes}]"), found)
        }
        Expected::Note { id, code, there } => {
            let notes = &action(plan, id).notes;
            if notes.iter().any(|note| note.code() == *code) == *there {
                return None;
            }
            (format!("{id}: the note {code}: {there}"), list(notes.iter()))
        }
        Expected::Place { id, place } => (place.clone(), action(plan, id).place.clone()),
        Expected::Left { id, codes } => (
            format!("{id} leaves {codes}"),
            format!("{id} leaves {}", list(mitigation(plan, id).leftovers.iter())),
        ),
        Expected::Stands { file, text, count } => {
            let found = after.text(file).matches(text.as_str()).count();
            (format!("{count} times {text} in {file}"), format!("{found} times {text} in {file}"))
        }
        Expected::Names { id, names } => {
            (format!("{names:?}"), format!("{:?}", mitigation(plan, id).in_place))
        }
        Expected::Edits(files) => {
            let keys =
                |paths: Vec<ServerPath>| paths.iter().map(ServerPath::key).collect::<BTreeSet<_>>();
            let wanted = keys(files.iter().map(|file| ServerPath::new(*file)).collect());
            let found = keys(plan.edits.iter().map(|edit| edit.path.clone()).collect());
            (format!("{wanted:?}"), format!("{found:?}"))
        }
    };
    (wanted != found).then(|| format!("expected {wanted}\n       found {found}"))
}

pub fn mitigation<'p>(plan: &'p Plan, id: &str) -> &'p MitigationReport {
    let found = plan.report.iter().find(|report| report.id.as_str() == id);
    found.unwrap_or_else(|| panic!("no report of {id}"))
}

pub fn action<'p>(plan: &'p Plan, id: &str) -> &'p ActionReport {
    let mut actions = plan.report.iter().flat_map(|report| &report.actions);
    actions.find(|action| action.id.as_str() == id).unwrap_or_else(|| panic!("no report of {id}"))
}

/// What a plan does about an action.
pub fn done_to(plan: &Plan, id: &str) -> Done {
    let is = |step: &&Step| step.actions().iter().any(|action| action.as_str() == id);
    let (mut installs, mut removals, mut found) = (false, false, false);
    for step in plan.steps.iter().filter(is) {
        match step {
            Step::Insert(placed) if placed.found => found = true,
            Step::Insert(_) => installs = true,
            Step::Remove { .. } | Step::Rules { .. } | Step::Services(_) => removals = true,
        }
    }
    match (installs, removals, found) {
        (true, true, _) => Done::Anew,
        (true, false, _) => Done::PutIn,
        (false, true, _) => Done::Removal,
        (false, false, true) => Done::Recorded,
        (false, false, false) => Done::Nothing,
    }
}

/// The codes of reasons in their order, each with those that it follows from.
pub fn codes_of(reasons: &Reasons) -> String {
    list(reasons.iter())
}

fn list<'r>(reasons: impl Iterator<Item = &'r Reason>) -> String {
    reasons.map(code_of).collect::<Vec<_>>().join(", ")
}

fn code_of(reason: &Reason) -> String {
    let from = match reason {
        Reason::Change(
            ChangeReason::ToBeWithdrawn { why }
            | ChangeReason::StaysBecause { why }
            | ChangeReason::WouldNotWork { why }
            | ChangeReason::LeftAlone { why }
            | ChangeReason::StandsWithoutEffect { why },
        )
        | Reason::Policy(
            PolicyReason::NotNeededAndSwitchedOff { why, .. }
            | PolicyReason::KeptWhileFrozen { why, .. },
        )
        | Reason::Affected(AffectedReason::NoLongerNeeded { what: why }) => codes_of(why),
        Reason::Change(ChangeReason::NotWithdrawn { error, why }) => {
            format!("{}: {}", codes_of(error), codes_of(why))
        }
        _ => return reason.code().to_owned(),
    };
    format!("{}({from})", reason.code())
}
