//! Asks the service manager about the services that matter.

use std::collections::BTreeSet;

use stopgap_host::{Host, service_facts};
use stopgap_model::reason::ServiceReason;
use stopgap_model::service::ServicesByName;
use stopgap_model::{ActionKind, Catalog, Fact};
use stopgap_plan::InstalledState;

/// Reads the services that actions of the catalog name, and those that are disabled by us. Nothing is asked
/// where none matters.
pub(crate) fn read_services(
    host: &dyn Host,
    catalog: &Catalog,
    installed: &InstalledState,
) -> Fact<ServicesByName> {
    let Some(services) = host.services() else { return Fact::Absent };
    let names = names(catalog, installed);
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

fn names<'a>(catalog: &'a Catalog, installed: &'a InstalledState) -> BTreeSet<&'a str> {
    let actions = catalog.offers.iter().flat_map(|offer| &offer.mitigation.actions);
    let named = actions.filter_map(|action| match &action.kind {
        ActionKind::DisableService { services } => Some(services),
        _ => None,
    });
    let records = installed.services.values().flat_map(|record| &record.services);
    named.flatten().chain(records.map(|it| &it.name)).map(String::as_str).collect()
}
