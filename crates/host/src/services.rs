//! The services of a host: what to disable one has in common under systemd and under the service control
//! manager of Windows.

use std::collections::BTreeSet;
use std::time::Duration;

pub use stopgap_model::service::{
    Activity, Service, ServiceFacts, StartMode, StartSetup, StopsToo,
};

/// The most services that are looked at to find out what stops with one. What takes more with it is a part of
/// the machine's frame.
const MAX_LOOKED_AT: usize = 200;

/// What a service manager did not do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ServiceError {
    /// There is no service of this name, or not any more.
    #[error("there is no service {name}")]
    NotThere {
        /// The name.
        name: String,
    },
    /// A disabled service is not started.
    #[error("{name} is disabled, so it is not started")]
    Disabled {
        /// The service.
        name: String,
    },
    /// The service, or the service manager, refuses.
    #[error("{name} refuses: {why}")]
    Refused {
        /// The service.
        name: String,
        /// What was said; without a full stop.
        why: String,
    },
    /// It takes longer than it was waited for, and may still come to its end.
    #[error("{name} did not {action} within {} s", patience.as_secs())]
    NotInTime {
        /// The service.
        name: String,
        /// What was waited for, as a verb.
        action: &'static str,
        /// How long it was waited for.
        patience: Duration,
    },
    /// Too much hangs on it to be followed.
    #[error("more than {MAX_LOOKED_AT} others stop with {name}")]
    TooMany {
        /// The service.
        name: String,
    },
    /// The service manager does not answer.
    #[error("the service manager does not answer: {0}")]
    NoAnswer(String),
}

/// The service manager of a host. Every operation is bounded in time.
pub trait Services {
    /// The names of all services, sorted.
    ///
    /// # Errors
    /// [`ServiceError::NoAnswer`].
    fn list(&self) -> Result<Vec<String>, ServiceError>;

    /// A service as it is now; `None` if there is none of that name.
    ///
    /// # Errors
    /// [`ServiceError::NoAnswer`].
    fn service(&self, name: &str) -> Result<Option<Service>, ServiceError>;

    /// Sets up that nothing starts the service any more, once [`Services::reload`] was called. If it runs, it
    /// goes on, and stops as it says itself until then.
    ///
    /// # Errors
    /// As [`ServiceError`] says; nothing is changed then.
    fn disable(&self, name: &str) -> Result<(), ServiceError>;

    /// Sets up its start exactly as it was when [`Service::setup`] was captured, as from [`Services::reload`]
    /// on. It is not started.
    ///
    /// # Errors
    /// As [`ServiceError`] says; nothing is changed then.
    fn restore(&self, name: &str, setup: &StartSetup) -> Result<(), ServiceError>;

    /// Stops a service, those that need it first and what would start it last, and waits at most `patience`
    /// for all of them. A socket that is closed before its service could not be opened again while that runs,
    /// and a service that is disabled is started by no socket. Answers those that ran, in the order in which they stopped. One that is stopping already
    /// is waited for.
    ///
    /// # Errors
    /// As [`ServiceError`] says, with the service that did not stop; others may have stopped.
    fn stop(&self, name: &str, patience: Duration) -> Result<Vec<String>, ServiceError>;

    /// Has the service manager take what was set up, where it does not by itself.
    ///
    /// systemd keeps what it has read of a unit until it is told to read again, and a unit that is masked has no
    /// settings: one that is stopped behind that is not stopped by its own `ExecStop=`, signal and time.
    ///
    /// # Errors
    /// As [`ServiceError`] says.
    fn reload(&self) -> Result<(), ServiceError> {
        Ok(())
    }

    /// Starts a service and waits at most `patience` until it runs. One that runs is left alone.
    ///
    /// # Errors
    /// As [`ServiceError`] says.
    fn start(&self, name: &str, patience: Duration) -> Result<(), ServiceError>;
}

/// Returns a service with all that runs and stops with it; `None` if there is none of that name.
///
/// # Errors
/// The service manager does not answer, or too much hangs on the service.
pub fn service_facts(
    services: &dyn Services,
    name: &str,
) -> Result<Option<ServiceFacts>, ServiceError> {
    let Some(service) = services.service(name)? else { return Ok(None) };
    let mut walk =
        Walk { services, seen: BTreeSet::from([service.name.clone()]), found: Vec::new() };
    walk.around(&service)?;
    let mut stops_too = walk.found;
    stops_too.sort_by_key(|it| it.activates);
    Ok(Some(ServiceFacts { service, stops_too }))
}

/// Follows what stops with a service, each behind what hangs on it.
struct Walk<'s> {
    services: &'s dyn Services,
    seen: BTreeSet<String>,
    found: Vec<StopsToo>,
}

impl Walk<'_> {
    fn around(&mut self, service: &Service) -> Result<(), ServiceError> {
        // What both starts and needs it is stopped as what starts it.
        for (names, activates) in [(&service.activators, true), (&service.dependents, false)] {
            for name in names {
                self.visit(name, activates)?;
            }
        }
        Ok(())
    }

    fn visit(&mut self, name: &str, activates: bool) -> Result<(), ServiceError> {
        if self.seen.contains(name) {
            return Ok(());
        }
        if self.seen.len() > MAX_LOOKED_AT {
            return Err(ServiceError::TooMany { name: name.to_owned() });
        }
        let Some(service) = self.services.service(name)? else { return Ok(()) };
        self.seen.insert(name.to_owned());
        // Another name of one that was there already.
        if service.name != name && !self.seen.insert(service.name.clone()) {
            return Ok(());
        }
        self.around(&service)?;
        if service.activity != Activity::Stopped {
            self.found.push(StopsToo { name: service.name, activates });
        }
        Ok(())
    }
}
