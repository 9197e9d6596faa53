//! Services: what systemd and the service control manager of Windows say of one.

use std::collections::BTreeMap;

use crate::fact::Fact;

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
    /// Its own name, whatever other names it was asked for by: `cups-browsed.service`,
    /// `MSExchangeMitigation`.
    pub name: String,
    /// What it does at the moment.
    pub activity: Activity,
    /// When it is started.
    pub start_mode: StartMode,
    /// How that is set up, for whoever gives it back.
    pub setup: StartSetup,
    /// The services that need it, and are stopped before it.
    pub dependents: Vec<String>,
    /// What starts it when it is asked for, and is stopped after it: sockets, timers, paths.
    pub activators: Vec<String>,
    /// Why it cannot be disabled so that it stays so and can be given back exactly, if so: a sentence
    /// without a full stop.
    pub obstacle: Option<String>,
}

impl Service {
    /// Returns whether nothing starts it and it does not run.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.start_mode == StartMode::Disabled && self.activity == Activity::Stopped
    }

    /// Returns whether it runs, or will as soon as it has started.
    #[must_use]
    pub fn runs(&self) -> bool {
        matches!(self.activity, Activity::Running | Activity::Starting)
    }
}

/// Something that runs and stops with a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StopsToo {
    /// Its name.
    pub name: String,
    /// Whether it is there to start a service, and does not need one: a socket, a timer, a path.
    pub activates: bool,
}

/// A service with all that stops with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceFacts {
    /// The service.
    pub service: Service,
    /// What runs and stops with it, in the order in which that stops: what needs it stops before it, and what
    /// activates it after it.
    pub stops_too: Vec<StopsToo>,
}

/// The services that were asked for, by the names that they were asked for by.
pub type ServicesByName = BTreeMap<String, Fact<ServiceFacts>>;
