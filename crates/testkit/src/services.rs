//! A service manager in memory: a state machine of services that need each other, with a clock of its own.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use stopgap_host::{Activity, Service, ServiceError, Services, StartMode, StartSetup};

/// How a simulated service misbehaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ServiceMood {
    /// Not at all.
    #[default]
    Good,
    /// It takes so long to stop, and is stopping meanwhile.
    StopsAfter(Duration),
    /// It is stopping for ever.
    HangsInStop,
    /// It refuses to stop.
    RefusesStop,
    /// It takes so long to start, and is starting meanwhile.
    StartsAfter(Duration),
    /// It ends while it starts.
    FailsToStart,
    /// Whenever it stops it is started again, by its own recovery or by something that needs it, unless
    /// it is disabled.
    ComesBack,
}

/// A service of the simulated manager.
#[derive(Debug, Clone)]
struct Simulated {
    start_mode: StartMode,
    state: State,
    needs: BTreeSet<String>,
    /// What it starts when it is asked: it is a socket or a timer.
    activates: BTreeSet<String>,
    obstacle: Option<String>,
    mood: ServiceMood,
    /// Whether the service manager has taken that it is disabled.
    is_held_down: bool,
}

/// What a service does, and until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Stopped,
    Running,
    /// `None`: for ever.
    Stopping(Option<Duration>),
    Starting(Duration),
}

/// A service manager in memory. Time passes only where a wait says so, so no test has to sleep.
#[derive(Debug, Default)]
pub struct SimulatedServices {
    services: RefCell<BTreeMap<String, Simulated>>,
    now: Cell<Duration>,
    is_silent: Cell<bool>,
    /// Whether it takes what was set up only when it is told, as systemd does.
    reads_late: bool,
    /// Those that were stopped when their own settings were gone.
    roughly_stopped: RefCell<BTreeSet<String>>,
    operations: Cell<usize>,
    meanwhile: Meanwhile,
}

/// What somebody does, given the number of the operation that follows.
type Act = Box<dyn Fn(&SimulatedServices, usize)>;

/// What happens before each operation.
#[derive(Default)]
struct Meanwhile(RefCell<Option<Act>>);

impl std::fmt::Debug for Meanwhile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Meanwhile")
    }
}

impl SimulatedServices {
    /// A service manager without services.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with one more service, which runs if it is started automatically, and needs these.
    #[must_use]
    pub fn with(self, name: &str, start_mode: StartMode, needs: &[&str]) -> Self {
        let state = match start_mode {
            StartMode::Automatic => State::Running,
            StartMode::OnDemand | StartMode::Disabled => State::Stopped,
        };
        let needs = needs.iter().map(|&name| name.to_owned()).collect();
        let (activates, obstacle) = (BTreeSet::new(), None);
        let mood = ServiceMood::Good;
        let is_held_down = start_mode == StartMode::Disabled;
        let service =
            Simulated { start_mode, state, needs, activates, obstacle, mood, is_held_down };
        self.services.borrow_mut().insert(name.to_owned(), service);
        self
    }

    /// The same, which takes what was set up only when it is told to, as systemd does: until then what is
    /// disabled can be started, and behind that a service has no settings of its own to stop by.
    #[must_use]
    pub fn that_reads_late(self) -> Self {
        Self { reads_late: true, ..self }
    }

    /// The services that were stopped when their own settings were gone.
    #[must_use]
    pub fn roughly_stopped(&self) -> Vec<String> {
        self.roughly_stopped.borrow().iter().cloned().collect()
    }

    /// The same with a socket that is open, and starts this service when it is asked.
    #[must_use]
    pub fn with_activator(self, name: &str, service: &str) -> Self {
        let it = self.with(name, StartMode::Automatic, &[]);
        it.change(name, |socket| socket.activates = BTreeSet::from([service.to_owned()]));
        it
    }

    /// Somebody asks a socket, which starts its service if that may be started.
    pub fn ask(&self, activator: &str) {
        let Some(socket) = self.services.borrow().get(activator).cloned() else { return };
        for name in socket.activates.iter().filter(|_| socket.state == State::Running) {
            if let Some(service) = self.services.borrow_mut().get_mut(name)
                && !service.is_held_down
            {
                service.state = State::Running;
            }
        }
    }

    /// Has something keep a service from being disabled for good.
    ///
    /// # Panics
    /// There is no such service.
    pub fn set_obstacle(&self, name: &str, why: &str) {
        self.change(name, |service| service.obstacle = Some(why.to_owned()));
    }

    /// Calls this before each operation with its number, from 1.
    pub fn set_meanwhile(&self, act: impl Fn(&Self, usize) + 'static) {
        self.operations.set(0);
        *self.meanwhile.0.borrow_mut() = Some(Box::new(act));
    }

    /// How many operations there were since `set_meanwhile`, or ever.
    #[must_use]
    pub fn operations(&self) -> usize {
        self.operations.get()
    }

    /// Has a service misbehave from now on.
    ///
    /// # Panics
    /// There is no such service.
    pub fn set_mood(&self, name: &str, mood: ServiceMood) {
        self.change(name, |service| service.mood = mood);
    }

    /// Has the service manager answer nothing, or answer again.
    pub fn set_silent(&self, is_silent: bool) {
        self.is_silent.set(is_silent);
    }

    /// Sets a service's start mode, as another tool or a person would.
    ///
    /// # Panics
    /// There is no such service.
    pub fn set_start_mode(&self, name: &str, start_mode: StartMode) {
        self.change(name, |service| {
            service.start_mode = start_mode;
            service.is_held_down = start_mode == StartMode::Disabled;
        });
    }

    /// Ends a service at once, as a person would.
    ///
    /// # Panics
    /// There is no such service.
    pub fn end(&self, name: &str) {
        self.change(name, |service| service.state = State::Stopped);
    }

    /// Starts a service at once, as a person would.
    ///
    /// # Panics
    /// There is no such service.
    pub fn run(&self, name: &str) {
        self.change(name, |service| service.state = State::Running);
    }

    /// Removes a service, as its uninstaller would.
    pub fn uninstall(&self, name: &str) {
        self.services.borrow_mut().remove(name);
    }

    /// Lets time pass: what takes time goes on.
    pub fn pass(&self, time: Duration) {
        let now = self.now.get() + time;
        self.now.set(now);
        for service in self.services.borrow_mut().values_mut() {
            match service.state {
                State::Stopping(Some(until)) if until <= now => service.end(),
                State::Starting(until) if until <= now => service.state = State::Running,
                State::Stopping(_) | State::Starting(_) | State::Stopped | State::Running => {}
            }
        }
    }

    fn change(&self, name: &str, change: impl FnOnce(&mut Simulated)) {
        let mut services = self.services.borrow_mut();
        change(services.get_mut(name).unwrap_or_else(|| panic!("there is no service {name}")));
    }

    fn answers(&self) -> Result<(), ServiceError> {
        let now = self.operations.get() + 1;
        self.operations.set(now);
        if let Some(act) = &*self.meanwhile.0.borrow() {
            act(self, now);
        }
        match self.is_silent.get() {
            true => Err(ServiceError::NoAnswer("the test keeps it silent".to_owned())),
            false => Ok(()),
        }
    }

    /// Changes a service that is there.
    fn with_service<T>(
        &self,
        name: &str,
        change: impl FnOnce(&mut Simulated) -> Result<T, ServiceError>,
    ) -> Result<T, ServiceError> {
        self.answers()?;
        let mut services = self.services.borrow_mut();
        let missing = || ServiceError::NotThere { name: name.to_owned() };
        change(services.get_mut(name).ok_or_else(missing)?)
    }

    fn state(&self, name: &str) -> Option<State> {
        self.services.borrow().get(name).map(|service| service.state)
    }

    /// A service and all that need it, however indirectly, each before what it needs, then what starts any of
    /// them. Services may need each other.
    fn with_dependents(&self, name: &str) -> Vec<String> {
        let services = self.services.borrow();
        let needing = |needed: &str| -> Vec<String> {
            let needing = services.iter().filter(|(_, other)| other.needs.contains(needed));
            needing.map(|(dependent, _)| dependent.clone()).collect()
        };
        let mut all = in_order(name, &needing);
        let starts = |other: &Simulated| all.iter().any(|name| other.activates.contains(name));
        let activating = services.iter().filter(|(_, other)| starts(other));
        let activating: Vec<String> = activating.map(|(name, _)| name.clone()).collect();
        all.extend(activating);
        all
    }

    /// A service and all that it needs, however indirectly, each behind what it needs.
    fn with_needs(&self, name: &str) -> Vec<String> {
        let services = self.services.borrow();
        let needs = |name: &str| -> Vec<String> {
            services.get(name).map(|it| it.needs.iter().cloned().collect()).unwrap_or_default()
        };
        in_order(name, &needs)
    }

    /// Stops one service, whatever needs it.
    fn stop_one(&self, name: &str, patience: Duration) -> Result<(), ServiceError> {
        let now = self.now.get();
        self.with_service(name, |service| {
            if self.reads_late && service.is_held_down {
                self.roughly_stopped.borrow_mut().insert(name.to_owned());
            }
            match (service.state, service.mood) {
                (State::Stopped, _) | (State::Stopping(_), _) => {}
                (_, ServiceMood::RefusesStop) => {
                    let why = "it cannot be stopped now".to_owned();
                    return Err(ServiceError::Refused { name: name.to_owned(), why });
                }
                (_, ServiceMood::HangsInStop) => service.state = State::Stopping(None),
                (_, ServiceMood::StopsAfter(time)) => {
                    service.state = State::Stopping(Some(now + time));
                }
                _ => service.end(),
            }
            Ok(())
        })?;
        self.wait(name, "stop", patience, |state| !matches!(state, State::Stopping(_)))
    }

    /// Starts one service, whatever it needs.
    fn start_one(&self, name: &str, patience: Duration) -> Result<(), ServiceError> {
        let now = self.now.get();
        if let Some(why) = self.is_late(name) {
            return Err(ServiceError::Refused { name: name.to_owned(), why });
        }
        self.with_service(name, |service| {
            match (service.state, service.is_held_down, service.mood) {
                (State::Running | State::Starting(_), ..) => {}
                (_, true, _) => {
                    return Err(ServiceError::Disabled { name: name.to_owned() });
                }
                (State::Stopping(_), ..) => {
                    let why = "it is stopping".to_owned();
                    return Err(ServiceError::Refused { name: name.to_owned(), why });
                }
                (_, _, ServiceMood::FailsToStart) => {
                    let why = "it ended while it started".to_owned();
                    return Err(ServiceError::Refused { name: name.to_owned(), why });
                }
                (_, _, ServiceMood::StartsAfter(time)) => {
                    service.state = State::Starting(now + time);
                }
                _ => service.state = State::Running,
            }
            Ok(())
        })?;
        self.wait(name, "start", patience, |state| state == State::Running)
    }

    /// A socket is not opened any more once its service runs.
    fn is_late(&self, name: &str) -> Option<String> {
        let services = self.services.borrow();
        let socket = services.get(name).filter(|it| it.state != State::Running)?;
        let runs = |name: &&String| {
            services.get(*name).is_some_and(|service| service.state == State::Running)
        };
        socket.activates.iter().find(runs).map(|service| format!("{service} runs already"))
    }

    /// Waits, as far as `patience` goes, until a service has come to where it is to come.
    fn wait(
        &self,
        name: &str,
        action: &'static str,
        patience: Duration,
        has_come: impl Fn(State) -> bool,
    ) -> Result<(), ServiceError> {
        let arrives = match self.state(name) {
            Some(State::Stopping(until)) => until,
            Some(State::Starting(until)) => Some(until),
            Some(State::Stopped | State::Running) | None => Some(self.now.get()),
        };
        let needed = arrives.map(|until| until.saturating_sub(self.now.get()));
        self.pass(needed.map_or(patience, |needed| needed.min(patience)));
        match self.state(name) {
            Some(state) if !has_come(state) => {
                Err(ServiceError::NotInTime { name: name.to_owned(), action, patience })
            }
            Some(_) | None => Ok(()),
        }
    }
}

impl Simulated {
    /// It has ended; what brings it back does so, unless it is disabled.
    fn end(&mut self) {
        let comes_back = self.mood == ServiceMood::ComesBack && !self.is_held_down;
        self.state = if comes_back { State::Running } else { State::Stopped };
    }

    fn activity(&self) -> Activity {
        match self.state {
            State::Stopped => Activity::Stopped,
            State::Running => Activity::Running,
            State::Stopping(_) => Activity::Stopping,
            State::Starting(_) => Activity::Starting,
        }
    }
}

/// The words of this service manager for its start modes.
const SETUPS: [(StartMode, &str); 3] = [
    (StartMode::Automatic, "automatic"),
    (StartMode::OnDemand, "on demand"),
    (StartMode::Disabled, "disabled"),
];

fn setup_of(mode: StartMode) -> StartSetup {
    let word = SETUPS.iter().find(|(known, _)| *known == mode).map_or("", |(_, word)| word);
    StartSetup(word.to_owned())
}

impl Services for SimulatedServices {
    fn list(&self) -> Result<Vec<String>, ServiceError> {
        self.answers()?;
        Ok(self.services.borrow().keys().cloned().collect())
    }

    fn service(&self, name: &str) -> Result<Option<Service>, ServiceError> {
        self.answers()?;
        let services = self.services.borrow();
        let Some(service) = services.get(name) else { return Ok(None) };
        let needing = services.iter().filter(|(_, other)| other.needs.contains(name));
        let activating = services.iter().filter(|(_, other)| other.activates.contains(name));
        Ok(Some(Service {
            name: name.to_owned(),
            activity: service.activity(),
            start_mode: service.start_mode,
            setup: setup_of(service.start_mode),
            dependents: needing.map(|(dependent, _)| dependent.clone()).collect(),
            activators: activating.map(|(activator, _)| activator.clone()).collect(),
            obstacle: service.obstacle.clone(),
        }))
    }

    fn reload(&self) -> Result<(), ServiceError> {
        self.answers()?;
        for service in self.services.borrow_mut().values_mut() {
            service.is_held_down = service.start_mode == StartMode::Disabled;
        }
        Ok(())
    }

    fn disable(&self, name: &str) -> Result<(), ServiceError> {
        let reads_late = self.reads_late;
        self.with_service(name, |service| {
            service.start_mode = StartMode::Disabled;
            service.is_held_down |= !reads_late;
            Ok(())
        })
    }

    fn restore(&self, name: &str, setup: &StartSetup) -> Result<(), ServiceError> {
        let reads_late = self.reads_late;
        self.with_service(name, |service| {
            let known = SETUPS.iter().find(|(_, word)| *word == setup.0);
            let (mode, _) = known.ok_or_else(|| ServiceError::Refused {
                name: name.to_owned(),
                why: format!("`{}` is no start setup", setup.0),
            })?;
            service.start_mode = *mode;
            service.is_held_down &= reads_late;
            Ok(())
        })
    }

    fn stop(&self, name: &str, patience: Duration) -> Result<Vec<String>, ServiceError> {
        self.with_service(name, |_| Ok(()))?;
        let begun = self.now.get();
        let mut stopped = Vec::new();
        for service in self.with_dependents(name) {
            if self.state(&service) == Some(State::Stopped) {
                continue;
            }
            // All of them together have the time.
            let left = patience.saturating_sub(self.now.get() - begun);
            self.stop_one(&service, left)?;
            stopped.push(service);
        }
        Ok(stopped)
    }

    fn start(&self, name: &str, patience: Duration) -> Result<(), ServiceError> {
        self.with_service(name, |_| Ok(()))?;
        let begun = self.now.get();
        for service in self.with_needs(name) {
            // All of them together have the time.
            let left = patience.saturating_sub(self.now.get() - begun);
            self.start_one(&service, left)?;
        }
        Ok(())
    }
}

/// A name and all that `next` leads to from it, each before the one that led to it.
fn in_order(name: &str, next: &dyn Fn(&str) -> Vec<String>) -> Vec<String> {
    fn visit(
        name: &str,
        next: &dyn Fn(&str) -> Vec<String>,
        seen: &mut BTreeSet<String>,
        order: &mut Vec<String>,
    ) {
        if !seen.insert(name.to_owned()) {
            return;
        }
        for other in next(name) {
            visit(&other, next, seen, order);
        }
        order.push(name.to_owned());
    }
    let (mut seen, mut order) = (BTreeSet::new(), Vec::new());
    visit(name, next, &mut seen, &mut order);
    order
}
