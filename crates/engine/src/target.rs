//! What a change is made to.

use std::fmt;

use stopgap_model::ServerId;

/// A thing on the machine that is changed, verified and rolled back on its own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// The configuration files of IIS.
    Iis,
    /// Another web server.
    Web(ServerId),
}

impl Target {
    /// Returns the target of records and plans, which name a web server or, for IIS, none.
    pub(crate) fn of(server: Option<&ServerId>) -> Self {
        server.cloned().map_or(Self::Iis, Self::Web)
    }

    /// Returns the web server, if the target is one.
    #[must_use]
    pub fn server(&self) -> Option<&ServerId> {
        match self {
            Self::Web(server) => Some(server),
            Self::Iis => None,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Iis => f.pad("IIS"),
            Self::Web(server) => server.fmt(f),
        }
    }
}
