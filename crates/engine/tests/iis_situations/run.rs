//! Plays a row of the table through the real engine, and says in what it differs.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;

use jiff::Timestamp;
use stopgap_engine::{CycleError, CycleReport, Engine};
use stopgap_host::{
    Files, Found, FsError, Host, Read, ReplaceError, ServerControl, TreeHost, WebServers,
};
use stopgap_model::policy::Policy;
use stopgap_model::report::{ActionReport, MitigationReport};
use stopgap_model::web::WebServer;
use stopgap_model::{Catalog, Digest, Reason, Reasons, ServerPath};
use stopgap_plan::Order;
use stopgap_store::Store;
use stopgap_testkit::Tree;

use crate::documents;
use crate::server::{self, Server};
use crate::situation::{Change, Event, Expected, Situation};

/// A host that tells what was replaced, and on which some things cannot be done.
struct Watched {
    tree: TreeHost,
    denied: Vec<ServerPath>,
    fails: Cell<bool>,
    replaced: RefCell<Vec<String>>,
}

impl Files for Watched {
    fn read(&self, path: &ServerPath, max: u64) -> Read {
        match self.denied.iter().any(|denied| denied.key() == path.key()) {
            true => Read::Unreadable(stopgap_model::Reasons::text(format!(
                "{path} cannot be opened: access is denied"
            ))),
            false => self.tree.read(path, max),
        }
    }

    fn find(&self, folder: &ServerPath, name: &str) -> Found {
        self.tree.find(folder, name)
    }

    fn replace(&self, path: &ServerPath, expected: Digest, new: &[u8]) -> Result<(), ReplaceError> {
        if self.fails.get() {
            return Err(ReplaceError::ReadOnly { path: path.as_str().into() });
        }
        self.replaced.borrow_mut().push(path.key());
        self.tree.replace(path, expected, new)
    }

    fn create(&self, path: &ServerPath, new: &[u8]) -> Result<(), ReplaceError> {
        self.tree.create(path, new)
    }

    fn remove(&self, path: &ServerPath, expected: Digest) -> Result<(), ReplaceError> {
        self.tree.remove(path, expected)
    }

    fn remove_leftover(&self, path: &ServerPath) -> Result<bool, FsError> {
        self.tree.remove_leftover(path)
    }

    fn real_path(&self, path: &ServerPath) -> Result<ServerPath, Reasons> {
        self.tree.real_path(path)
    }

    fn glob(&self, pattern: &str) -> Result<Vec<ServerPath>, Reasons> {
        self.tree.glob(pattern)
    }
}

impl WebServers for Watched {
    fn web_servers(&self) -> Vec<WebServer> {
        self.tree.web_servers()
    }

    fn control(&self) -> Option<&dyn ServerControl> {
        None
    }
}

impl Host for Watched {
    fn name(&self) -> String {
        self.tree.name()
    }
}

/// A row that is being played.
struct Play<'a> {
    situation: &'a Situation,
    tree: Tree,
    host: Watched,
    store: Store,
    catalog: Catalog,
    policy: Policy,
    /// The server's files as they would be had we never been there.
    pure: BTreeMap<String, Vec<u8>>,
    first: BTreeMap<String, Vec<u8>>,
    wrong: Vec<String>,
}

/// In what a situation differs from what is expected; empty if in nothing.
pub fn differences(situation: &Situation) -> Vec<String> {
    let tree = Tree::holding(situation.server.files());
    let host = Watched {
        tree: tree.host(),
        denied: situation.server.denied.iter().map(|path| ServerPath::new(*path)).collect(),
        fails: Cell::new(false),
        replaced: RefCell::default(),
    };
    let first = by_key(&tree);
    let mut play = Play {
        situation,
        host,
        store: Store::open(&tree.state()).expect("the state folder can be made"),
        catalog: catalog(&situation.catalog),
        policy: situation.policy.clone(),
        pure: first.clone(),
        first,
        wrong: Vec::new(),
        tree,
    };
    play.run();
    play.wrong
}

fn by_key(tree: &Tree) -> BTreeMap<String, Vec<u8>> {
    tree.snapshot().into_iter().map(|(path, bytes)| (path.to_ascii_lowercase(), bytes)).collect()
}

/// A server path as a key of a snapshot.
fn key(path: &str) -> String {
    path.replace(":\\", "/").replace('\\', "/").to_ascii_lowercase()
}

impl Play<'_> {
    fn run(&mut self) {
        for event in &self.situation.history {
            self.happen(event);
        }
        let before = by_key(&self.tree);
        let view = self.with_engine(|engine| engine.look(&Order::default())).expect("a look");
        self.judge_first(&view.plan.report);
        if by_key(&self.tree) != before {
            self.wrong.push("a look changed the server".into());
        }
        let report = self.cycle(&Order::default()).expect("a cycle");
        self.judge_cycle(&report);
        let again = self.cycle(&Order::default()).expect("another cycle");
        if again.changed {
            let states: Vec<_> = again.mitigations.iter().map(|m| m.reason.clone()).collect();
            self.wrong.push(format!("the next cycle changed something again: {states:?}"));
        }
        self.take_back(&report);
    }

    fn with_engine<T>(&self, run: impl FnOnce(&Engine<'_>) -> T) -> T {
        let stop = AtomicBool::new(false);
        run(&Engine {
            host: &self.host,
            store: &self.store,
            catalog: &self.catalog,
            remember: true,
            policy: &self.policy,
            declared: &[],
            probe_time: stopgap_engine::PROBE_TIME,
            by: "a table",
            now: Timestamp::now,
            stop: &stop,
        })
    }

    /// A cycle, which replaces no file more than once.
    fn cycle(&mut self, order: &Order) -> Result<CycleReport, CycleError> {
        self.host.replaced.borrow_mut().clear();
        let report = self.with_engine(|engine| engine.cycle(order))?;
        let mut replaced = self.host.replaced.borrow().clone();
        replaced.sort();
        let mut edited: Vec<String> =
            report.edits.iter().map(|edit| edit.path.key()).filter(|_| report.changed).collect();
        edited.sort();
        if !self.host.fails.get() && replaced != edited {
            self.wrong.push(format!("replaced {replaced:?}, and told {edited:?}"));
        }
        Ok(report)
    }

    fn happen(&mut self, event: &Event) {
        match event {
            Event::Cycle => {
                let _ = self.cycle(&Order::default()).expect("a cycle");
            }
            Event::FailingCycle => {
                self.host.fails.set(true);
                let _ = self.cycle(&Order::default()).expect("a cycle that fails");
                self.host.fails.set(false);
            }
            Event::Lost => {
                let other = self.tree.state().with_file_name("another");
                self.store = Store::open(&other).expect("the state folder can be made");
            }
            Event::Catalog(texts) => {
                self.catalog = catalog(texts);
            }
            Event::Policy(policy) => self.policy = policy.clone(),
            Event::Edit(file, change) => {
                self.change(file, change);
                self.change_pure(file, change);
            }
            Event::Tamper(file, change) => self.change(file, change),
            Event::Write(file, text) => {
                let bytes = self.server().lines(text).into_bytes();
                self.tree.write(&ServerPath::new(*file), &bytes);
                self.pure.insert(key(file), bytes);
            }
            Event::Restore(file) => {
                let bytes = self.first[&key(file)].clone();
                self.tree.write(&ServerPath::new(*file), &bytes);
                self.pure.insert(key(file), bytes);
            }
            Event::Delete(file) => {
                self.tree.remove(&ServerPath::new(*file));
                self.pure.remove(&key(file));
            }
            Event::Build(build) => {
                let (path, bytes) = server::setup_program(build);
                self.tree.write(&path, &bytes);
                self.pure.insert(key(path.as_str()), bytes);
            }
        }
    }

    fn server(&self) -> &Server {
        &self.situation.server
    }

    fn changed(&self, bytes: &[u8], change: &Change) -> Vec<u8> {
        let text = String::from_utf8(bytes.to_vec()).expect("a text").replace("\r\n", "\n");
        self.server().lines(&change(&text)).into_bytes()
    }

    fn change(&mut self, file: &str, change: &Change) {
        let path = ServerPath::new(file);
        let bytes = self.changed(&self.tree.read(&path), change);
        self.tree.write(&path, &bytes);
    }

    fn change_pure(&mut self, file: &str, change: &Change) {
        let bytes = self.changed(&self.pure[&key(file)], change);
        self.pure.insert(key(file), bytes);
    }

    fn judge_first(&mut self, report: &[MitigationReport]) {
        for expected in &self.situation.expected {
            match action(report, expected.action) {
                None => self.wrong.push(format!("nothing is told of {}", expected.action)),
                Some(found) => self.wrong.extend(first_differences(expected, found)),
            }
        }
    }

    fn judge_cycle(&mut self, report: &CycleReport) {
        for expected in &self.situation.expected {
            let Some(found) = action(&report.mitigations, expected.action) else {
                self.wrong.push(format!("after: nothing is told of {}", expected.action));
                continue;
            };
            let (state, reason) = (found.state.as_str(), found.reason.to_string());
            if state != expected.after {
                let id = expected.action;
                self.wrong.push(format!("{id} after: {}, found {state}: {reason}", expected.after));
            }
            self.wrong.extend(missing("the reason after", &expected.after_reason, &reason));
        }
        if let (Some((state, reason)), Some(found)) =
            (&self.situation.whole, report.mitigations.first())
        {
            if found.state.as_str() != *state {
                let found = (found.state.as_str(), found.reason.to_string());
                self.wrong.push(format!("as a whole: {state}, found {found:?}"));
            }
            self.wrong.extend(missing("the reason as a whole", reason, &found.told()));
        }
        if let Some((id, words)) = &self.situation.left_over {
            let found = match id {
                Some(id) => report.mitigations.iter().find(|of| of.id.as_str() == *id),
                None => report.mitigations.first(),
            };
            let left = found.map(|of| of.leftovers.clone()).unwrap_or_default();
            let told = |(text, word): (&Reason, &&str)| text.to_string().contains(*word);
            if left.len() != words.len() || !left.iter().zip(words).all(told) {
                self.wrong.push(format!("left over is {words:?}, found {left:?}"));
            }
        }
        for file in &self.situation.keeps {
            self.pure.insert(key(file), self.tree.read(&ServerPath::new(*file)));
        }
        let mut wanted: Vec<String> =
            self.situation.expected_files().iter().map(|p| ServerPath::new(*p).key()).collect();
        wanted.sort();
        let edits = report.edits.iter().filter(|_| report.changed);
        let mut edited: Vec<String> = edits.map(|edit| edit.path.key()).collect();
        edited.sort();
        if wanted != edited {
            self.wrong.push(format!("replaces {wanted:?}, found {edited:?}"));
        }
        for (file, text, count) in &self.situation.stands {
            let bytes = self.tree.read(&ServerPath::new(*file));
            let found = String::from_utf8_lossy(&bytes).matches(text).count();
            if found != *count {
                let file = ServerPath::new(*file);
                self.wrong.push(format!("`{text}` {count} times in {file}, found {found}"));
            }
        }
    }

    fn take_back(&mut self, before: &CycleReport) {
        let ids = before.mitigations.iter().map(|mitigation| mitigation.id.clone());
        let order = Order { take_back: ids.collect(), ..Order::default() };
        let report = self.cycle(&order).expect("taking back");
        for expected in &self.situation.expected {
            let Some(found) = action(&report.mitigations, expected.action) else { continue };
            let in_place = ["applied", "drifted", "partial"].contains(&found.state.as_str());
            if in_place && found.kind != "do-nothing" {
                self.wrong.push(format!(
                    "taken back: still {}: {}",
                    found.state.as_str(),
                    found.reason
                ));
            }
        }
        for (file, change) in &self.situation.leaves {
            self.change_pure(file, change);
        }
        let left = by_key(&self.tree);
        for (path, bytes) in &self.pure {
            match left.get(path) {
                Some(found) if found == bytes => {}
                Some(found) => self.wrong.push(difference(path, bytes, found)),
                None => self.wrong.push(format!("taken back: {path} is gone")),
            }
        }
        let more = left.keys().filter(|path| !self.pure.contains_key(*path));
        self.wrong.extend(more.map(|path| format!("taken back: {path} is left behind")));
    }
}

fn catalog<S: AsRef<str>>(texts: &[S]) -> Catalog {
    Catalog::of("a test", texts.iter().map(|text| documents::read(text.as_ref())))
}

fn action<'r>(report: &'r [MitigationReport], id: &str) -> Option<&'r ActionReport> {
    report.iter().flat_map(|mitigation| &mitigation.actions).find(|action| action.id.as_str() == id)
}

fn first_differences(expected: &Expected, found: &ActionReport) -> Vec<String> {
    let mut wrong = Vec::new();
    let (id, state) = (expected.action, found.state.as_str());
    if state != expected.state {
        wrong.push(format!("{id}: {}, found {state}: {}", expected.state, found.reason));
    }
    wrong.extend(missing("the reason", &expected.reason, &found.reason.to_string()));
    if let Some(place) = expected.place
        && place != found.place
    {
        wrong.push(format!("{id} is at {place}, found {}", found.place));
    }
    let notes = found.notes.iter().map(ToString::to_string).collect::<Vec<_>>().join(" | ");
    wrong.extend(missing("the notes", &expected.notes, &notes));
    let too_much = expected.no_notes.iter().filter(|word| notes.contains(**word));
    wrong.extend(too_much.map(|word| format!("no note says `{word}`, found: {notes}")));
    wrong
}

fn missing(of: &str, words: &[&str], text: &str) -> Vec<String> {
    let absent = words.iter().filter(|word| !text.contains(**word));
    absent.map(|word| format!("{of} says `{word}`, found: {text}")).collect()
}

/// The first line in which a file differs.
fn difference(path: &str, wanted: &[u8], found: &[u8]) -> String {
    let (wanted, found) = (String::from_utf8_lossy(wanted), String::from_utf8_lossy(found));
    let lines = |text: &str| text.split('\n').map(str::to_owned).collect::<Vec<_>>();
    let (wanted, found) = (lines(&wanted), lines(&found));
    let at = wanted.iter().zip(&found).take_while(|(one, other)| one == other).count();
    format!(
        "taken back: {path} differs from line {}: {:?}, found {:?} ({} lines, found {})",
        at + 1,
        wanted.get(at),
        found.get(at),
        wanted.len(),
        found.len()
    )
}
