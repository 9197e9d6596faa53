//! The services that an action disables: set up so that nothing starts them, then stopped; and given back.
//!
//! All of them are set up before the first one is stopped, and what was set up holds when the last one has,
//! so that each stops by its own settings and none is started again by another. What a change finds otherwise
//! than its plan is planned anew; what it cannot take back stays open, and is taken up by the next cycle.

use std::collections::BTreeSet;
use std::time::Duration;

use stopgap_host::{Activity, Service, ServiceError, Services, StartMode, Stop, service_facts};
use stopgap_model::problem::sentence;
use stopgap_model::reason::ServiceReason;
use stopgap_model::{Digest, MitigationId, Reason, Reasons};
use stopgap_plan::{
    CapturedService, DisabledService, FileEdit, InstalledService, ServicesStep, Step, TargetId,
    tried_on_services,
};
use stopgap_store::StoreError;

use super::contract::{Effect, RestoreError, Restored, Taken, Unfit};
use crate::engine::Engine;
use crate::failure::Failure;
use crate::learned::Learned;
use crate::probing::Seen;
use crate::trouble::Trouble;

/// How long the services of one action may take to stop. systemd kills a service that ignores its stop after
/// 90 s (`DefaultTimeoutStopSec=`), so that most stop in this time.
const STOP_TIME: Duration = Duration::from_secs(100);
/// How often is looked meanwhile whether the cycle is to stop.
const SLICE: Duration = Duration::from_secs(1);
/// How long a service may take to start. It is not stopped again if it takes longer.
const START_TIME: Duration = Duration::from_secs(30);

/// The change of the services of one action.
pub(super) struct ServicesChange<'p> {
    engine: &'p Engine<'p>,
    step: &'p Step,
    of: &'p ServicesStep,
    /// What this change gave back so far.
    given_back: Vec<&'p InstalledService>,
    /// What did not start again.
    not_started: Vec<ServiceReason>,
}

impl<'p> ServicesChange<'p> {
    pub(super) fn new(engine: &'p Engine<'p>, step: &'p Step, of: &'p ServicesStep) -> Self {
        Self { engine, step, of, given_back: Vec::new(), not_started: Vec::new() }
    }

    fn manager(&self) -> Result<&'p dyn Services, ServiceError> {
        manager(self.engine)
    }

    /// Sets up that nothing starts what is to be disabled, and gives back what is not ours any more.
    fn change_setup(&mut self) -> Result<(), ServiceError> {
        let services = self.manager()?;
        for it in not_held(self.engine, self.of)? {
            // What somebody else set up since stays as he wants it.
            if is_disabled(services, &it.name)? && !it.original.was_disabled {
                self.given_back.push(it);
                services.restore(&it.name, &it.original.setup)?;
            }
        }
        if !self.given_back.is_empty() {
            services.reload()?;
        }
        // Last: what is disabled is read anew only when it has stopped.
        for it in self.of.disables.iter().filter(|it| !it.before.was_disabled) {
            services.disable(&it.service.name)?;
        }
        Ok(())
    }

    fn setup_reads_back(&self) -> Result<(), ServiceError> {
        let services = self.manager()?;
        for DisabledService { service: InstalledService { name, .. }, .. } in &self.of.disables {
            if !is_disabled(services, name)? {
                let why =
                    "it was disabled, and its service manager would start it still".to_owned();
                return Err(ServiceError::Refused { name: name.clone(), why });
            }
        }
        for InstalledService { name, original } in &self.given_back {
            if is_disabled(services, name)? && !original.was_disabled {
                let why = "its set-up was given back, and it is disabled still".to_owned();
                return Err(ServiceError::Refused { name: name.clone(), why });
            }
        }
        Ok(())
    }

    fn stop_all(&self, stop: &Stop<'_>) -> Result<(), ServiceError> {
        let services = self.manager()?;
        let mut left = STOP_TIME;
        for it in &self.of.disables {
            stop_in_slices(services, &it.service.name, &mut left, stop)?;
        }
        if self.of.disables.is_empty() {
            return Ok(());
        }
        services.reload()?;
        // Something may have started one before that held.
        for it in &self.of.disables {
            let name = &it.service.name;
            if services.service(name)?.is_some_and(|now| now.activity != Activity::Stopped) {
                stop_in_slices(services, name, &mut left, stop)?;
            }
        }
        Ok(())
    }
}

impl<'p> Effect<'p> for ServicesChange<'p> {
    fn target(&self) -> TargetId {
        self.step.target()
    }

    fn steps(&self) -> &'p [Step] {
        std::slice::from_ref(self.step)
    }

    fn edits(&self) -> &'p [FileEdit] {
        &[]
    }

    fn preflight(&mut self, _: &Learned, _: &Stop<'_>) -> Result<(), Unfit> {
        let as_planned = self.manager().and_then(|services| {
            self.of
                .disables
                .iter()
                .try_fold(true, |all, it| Ok(all && is_as_planned(services, it)?))
        });
        match as_planned {
            Ok(true) => Ok(()),
            Ok(false) => Err(Unfit::Changed),
            Err(error) => Err(Unfit::Change(Failure::without_cost(error.to_string()))),
        }
    }

    fn set_up(&mut self) -> Result<(), Failure> {
        self.change_setup().map_err(|error| failure(&error))
    }

    fn read_back(&mut self, _: &Learned) -> Result<(), Failure> {
        self.setup_reads_back().map_err(|error| failure(&error))
    }

    fn take_effect(&mut self, stop: &Stop<'_>) -> Result<Taken, Failure> {
        self.stop_all(stop).map_err(|error| failure(&error))?;
        if !self.given_back.is_empty() {
            let services = self.manager().map_err(|error| failure(&error))?;
            for it in &self.given_back {
                let started = start_again(services, &it.name, &it.original);
                // Its set-up is as it was, and why it does not start is its own matter.
                self.not_started.extend(started.map_err(|error| failure(&error))?);
            }
        }
        Ok(Taken::InForce)
    }

    fn verify(&mut self, _: &Stop<'_>) -> Result<Seen, Failure> {
        let services = self.manager().map_err(|error| failure(&error))?;
        for it in &self.of.disables {
            let name = &it.service.name;
            let now = services.service(name).map_err(|error| failure(&error))?;
            if let Some(service) = now.filter(|service| !service.is_off()) {
                let name = service.name;
                return Err(Failure::temporary(format!("{name} was stopped and came back")));
            }
        }
        Ok(Seen::default())
    }

    fn restore(&mut self) -> Result<Restored, RestoreError> {
        let undone = take_back(self.engine, &self.of.disables, &self.given_back);
        match undone {
            Ok(not_started) => {
                let still = Reasons::collect(not_started.into_iter().map(Reason::from));
                still.map_or(Ok(Restored::InForce), |still| Err(RestoreError::NotAsBefore(still)))
            }
            Err(error) => Err(RestoreError::NotUndone(error.to_string())),
        }
    }

    fn troubles(&self) -> Vec<Trouble> {
        self.not_started.iter().cloned().map(Trouble::NotStarted).collect()
    }

    fn tried(&self, _: Option<&MitigationId>) -> Digest {
        tried_on_services(self.step)
    }
}

/// Puts back what a change of services that was cut short may have changed: what it was to disable is as
/// before, and what it was to give back is given back, which is what the next plan wants too. Returns what
/// did not start again.
///
/// # Errors
/// Something could not be put back.
pub(super) fn recover(engine: &Engine<'_>, step: &ServicesStep) -> Result<String, ServiceError> {
    let mut not_started = take_back(engine, &step.disables, &[])?;
    let services = manager(engine)?;
    let given_back = not_held(engine, step)?;
    for it in &given_back {
        if is_disabled(services, &it.name)? && !it.original.was_disabled {
            services.restore(&it.name, &it.original.setup)?;
        }
    }
    if !given_back.is_empty() {
        services.reload()?;
    }
    for it in given_back {
        not_started.extend(start_again(services, &it.name, &it.original)?);
    }
    Ok(list(&not_started))
}

/// Returns what a step gives back, but for what another action holds by now: it may have taken a service over,
/// or not have let go of it as planned.
///
/// # Errors
/// The records cannot be read.
fn not_held<'s>(
    engine: &Engine<'_>,
    step: &'s ServicesStep,
) -> Result<Vec<&'s InstalledService>, ServiceError> {
    let Some(first) = step.gives_back.first() else { return Ok(Vec::new()) };
    let unread = |error: StoreError| {
        let why = format!("who else disabled it cannot be read: {}", sentence(&error));
        ServiceError::Refused { name: first.name.clone(), why }
    };
    let (installed, _) = engine.store.installed().map_err(unread)?;
    let others = installed.services.values().filter(|record| record.action != step.action);
    let held: BTreeSet<&str> =
        others.flat_map(|record| &record.services).map(|it| it.name.as_str()).collect();
    Ok(step.gives_back.iter().filter(|it| !held.contains(it.name.as_str())).collect())
}

/// Makes services as they were before a change: those that it disabled, and those that it gave back. Returns
/// what did not start again.
fn take_back(
    engine: &Engine<'_>,
    disabled: &[DisabledService],
    given_back: &[&InstalledService],
) -> Result<Vec<ServiceReason>, ServiceError> {
    let services = manager(engine)?;
    // Each is attempted, whatever becomes of the others.
    let (mut first_error, mut not_started) = (Ok(()), Vec::new());
    for it in given_back {
        let again = services
            .disable(&it.name)
            .and_then(|()| stop_in_slices(services, &it.name, &mut STOP_TIME.clone(), &|| false));
        first_error = first_error.and(unless_gone(again));
    }
    for it in disabled.iter().filter(|it| !it.before.was_disabled) {
        // Whether it was disabled by then or not, it comes to the same.
        let restored = services.restore(&it.service.name, &it.before.setup);
        first_error = first_error.and(unless_gone(restored));
    }
    first_error = first_error.and(services.reload());
    // What needs another one is started when that can be started.
    for it in disabled {
        match start_again(services, &it.service.name, &it.before) {
            Ok(late) => not_started.extend(late),
            Err(error) => first_error = first_error.and(Err(error)),
        }
    }
    first_error.map(|()| not_started)
}

/// Starts a service again, and what stopped with it, as far as it ran. Returns what did not start.
///
/// # Errors
/// The service manager does not answer.
fn start_again(
    services: &dyn Services,
    name: &str,
    before: &CapturedService,
) -> Result<Vec<ServiceReason>, ServiceError> {
    let of_kind = |activates: bool| {
        let with = before.stops_too.iter().rev().filter(move |it| it.activates == activates);
        with.map(|it| it.name.as_str())
    };
    // A socket is open before its service runs; what needs a service comes behind it.
    let itself = before.ran.then_some(name);
    let mut not_started = Vec::new();
    for name in of_kind(true).chain(itself).chain(of_kind(false)) {
        let runs = services.service(name)?.is_none_or(|service| service.runs());
        if runs {
            continue;
        }
        match services.start(name, START_TIME) {
            Ok(()) | Err(ServiceError::NotThere { .. }) => {}
            Err(error @ ServiceError::NoAnswer(_)) => return Err(error),
            Err(error) => {
                let (service, why) = (name.to_owned(), error.to_string());
                not_started.push(ServiceReason::NotStarted { service, why });
            }
        }
    }
    Ok(not_started)
}

/// Stops a service, and looks from time to time whether to go on. `left` is how long it may take.
fn stop_in_slices(
    services: &dyn Services,
    name: &str,
    left: &mut Duration,
    stop: &Stop<'_>,
) -> Result<(), ServiceError> {
    let whole = *left;
    loop {
        let slice = SLICE.min(*left);
        match services.stop(name, slice) {
            // What is gone does not run.
            Ok(_) | Err(ServiceError::NotThere { .. }) => return Ok(()),
            Err(ServiceError::NotInTime { name, action, .. }) => {
                *left = left.saturating_sub(slice);
                if left.is_zero() || stop() {
                    return Err(ServiceError::NotInTime { name, action, patience: whole });
                }
            }
            Err(error) => return Err(error),
        }
    }
}

/// Returns whether a service is as the plan was made from, with all that stops with it.
fn is_as_planned(services: &dyn Services, it: &DisabledService) -> Result<bool, ServiceError> {
    let Some(now) = service_facts(services, &it.service.name)? else { return Ok(false) };
    if it.before.was_disabled && !it.before.ran {
        // Another action of the same plan disabled it.
        return Ok(now.service.is_off());
    }
    Ok(CapturedService::of(&now) == it.before)
}

/// Returns whether nothing starts a service; one that is gone is not disabled.
fn is_disabled(services: &dyn Services, name: &str) -> Result<bool, ServiceError> {
    let disabled = |service: Service| service.start_mode == StartMode::Disabled;
    Ok(services.service(name)?.is_some_and(disabled))
}

fn manager<'e>(engine: &Engine<'e>) -> Result<&'e dyn Services, ServiceError> {
    let missing = || ServiceError::NoAnswer("no service manager is here any more".to_owned());
    engine.host.services().ok_or_else(missing)
}

fn unless_gone(done: Result<(), ServiceError>) -> Result<(), ServiceError> {
    match done {
        Err(ServiceError::NotThere { .. }) => Ok(()),
        done => done,
    }
}

/// A refusal may be the moment's: a service that is starting, a service manager that is busy.
fn failure(error: &ServiceError) -> Failure {
    Failure::temporary(error.to_string())
}

fn list(reasons: &[ServiceReason]) -> String {
    reasons.iter().map(ServiceReason::to_string).collect::<Vec<_>>().join("; and ")
}
