//! The services of systemd: what it says of a unit, masked and unmasked, stopped and started.
//!
//! A unit is disabled by a mask, a link of its name to `/dev/null` in `/etc/systemd/system`, which stands above
//! the file of a package and leaves everything else as it is: how the unit is enabled, the files that add to
//! it, its other names. So what was set up is given back by taking the mask away. All is asked of `systemctl`
//! (`docs/adr/0038-systemd-is-asked-through-systemctl.md`).

use std::path::Path;
use std::time::Duration;

use super::unit_status::{StatusError, UnitStatus, is_unit_name, unit_name};
use crate::linux::command::{CommandError, CommandSpec, PROGRAM_TIME, last_words};
use crate::services::{
    Activity, Service, ServiceError, Services, StartMode, StartSetup, service_facts,
};

const SYSTEMCTL: &str = "/usr/bin/systemctl";
/// Where D-Bus finds what it starts, the first one first.
const BUS_SERVICES: [&str; 3] = [
    "/run/dbus-1/system-services",
    "/usr/local/share/dbus-1/system-services",
    "/usr/share/dbus-1/system-services",
];
/// Where the masks are.
const UNITS: &str = "/etc/systemd/system";
/// How long systemd may take to read all its units again.
const RELOAD_TIME: Duration = Duration::from_secs(60);

/// The service manager of this machine.
#[derive(Debug, Default)]
pub(crate) struct SystemdServices;

impl SystemdServices {
    /// Runs `systemctl` with these arguments, for at most `time`; what it wrote.
    fn systemctl(name: &str, arguments: &[&str], time: Duration) -> Result<String, ServiceError> {
        let spec = CommandSpec { time, ..CommandSpec::new(SYSTEMCTL, arguments) };
        let ended = spec.to_end().map_err(|error| no_answer(&error))?;
        if ended.success {
            return Ok(ended.output);
        }
        let why = last_words(&ended.output);
        // So it begins where systemd itself does not answer, whatever it was asked.
        match why.contains("Failed to connect to ") || why.contains("Connection timed out") {
            true => Err(ServiceError::NoAnswer(why)),
            false => Err(ServiceError::Refused { name: name.to_owned(), why }),
        }
    }

    fn status(name: &str) -> Result<Option<UnitStatus>, ServiceError> {
        let properties = format!("--property={}", UnitStatus::PROPERTIES.join(","));
        let said =
            Self::systemctl(name, &["show", "--all", &properties, "--", name], PROGRAM_TIME)?;
        let not_understood = |error: StatusError| {
            ServiceError::NoAnswer(format!("what it says of {name} is not understood: {error}"))
        };
        let status = UnitStatus::read(&said).map_err(not_understood)?;
        let started_by_bus = |status: &UnitStatus| status.bus_name().is_some_and(is_started_by_bus);
        // systemd keeps what it has read until it is told to read again.
        Ok(status.map(|status| match () {
            () if has_mask(status.name()) => status.masked(),
            () if started_by_bus(&status) => status.started_by_bus(),
            () => status,
        }))
    }

    /// The instances of a template that systemd has loaded.
    fn instances(template: &str) -> Result<Vec<String>, ServiceError> {
        let Some((stem, kind)) = template.split_once("@.") else { return Ok(Vec::new()) };
        let pattern = format!("{stem}@*.{kind}");
        let list = ["list-units", "--all", "--plain", "--no-legend", "--full", "--", &pattern];
        let said = Self::systemctl(template, &list, PROGRAM_TIME)?;
        Ok(first_words(&said))
    }

    /// A template is no service; `None` if there is not even a file of it.
    fn template(name: &str) -> Result<Option<Service>, ServiceError> {
        let list = ["list-unit-files", "--plain", "--no-legend", "--full", "--", name];
        let is_here = match Self::systemctl(name, &list, PROGRAM_TIME) {
            Ok(said) => first_words(&said).iter().any(|unit| unit == name),
            // Newer ones fail where nothing fits.
            Err(ServiceError::Refused { .. }) => false,
            Err(error) => return Err(error),
        };
        if !is_here {
            return Ok(None);
        }
        let instances = Self::instances(name)?;
        let here = match instances.is_empty() {
            true => "none is loaded".to_owned(),
            false => instances.join(", "),
        };
        Ok(Some(Service {
            name: name.to_owned(),
            activity: Activity::Stopped,
            start_mode: StartMode::OnDemand,
            setup: StartSetup(String::new()),
            dependents: Vec::new(),
            activators: Vec::new(),
            obstacle: Some(format!(
                "it is a template, of which each instance has to be named by itself (here: {here})"
            )),
        }))
    }

    /// Stops units in one go, so that none starts another one again: a socket that is to be closed passes
    /// nothing on any more.
    fn stop_all(names: &[String], time: Duration, patience: Duration) -> Result<(), ServiceError> {
        let [first, ..] = names else { return Ok(()) };
        let late = || ServiceError::NotInTime { name: first.clone(), action: "stop", patience };
        if time.is_zero() {
            return Err(late());
        }
        let arguments: Vec<&str> =
            ["stop", "--"].into_iter().chain(names.iter().map(String::as_str)).collect();
        let spec = CommandSpec { time, ..CommandSpec::new(SYSTEMCTL, &arguments) };
        let ended = match spec.to_end() {
            Ok(ended) => ended,
            // What it was told goes on without the one who told it.
            Err(CommandError::NotInTime { .. }) => return Err(late()),
            Err(error) => return Err(no_answer(&error)),
        };
        if ended.success {
            return Ok(());
        }
        for name in names {
            let activity = Self::status(name)?.map(|status| status.activity());
            if activity.is_some_and(|activity| activity != Activity::Stopped) {
                return Err(refused(name, &last_words(&ended.output)));
            }
        }
        Ok(())
    }
}

impl Services for SystemdServices {
    fn list(&self) -> Result<Vec<String>, ServiceError> {
        let list = ["list-unit-files", "--type=service", "--plain", "--no-legend", "--full"];
        let mut names = first_words(&Self::systemctl("the list of services", &list, PROGRAM_TIME)?);
        names.sort();
        Ok(names)
    }

    fn service(&self, name: &str) -> Result<Option<Service>, ServiceError> {
        // What is no name is no unit's, and would be a pattern or an option to `systemctl`.
        if !is_unit_name(name) {
            return Ok(None);
        }
        let name = unit_name(name);
        if name.contains("@.") {
            return Self::template(&name);
        }
        Ok(Self::status(&name)?.map(UnitStatus::into_service))
    }

    fn disable(&self, name: &str) -> Result<(), ServiceError> {
        let status = Self::status(name)?.ok_or_else(|| not_there(name))?;
        if status.start_mode() == StartMode::Disabled {
            return Ok(());
        }
        if let Some(why) = status.obstacle() {
            return Err(refused(name, &why));
        }
        Self::systemctl(name, &["--no-reload", "mask", "--", name], PROGRAM_TIME).map(drop)
    }

    fn restore(&self, name: &str, setup: &StartSetup) -> Result<(), ServiceError> {
        // One that was masked before was not masked by us.
        if UnitStatus::was_masked(setup) {
            return Ok(());
        }
        Self::systemctl(name, &["--no-reload", "unmask", "--", name], PROGRAM_TIME).map(drop)
    }

    fn reload(&self) -> Result<(), ServiceError> {
        Self::systemctl("systemd", &["daemon-reload"], RELOAD_TIME).map(drop)
    }

    fn stop(&self, name: &str, patience: Duration) -> Result<Vec<String>, ServiceError> {
        let facts = service_facts(self, name)?.ok_or_else(|| not_there(name))?;
        let (activators, dependents): (Vec<_>, Vec<_>) =
            facts.stops_too.into_iter().partition(|it| it.activates);
        let itself = (facts.service.activity != Activity::Stopped).then_some(facts.service.name);
        let names = dependents.into_iter().map(|it| it.name).chain(itself);
        let names: Vec<String> = names.chain(activators.into_iter().map(|it| it.name)).collect();
        Self::stop_all(&names, patience, patience)?;
        Ok(names)
    }

    fn start(&self, name: &str, patience: Duration) -> Result<(), ServiceError> {
        let status = Self::status(name)?.ok_or_else(|| not_there(name))?;
        if status.activity() == Activity::Running {
            return Ok(());
        }
        if status.start_mode() == StartMode::Disabled {
            return Err(ServiceError::Disabled { name: name.to_owned() });
        }
        let late = || ServiceError::NotInTime { name: name.to_owned(), action: "start", patience };
        let spec =
            CommandSpec { time: patience, ..CommandSpec::new(SYSTEMCTL, &["start", "--", name]) };
        match spec.to_end() {
            Ok(ended) if ended.success => Ok(()),
            Ok(ended) => Err(refused(name, &last_words(&ended.output))),
            Err(CommandError::NotInTime { .. }) => Err(late()),
            Err(error) => Err(no_answer(&error)),
        }
    }
}

/// Returns whether a unit is masked for good, whatever systemd has read of it.
fn has_mask(name: &str) -> bool {
    let link = Path::new(UNITS).join(name);
    std::fs::read_link(link).is_ok_and(|target| target == Path::new("/dev/null"))
}

/// Returns whether D-Bus starts the service of this name without asking systemd.
fn is_started_by_bus(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let file = |folder: &&str| Path::new(*folder).join(format!("{name}.service"));
    let mut texts = BUS_SERVICES.iter().map(file).filter_map(|file| std::fs::read(file).ok());
    let asks_systemd = |text: Vec<u8>| {
        let text = String::from_utf8_lossy(&text).into_owned();
        text.lines().any(|line| line.trim_start().starts_with("SystemdService="))
    };
    name.bytes().all(is_plain) && texts.next().is_some_and(|text| !asks_systemd(text))
}

fn no_answer(error: &CommandError) -> ServiceError {
    ServiceError::NoAnswer(error.to_string())
}

fn not_there(name: &str) -> ServiceError {
    ServiceError::NotThere { name: name.to_owned() }
}

fn refused(name: &str, why: &str) -> ServiceError {
    ServiceError::Refused { name: name.to_owned(), why: why.to_owned() }
}

/// The first word of each line.
fn first_words(text: &str) -> Vec<String> {
    text.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}
