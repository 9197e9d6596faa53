//! The facts of a server.

use serde::Serialize;
use stopgap_model::host::{Application, Declared, PhpCgi, Site, VirtualDirectory};
use stopgap_model::web::{LeftOut, LeftOutServer, Listen, WebFacts, WebSite};
use stopgap_model::{Fact, HostFacts, Reasons};

#[cfg(test)]
use super::report::shape;

/// A fact: its value, null where the thing is not there, or why it is not known.
#[derive(Serialize)]
#[serde(untagged)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) enum FactObject<T> {
    /// Its value.
    Known(T),
    /// The thing is not there.
    Absent(()),
    /// Why it is not known.
    Unknown {
        /// The reasons, as one sentence.
        unknown: String,
        /// The reasons.
        #[cfg_attr(test, schemars(with = "Vec<shape::Reason>"))]
        reasons: Reasons,
    },
}

impl<T> FactObject<T> {
    fn of<F>(fact: &Fact<F>, value: impl Fn(&F) -> T) -> Self {
        match fact {
            Fact::Known(known) => Self::Known(value(known)),
            Fact::Absent => Self::Absent(()),
            Fact::Unknown(why) => Self::Unknown { unknown: why.to_string(), reasons: why.clone() },
        }
    }
}

/// All facts of a server.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct HostObject {
    exchange: FactObject<ExchangeObject>,
    iis: FactObject<IisObject>,
    php: FactObject<Vec<PhpObject>>,
    web: Vec<WebObject>,
    left_out: LeftOutObject,
    packages: FactObject<PackagesObject>,
    declared: Vec<DeclaredObject>,
}

/// Exchange Server.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ExchangeObject {
    /// Always true.
    known: bool,
    version: FactObject<String>,
    version_source: String,
    role: FactObject<String>,
}

/// IIS.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct IisObject {
    config: String,
    sites: Vec<IisSiteObject>,
    /// The names of the application pools.
    pools: Vec<String>,
    /// The names of the global modules.
    modules: Vec<String>,
}

/// A site of IIS.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct IisSiteObject {
    name: String,
    applications: Vec<ApplicationObject>,
}

/// An application of a site.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ApplicationObject {
    path: String,
    pool: Option<String>,
    directories: Vec<DirectoryObject>,
}

/// A virtual directory of an application.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct DirectoryObject {
    path: String,
    physical: FactObject<String>,
}

/// A PHP that the configuration of IIS names.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct PhpObject {
    program: String,
    version: FactObject<String>,
}

/// A web server.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct WebObject {
    /// The kind, a colon and the main file.
    id: String,
    /// `nginx`, `apache` or `haproxy`.
    kind: &'static str,
    version: FactObject<String>,
    config: Vec<String>,
    running: FactObject<bool>,
    /// Why nothing starts a server that does not run.
    dormant: Option<String>,
    /// The same, with codes and facts.
    #[cfg_attr(test, schemars(with = "Option<Vec<shape::Reason>>"))]
    dormant_reasons: Option<Reasons>,
    /// The number of the user that it is started as.
    uid: u32,
    /// How it was found.
    source: String,
    sites: FactObject<Vec<WebSiteObject>>,
}

/// A site of a web server.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct WebSiteObject {
    /// Empty where none is configured.
    name: String,
    /// `*:80`, `10.0.0.1:443`, `unix:/run/app.sock`, or `cannot be asked: ` and the reason.
    listen: String,
    tls: bool,
}

/// What looks like a web server and is not acted for.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct LeftOutObject {
    servers: Vec<LeftOutServerObject>,
    /// How many there are beside those that are named.
    more: usize,
}

/// One server that is not acted for.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct LeftOutServerObject {
    kind: &'static str,
    program: String,
    pid: i32,
    user: String,
    ports: Vec<u16>,
    reason: String,
    /// The same, with codes and facts.
    #[cfg_attr(test, schemars(with = "Vec<shape::Reason>"))]
    reasons: Reasons,
    /// Whether nothing is called `applied` as long as it is there.
    counts: bool,
}

/// The installed packages.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct PackagesObject {
    /// What their names begin with in mitigation documents.
    prefix: String,
    count: usize,
}

/// A product that the policy file declares.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct DeclaredObject {
    product: String,
    version: String,
    source: String,
}

impl From<&HostFacts> for HostObject {
    fn from(facts: &HostFacts) -> Self {
        let declared = |declared: &Declared| DeclaredObject {
            product: declared.product.clone(),
            version: declared.version.to_string(),
            source: declared.source.clone(),
        };
        Self {
            exchange: FactObject::of(&facts.exchange, |exchange| ExchangeObject {
                known: true,
                version: FactObject::of(&exchange.version, ToString::to_string),
                version_source: exchange.version_source.to_string(),
                role: FactObject::of(&exchange.role, Clone::clone),
            }),
            iis: FactObject::of(&facts.iis, |iis| IisObject {
                config: iis.config.to_string(),
                sites: iis.sites.iter().map(IisSiteObject::from).collect(),
                pools: iis.pools.clone(),
                modules: iis.modules.clone(),
            }),
            php: FactObject::of(&facts.php, |all| all.iter().map(PhpObject::from).collect()),
            web: facts.web.iter().map(WebObject::from).collect(),
            left_out: LeftOutObject::from(&facts.left_out),
            packages: FactObject::of(&facts.packages, |packages| PackagesObject {
                prefix: packages.prefix.clone(),
                count: packages.versions.len(),
            }),
            declared: facts.declared.iter().map(declared).collect(),
        }
    }
}

impl From<&Site> for IisSiteObject {
    fn from(site: &Site) -> Self {
        let directory = |directory: &VirtualDirectory| DirectoryObject {
            path: directory.path.clone(),
            physical: FactObject::of(&directory.physical, ToString::to_string),
        };
        let application = |application: &Application| ApplicationObject {
            path: application.path.clone(),
            pool: application.pool.clone(),
            directories: application.directories.iter().map(directory).collect(),
        };
        Self {
            name: site.name.clone(),
            applications: site.applications.iter().map(application).collect(),
        }
    }
}

impl From<&PhpCgi> for PhpObject {
    fn from(php: &PhpCgi) -> Self {
        let version = FactObject::of(&php.version, ToString::to_string);
        Self { program: php.program.to_string(), version }
    }
}

impl From<&WebFacts> for WebObject {
    fn from(facts: &WebFacts) -> Self {
        let server = &facts.server;
        Self {
            id: server.id().to_string(),
            kind: server.kind.as_str(),
            version: FactObject::of(&server.version, ToString::to_string),
            config: server.config.iter().map(ToString::to_string).collect(),
            running: FactObject::of(&server.running, |runs| *runs),
            dormant: server.dormant.as_ref().map(ToString::to_string),
            dormant_reasons: server.dormant.clone(),
            uid: server.account.uid,
            source: server.source.clone(),
            sites: FactObject::of(&facts.sites, |sites| {
                sites.iter().map(WebSiteObject::from).collect()
            }),
        }
    }
}

impl From<&WebSite> for WebSiteObject {
    fn from(site: &WebSite) -> Self {
        let listen = match &site.listen {
            Listen::Port(None, port) => format!("*:{port}"),
            Listen::Port(Some(address), port) => {
                std::net::SocketAddr::new(*address, *port).to_string()
            }
            Listen::Unix(path) => format!("unix:{path}"),
            Listen::Unasked(why) => format!("cannot be asked: {why}"),
        };
        Self { name: site.name.clone(), listen, tls: site.tls }
    }
}

impl From<&LeftOut> for LeftOutObject {
    fn from(left_out: &LeftOut) -> Self {
        let one = |server: &LeftOutServer| LeftOutServerObject {
            kind: server.kind.as_str(),
            program: server.program.to_string(),
            pid: server.pid,
            user: server.user.clone(),
            ports: server.ports.clone(),
            reason: server.why.to_string(),
            reasons: server.why.clone(),
            counts: server.counts,
        };
        Self { servers: left_out.named.iter().map(one).collect(), more: left_out.more }
    }
}
