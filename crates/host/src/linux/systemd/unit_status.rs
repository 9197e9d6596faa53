//! How a unit is set up and what it does, as `systemctl show` says it, one property a line.

use std::collections::BTreeMap;

use crate::services::{Activity, Service, StartMode, StartSetup};

/// The longest name of a unit, in bytes (`UNIT_NAME_MAX`).
const MAX_NAME: usize = 255;
/// The kinds of units that a name may end with.
const KINDS: [&str; 11] = [
    "service",
    "socket",
    "timer",
    "path",
    "target",
    "mount",
    "automount",
    "swap",
    "slice",
    "scope",
    "device",
];
/// The units that stop when this one is stopped. `StopPropagatedFrom=` is there from systemd 249 on.
const DEPENDENTS: [&str; 5] =
    ["RequiredBy", "RequisiteOf", "BoundBy", "ConsistsOf", "PropagatesStopTo"];
/// The folders of unit files that stand below `/etc/systemd/system`, so that a mask there is above them.
const BELOW_A_MASK: [&str; 7] = [
    "/usr/lib/systemd/system/",
    "/lib/systemd/system/",
    "/usr/local/lib/systemd/system/",
    "/run/systemd/system/",
    "/run/systemd/generator/",
    "/run/systemd/generator.late/",
    "/etc/init.d/",
];

/// What systemd says of a unit is not understood; a phrase.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum StatusError {
    /// A property is missing.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// The unit is in no state that says whether it runs.
    #[error("the state {0}")]
    State(String),
    /// The unit's files cannot be read by systemd itself.
    #[error("it cannot load it ({0})")]
    NotLoaded(String),
}

/// How a unit is set up, and what it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UnitStatus {
    name: String,
    activity: Activity,
    /// Whether it is masked, be it until the next boot only.
    is_masked: bool,
    file_state: String,
    file: String,
    /// The files that add to it, as one text.
    drop_ins: String,
    dependents: Vec<String>,
    activators: Vec<String>,
    /// The name that it has on the bus; empty if it has none.
    bus_name: String,
    /// Why it cannot be disabled or given back, if so.
    refuses: Option<&'static str>,
}

impl UnitStatus {
    /// The properties that are asked for.
    pub(super) const PROPERTIES: [&'static str; 16] = [
        "Id",
        "LoadState",
        "ActiveState",
        "UnitFileState",
        "FragmentPath",
        "DropInPaths",
        "TriggeredBy",
        "BusName",
        "Transient",
        "RefuseManualStart",
        "RefuseManualStop",
        DEPENDENTS[0],
        DEPENDENTS[1],
        DEPENDENTS[2],
        DEPENDENTS[3],
        DEPENDENTS[4],
    ];

    /// Reads what was said of one unit; `None` if there is none of that name.
    ///
    /// # Errors
    /// It is not understood.
    pub(super) fn read(said: &str) -> Result<Option<Self>, StatusError> {
        let lines = said.lines().filter_map(|line| line.split_once('='));
        let of: BTreeMap<&str, &str> = lines.collect();
        let text = |name: &'static str| of.get(name).copied().ok_or(StatusError::Missing(name));
        let load = text("LoadState")?;
        match load {
            "not-found" => return Ok(None),
            "loaded" | "masked" => {}
            other => return Err(StatusError::NotLoaded(other.to_owned())),
        }
        let names = |name: &str| -> Vec<String> {
            let names = of.get(name).copied().unwrap_or_default();
            // In an order that does not change from one answer to the next.
            let mut names: Vec<String> = names.split_whitespace().map(str::to_owned).collect();
            names.sort();
            names
        };
        let is = |name: &str| of.get(name) == Some(&"yes");
        let refuses = match () {
            () if is("Transient") => {
                Some("it was made by a program, and has no file that could be masked")
            }
            () if is("RefuseManualStop") => Some("its unit forbids to stop it (RefuseManualStop=)"),
            () if is("RefuseManualStart") => Some(
                "its unit forbids to start it (RefuseManualStart=), so it could not be given back",
            ),
            () => None,
        };
        let file_state = text("UnitFileState")?.to_owned();
        Ok(Some(Self {
            name: text("Id")?.to_owned(),
            activity: activity(text("ActiveState")?)?,
            is_masked: load == "masked" || file_state.starts_with("masked"),
            file_state,
            file: text("FragmentPath")?.to_owned(),
            drop_ins: text("DropInPaths")?.to_owned(),
            dependents: DEPENDENTS.iter().flat_map(|name| names(name)).collect(),
            activators: names("TriggeredBy"),
            bus_name: of.get("BusName").copied().unwrap_or_default().to_owned(),
            refuses,
        }))
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Its name on the bus, if it has one.
    pub(super) fn bus_name(&self) -> Option<&str> {
        Some(self.bus_name.as_str()).filter(|name| !name.is_empty())
    }

    /// The same of a unit that the bus starts by itself, past systemd and its masks.
    pub(super) fn started_by_bus(self) -> Self {
        let why =
            "D-Bus starts it by itself (no SystemdService= in its file), so a mask would not hold";
        Self { refuses: Some(why), ..self }
    }

    /// The same of a unit that is masked, which systemd has not read yet.
    pub(super) fn masked(self) -> Self {
        Self { is_masked: true, ..self }
    }

    pub(super) fn activity(&self) -> Activity {
        self.activity
    }

    pub(super) fn start_mode(&self) -> StartMode {
        match self.file_state.as_str() {
            _ if self.is_masked => StartMode::Disabled,
            "enabled" | "enabled-runtime" => StartMode::Automatic,
            _ => StartMode::OnDemand,
        }
    }

    /// Why it cannot be masked, or not given back, if so.
    pub(super) fn obstacle(&self) -> Option<String> {
        if self.is_masked {
            return None;
        }
        if let Some(why) = self.refuses {
            return Some(why.to_owned());
        }
        let is_below = BELOW_A_MASK.iter().any(|folder| self.file.starts_with(folder));
        let is_linked = self.file_state.starts_with("linked");
        (is_linked || !is_below).then(|| match self.file.as_str() {
            "" => "it has no unit file that could be masked".to_owned(),
            file => format!("its unit file {file} stands where its mask would have to be"),
        })
    }

    /// How its start is set up, in words that [`UnitStatus::was_masked`] reads.
    fn setup(&self) -> StartSetup {
        let Self { file_state, file, drop_ins, .. } = self;
        StartSetup(format!("{file_state} {file} {drop_ins}").trim_end().to_owned())
    }

    /// Returns whether a set-up is that of a unit that was masked.
    pub(super) fn was_masked(setup: &StartSetup) -> bool {
        setup.0.starts_with("masked")
    }

    pub(super) fn into_service(self) -> Service {
        Service {
            activity: self.activity,
            start_mode: self.start_mode(),
            setup: self.setup(),
            obstacle: self.obstacle(),
            name: self.name,
            dependents: self.dependents,
            activators: self.activators,
        }
    }
}

fn activity(state: &str) -> Result<Activity, StatusError> {
    match state {
        "active" | "reloading" | "refreshing" => Ok(Activity::Running),
        "activating" => Ok(Activity::Starting),
        "deactivating" => Ok(Activity::Stopping),
        "inactive" | "failed" => Ok(Activity::Stopped),
        other => Err(StatusError::State(other.to_owned())),
    }
}

/// Returns whether a name can be that of a unit, with or without its kind.
pub(super) fn is_unit_name(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b":-_.\\@".contains(&byte);
    !name.is_empty() && name.len() <= MAX_NAME && name.bytes().all(is_allowed)
}

/// The name of a unit; one without a kind is a service's.
pub(super) fn unit_name(name: &str) -> String {
    let has_kind = name.rsplit_once('.').is_some_and(|(_, kind)| KINDS.contains(&kind));
    match has_kind {
        true => name.to_owned(),
        false => format!("{name}.service"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What systemd 252 says of Debian's cups-browsed.
    const CUPS: &str = "Id=cups-browsed.service\nRequiredBy=\nRequisiteOf=\nBoundBy=\nConsistsOf=\n\
                        TriggeredBy=cups-browsed.socket\nBusName=\nPropagatesStopTo=\nLoadState=loaded\n\
                        ActiveState=active\nFragmentPath=/lib/systemd/system/cups-browsed.service\n\
                        DropInPaths=/etc/systemd/system/cups-browsed.service.d/a.conf\n\
                        UnitFileState=enabled\nRefuseManualStart=no\nRefuseManualStop=no\nTransient=no\n";

    fn read(said: &str) -> Service {
        UnitStatus::read(said).unwrap().unwrap().into_service()
    }

    #[test]
    fn a_unit_is_read_with_what_starts_it_and_what_needs_it() {
        let service = read(&CUPS.replace("RequiredBy=", "RequiredBy=a.service b.service"));
        assert_eq!(
            service,
            Service {
                name: "cups-browsed.service".into(),
                activity: Activity::Running,
                start_mode: StartMode::Automatic,
                setup: StartSetup(
                    "enabled /lib/systemd/system/cups-browsed.service \
                     /etc/systemd/system/cups-browsed.service.d/a.conf"
                        .into()
                ),
                dependents: vec!["a.service".into(), "b.service".into()],
                activators: vec!["cups-browsed.socket".into()],
                obstacle: None,
            }
        );
    }

    #[test]
    fn what_cannot_be_masked_or_given_back_says_why() {
        for (from, to, expected) in [
            (
                "/lib/systemd",
                "/etc/systemd",
                "its unit file /etc/systemd/system/cups-browsed.service stands",
            ),
            ("/lib/systemd/system", "/run/systemd/transient", "stands where its mask"),
            ("State=enabled", "State=linked", "stands where its mask"),
            ("/lib/systemd/system/cups-browsed.service", "", "no unit file"),
            ("Transient=no", "Transient=yes", "made by a program"),
            ("ManualStop=no", "ManualStop=yes", "RefuseManualStop"),
            ("ManualStart=no", "ManualStart=yes", "RefuseManualStart"),
        ] {
            let obstacle = read(&CUPS.replace(from, to)).obstacle.unwrap_or_default();
            assert!(obstacle.contains(expected), "{to}: {obstacle}");
        }
        for folder in
            ["/usr/lib/systemd/system", "/run/systemd/generator.late", "/run/systemd/system"]
        {
            assert_eq!(
                read(&CUPS.replace("/lib/systemd/system", folder)).obstacle,
                None,
                "{folder}"
            );
        }
    }

    #[test]
    fn a_masked_unit_is_disabled_whatever_else_is_said_of_it() {
        let masked = CUPS.replace("LoadState=loaded", "LoadState=masked");
        for state in ["masked", "masked-runtime", ""] {
            let said = masked.replace("State=enabled", &format!("State={state}"));
            let service = read(&said.replace("/lib/systemd/", "/etc/systemd/"));
            assert_eq!(
                (service.start_mode, service.obstacle),
                (StartMode::Disabled, None),
                "{state}"
            );
        }
        assert!(UnitStatus::was_masked(&read(&masked.replace("=enabled", "=masked")).setup));
        assert!(!UnitStatus::was_masked(&read(CUPS).setup));
    }

    #[test]
    fn states_and_torn_answers() {
        for (state, activity) in [
            ("active", Activity::Running),
            ("activating", Activity::Starting),
            ("deactivating", Activity::Stopping),
            ("failed", Activity::Stopped),
        ] {
            let said = CUPS.replace("ActiveState=active", &format!("ActiveState={state}"));
            assert_eq!(read(&said).activity, activity);
        }
        assert!(UnitStatus::read(&CUPS.replace("State=active", "State=maintenance")).is_err());
        assert!(UnitStatus::read(&CUPS.replace("=loaded", "=bad-setting")).is_err());
        assert_eq!(UnitStatus::read(&CUPS.replace("=loaded", "=not-found")), Ok(None));
        assert!(UnitStatus::read("").is_err());
        assert!(UnitStatus::read(&CUPS.replace("Id=", "It=")).is_err());
    }

    #[test]
    fn names_of_units() {
        assert_eq!(unit_name("cups-browsed"), "cups-browsed.service");
        assert_eq!(unit_name("php8.2-fpm"), "php8.2-fpm.service");
        assert_eq!(unit_name("a.socket"), "a.socket");
        for wrong in ["", "a*", "a b", "a/b", "[a]", "a?.service", "--help=", "ä"] {
            assert!(!is_unit_name(wrong), "{wrong}");
        }
    }
}
