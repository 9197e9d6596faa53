//! What a change is made to.

use std::fmt;

use stopgap_model::{ActionId, ServerId};

/// A thing on the machine that is changed, verified and rolled back on its own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum TargetId {
    /// The configuration files of IIS.
    Iis,
    /// Another web server.
    Web(ServerId),
    /// The services that an action disables.
    Services(ActionId),
}

impl TargetId {
    /// Returns the web server, if the target is one.
    #[must_use]
    pub fn server(&self) -> Option<&ServerId> {
        match self {
            Self::Web(server) => Some(server),
            Self::Iis | Self::Services(_) => None,
        }
    }
}

impl fmt::Display for TargetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Iis => f.pad("IIS"),
            Self::Web(server) => server.fmt(f),
            Self::Services(action) => write!(f, "the services of {action}"),
        }
    }
}
