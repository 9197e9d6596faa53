//! A server whose cycles are run one by one, and what such a server is made of.
#![allow(dead_code, reason = "each test program uses what it needs")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says plainly what it expects")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use jiff::Timestamp;
use stopgap_engine::{CycleReport, Engine};
use stopgap_host::Host;
use stopgap_model::policy::{Block, Drift, Policy, Switch};
use stopgap_model::report::MitigationReport;
use stopgap_model::{Catalog, ServerPath};
use stopgap_plan::Order;
use stopgap_sandbox::APPLICATION_HOST;
use stopgap_store::Store;
use stopgap_testkit::Tree;

const VULNERABLE: &str = "15.2.1118.7";

/// A state folder of the test's own, removed when the test ends.
pub(crate) struct StateFolder {
    folder: PathBuf,
    pub(crate) store: Store,
}

impl StateFolder {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder =
            std::env::temp_dir().join(format!("stopgap-engine-{}-{count}", std::process::id()));
        let store = Store::open(&folder).unwrap();
        Self { folder, store }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for StateFolder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Everything is applied by itself.
pub(crate) fn everything_on() -> Policy {
    Policy {
        organisation: Switch::On,
        server: Switch::On,
        blocked: BTreeMap::new(),
        drift: Drift::Reapply,
    }
}

/// What a publisher offers who has these documents.
pub(crate) fn published<T: AsRef<str>>(documents: &[T]) -> Catalog {
    let parse = |text: &T| {
        stopgap_model::document::parse(
            text.as_ref().as_bytes(),
            &stopgap_model::document::any_pattern,
        )
        .unwrap_or_else(|wrong| panic!("{wrong:?}"))
    };
    Catalog::of("a test", documents.iter().map(parse))
}

/// An engine as the program has it, by the clock of this machine.
pub(crate) fn engine<'a>(
    host: &'a dyn Host,
    store: &'a Store,
    catalog: &'a Catalog,
    policy: &'a Policy,
    stop: &'a AtomicBool,
) -> Engine<'a> {
    Engine {
        host,
        store,
        catalog,
        remember: false,
        policy,
        declared: &[],
        probe_time: stopgap_engine::PROBE_TIME,
        by: "a test",
        now: Timestamp::now,
        stop,
    }
}

/// A mitigation that blocks `text`, whose live probes ask for `probe`, which is to be blocked, and for
/// `/ordinary`, which is not.
pub(crate) fn blocking(id: &str, revision: u32, text: &str, probe: &str) -> String {
    format!(
        "schema = 1\nid = \"{id}\"\nrevision = {revision}\ntitle = \"A test\"\n\
         severity = \"high\"\nimpact = \"None.\"\n\
         [[action]]\nid = \"{id}.1\"\nkind = \"block-request\"\ndeny = \"abort\"\n\
         when = [{{ field = \"uri\", contains = \"{text}\" }}]\n\
         [[probe]]\nname = \"marker\"\nlive = true\nrequest = \"GET /{probe}\"\n\
         expect = \"blocked\"\n\
         [[probe]]\nname = \"benign\"\nlive = true\nrequest = \"GET /ordinary\"\n\
         expect = \"allowed\"\n"
    )
}

/// A server with its state folder, and what is wanted of it.
pub(crate) struct Server {
    pub(crate) tree: Tree,
    pub(crate) store: Store,
    pub(crate) catalog: Catalog,
    pub(crate) policy: Policy,
}

impl Server {
    pub(crate) fn new(documents: &[&str]) -> Self {
        let tree = Tree::exchange(VULNERABLE);
        let store = Store::open(&tree.state()).unwrap();
        let (catalog, policy) = (published(documents), everything_on());
        Self { tree, store, catalog, policy }
    }

    pub(crate) fn publish(&mut self, documents: &[&str]) {
        self.catalog = published(documents);
    }

    pub(crate) fn cycle_with(&self, order: &Order) -> CycleReport {
        let (host, stop) = (self.tree.host(), AtomicBool::new(false));
        engine(&host, &self.store, &self.catalog, &self.policy, &stop).cycle(order).unwrap()
    }

    pub(crate) fn cycle(&self) -> CycleReport {
        self.cycle_with(&Order::default())
    }

    pub(crate) fn take_back(&self, id: &str) -> CycleReport {
        let ids = BTreeSet::from([id.parse().unwrap()]);
        self.cycle_with(&Order { only: Some(ids.clone()), take_back: ids, ..Order::default() })
    }

    pub(crate) fn block(&mut self, id: &str) {
        let block = Block { by: "an administrator".into(), take_back: false };
        self.policy.blocked.insert(id.parse().unwrap(), block);
    }

    pub(crate) fn text(&self, path: &str) -> String {
        String::from_utf8(self.tree.read(&ServerPath::new(path))).unwrap()
    }

    pub(crate) fn host_config(&self) -> String {
        self.text(APPLICATION_HOST)
    }

    /// Somebody edits a file: the one place where `from` stands.
    pub(crate) fn edit(&self, path: &str, from: &str, to: &str) {
        let text = self.text(path);
        assert_eq!(text.matches(from).count(), 1, "`{from}` in {text}");
        self.tree.write(&ServerPath::new(path), text.replace(from, to).as_bytes());
    }

    pub(crate) fn edit_host(&self, from: &str, to: &str) {
        self.edit(APPLICATION_HOST, from, to);
    }
}

pub(crate) fn of<'r>(report: &'r CycleReport, id: &str) -> &'r MitigationReport {
    report.mitigations.iter().find(|m| m.id.as_str() == id).unwrap()
}

pub(crate) fn state<'r>(report: &'r CycleReport, id: &str) -> &'r str {
    of(report, id).state.as_str()
}

/// A mitigation for every server, with these actions.
pub(crate) fn document(id: &str, revision: u32, actions: &str) -> String {
    format!(
        "schema = 1\nid = \"{id}\"\nrevision = {revision}\ntitle = \"A test\"\nseverity = \"low\"\n\
         impact = \"None.\"\nno_live_probe = \"a test\"\n{actions}"
    )
}
