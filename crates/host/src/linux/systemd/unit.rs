//! Units of the system's service manager, as it says itself what it starts.
//!
//! `systemctl show` loses where one argument ends and the next begins; the bus does not.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;
use stopgap_model::Reasons;
use stopgap_model::reason::{FoundReason, ProgramReason};

use crate::linux::command::{CommandSpec, last_words};

const BUSCTL: &str = "/usr/bin/busctl";
const MANAGER: &str = "org.freedesktop.systemd1";
const UNITS: &str = "/org/freedesktop/systemd1/unit/";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";
/// The number for a user or a group that is not there.
const NONE: u64 = u32::MAX as u64;
/// The folders that a unit may have made, by the setting and the variable that names them.
const FOLDERS: [(&str, &str, &str); 5] = [
    ("RuntimeDirectory", "RUNTIME_DIRECTORY", "/run/"),
    ("StateDirectory", "STATE_DIRECTORY", "/var/lib/"),
    ("CacheDirectory", "CACHE_DIRECTORY", "/var/cache/"),
    ("LogsDirectory", "LOGS_DIRECTORY", "/var/log/"),
    ("ConfigurationDirectory", "CONFIGURATION_DIRECTORY", "/etc/"),
];

/// The properties that name the units that start this one.
const STARTERS: [&str; 5] = ["WantedBy", "RequiredBy", "BoundBy", "UpheldBy", "TriggeredBy"];

/// What the service manager said of a unit is not understood; each a phrase.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UnitError {
    /// It is not JSON.
    #[error("{0}")]
    NotJson(String),
    /// There is nothing in it.
    #[error("its answer has no properties")]
    NoProperties,
    /// A property is missing.
    #[error("its answer has no {0}")]
    Missing(String),
    /// A property is of another kind.
    #[error("{name} is no {expected}")]
    OfAnotherKind { name: String, expected: &'static str },
}

/// What the service manager answers about a unit; `None` if there is none of that name.
pub(crate) type UnitAnswer = Result<Option<Unit>, Reasons>;

/// A service of the system's service manager.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Unit {
    pub(crate) name: String,
    /// Its own file and those that add to it.
    pub(crate) files: Vec<String>,
    /// What it is started by.
    pub(crate) commands: Vec<UnitCommand>,
    pub(crate) environment: Vec<String>,
    /// Files of variables, and whether each may be missing.
    pub(crate) environment_files: Vec<(String, bool)>,
    pub(crate) unset: Vec<String>,
    /// Variables that name its folders.
    pub(crate) folders: BTreeMap<String, String>,
    pub(crate) user: String,
    pub(crate) group: String,
    pub(crate) groups: Vec<String>,
    /// The numbers of user and group, where the service manager has them already.
    pub(crate) uid: Option<u32>,
    pub(crate) gid: Option<u32>,
    pub(crate) dynamic_user: bool,
    pub(crate) ambient: u64,
    pub(crate) bounding: u64,
    pub(crate) no_new_privileges: bool,
    pub(crate) working_folder: String,
    /// Whether it sees another root folder than the machine's.
    pub(crate) has_own_root: bool,
    /// The process that it takes for the server; a worker may have told it another one.
    pub(crate) main_process: i32,
    pub(crate) active: bool,
    /// What is known of its start at boot: `enabled`, `disabled`, `static`; empty if nothing is.
    pub(crate) file_state: String,
    /// The units that start it.
    pub(crate) started_by: Vec<String>,
    /// Whether it says how it takes another configuration (`ExecReload=`).
    pub(crate) can_reload: bool,
}

/// A command that starts a unit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct UnitCommand {
    pub(crate) program: String,
    /// The name that it is called by first.
    pub(crate) arguments: Vec<String>,
    /// What the signs before it say: `privileged`, `no-setuid`, `no-env-expand`.
    pub(crate) flags: Vec<String>,
}

impl Unit {
    /// Asks the service manager about a unit; `None` if there is none of that name.
    ///
    /// # Errors
    /// It does not answer, or not so that it is understood.
    pub(crate) fn ask(name: &str) -> UnitAnswer {
        let failed = |why: Reasons| -> Reasons {
            FoundReason::UnitUnknown { unit: name.to_owned(), why }.into()
        };
        let object = format!("{UNITS}{}", label(name));
        // An empty name asks for the properties of every interface.
        let call = ["--json=short", "call", MANAGER, &object, PROPERTIES, "GetAll", "s", ""];
        let ended = CommandSpec::new(BUSCTL, &call).to_end();
        let ended = ended.map_err(|error| failed(error.into()))?;
        let program = BUSCTL.to_owned();
        match ended.success {
            true => Self::read(&ended.output).map_err(|error| {
                let error = error.to_string();
                failed(ProgramReason::NotUnderstood { program, error }.into())
            }),
            false => {
                let said = last_words(&ended.output);
                Err(failed(ProgramReason::Failed { command: program, said }.into()))
            }
        }
    }

    fn read(answer: &str) -> Result<Option<Self>, UnitError> {
        let answer: Value =
            serde_json::from_str(answer).map_err(|error| UnitError::NotJson(error.to_string()))?;
        let all = answer.pointer("/data/0").ok_or(UnitError::NoProperties)?;
        let said = Properties(all);
        if said.text("LoadState")? != "loaded" {
            return Ok(None);
        }
        let number = |name| said.number(name).ok().filter(|&number| number < NONE);
        let number = |name| number(name).and_then(|number| u32::try_from(number).ok());
        let has_text = |name| said.text(name).is_ok_and(|text| !text.is_empty());
        Ok(Some(Self {
            name: said.text("Id")?,
            files: said.files()?,
            commands: said.commands()?,
            environment: said.texts("Environment")?,
            environment_files: said.environment_files()?,
            unset: said.texts("UnsetEnvironment")?,
            folders: said.folders(),
            user: said.text("User")?,
            group: said.text("Group")?,
            groups: said.texts("SupplementaryGroups")?,
            uid: number("UID"),
            gid: number("GID"),
            dynamic_user: said.truth("DynamicUser"),
            ambient: said.number("AmbientCapabilities")?,
            bounding: said.number("CapabilityBoundingSet")?,
            no_new_privileges: said.truth("NoNewPrivileges"),
            working_folder: said.text("WorkingDirectory")?,
            has_own_root: has_text("RootDirectory") || has_text("RootImage"),
            main_process: number("MainPID").and_then(|pid| i32::try_from(pid).ok()).unwrap_or(0),
            active: said.is_active()?,
            file_state: said.text("UnitFileState").unwrap_or_default(),
            started_by: said.starters(),
            can_reload: said.truth("CanReload"),
        }))
    }

    /// Why nothing starts it, if so. What is enabled, wanted by another unit, or of a state
    /// that does not say it, may be started at any time.
    pub(crate) fn dormant(&self) -> Option<FoundReason> {
        let is_off = matches!(self.file_state.as_str(), "disabled" | "masked" | "masked-runtime");
        let is_dormant = is_off && self.started_by.is_empty() && !self.active;
        is_dormant.then(|| FoundReason::UnitOff {
            unit: self.name.clone(),
            state: self.file_state.clone(),
        })
    }
}

/// The properties of a unit: `{"Name": {"type": "s", "data": …}}`.
struct Properties<'a>(&'a Value);

impl Properties<'_> {
    fn data(&self, name: &str) -> Result<&Value, UnitError> {
        let property = self.0.get(name).and_then(|property| property.get("data"));
        property.ok_or_else(|| UnitError::Missing(name.to_owned()))
    }

    fn text(&self, name: &str) -> Result<String, UnitError> {
        let text = self.data(name)?.as_str().map(str::to_owned);
        text.ok_or_else(|| of_another_kind(name, "text"))
    }

    fn number(&self, name: &str) -> Result<u64, UnitError> {
        self.data(name)?.as_u64().ok_or_else(|| of_another_kind(name, "number"))
    }

    fn truth(&self, name: &str) -> bool {
        self.data(name).ok().and_then(Value::as_bool).unwrap_or(false)
    }

    fn list(&self, name: &str) -> Result<&Vec<Value>, UnitError> {
        self.data(name)?.as_array().ok_or_else(|| of_another_kind(name, "list"))
    }

    fn texts(&self, name: &str) -> Result<Vec<String>, UnitError> {
        texts(self.list(name)?).ok_or_else(|| of_another_kind(name, "list of texts"))
    }

    /// The unit's own file and those that add to it.
    fn files(&self) -> Result<Vec<String>, UnitError> {
        let mut files = vec![self.text("FragmentPath")?];
        files.extend(self.texts("DropInPaths")?);
        files.retain(|path| !path.is_empty());
        Ok(files)
    }

    /// The variables that name its folders.
    fn folders(&self) -> BTreeMap<String, String> {
        let mut folders = BTreeMap::new();
        for (setting, variable, folder) in FOLDERS {
            let names = self.texts(setting).unwrap_or_default();
            let paths: Vec<String> = names.iter().map(|name| format!("{folder}{name}")).collect();
            if !paths.is_empty() {
                folders.insert(variable.to_owned(), paths.join(":"));
            }
        }
        folders
    }

    /// The units that start it.
    fn starters(&self) -> Vec<String> {
        // `UpheldBy` is there from systemd 249 on.
        STARTERS.iter().filter_map(|name| self.texts(name).ok()).flatten().collect()
    }

    fn is_active(&self) -> Result<bool, UnitError> {
        let state = self.text("ActiveState")?;
        Ok(matches!(state.as_str(), "active" | "reloading" | "activating" | "deactivating"))
    }

    /// `a(sb)`
    fn environment_files(&self) -> Result<Vec<(String, bool)>, UnitError> {
        let one =
            |entry: &Value| Some((entry.get(0)?.as_str()?.to_owned(), entry.get(1)?.as_bool()?));
        let all = self.list("EnvironmentFiles")?.iter().map(one).collect::<Option<_>>();
        all.ok_or_else(|| of_another_kind("EnvironmentFiles", "list of files"))
    }

    /// `a(sasasttttuii)`: program, arguments, flags, and what became of it. Before systemd 244 there
    /// is but `a(sasbttttuii)`, without the flags.
    fn commands(&self) -> Result<Vec<UnitCommand>, UnitError> {
        let list = self.list("ExecStartEx").or_else(|_| self.list("ExecStart"))?;
        let one = |entry: &Value| {
            let flags = entry.get(2)?.as_array().map_or(Some(Vec::new()), |flags| texts(flags))?;
            let program = entry.get(0)?.as_str()?.to_owned();
            Some(UnitCommand { program, arguments: texts(entry.get(1)?.as_array()?)?, flags })
        };
        let all = list.iter().map(one).collect::<Option<_>>();
        all.ok_or_else(|| of_another_kind("ExecStart", "list of commands"))
    }
}

fn of_another_kind(name: &str, expected: &'static str) -> UnitError {
    UnitError::OfAnotherKind { name: name.to_owned(), expected }
}

fn texts(list: &[Value]) -> Option<Vec<String>> {
    list.iter().map(|text| text.as_str().map(str::to_owned)).collect()
}

/// The part of an object's path that stands for a name (`sd_bus_path_encode(3)`).
fn label(name: &str) -> String {
    let mut label = String::new();
    for (at, byte) in name.bytes().enumerate() {
        match byte.is_ascii_alphabetic() || (byte.is_ascii_digit() && at > 0) {
            true => label.push(char::from(byte)),
            // A text takes no harm from being written to.
            false => {
                let _ = write!(label, "_{byte:02x}");
            }
        }
    }
    if label.is_empty() { "_".to_owned() } else { label }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Debian's HAProxy says, shortened.
    const HAPROXY: &str = r#"{"type":"a{sv}","data":[{
        "Id":{"type":"s","data":"haproxy.service"},
        "LoadState":{"type":"s","data":"loaded"},"ActiveState":{"type":"s","data":"active"},
        "FragmentPath":{"type":"s","data":"/lib/systemd/system/haproxy.service"},
        "DropInPaths":{"type":"as","data":["/etc/systemd/system/haproxy.service.d/a.conf"]},
        "ExecStartEx":{"type":"a(sasasttttuii)","data":[["/usr/sbin/haproxy",
            ["/usr/sbin/haproxy","-Ws","-f","$CONFIG"],["no-setuid"],1,2,3,4,66,0,0]]},
        "ExecStart":{"type":"a(sasbttttuii)","data":[["/x",["/x"],false,1,2,3,4,66,0,0]]},
        "Environment":{"type":"as","data":["CONFIG=/etc/haproxy/haproxy.cfg"]},
        "EnvironmentFiles":{"type":"a(sb)","data":[["/etc/default/haproxy",true]]},
        "UnsetEnvironment":{"type":"as","data":[]},
        "RuntimeDirectory":{"type":"as","data":["haproxy","h2"]},
        "User":{"type":"s","data":""},"Group":{"type":"s","data":""},
        "SupplementaryGroups":{"type":"as","data":[]},
        "UID":{"type":"u","data":4294967295},"GID":{"type":"u","data":105},
        "AmbientCapabilities":{"type":"t","data":1024},
        "CapabilityBoundingSet":{"type":"t","data":18446744073709551615},
        "NoNewPrivileges":{"type":"b","data":true},
        "WorkingDirectory":{"type":"s","data":""},"RootDirectory":{"type":"s","data":""},
        "RootImage":{"type":"s","data":""},"MainPID":{"type":"u","data":66}}]}"#;

    #[test]
    fn what_the_bus_says_of_a_unit_keeps_its_arguments_apart() {
        let unit = Unit::read(HAPROXY).unwrap().unwrap();
        assert_eq!((unit.name.as_str(), unit.main_process), ("haproxy.service", 66));
        assert_eq!(unit.files.len(), 2);
        let [command] = unit.commands.as_slice() else { panic!("{unit:?}") };
        assert_eq!(command.arguments, ["/usr/sbin/haproxy", "-Ws", "-f", "$CONFIG"]);
        assert_eq!(command.flags, ["no-setuid"]);
        assert_eq!(unit.environment_files, [("/etc/default/haproxy".to_owned(), true)]);
        assert_eq!(unit.folders["RUNTIME_DIRECTORY"], "/run/haproxy:/run/h2");
        assert_eq!((unit.uid, unit.gid), (None, Some(105)));
        assert_eq!((unit.ambient, unit.bounding), (1024, u64::MAX));
        assert!(unit.no_new_privileges && unit.active && !unit.has_own_root && !unit.dynamic_user);
    }

    #[test]
    fn a_systemd_without_flags_is_read_too_and_what_is_missing_is_an_error() {
        let old = HAPROXY.replace("ExecStartEx", "Other");
        let unit = Unit::read(&old).unwrap().unwrap();
        assert_eq!(
            unit.commands[0],
            UnitCommand { program: "/x".into(), arguments: vec!["/x".into()], flags: Vec::new() }
        );
        let rooted = HAPROXY.replace(
            r#""RootDirectory":{"type":"s","data":""#,
            r#""RootDirectory":{"type":"s","data":"/srv"#,
        );
        assert!(Unit::read(&rooted).unwrap().unwrap().has_own_root);
        assert_eq!(Unit::read(&rooted).unwrap().unwrap().dormant(), None, "it is active");
        assert_eq!(Unit::read(&HAPROXY.replace("\"loaded\"", "\"not-found\"")), Ok(None));
        assert!(Unit::read(&HAPROXY.replace("\"User\"", "\"Usr\"")).is_err());
        for torn in ["", "{}", "[]", r#"{"data":[]}"#, r#"{"data":[{"LoadState":{"data":1}}]}"#] {
            assert!(Unit::read(torn).is_err(), "{torn}");
        }
    }

    #[test]
    fn only_a_unit_that_is_switched_off_and_that_no_other_one_starts_is_dormant() {
        let unit = |file_state: &str, started_by: &[&str]| Unit {
            name: "x.service".into(),
            file_state: file_state.into(),
            started_by: started_by.iter().map(|&name| name.to_owned()).collect(),
            ..Unit::default()
        };
        let dormant = |state: &str| unit(state, &[]).dormant().map(|why| why.to_string());
        assert_eq!(dormant("disabled").as_deref(), Some("x.service is disabled"));
        assert_eq!(dormant("masked").as_deref(), Some("x.service is masked"));
        assert_eq!(unit("disabled", &["x.socket"]).dormant(), None);
        for state in ["enabled", "enabled-runtime", "static", "indirect", "generated", "alias", ""]
        {
            assert_eq!(unit(state, &[]).dormant(), None, "{state}");
        }
        let active = Unit { active: true, ..unit("disabled", &[]) };
        assert_eq!(active.dormant(), None, "it runs, or is about to");
    }

    #[test]
    fn the_name_of_a_unit_becomes_an_objects() {
        assert_eq!(label("apache2@b-1.service"), "apache2_40b_2d1_2eservice");
        assert_eq!((label("1x"), label("")), ("_31x".to_owned(), "_".to_owned()));
    }
}
