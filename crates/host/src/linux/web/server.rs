//! A server that was found: how it is started, and how its process is recognised.

use std::path::{Component, Path};

use stopgap_model::ServerPath;
use stopgap_model::web::{WebKind, WebServer};

use crate::linux::command::CommandSpec;
use crate::linux::process::ProcessId;

/// What one server is known by, however its configuration's path is spelled.
pub(crate) type ServerKey = (WebKind, Vec<ServerPath>);

/// How a server is started, and how its process is recognised.
#[derive(Debug, Clone)]
pub(crate) struct Start {
    pub(crate) run: CommandSpec,
    /// The service of the service manager that it is.
    pub(crate) service: Option<String>,
    /// Whether the service says how the server takes another configuration (`ExecReload=`).
    pub(crate) service_reloads: bool,
    /// Further arguments that the server's own test of its configuration needs.
    pub(crate) settings: Vec<String>,
    pub(crate) sign: Sign,
}

/// A server that was found.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) server: WebServer,
    /// How it is started; what is assumed of it otherwise is for who starts it.
    pub(crate) start: Option<Start>,
    /// The process that it is now.
    pub(crate) process: Option<ProcessId>,
}

/// How the process of a server is recognised. Nothing else that the process says of itself is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sign {
    /// It is in a unit of the system's, executes the unit's program, and is wholly the user that the
    /// unit is started as. Where there are several, it is the one that the service manager takes for
    /// the server; that alone says nothing, as a worker may have told it.
    Unit { name: String, program: String, uid: u32, main: i32 },
    /// It is wholly this user and executes this program, if one is named, and what it was started
    /// with names the server's configuration; or does not say it, where policy.toml says the rest.
    Arguments { program: Option<String>, uid: u32, may_be_in_doubt: bool },
}

impl Sign {
    /// That of what root started by hand.
    pub(crate) fn of_root() -> Self {
        Self::Arguments { program: None, uid: 0, may_be_in_doubt: false }
    }
}

/// A path that may be relative to a folder, without `.` and empty parts. A `..` stays: what it leads
/// to is for the links on the way to say.
pub(crate) fn absolute(folder: &str, path: &str) -> ServerPath {
    let whole = Path::new(folder).join(path);
    let parts = whole.components().filter(|part| *part != Component::CurDir);
    let plain: std::path::PathBuf = parts.collect();
    ServerPath::new(plain.to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_path_begins_where_the_process_works() {
        let path = |folder, path| absolute(folder, path).as_str().to_owned();
        assert_eq!(path("/srv", "conf/./x"), "/srv/conf/x");
        assert_eq!(path("/srv", "/etc//x"), "/etc/x");
        assert_eq!(path("/srv", "../x"), "/srv/../x");
    }
}
