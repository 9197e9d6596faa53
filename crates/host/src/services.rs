//! The services of a host: what to disable one has in common under systemd and under the service control
//! manager of Windows.

use std::time::Duration;

/// What a service does at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activity {
    /// It does not run.
    Stopped,
    /// It was told to start, and does not run yet.
    Starting,
    /// It runs.
    Running,
    /// It was told to stop, and has not ended yet.
    Stopping,
}

/// When the service manager starts a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartMode {
    /// By itself: an enabled unit, an automatic start.
    Automatic,
    /// When something asks for it: a static unit or one behind a socket, a manual start.
    OnDemand,
    /// Never, whoever asks: a masked unit, a disabled start.
    Disabled,
}

/// How the start of a service is set up, in the service manager's own words. It is captured before a
/// change and only ever given back: nobody else reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartSetup(pub String);

/// A service, as the service manager says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Its name: `cups-browsed.service`, `MSExchangeMitigation`.
    pub name: String,
    /// What it does at the moment.
    pub activity: Activity,
    /// When it is started.
    pub start_mode: StartMode,
    /// How that is set up, for [`Services::restore`].
    pub setup: StartSetup,
    /// The services that need it, and are stopped before it.
    pub dependents: Vec<String>,
}

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

    /// Sets up that nothing starts the service any more. If it runs, it goes on.
    ///
    /// # Errors
    /// As [`ServiceError`] says; nothing is changed then.
    fn disable(&self, name: &str) -> Result<(), ServiceError>;

    /// Sets up its start exactly as it was when [`Service::setup`] was captured. It is not started.
    ///
    /// # Errors
    /// As [`ServiceError`] says; nothing is changed then.
    fn restore(&self, name: &str, setup: &StartSetup) -> Result<(), ServiceError>;

    /// Stops a service, those that need it first, and waits at most `patience` for all of them. Answers
    /// those that ran, in the order in which they stopped: started again in the reverse order, each
    /// finds what it needs.
    ///
    /// # Errors
    /// As [`ServiceError`] says, with the service that did not stop; others may have stopped.
    fn stop(&self, name: &str, patience: Duration) -> Result<Vec<String>, ServiceError>;

    /// Starts a service and waits at most `patience` until it runs. One that runs is left alone.
    ///
    /// # Errors
    /// As [`ServiceError`] says.
    fn start(&self, name: &str, patience: Duration) -> Result<(), ServiceError>;
}
