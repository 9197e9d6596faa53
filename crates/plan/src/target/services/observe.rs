//! What is there of an action that disables services.

use stopgap_model::reason::ServiceReason;
use stopgap_model::service::{Activity, Service, ServiceFacts, StartMode};
use stopgap_model::{ActionId, Reason};

use super::known::Services;
use super::never::never;
use crate::context::ActionContext;
use crate::installed::InstalledServices;
use crate::target::{Except, Observed};

impl<'a> Services<'a> {
    /// What is there of an action that disables the services `names`.
    pub(super) fn observed(&self, context: &ActionContext<'a>, names: &[String]) -> Observed {
        let here = match self.here(names) {
            Ok(here) => here,
            Err(why) => return Observed::Unknown(why),
        };
        if here.is_empty() {
            return Observed::NothingHere(
                ServiceReason::NoneHere { services: names.to_vec() }.into(),
            );
        }
        let action = &context.action.id;
        let record = self.record(action);
        // Also where it is disabled by us: an earlier version may have had a shorter list.
        if let Some(why) = here.iter().find_map(|it| forbidden(it)) {
            return Observed::Unable(why.into());
        }
        let wanted = here.iter().filter(|it| self.is_wanted(&it.service, action));
        let wanted: Vec<&ServiceFacts> = wanted.copied().collect();
        if let Some(why) = wanted.iter().find_map(|it| self.unable(it, action)) {
            return Observed::Unable(why.into());
        }
        let notes = notes(&wanted);
        let services = here.iter().map(|it| it.service.name.clone()).collect();
        let changed = here.iter().find_map(|it| change_of(&it.service));
        match (record, changed) {
            (Some(record), _) if self.is_of_other_services(context, record, &wanted) => {
                Observed::another_revision(record.revision, context.mitigation().revision)
            }
            (Some(_), Some(how)) => Observed::Drifted(how.into()),
            (Some(_), None) => Observed::Intact {
                except: Except::Nowhere,
                more: vec![ServiceReason::Disabled { services }.into()],
                notes: Vec::new(),
            },
            (None, _) if wanted.is_empty() => Observed::Covered {
                reasons: ServiceReason::DisabledAlready { services }.into(),
                rules: Vec::new(),
                notes: Vec::new(),
            },
            (None, _) => Observed::Absent { hints: Vec::new(), notes },
        }
    }

    /// Why a service cannot be disabled, if so. What we disabled is not asked that again.
    fn unable(&self, facts: &ServiceFacts, action: &ActionId) -> Option<ServiceReason> {
        let Service { name, start_mode, obstacle, .. } = &facts.service;
        if self.original(name, action).is_some() {
            return None;
        }
        if let Some(why) = obstacle {
            return Some(ServiceReason::NotChangeable { service: name.clone(), why: why.clone() });
        }
        // Its set-up is not ours to change, and a disabled service is not started again.
        (*start_mode == StartMode::Disabled)
            .then(|| ServiceReason::RunsThoughDisabled { service: name.clone() })
    }

    /// Whether another revision disabled other services than the action asks for now.
    fn is_of_other_services(
        &self,
        context: &ActionContext<'_>,
        record: &InstalledServices,
        wanted: &[&ServiceFacts],
    ) -> bool {
        let has = |name: &String| record.services.iter().any(|it| it.name == *name);
        let is_wanted = |name: &String| wanted.iter().any(|it| it.service.name == *name);
        let is_gone = |name: &String| self.facts(name).is_none_or(|it| it.known().is_none());
        let same = wanted.iter().all(|it| has(&it.service.name))
            && record.services.iter().all(|it| is_wanted(&it.name) || is_gone(&it.name));
        record.hash != context.mitigation().hash && !same && !wanted.is_empty()
    }
}

/// Why a service is never disabled, or what stops with it never stopped.
fn forbidden(facts: &ServiceFacts) -> Option<ServiceReason> {
    let service = &facts.service.name;
    if let Some(why) = never(service) {
        let (service, why) = (service.clone(), why.to_owned());
        return Some(ServiceReason::NeverDisabled { service, why });
    }
    facts.stops_too.iter().find_map(|other| {
        let why = never(&other.name)?.to_owned();
        let (service, with) = (service.clone(), other.name.clone());
        Some(ServiceReason::NeverStopped { service, with, why })
    })
}

/// How a service that we disabled was changed since; `None`: it was not.
pub(super) fn change_of(service: &Service) -> Option<ServiceReason> {
    let name = service.name.clone();
    match (service.start_mode, service.activity) {
        (StartMode::Disabled, Activity::Stopped) => None,
        (StartMode::Disabled, Activity::Stopping) => {
            Some(ServiceReason::StillStops { service: name })
        }
        (StartMode::Disabled, Activity::Running | Activity::Starting) => {
            Some(ServiceReason::StartedAgain { service: name })
        }
        (StartMode::Automatic | StartMode::OnDemand, _) => {
            Some(ServiceReason::EnabledAgain { service: name })
        }
    }
}

/// What stops with the services, by name.
fn notes(services: &[&ServiceFacts]) -> Vec<Reason> {
    let mut notes = Vec::new();
    for facts in services {
        let service = &facts.service.name;
        let names = |activates: bool| -> Vec<String> {
            let too = facts.stops_too.iter().filter(|it| it.activates == activates);
            too.map(|it| it.name.clone()).collect()
        };
        let (activators, dependents) = (names(true), names(false));
        if !facts.service.runs() {
            notes.push(ServiceReason::DoesNotRun { service: service.clone() }.into());
        }
        if !dependents.is_empty() {
            notes.push(ServiceReason::StopsToo { service: service.clone(), dependents }.into());
        }
        if !activators.is_empty() {
            let service = service.clone();
            notes.push(ServiceReason::ActivatorsStop { service, activators }.into());
        }
    }
    notes
}
