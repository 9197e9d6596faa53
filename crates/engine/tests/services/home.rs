//! A machine with services, and what is wanted of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use stopgap_engine::CycleReport;
use stopgap_host::{Activity, Service, Services as _, StartMode};
use stopgap_model::Catalog;
use stopgap_model::policy::Policy;
use stopgap_plan::Order;
use stopgap_store::Status;
use stopgap_testkit::{FailingHost, SimulatedServices};

use crate::common::{StateFolder, document, engine, everything_on, published};

/// A browser of printers behind a socket, which a queue needs and which needs the spooler; and a clock.
pub(crate) fn services() -> SimulatedServices {
    SimulatedServices::new()
        .that_reads_late()
        .with("spooler", StartMode::Automatic, &[])
        .with("browsed", StartMode::Automatic, &["spooler"])
        .with_activator("browsed.socket", "browsed")
        .with("queue", StartMode::OnDemand, &["browsed"])
        .with("clock", StartMode::Automatic, &[])
}

pub(crate) fn disabling(id: &str, revision: u32, names: &[&str]) -> String {
    let action =
        format!("[[action]]\nid = \"{id}.1\"\nkind = \"disable-service\"\nservices = {names:?}\n");
    document(id, revision, &action)
}

/// A machine with its state folder, and what is wanted of it.
pub(crate) struct Home {
    pub(crate) state: StateFolder,
    pub(crate) host: FailingHost,
    pub(crate) catalog: Catalog,
    pub(crate) policy: Policy,
    pub(crate) stop: Arc<AtomicBool>,
}

/// How every service is, but for the words of its set-up, which say the same.
pub(crate) type Look = BTreeMap<String, (Activity, StartMode)>;

impl Home {
    pub(crate) fn with(services: SimulatedServices, documents: &[String]) -> Self {
        Self {
            state: StateFolder::new(),
            host: FailingHost::new(Vec::new()).with_services(services),
            catalog: published(documents),
            policy: everything_on(),
            stop: Arc::default(),
        }
    }

    pub(crate) fn new() -> Self {
        let services = services();
        services.run("queue");
        Self::with(services, &[disabling("W", 1, &["browsed"])])
    }

    pub(crate) fn manager(&self) -> &SimulatedServices {
        self.host.service_manager()
    }

    pub(crate) fn service(&self, name: &str) -> Service {
        self.manager().service(name).unwrap().unwrap()
    }

    pub(crate) fn look(&self) -> Look {
        let names = self.manager().list().unwrap().into_iter();
        let services = names.map(|name| self.service(&name));
        services.map(|it| (it.name, (it.activity, it.start_mode))).collect()
    }

    pub(crate) fn cycle_with(&self, order: &Order) -> CycleReport {
        let mut policy = self.policy.clone();
        self.state.store.decisions().unwrap().restrict(&mut policy);
        engine(&self.host, &self.state.store, &self.catalog, &policy, &self.stop)
            .cycle(order)
            .unwrap()
    }

    pub(crate) fn cycle(&self) -> CycleReport {
        self.cycle_with(&Order::default())
    }

    pub(crate) fn take_back(&self) -> CycleReport {
        let ids = BTreeSet::from(["W".parse().unwrap()]);
        self.cycle_with(&Order { only: Some(ids.clone()), take_back: ids, ..Order::default() })
    }

    #[track_caller]
    pub(crate) fn assert_off(&self, names: &[&str], when: &str) {
        for name in names {
            assert!(self.service(name).is_off(), "{name} {when}: {:?}", self.service(name));
        }
    }

    pub(crate) fn statuses(&self) -> Vec<Status> {
        self.state.store.changes().unwrap().into_iter().map(|change| change.status).collect()
    }

    #[track_caller]
    pub(crate) fn assert_nothing_is_intended(&self, when: &str) {
        let statuses = self.statuses();
        assert!(!statuses.contains(&Status::Intended), "{when}: {statuses:?}");
    }
}
