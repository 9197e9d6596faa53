//! A server whose cycles are run one by one.
#![allow(dead_code, reason = "each test program uses what it needs")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says plainly what it expects")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::AtomicBool;

use jiff::Timestamp;
use stopgap_engine::{CycleReport, Engine};
use stopgap_model::policy::{Block, Drift, Policy, Switch};
use stopgap_model::report::MitigationReport;
use stopgap_model::{Catalog, ServerPath};
use stopgap_plan::Order;
use stopgap_sandbox::APPLICATION_HOST;
use stopgap_store::Store;
use stopgap_testkit::Tree;

const VULNERABLE: &str = "15.2.1118.7";

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
        let policy = Policy {
            organisation: Switch::On,
            server: Switch::On,
            blocked: BTreeMap::new(),
            drift: Drift::Reapply,
        };
        let mut server = Self { tree, store, catalog: Catalog::default(), policy };
        server.publish(documents);
        server
    }

    pub(crate) fn publish(&mut self, documents: &[&str]) {
        let parse = |text: &&str| {
            stopgap_model::document::parse(text.as_bytes(), &|_| Ok(()))
                .unwrap_or_else(|wrong| panic!("{wrong:?}"))
        };
        self.catalog = Catalog::of("a test", documents.iter().map(parse));
    }

    pub(crate) fn cycle_with(&self, order: &Order) -> CycleReport {
        let engine = Engine {
            host: &self.tree.host(),
            store: &self.store,
            catalog: &self.catalog,
            remember: false,
            policy: &self.policy,
            declared: &[],
            probe_time: stopgap_engine::PROBE_TIME,
            by: "a test",
            now: Timestamp::now,
            stop: &AtomicBool::new(false),
        };
        engine.cycle(order).unwrap()
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
