//! What was found on a server. Each fact is known, absent, or unknown with the reason.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::version::Version;

/// A fact about a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact<T> {
    /// It was read.
    Known(T),
    /// It was looked for where it would be, and it is not there.
    Absent,
    /// It could not be read; the reason is a sentence without a full stop.
    Unknown(String),
}

impl<T> Fact<T> {
    /// The value, if it is known.
    #[must_use]
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Absent | Self::Unknown(_) => None,
        }
    }
}

/// A path on the server as the server writes it, such as `C:\inetpub\wwwroot`.
///
/// Two paths that differ in the case of ASCII letters only are the same file on Windows, but
/// different values here: rooms pass on the spelling they were given.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ServerPath(String);

impl ServerPath {
    /// A path as the server writes it.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The path as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path of `name` in this folder.
    #[must_use]
    pub fn join(&self, name: &str) -> Self {
        Self(format!("{}\\{name}", self.0.trim_end_matches('\\')))
    }

    /// The last part of the path.
    #[must_use]
    pub fn file_name(&self) -> &str {
        self.0.rsplit(['\\', '/']).next().unwrap_or(&self.0)
    }

    /// The path in one spelling of case and separators, so that two spellings of one file compare
    /// equal.
    #[must_use]
    pub fn key(&self) -> String {
        let text = self.0.replace('/', "\\").to_ascii_lowercase();
        text.trim_end_matches('\\').to_owned()
    }
}

impl fmt::Display for ServerPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// What was identified on a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostFacts {
    /// Microsoft Exchange Server, if it is installed.
    pub exchange: Fact<Exchange>,
    /// IIS, if it is installed.
    pub iis: Fact<Iis>,
    /// PHP, where IIS runs it in CGI mode: every php-cgi.exe that its configuration names.
    pub php: Fact<Vec<PhpCgi>>,
}

/// The product name of PHP in mitigation documents; its role here is [`CGI`].
pub const PHP: &str = "php/php";

/// The role of a PHP that a web server runs as a CGI or FastCGI program.
pub const CGI: &str = "cgi";

/// A php-cgi.exe that IIS runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhpCgi {
    /// The program. Where the version is unknown it may be the path as the configuration writes it,
    /// or a configuration file that may name one and could not be read.
    pub program: ServerPath,
    /// Its file version.
    pub version: Fact<Version>,
}

/// A program that the configuration of IIS names, or a place where it may name one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedProgram {
    /// The program; where it is in doubt, its path as written, or the configuration file that may
    /// name one.
    pub path: ServerPath,
    /// Why the program cannot be looked at, if it cannot; a sentence without a full stop.
    pub doubt: Option<String>,
}

/// The product name of Exchange in mitigation documents.
pub const EXCHANGE: &str = "microsoft/exchange-server";

/// An installed Exchange server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// The file version of ExSetup.exe.
    pub version: Fact<Version>,
    /// The file that the version was read from.
    pub version_source: ServerPath,
    /// The installed role: `mailbox` or `edge-transport`.
    pub role: Fact<String>,
}

/// IIS as its applicationHost.config describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Iis {
    /// The configuration file.
    pub config: ServerPath,
    /// The sites, in the order written.
    pub sites: Vec<Site>,
    /// The names of the application pools.
    pub pools: Vec<String>,
    /// The names of the global modules.
    pub modules: Vec<String>,
}

/// An IIS site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// The site's name, such as `Default Web Site`.
    pub name: String,
    /// Its applications; the root application has the path `/`.
    pub applications: Vec<Application>,
}

/// An application of an IIS site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// The path in the site, such as `/owa`; `/` for the root application.
    pub path: String,
    /// The application pool, if one is named.
    pub pool: Option<String>,
    /// Its virtual directories; the root one has the path `/`.
    pub directories: Vec<VirtualDirectory>,
}

/// A virtual directory of an application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VirtualDirectory {
    /// The path in the application; `/` for the root directory.
    pub path: String,
    /// Where its files are, environment variables expanded; unknown if one is not known.
    pub physical: Fact<ServerPath>,
}
