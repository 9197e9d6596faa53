//! Services that are disabled: by systemd here, and by the service control manager where there is one.
//!
//! What is known of a service comes from its service manager; what it was before we disabled it is in the
//! records. A service that two actions disable is given back when the last of them is withdrawn.

pub(crate) mod change;
mod known;
mod never;
mod observe;

use stopgap_model::reason::ServiceReason;
use stopgap_model::{ActionId, ActionKind, Fact};

use self::known::DesiredServices;
use super::{Desired, Installed, Observed, Orphan, Refused, Target};
use crate::context::ActionContext;
use crate::installed::{CapturedService, InstalledService, InstalledServices};
use crate::step::DisabledService;
use crate::target_id::TargetId;

pub(crate) use known::Services;

impl<'a> Target<'a> for Services<'a> {
    type Content = DesiredServices;

    fn name(&self) -> String {
        "the services".to_owned()
    }

    fn serves(&self) -> bool {
        self.input.facts.services != Fact::Absent
    }

    fn takes(&self, kind: &ActionKind) -> bool {
        names(kind).is_some()
    }

    fn installed(&self, action: &ActionId) -> Option<Installed<'_>> {
        self.record(action).map(installed)
    }

    fn all_installed(&self) -> Vec<Installed<'_>> {
        self.input.installed.services.values().map(installed).collect()
    }

    fn is_recognised(&self, _: &ActionId) -> bool {
        false
    }

    fn observe(&self, context: &ActionContext<'a>) -> Observed {
        match names(&context.action.kind) {
            Some(names) => self.observed(context, names),
            None => Observed::Unable(ServiceReason::NoManager.into()),
        }
    }

    fn desired(&self, context: &ActionContext<'a>) -> Result<Desired<Self::Content>, Refused> {
        let names = names(&context.action.kind).unwrap_or_default();
        // What is not known was reported by `observe`, and nothing is wanted of it.
        let here = self.here(names).unwrap_or_default();
        let action = &context.action.id;
        let wanted: Vec<_> =
            here.into_iter().filter(|it| self.is_wanted(&it.service, action)).collect();
        let place = listed(wanted.iter().map(|it| &it.service.name));
        let content = wanted.into_iter().map(|it| {
            let before = CapturedService::of(it);
            let original = self.original(&it.service.name, action).unwrap_or(&before).clone();
            let service = InstalledService { name: it.service.name.clone(), original };
            DisabledService { service, before }
        });
        Ok(Desired { content: content.collect(), place, notes: Vec::new() })
    }

    fn observe_orphan(&self, action: &ActionId) -> Orphan {
        let Some(record) = self.record(action) else { return Orphan::Stands };
        let names: Vec<String> = record.services.iter().map(|it| it.name.clone()).collect();
        match self.here(&names) {
            Ok(here) => match here.iter().find_map(|it| observe::change_of(&it.service)) {
                Some(how) => Orphan::Drifted(how.into()),
                None => Orphan::Stands,
            },
            Err(why) => Orphan::Unknown(why),
        }
    }

    fn place_of(&self, action: &ActionId) -> String {
        let record = self.record(action).into_iter();
        listed(record.flat_map(|record| &record.services).map(|it| &it.name))
    }

    fn rules_of(&self, _: &ActionId) -> Vec<String> {
        Vec::new()
    }

    fn installed_names(&self, action: &ActionId) -> Vec<String> {
        let services = self.record(action).into_iter().flat_map(|record| &record.services);
        let names = services.map(|it| &it.name);
        let is_off = |name: &&String| {
            let facts = self.facts(name).and_then(Fact::known);
            facts.is_none_or(|it| it.service.is_off())
        };
        names.filter(is_off).cloned().collect()
    }

    fn failure(&self, action: &ActionId) -> Option<&str> {
        self.input.failures.of(TargetId::Services(action.clone()), action)
    }

    /// As long as a change of services is not put back whole, no other is begun: one may need another.
    fn not_restored(&self) -> Option<&str> {
        let mut stuck = self.input.failures.not_restored.iter();
        let of_services = stuck.find(|(target, _)| matches!(target, TargetId::Services(_)));
        of_services.map(|(_, why)| why.as_str())
    }
}

/// The services that an action names; `None`: it is about something else.
fn names(kind: &ActionKind) -> Option<&[String]> {
    match kind {
        ActionKind::DisableService { services } => Some(services),
        _ => None,
    }
}

fn installed(record: &InstalledServices) -> Installed<'_> {
    let InstalledServices { mitigation, revision, hash, action, .. } = record;
    Installed { mitigation, revision: *revision, hash: *hash, action, kind: "disable-service" }
}

fn listed<'n>(names: impl Iterator<Item = &'n String>) -> String {
    names.map(String::as_str).collect::<Vec<_>>().join(", ")
}
