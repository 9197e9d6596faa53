//! What is known of services, from their service manager and from the records.

use stopgap_model::reason::ServiceReason;
use stopgap_model::service::{Service, ServiceFacts};
use stopgap_model::{ActionId, Fact, Reasons};

use crate::input::Input;
use crate::installed::{CapturedService, InstalledServices};
use crate::step::DisabledService;

/// The services of this machine, with what is disabled of ours.
pub(crate) struct Services<'a> {
    pub(super) input: &'a Input<'a>,
}

impl<'a> Services<'a> {
    pub(crate) fn new(input: &'a Input<'a>) -> Self {
        Self { input }
    }

    pub(super) fn record(&self, action: &ActionId) -> Option<&'a InstalledServices> {
        self.input.installed.services.get(action)
    }

    /// How a service was before we disabled it for any action, the given one first; `None`: we did not.
    pub(super) fn original(&self, name: &str, action: &ActionId) -> Option<&'a CapturedService> {
        let all = self.input.installed.services.values();
        let others = all.filter(|it| it.action != *action);
        let records = self.record(action).into_iter().chain(others);
        let mut services = records.flat_map(|record| &record.services);
        services.find(|it| it.name == name).map(|it| &it.original)
    }

    /// What the service manager says of a service; `None`: it does not say anything.
    pub(super) fn facts(&self, name: &str) -> Option<&'a Fact<ServiceFacts>> {
        self.input.facts.services.known()?.get(name)
    }

    /// The services of these names that are here, each once.
    pub(super) fn here(&self, names: &[String]) -> Result<Vec<&'a ServiceFacts>, Reasons> {
        let services = match &self.input.facts.services {
            Fact::Known(services) => services,
            Fact::Absent => return Err(ServiceReason::NoManager.into()),
            Fact::Unknown(why) => return Err(why.clone()),
        };
        let mut here: Vec<&ServiceFacts> = Vec::new();
        for name in names {
            match services.get(name) {
                Some(Fact::Known(found)) => {
                    // Two names may be of one unit.
                    if here.iter().all(|it| it.service.name != found.service.name) {
                        here.push(found);
                    }
                }
                Some(Fact::Unknown(why)) => return Err(why.clone()),
                Some(Fact::Absent) | None => {}
            }
        }
        Ok(here)
    }

    /// Whether an action disables a service, or holds what was disabled for another one. What somebody else
    /// disabled stays his.
    pub(super) fn is_wanted(&self, service: &Service, action: &ActionId) -> bool {
        !service.is_off() || self.original(&service.name, action).is_some()
    }
}

/// What is written for an action: the services that are disabled for it.
pub(crate) type DesiredServices = Vec<DisabledService>;
