//! What was found on a server. Each fact is known, absent, or unknown with the reason.

pub use crate::fact::Fact;
use crate::reason::Reasons;
pub use crate::server_path::ServerPath;
use crate::service::ServicesByName;
use crate::version::Version;
use crate::web::{LeftOut, WebFacts};

/// What was identified on a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostFacts {
    /// Microsoft Exchange Server, if it is installed.
    pub exchange: Fact<Exchange>,
    /// IIS, if it is installed.
    pub iis: Fact<Iis>,
    /// PHP, where IIS runs it in CGI mode: every php-cgi.exe that its configuration names.
    pub php: Fact<Vec<PhpCgi>>,
    /// The other web servers that are installed or run here, in the order of their ids.
    pub web: Vec<WebFacts>,
    /// What looks like one of them and is left out.
    pub left_out: LeftOut,
    /// The packages of the distribution.
    pub packages: Fact<Packages>,
    /// The services that actions of the catalog and change records name; absent where no service manager
    /// can be asked.
    pub services: Fact<ServicesByName>,
    /// What the administrator says is installed here, because it cannot be identified.
    pub declared: Vec<Declared>,
}

impl HostFacts {
    /// The facts of a server on which nothing was found.
    #[must_use]
    pub fn nothing() -> Self {
        Self {
            exchange: Fact::Absent,
            iis: Fact::Absent,
            php: Fact::Absent,
            web: Vec::new(),
            left_out: LeftOut::default(),
            packages: Fact::Absent,
            services: Fact::Absent,
            declared: Vec::new(),
        }
    }
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
    /// Why the program cannot be looked at, if it cannot.
    pub doubt: Option<Reasons>,
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

/// The packages that a distribution's package manager has installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packages {
    /// How mitigation documents name them, up to the package's own name: `pkg:deb/debian/`.
    pub prefix: String,
    /// The file or the program that said so.
    pub source: String,
    /// The version of each, by name.
    pub versions: std::collections::BTreeMap<String, String>,
}

/// A product that the administrator says is installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// The product's name in mitigation documents, such as `pkg:npm/next`.
    pub product: String,
    /// Its version.
    pub version: Version,
    /// Who says so, as a phrase: `policy.toml`.
    pub source: String,
}
