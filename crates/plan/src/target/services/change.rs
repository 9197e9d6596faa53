//! The changes of services that the decisions come to, one for each action, each of which is made or taken
//! back alone.

use std::collections::BTreeMap;

use stopgap_model::reason::ChangeReason;
use stopgap_model::{ActionId, MitigationId};

use super::known::{DesiredServices, Services};
use crate::decision::Operation;
use crate::input::Input;
use crate::installed::{CapturedService, InstalledService, InstalledServices};
use crate::planned::{Entry, Planned};
use crate::rest::{rests_on, tried_on_services};
use crate::step::{DisabledService, ServicesStep, Step};

type ServicesEntry<'a> = Entry<'a, DesiredServices>;

/// The changes that the decisions come to: what is installed first.
pub(crate) fn change<'a>(input: &Input<'_>, planned: &mut Planned<'a, Services<'a>>) -> Vec<Step> {
    let Planned { entries, .. } = planned;
    let mut disabled = BTreeMap::new();
    let mut steps = Vec::new();
    for entry in entries.iter_mut() {
        let Some(step) = installs(input, entry, &disabled) else { continue };
        if rests(input, entry, &step) {
            continue;
        }
        if let Step::Services(step) = &step {
            for it in &step.disables {
                disabled.insert(it.service.name.clone(), it.service.original.clone());
            }
        }
        steps.push(step);
    }
    // Those that still hold a service, as far as the changes before have come.
    let mut holders = input.installed.services.clone();
    for entry in entries.iter_mut() {
        let Some(step) = removes(&holders, entry) else { continue };
        if rests(input, entry, &step) {
            continue;
        }
        holders.remove(&entry.action);
        steps.push(step);
    }
    steps
}

/// The step that installs an action. `disabled` are the services that steps before it disable, as they were.
fn installs(
    input: &Input<'_>,
    entry: &ServicesEntry<'_>,
    disabled: &BTreeMap<String, CapturedService>,
) -> Option<Step> {
    let (Operation::Install(content), Some(offer)) = (&entry.decision.operation, entry.offer)
    else {
        return None;
    };
    let disables: Vec<DisabledService> =
        content.iter().map(|wanted| behind(wanted, disabled)).collect();
    let records = &input.installed.services;
    let is_dropped = |name: &str| {
        disables.iter().all(|it| it.service.name != name) && !disabled.contains_key(name)
    };
    let gives_back = given_back(records, &entry.action, is_dropped);
    let mitigation = &offer.mitigation;
    Some(Step::Services(Box::new(ServicesStep {
        mitigation: mitigation.id.clone(),
        revision: mitigation.revision,
        hash: mitigation.hash,
        action: entry.action.clone(),
        disables,
        gives_back,
        removed: None,
    })))
}

/// A service as it is once the steps before have disabled it.
fn behind(
    wanted: &DisabledService,
    disabled: &BTreeMap<String, CapturedService>,
) -> DisabledService {
    let Some(original) = disabled.get(&wanted.service.name) else { return wanted.clone() };
    let mut behind = wanted.clone();
    behind.service.original = original.clone();
    behind.before.was_disabled = true;
    behind.before.ran = false;
    behind.before.stops_too.clear();
    behind
}

/// The step that removes an action.
fn removes(
    holders: &BTreeMap<ActionId, InstalledServices>,
    entry: &ServicesEntry<'_>,
) -> Option<Step> {
    let Operation::Remove(why) = &entry.decision.operation else { return None };
    let record = holders.get(&entry.action)?;
    Some(Step::Services(Box::new(ServicesStep {
        mitigation: record.mitigation.clone(),
        revision: record.revision,
        hash: record.hash,
        action: record.action.clone(),
        disables: Vec::new(),
        gives_back: given_back(holders, &entry.action, |_| true),
        removed: Some(why.to_string()),
    })))
}

/// The services of an action that no other one holds, as far as `is_dropped` says.
fn given_back(
    holders: &BTreeMap<ActionId, InstalledServices>,
    action: &ActionId,
    is_dropped: impl Fn(&str) -> bool,
) -> Vec<InstalledService> {
    let own = holders.get(action).into_iter().flat_map(|record| &record.services);
    let is_held = |name: &str| {
        let mut others = holders.values().filter(|it| it.action != *action);
        others.any(|other| other.services.iter().any(|it| it.name == name))
    };
    own.filter(|it| is_dropped(&it.name) && !is_held(&it.name)).cloned().collect()
}

/// Whether the very change failed when it was last tried, so that it rests.
fn rests(input: &Input<'_>, entry: &mut ServicesEntry<'_>, step: &Step) -> bool {
    let why = why_it_rests(input, step, &entry.action, &entry.mitigation);
    let rests = why.is_some();
    if let Some(why) = why {
        entry.decision.operation = Operation::None;
        entry.decision.status.reasons.push(why);
    }
    rests
}

fn why_it_rests(
    input: &Input<'_>,
    step: &Step,
    action: &ActionId,
    mitigation: &MitigationId,
) -> Option<ChangeReason> {
    // The digest is worked out only where something could rest.
    let is_any = input.failures.rests.contains_key(&(step.target(), action.clone()));
    is_any.then(|| rests_on(input, step, action, mitigation, tried_on_services(step))).flatten()
}
