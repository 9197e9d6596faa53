//! Asks the service manager about the services that matter.

use std::collections::BTreeSet;

use stopgap_host::{Host, service_facts};
use stopgap_model::reason::ServiceReason;
use stopgap_model::service::ServicesByName;
use stopgap_model::{ActionKind, Catalog, Fact, HostFacts};
use stopgap_plan::{Affects, InstalledState, affects};

/// Reads the services that actions of the catalog name which may be for this machine, and those that are disabled
/// by us. Nothing is asked where none matters, which is the usual case.
pub(crate) fn read_services(
    host: &dyn Host,
    catalog: &Catalog,
    facts: &HostFacts,
    installed: &InstalledState,
) -> Fact<ServicesByName> {
    let Some(services) = host.services() else { return Fact::Absent };
    let names = names(catalog, facts, installed);
    let found = names.into_iter().map(|name| {
        let fact = match service_facts(services, name) {
            Ok(Some(facts)) => Fact::Known(facts),
            Ok(None) => Fact::Absent,
            Err(error) => Fact::Unknown(ServiceReason::Unknown { why: error.to_string() }.into()),
        };
        (name.to_owned(), fact)
    });
    Fact::Known(found.collect())
}

fn names<'a>(
    catalog: &'a Catalog,
    facts: &HostFacts,
    installed: &'a InstalledState,
) -> BTreeSet<&'a str> {
    let mut named: Vec<&Vec<String>> = Vec::new();
    for mitigation in catalog.mitigations() {
        let services = mitigation.actions.iter().filter_map(|action| match &action.kind {
            ActionKind::DisableService { services } => Some(services),
            _ => None,
        });
        let services: Vec<_> = services.collect();
        // Each question is a program that is run.
        if !services.is_empty() && !matches!(affects(mitigation, facts), Affects::No(_)) {
            named.extend(services);
        }
    }
    let records = installed.services.values().flat_map(|record| &record.services);
    named.into_iter().flatten().chain(records.map(|it| &it.name)).map(String::as_str).collect()
}
