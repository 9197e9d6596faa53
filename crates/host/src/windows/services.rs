//! The services of this machine, over the service control manager.

use std::io;
use std::time::{Duration, Instant};

use stopgap_win32::{Access, FailureAction, FailureActions, Manager, OpenService};

use super::setup_text::SetupText;
use crate::services::{Activity, Service, ServiceError, Services, StartMode, StartSetup};

/// When Windows starts a service.
const AUTOMATIC: u32 = 2;
const ON_DEMAND: u32 = 3;
const DISABLED: u32 = 4;

/// What a service does.
const STOPPED: u32 = 1;
const START_PENDING: u32 = 2;
const STOP_PENDING: u32 = 3;

/// Errors of the service control manager.
const ALREADY_RUNNING: i32 = 1056;
const IS_DISABLED: i32 = 1058;
const NOT_THERE: i32 = 1060;
const NOT_RUNNING: i32 = 1062;
const BEING_DELETED: i32 = 1072;
const INVALID_NAME: i32 = 123;
/// The service control manager takes nothing, as while the machine is shut down.
const NO_SERVER: [i32; 3] = [1722, 1115, 1053];

/// The service control manager has no such thing: Wine's, never that of Windows.
const INVALID_LEVEL: i32 = 124;

/// How often a service that starts or stops is looked at.
const PAUSE: Duration = Duration::from_millis(50);

/// The service control manager of this machine. It is opened for each question, so that nothing is held
/// between two cycles.
#[derive(Debug)]
pub struct WindowsServices;

impl WindowsServices {
    fn open(&self, name: &str, access: Access) -> Result<OpenService, ServiceError> {
        manager()?.service(name, access).map_err(|error| of(name, &error))
    }

    /// The services that need one, as the configuration of each says it: a list that Windows itself would
    /// give has the same, and Wine gives none.
    fn dependents(&self, name: &str) -> Result<Vec<String>, ServiceError> {
        let manager = manager()?;
        let names = manager.names().map_err(|error| silent(&error))?;
        let mut dependents = Vec::new();
        for other in names {
            // One that was deleted meanwhile, or that may not be looked at, needs nothing.
            let Ok(service) = manager.service(&other, Access::Look) else { continue };
            let Ok(config) = service.config() else { continue };
            if config.needs.iter().any(|needed| needed.eq_ignore_ascii_case(name)) {
                dependents.push(other);
            }
        }
        dependents.sort();
        Ok(dependents)
    }

    /// The running services that need `name`, directly or not, in an order in which they can be stopped;
    /// `name` itself last.
    fn to_stop(&self, name: &str) -> Result<Vec<String>, ServiceError> {
        let (mut order, mut left) = (Vec::new(), vec![(name.to_owned(), false)]);
        while let Some((service, seen)) = left.pop() {
            if order.contains(&service) {
                continue;
            }
            if seen {
                order.push(service);
                continue;
            }
            left.push((service.clone(), true));
            let waiting = |one: &String| left.iter().any(|(other, seen)| *seen && other == one);
            // A circle cannot be started, so there is none; and if there were, this has an end.
            let dependents: Vec<String> =
                self.dependents(&service)?.into_iter().filter(|one| !waiting(one)).collect();
            left.extend(dependents.into_iter().map(|dependent| (dependent, false)));
        }
        Ok(order)
    }

    fn stop_one(&self, name: &str, until: Deadline) -> Result<bool, ServiceError> {
        let service = match self.open(name, Access::Control) {
            // A dependent that was deleted meanwhile is not in the way.
            Err(ServiceError::NotThere { .. }) => return Ok(false),
            service => service?,
        };
        if service.status().map_err(|error| of(name, &error))?.state == STOPPED {
            return Ok(false);
        }
        match service.stop() {
            Err(error) if number(&error) == Some(NOT_RUNNING) => return Ok(false),
            // It is starting or stopping, and takes no word now.
            Err(error) if number(&error) == Some(1061) => {}
            told => told.map_err(|error| of(name, &error))?,
        }
        loop {
            let state = service.status().map_err(|error| of(name, &error))?.state;
            if state == STOPPED {
                return Ok(true);
            }
            until.require(name, "stop")?;
            if state != STOP_PENDING {
                // One that was starting takes it when it runs; one that was told twice does not mind.
                let _ = service.stop();
            }
            std::thread::sleep(PAUSE);
        }
    }
}

impl Services for WindowsServices {
    fn list(&self) -> Result<Vec<String>, ServiceError> {
        let mut names = manager()?.names().map_err(|error| silent(&error))?;
        names.sort();
        Ok(names)
    }

    fn service(&self, name: &str) -> Result<Option<Service>, ServiceError> {
        let service = match self.open(name, Access::Look) {
            Err(ServiceError::NotThere { .. }) => return Ok(None),
            service => service?,
        };
        let setup = captured(&service).map_err(|error| of(name, &error))?;
        let state = service.status().map_err(|error| of(name, &error))?.state;
        // Windows finds a service whatever the case is; its own name is the one that is listed.
        let is_it = |own: &String| own.eq_ignore_ascii_case(name);
        let own = self.list()?.into_iter().find(is_it).unwrap_or_else(|| name.to_owned());
        Ok(Some(Service {
            name: own,
            activity: match state {
                STOPPED => Activity::Stopped,
                START_PENDING => Activity::Starting,
                STOP_PENDING => Activity::Stopping,
                // Paused is running too: its process is there, and takes requests again at any time.
                _ => Activity::Running,
            },
            start_mode: match setup.start {
                DISABLED => StartMode::Disabled,
                ON_DEMAND => StartMode::OnDemand,
                // Those of the boot too.
                _ => StartMode::Automatic,
            },
            setup: StartSetup(setup.write()),
            dependents: self.dependents(name)?,
            // Triggers start a service, and are a part of how it is set up.
            activators: Vec::new(),
            obstacle: None,
        }))
    }

    fn disable(&self, name: &str) -> Result<(), ServiceError> {
        let service = self.open(name, Access::Configure)?;
        let failed = |error: io::Error| of(name, &error);
        // First what would start it again when it is stopped. A service that is only disabled then is
        // as good as before, so nothing is put back if the next step fails.
        let before = captured(&service).map_err(failed)?;
        service.set_failure_actions(&FailureActions::default()).map_err(failed)?;
        give_counts_errors(&service, false).map_err(failed)?;
        let disabled = service.set_start(DISABLED).map_err(failed);
        if disabled.is_err() {
            let _ = given(&service, &before);
        }
        disabled
    }

    fn restore(&self, name: &str, setup: &StartSetup) -> Result<(), ServiceError> {
        let wanted = SetupText::read(&setup.0).map_err(|_| ServiceError::Refused {
            name: name.to_owned(),
            why: "what was captured of its start cannot be read".to_owned(),
        })?;
        let service = self.open(name, Access::Configure)?;
        given(&service, &wanted).map_err(|error| of(name, &error))
    }

    fn stop(&self, name: &str, patience: Duration) -> Result<Vec<String>, ServiceError> {
        self.open(name, Access::Look)?;
        let until = Deadline::new(patience);
        let mut stopped = Vec::new();
        for service in self.to_stop(name)? {
            if self.stop_one(&service, until)? {
                stopped.push(service);
            }
        }
        Ok(stopped)
    }

    fn start(&self, name: &str, patience: Duration) -> Result<(), ServiceError> {
        let until = Deadline::new(patience);
        let service = self.open(name, Access::Control)?;
        match service.start() {
            Err(error) if number(&error) == Some(ALREADY_RUNNING) => {}
            told => told.map_err(|error| of(name, &error))?,
        }
        loop {
            match service.status().map_err(|error| of(name, &error))?.state {
                START_PENDING | STOP_PENDING => until.require(name, "start")?,
                STOPPED => {
                    let why = "it ended while it started".to_owned();
                    return Err(ServiceError::Refused { name: name.to_owned(), why });
                }
                _ => return Ok(()),
            }
            std::thread::sleep(PAUSE);
        }
    }
}

/// Until when something is waited for.
#[derive(Clone, Copy)]
struct Deadline {
    start: Instant,
    patience: Duration,
}

impl Deadline {
    fn new(patience: Duration) -> Self {
        Self { start: Instant::now(), patience }
    }

    fn require(self, name: &str, action: &'static str) -> Result<(), ServiceError> {
        match self.start.elapsed() < self.patience {
            true => Ok(()),
            false => Err(ServiceError::NotInTime {
                name: name.to_owned(),
                action,
                patience: self.patience,
            }),
        }
    }
}

/// How a service is set up now.
fn captured(service: &OpenService) -> io::Result<SetupText> {
    let failure = service.failure_actions().or_else(|error| match number(&error) {
        // Wine keeps them and does not give them back.
        Some(INVALID_LEVEL) => Ok(FailureActions::default()),
        _ => Err(error),
    })?;
    let start = service.config()?.start;
    Ok(SetupText {
        start,
        delayed: start == AUTOMATIC && service.is_delayed()?,
        counts_errors: service.counts_errors().or_else(none_of_it)?,
        reset: failure.reset,
        actions: failure.actions.iter().map(|action| (action.kind, action.delay)).collect(),
        command: failure.command,
        message: failure.message,
    })
}

/// Sets a service up as it was captured.
fn given(service: &OpenService, setup: &SetupText) -> io::Result<()> {
    let action = |&(kind, delay): &(i32, u32)| FailureAction { kind, delay };
    service.set_failure_actions(&FailureActions {
        reset: setup.reset,
        message: setup.message.clone(),
        command: setup.command.clone(),
        actions: setup.actions.iter().map(action).collect(),
    })?;
    give_counts_errors(service, setup.counts_errors)?;
    service.set_start(setup.start)?;
    // It can be said of an automatic start only.
    match setup.start {
        AUTOMATIC => service.set_delayed(setup.delayed),
        _ => Ok(()),
    }
}

/// Sets whether an end with an error code counts as a failure. Where there is no such thing it is not set.
fn give_counts_errors(service: &OpenService, counts: bool) -> io::Result<()> {
    match (service.set_counts_errors(counts), counts) {
        (Err(error), false) => none_of_it(error).map(drop),
        (given, _) => given,
    }
}

/// Not set, where the service control manager has no such thing: Wine's.
fn none_of_it(error: io::Error) -> io::Result<bool> {
    match number(&error) {
        Some(INVALID_LEVEL) => Ok(false),
        _ => Err(error),
    }
}

fn manager() -> Result<Manager, ServiceError> {
    Manager::open().map_err(|error| silent(&error))
}

fn silent(error: &io::Error) -> ServiceError {
    ServiceError::NoAnswer(error.to_string())
}

fn number(error: &io::Error) -> Option<i32> {
    error.raw_os_error()
}

/// What an error about one service says.
fn of(name: &str, error: &io::Error) -> ServiceError {
    let name = name.to_owned();
    match number(error) {
        Some(NOT_THERE | BEING_DELETED | INVALID_NAME) => ServiceError::NotThere { name },
        Some(IS_DISABLED) => ServiceError::Disabled { name },
        Some(number) if NO_SERVER.contains(&number) => silent(error),
        _ => ServiceError::Refused { name, why: error.to_string() },
    }
}
