//! A look at the server and the plan that follows from it. Nothing is changed.

use std::collections::BTreeSet;

use stopgap_host::{Host, Read};
use stopgap_model::ServerId;
use stopgap_model::policy::Policy;
use stopgap_plan::{Input, InstalledState, Order, Plan, WebConfig, plan};

use crate::collect::collect;
use crate::engine::{CycleError, Engine, View};
use crate::learned::Learned;
use crate::read_services::read_services;

impl Engine<'_> {
    /// Looks at the server and says what a cycle would do. Changes nothing.
    ///
    /// # Errors
    /// What is remembered cannot be read.
    pub fn look(&self, order: &Order) -> Result<View, CycleError> {
        let learned = Learned::remembered(self.store.evidence());
        let (mut view, _) = self.view(order, self.policy, &learned)?;
        let Plan { report, unchanged, altered, .. } = &mut view.plan;
        self.report_evidence(report, (unchanged, altered), &learned.evidence, &BTreeSet::new());
        self.report_unfinished(&mut view.plan.report)?;
        Ok(view)
    }

    /// Looks at the server, and returns with the plan what the records say is installed.
    pub(crate) fn view(
        &self,
        order: &Order,
        policy: &Policy,
        learned: &Learned,
    ) -> Result<(View, InstalledState), CycleError> {
        let mut collected = collect(self.host, self.declared);
        for config in &mut collected.web {
            learned.mark(config);
        }
        let (installed, mut failures) = self.store.installed()?;
        failures.add(&learned.failures);
        failures.wake((self.now)().as_second());
        collected.facts.services =
            read_services(self.host, self.catalog, &collected.facts, &installed);
        let gone = gone(self.host, installed.web.keys(), &collected.web);
        let plan = plan(&Input {
            catalog: self.catalog,
            facts: &collected.facts,
            snapshot: &collected.snapshot,
            web: &collected.web,
            gone: &gone,
            policy,
            installed: &installed,
            failures: &failures,
            order,
        });
        Ok((View { facts: collected.facts, plan }, installed))
    }
}

/// Returns the recorded servers that were not found and whose main configuration file does not exist either.
fn gone<'i>(
    host: &dyn Host,
    recorded: impl Iterator<Item = &'i ServerId>,
    found: &[WebConfig],
) -> BTreeSet<ServerId> {
    let missing = recorded.filter(|id| found.iter().all(|config| config.facts.server.id() != **id));
    let is_gone = |id: &&ServerId| host.read(&id.config(), 0) == Read::Absent;
    missing.filter(is_gone).cloned().collect()
}
