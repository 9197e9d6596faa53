//! A machine with its servers, its catalog, its policy and its records: all that a decision is made from.

use std::collections::{BTreeMap, BTreeSet};

use stopgap_iis::config::Snapshot;
use stopgap_model::host::Declared;
use stopgap_model::policy::{Block, Policy, Switch};
use stopgap_model::report::State;
use stopgap_model::web::LeftOut;
use stopgap_model::{
    ActionId, Catalog, HostFacts, MitigationId, Offer, ServerId, Version, WebKind,
};
use stopgap_plan::{
    Failures, Input, InstalledRules, InstalledState, Order, Plan, Step, TargetId, plan,
};

use super::documents::{blocking, catalog};
use super::machine::Machine;
use super::told::{codes_of, done, of};

/// A row of a table: what it is called, what happened, the state of the mitigation A, the codes of its
/// reasons, and what is done.
pub(crate) type Row = (&'static str, fn(&mut World), State, &'static str, &'static str);

/// All that a decision is made from.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) machines: Vec<Machine>,
    pub(crate) catalog: Catalog,
    pub(crate) policy: Policy,
    pub(crate) installed: InstalledState,
    pub(crate) gone: BTreeSet<ServerId>,
    pub(crate) failures: Failures,
    pub(crate) order: Order,
    pub(crate) left_out: LeftOut,
    pub(crate) declared: Vec<Declared>,
}

impl World {
    /// These servers, with nothing published and nothing done.
    pub(crate) fn new(machines: Vec<Machine>) -> Self {
        Self {
            machines,
            catalog: Catalog::default(),
            policy: Policy::everything_on(),
            installed: InstalledState::default(),
            gone: BTreeSet::new(),
            failures: Failures::default(),
            order: Order::default(),
            left_out: LeftOut::default(),
            declared: Vec::new(),
        }
    }

    /// One server as its package installs it, for which the mitigation A is published.
    pub(crate) fn affected(kind: WebKind) -> Self {
        Self::with(vec![Machine::usual(kind)], &[blocking("A", 1, "evil")])
    }

    /// The same, when A is in place.
    pub(crate) fn protected(kind: WebKind) -> Self {
        Self::affected(kind).after_check()
    }

    /// These servers, with these documents published.
    pub(crate) fn with(machines: Vec<Machine>, documents: &[String]) -> Self {
        let mut world = Self::new(machines);
        world.publish(documents);
        world
    }

    /// As it is when a check has done what it decided.
    pub(crate) fn after_check(mut self) -> Self {
        let _ = self.check();
        self
    }

    pub(crate) fn publish(&mut self, documents: &[String]) {
        self.catalog = catalog(documents);
    }

    pub(crate) fn offer(&mut self, id: &str) -> &mut Offer {
        let mut offers = self.catalog.offers.iter_mut();
        offers.find(|offer| offer.mitigation.id.as_str() == id).unwrap()
    }

    /// The first server.
    pub(crate) fn server(&mut self) -> &mut Machine {
        &mut self.machines[0]
    }

    pub(crate) fn block(&mut self, id: &str) {
        let block = Block { by: "root, it hurts".into(), take_back: false };
        self.policy.blocked.insert(name(id), block);
    }

    /// An administrator has removed a mitigation, and the decision stands.
    pub(crate) fn has_removed(&mut self, id: &str) {
        let block = Block { by: "root, last week".into(), take_back: true };
        self.policy.blocked.insert(name(id), block);
    }

    pub(crate) fn switch_off(&mut self) {
        self.policy.server = Switch::Off("policy.toml".into());
    }

    /// An administrator asks for a removal in this check, as `stopgap remove` does.
    pub(crate) fn remove(&mut self, id: &str) {
        let ids = BTreeSet::from([name(id)]);
        self.order = Order { only: Some(ids.clone()), take_back: ids, ..Order::default() };
    }

    /// An administrator asks for this mitigation alone.
    pub(crate) fn only(&mut self, id: &str) {
        self.order = Order { only: Some(BTreeSet::from([name(id)])), ..Order::default() };
    }

    /// The last try of an action failed on the first server.
    pub(crate) fn has_failed(&mut self, id: &str) {
        let key = (TargetId::Web(self.machines[0].id()), action(id));
        self.failures.tries.insert(key, "the probe is not blocked".into());
    }

    /// An earlier change of the first server could not be put back.
    pub(crate) fn is_stuck(&mut self) {
        let id = self.machines[0].id();
        self.failures
            .not_restored
            .insert(TargetId::Web(id), "a file is still to be put back".into());
    }

    pub(crate) fn declare(&mut self, product: &str, version: &[u32]) {
        let (product, version) = (product.to_owned(), Version::from_parts(version));
        self.declared.push(Declared { product, version, source: "policy.toml".into() });
    }

    /// What is decided; the same however often it is asked for, and sound.
    pub(crate) fn plan(&self) -> Plan {
        let web: Vec<_> = self.machines.iter().map(Machine::config).collect();
        let facts = HostFacts {
            web: web.iter().map(|config| config.facts.clone()).collect(),
            left_out: self.left_out.clone(),
            declared: self.declared.clone(),
            ..HostFacts::nothing()
        };
        let snapshot = Snapshot::new();
        let Self { catalog, gone, policy, installed, failures, order, .. } = self;
        let (facts, snapshot) = (&facts, &snapshot);
        let web = web.as_slice();
        let input =
            Input { catalog, facts, snapshot, web, gone, policy, installed, failures, order };
        let decided = plan(&input);
        assert_eq!(decided, plan(&input), "the same question has two answers");
        self.assert_sound(&decided);
        decided
    }

    /// What holds of every plan, whatever the situation.
    fn assert_sound(&self, plan: &Plan) {
        assert!(plan.edits.is_empty() && plan.steps.is_empty(), "there is no IIS here");
        for change in &plan.web {
            let machine = self.machines.iter().find(|machine| machine.id() == change.server.id());
            let mut paths = BTreeSet::new();
            for edit in &change.edits {
                let path = edit.path.as_str();
                let machine = machine.expect("a server that is not here gets no edit");
                assert!(paths.insert(path), "{path} is edited twice");
                assert_eq!(edit.before.as_ref(), machine.files.get(path), "{path}");
                assert_ne!(edit.before, edit.after, "{path}");
                assert!(
                    !machine.fixed.iter().any(|fixed| fixed == path),
                    "{path} cannot be changed"
                );
            }
        }
        let mut ids = BTreeSet::new();
        for report in &plan.report {
            assert!(ids.insert(&report.id), "{} has two rows", report.id);
            assert!(!report.reason.to_string().is_empty());
        }
    }

    /// Decides and does what was decided, as a check does in which nothing goes wrong.
    pub(crate) fn check(&mut self) -> Plan {
        let plan = self.plan();
        for change in &plan.web {
            let id = change.server.id();
            if let Some(machine) = self.machines.iter_mut().find(|machine| machine.id() == id) {
                for edit in &change.edits {
                    let path = edit.path.to_string();
                    match &edit.after {
                        Some(bytes) => machine.files.insert(path, bytes.clone()),
                        None => machine.files.remove(&path),
                    };
                }
            }
            self.record(&change.step);
        }
        plan
    }

    fn record(&mut self, step: &Step) {
        let Step::Rules { server, rules, text, left, .. } = step else { panic!("{step:?}") };
        let (rules, text, left) = (rules.clone(), *text, left.clone());
        match rules.is_empty() && left.is_empty() {
            true => self.installed.web.remove(server),
            false => {
                self.installed.web.insert(server.clone(), InstalledRules { rules, text, left })
            }
        };
    }

    /// The files of all servers.
    pub(crate) fn files(&self) -> Vec<BTreeMap<String, Vec<u8>>> {
        self.machines.iter().map(|machine| machine.files.clone()).collect()
    }

    /// The state of a mitigation, the codes of its reasons, and what is done.
    pub(crate) fn told(&self, id: &str) -> (State, String, String) {
        let plan = self.plan();
        let report = of(&plan, id);
        (report.state, codes_of(report), done(&plan, self.machines.len() > 1))
    }
}

pub(crate) fn name(id: &str) -> MitigationId {
    id.parse().unwrap()
}

pub(crate) fn action(id: &str) -> ActionId {
    id.parse().unwrap()
}

/// Checks each row of a table from the same beginning, and names all that do not hold.
#[track_caller]
pub(crate) fn check(start: &World, rows: &[Row]) {
    let mut wrong = Vec::new();
    for (name, happened, state, codes, done) in rows {
        let mut world = start.clone();
        happened(&mut world);
        let told = world.told("A");
        if told != (*state, (*codes).to_owned(), (*done).to_owned()) {
            let plan = world.plan();
            let reason = &of(&plan, "A").reason;
            wrong.push(format!(
                "{name}\n  expected {state:?} `{codes}`, `{done}`\n  found {:?} `{}`, `{}`\n  {reason}",
                told.0, told.1, told.2
            ));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Checks each row of a table on each kind of server.
#[track_caller]
pub(crate) fn check_each(start: fn(WebKind) -> World, rows: &[Row]) {
    for kind in super::machine::KINDS {
        check(&start(kind), rows);
    }
}
