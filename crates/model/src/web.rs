//! Web servers other than IIS, as they were found on a host.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

pub use crate::account::{Account, Capabilities};
use crate::fact::Fact;
use crate::reason::{Reasons, ServerReason};
use crate::server_path::ServerPath;
use crate::version::Version;
pub use crate::web_kind::WebKind;

/// The id of one web server on a host: its kind and its main configuration file, as in
/// `nginx:/etc/nginx/nginx.conf`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ServerId(String);

impl ServerId {
    /// The id of the server of this kind with this configuration.
    #[must_use]
    pub fn new(kind: WebKind, config: &ServerPath) -> Self {
        Self(format!("{kind}:{config}"))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Which web server it is of; `None`: none of those that are known here.
    #[must_use]
    pub fn kind(&self) -> Option<WebKind> {
        let (kind, _) = self.0.split_once(':')?;
        [WebKind::Nginx, WebKind::Apache, WebKind::HaProxy]
            .into_iter()
            .find(|known| known.as_str() == kind)
    }

    /// The path of the main configuration file.
    #[must_use]
    pub fn config(&self) -> ServerPath {
        let (_, config) = self.0.split_once(':').unwrap_or_default();
        ServerPath::new(config)
    }
}

impl fmt::Display for ServerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A web server that is installed or runs on a host, with all that is needed to read its
/// configuration as it reads it itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebServer {
    /// Which one it is.
    pub kind: WebKind,
    /// The program.
    pub program: ServerPath,
    /// Its configuration, in the order read: one file, or several for HAProxy. A folder stands for
    /// the files `*.cfg` in it, as it does for HAProxy.
    pub config: Vec<ServerPath>,
    /// What relative paths begin with: the prefix of nginx, the `ServerRoot` that Apache is started
    /// with, the working folder of HAProxy.
    pub base: ServerPath,
    /// The variables that its configuration may name: Apache's environment, HAProxy's environment.
    pub variables: BTreeMap<String, String>,
    /// The names that Apache is started with, by `-D`.
    pub defines: Vec<String>,
    /// With which rights it is started; never those of its workers.
    pub account: Account,
    /// Its version, as the program says it: `1.22.1`.
    pub version: Fact<Version>,
    /// The modules that are compiled in, as the program names them.
    pub modules: Fact<Vec<String>>,
    /// Whether it runs now.
    pub running: Fact<bool>,
    /// How it was found, as a phrase: `nginx.service, process 812`, `process 812`, `its package's
    /// defaults`, `policy.toml`.
    pub source: String,
    /// Why it is not known how it is started, if so; a sentence without a full stop. Nothing of it
    /// is read, run or changed then.
    pub doubt: Option<Reasons>,
    /// Why it does not run and nothing starts it, if so: a phrase such as `haproxy.service is
    /// disabled`. Such a server serves nobody.
    pub dormant: Option<Reasons>,
    /// What tells the program and the process that it is now from those of another time; empty where
    /// only files are here.
    pub identity: String,
}

impl WebServer {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> ServerId {
        let none = ServerPath::new("");
        ServerId::new(self.kind, self.config.first().unwrap_or(&none))
    }
}

/// A web server as its configuration describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebFacts {
    /// The server.
    pub server: WebServer,
    /// Its sites; unknown if its configuration cannot be read.
    pub sites: Fact<Vec<WebSite>>,
    /// The modules that it has, those that its configuration loads included.
    pub modules: Vec<String>,
}

/// Where a web server answers, under one name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct WebSite {
    /// The name that requests ask for; empty where none is configured.
    pub name: String,
    /// Where it listens.
    pub listen: Listen,
    /// Whether it speaks TLS.
    pub tls: bool,
    /// Which block of the configuration it is of, counted from 0: a server block of nginx, a virtual
    /// host of Apache, a frontend of HAProxy. All names of a block have the same settings.
    pub block: usize,
}

/// Where a web server listens.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Listen {
    /// An address and a port. `None`: every address.
    Port(Option<std::net::IpAddr>, u16),
    /// A socket of the file system.
    Unix(ServerPath),
    /// It cannot be asked; why, as a sentence without a full stop.
    Unasked(String),
}

impl fmt::Display for WebSite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = if self.name.is_empty() { "(no name)" } else { &self.name };
        match &self.listen {
            Listen::Port(_, port) => write!(f, "{name}:{port}")?,
            Listen::Unix(path) => write!(f, "{name} on {path}")?,
            Listen::Unasked(_) => f.write_str(name)?,
        }
        if self.tls { f.write_str(" (TLS)") } else { Ok(()) }
    }
}

/// What the administrator says about the web servers of this host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebSettings {
    /// Whether web servers are looked for, beside those that are listed.
    pub find: bool,
    /// Those that are listed.
    pub servers: Vec<DeclaredServer>,
}

impl Default for WebSettings {
    fn default() -> Self {
        Self { find: true, servers: Vec::new() }
    }
}

/// A web server that the administrator lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredServer {
    /// Which one it is.
    pub kind: WebKind,
    /// Its configuration, in the order read: one file, or several for HAProxy. Absolute paths.
    pub config: Vec<ServerPath>,
    /// The program, an absolute path; the one of its package if it is not said.
    pub program: Option<ServerPath>,
    /// What relative paths in its configuration begin with, an absolute path; what the program was
    /// built or is run with if it is not said.
    pub base: Option<ServerPath>,
    /// The unit of the system's service manager that starts it, such as `shop.service`.
    pub unit: Option<String>,
    /// The user that it is started as, by name or number; the unit's, or root, if it is not said.
    pub user: Option<String>,
    /// What the program is started with, one text for each argument, without the program's name.
    pub arguments: Option<Vec<String>>,
}

impl DeclaredServer {
    /// One of this kind, of which nothing else is said yet.
    #[must_use]
    pub fn new(kind: WebKind) -> Self {
        let (program, base) = (None, None);
        let (unit, user, arguments) = (None, None, None);
        Self { kind, config: Vec::new(), program, base, unit, user, arguments }
    }
}

/// The servers that are left out: processes that look like a web server's, and are not taken for
/// one that Stopgap may act for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Those that are named, those that count first.
    pub named: Vec<LeftOutServer>,
    /// How many there are beside those.
    pub more: usize,
}

/// A process that looks like a web server's and is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOutServer {
    /// Which server it looks like.
    pub kind: WebKind,
    /// Its program, as its own namespace names it.
    pub program: ServerPath,
    /// Its process id.
    pub pid: i32,
    /// Whom it runs as: the user's name, or `uid 1000`.
    pub user: String,
    /// The TCP ports of this machine that it listens on.
    pub ports: Vec<u16>,
    /// Why it is left out.
    pub why: Reasons,
    /// Whether it may be one that this machine serves with: it was started by root or a system
    /// account, or listens on port 80 or 443. Nothing is called protected as long as it is there.
    pub counts: bool,
}

impl LeftOut {
    /// Why no request is known to be blocked on the whole machine, if so: those that count.
    #[must_use]
    pub fn gap(&self) -> Option<ServerReason> {
        let mut counting = self.named.iter().filter(|server| server.counts);
        let first = counting.next()?;
        // Those that count are named first.
        let unnamed = if self.named.iter().all(|server| server.counts) { self.more } else { 0 };
        let more = counting.count() + unnamed;
        Some(ServerReason::LeftOut { server: first.to_string(), why: first.why.clone(), more })
    }
}

/// `nginx, process 812 of www-data on port 8080`.
impl fmt::Display for LeftOutServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, pid, user, ports, .. } = self;
        write!(f, "{}, process {pid} of {user}", kind.name())?;
        let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
        match ports.as_slice() {
            [] => Ok(()),
            [port] => write!(f, " on port {port}"),
            ports => write!(f, " on ports {}", ports.join(", ")),
        }
    }
}

/// The end of the name of a file that is written beside another one: one that will take its place,
/// or one that is only for the server's own test of its configuration. The name is the same every
/// time, so that the next run finds what a killed one left.
pub const BESIDE_SUFFIX: &str = ".stopgap-new";

/// The file that is written beside the one of this path: a hidden one, which no pattern of a web
/// server's configuration takes in (`include sites-enabled/*`).
#[must_use]
pub fn beside(path: &ServerPath) -> ServerPath {
    let name = format!(".{}{BESIDE_SUFFIX}", path.file_name());
    match path.folder() {
        Some(folder) => folder.join(&name),
        None => ServerPath::new(name),
    }
}
