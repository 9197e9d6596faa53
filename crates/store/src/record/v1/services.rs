//! Services that are disabled: what schema 2 has and schema 1 has not.

use serde::{Deserialize, Serialize};
use stopgap_model::service::{StartSetup, StopsToo as StopsTooHere};
use stopgap_model::{ActionId, Digest, MitigationId};

use super::all::all;

#[derive(Serialize, Deserialize)]
pub(super) struct Services {
    mitigation: MitigationId,
    revision: u32,
    hash: Digest,
    action: ActionId,
    disables: Vec<Disabled>,
    gives_back: Vec<Installed>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    removed: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Disabled {
    service: Installed,
    before: Captured,
}

#[derive(Serialize, Deserialize)]
struct Installed {
    name: String,
    original: Captured,
}

#[derive(Serialize, Deserialize)]
struct Captured {
    setup: String,
    was_disabled: bool,
    ran: bool,
    stops_too: Vec<StopsToo>,
}

#[derive(Serialize, Deserialize)]
struct StopsToo {
    name: String,
    activates: bool,
}

impl From<Services> for stopgap_plan::ServicesStep {
    fn from(it: Services) -> Self {
        let Services { mitigation, revision, hash, action, disables, gives_back, removed } = it;
        let (disables, gives_back) = (all(disables), all(gives_back));
        Self { mitigation, revision, hash, action, disables, gives_back, removed }
    }
}

impl From<stopgap_plan::ServicesStep> for Services {
    fn from(it: stopgap_plan::ServicesStep) -> Self {
        let stopgap_plan::ServicesStep {
            mitigation,
            revision,
            hash,
            action,
            disables,
            gives_back,
            removed,
        } = it;
        let (disables, gives_back) = (all(disables), all(gives_back));
        Self { mitigation, revision, hash, action, disables, gives_back, removed }
    }
}

impl From<Disabled> for stopgap_plan::DisabledService {
    fn from(Disabled { service, before }: Disabled) -> Self {
        Self { service: service.into(), before: before.into() }
    }
}

impl From<stopgap_plan::DisabledService> for Disabled {
    fn from(it: stopgap_plan::DisabledService) -> Self {
        let stopgap_plan::DisabledService { service, before } = it;
        Self { service: service.into(), before: before.into() }
    }
}

impl From<Installed> for stopgap_plan::InstalledService {
    fn from(Installed { name, original }: Installed) -> Self {
        Self { name, original: original.into() }
    }
}

impl From<stopgap_plan::InstalledService> for Installed {
    fn from(it: stopgap_plan::InstalledService) -> Self {
        let stopgap_plan::InstalledService { name, original } = it;
        Self { name, original: original.into() }
    }
}

impl From<Captured> for stopgap_plan::CapturedService {
    fn from(Captured { setup, was_disabled, ran, stops_too }: Captured) -> Self {
        Self { setup: StartSetup(setup), was_disabled, ran, stops_too: all(stops_too) }
    }
}

impl From<stopgap_plan::CapturedService> for Captured {
    fn from(it: stopgap_plan::CapturedService) -> Self {
        let stopgap_plan::CapturedService { setup, was_disabled, ran, stops_too } = it;
        Self { setup: setup.0, was_disabled, ran, stops_too: all(stops_too) }
    }
}

impl From<StopsToo> for StopsTooHere {
    fn from(StopsToo { name, activates }: StopsToo) -> Self {
        Self { name, activates }
    }
}

impl From<StopsTooHere> for StopsToo {
    fn from(StopsTooHere { name, activates }: StopsTooHere) -> Self {
        Self { name, activates }
    }
}
