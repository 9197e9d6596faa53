//! Connections that a server passes on without reading requests.

use stopgap_model::host::ServerPath;
use stopgap_model::reason::WebGap;
use stopgap_model::web::Listen;

use crate::listen::address;

/// The ports at which web servers are asked: those that are registered for HTTP, and those that
/// applications are commonly given instead.
const HTTP_PORTS: [u16; 8] = [80, 443, 8000, 8008, 8080, 8081, 8443, 8888];

/// Connections that a server passes on without reading requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage {
    /// The reason that is reported: what passes them on, and where.
    pub gap: WebGap,
    /// Whether they may be HTTP, by their ports or by what the configuration says.
    pub may_be_http: bool,
    /// Where they go; `None` if some of it is not known.
    pub leads_to: Option<Vec<Listen>>,
}

/// Whether a port is one at which web servers are asked.
pub(super) fn is_http_port(listen: &Listen) -> bool {
    matches!(listen, Listen::Port(_, port) if HTTP_PORTS.contains(port))
}

/// Reads where connections go, as a configuration writes it; `port` is the default. The address behind a
/// name is not known, but its port is.
pub(super) fn target(text: &str, port: u16) -> Listen {
    if let Some(path) = text.strip_prefix("unix:").or_else(|| text.strip_prefix("unix@")) {
        return Listen::Unix(ServerPath::new(path));
    }
    if text.starts_with('/') {
        return Listen::Unix(ServerPath::new(text));
    }
    address(text, port).unwrap_or_else(|| Listen::Unasked(text.to_owned()))
}

/// Whether connections that go there may be HTTP by the port.
pub(super) fn goes_to_http(target: &Listen) -> bool {
    match target {
        Listen::Unasked(name) => {
            let port = name.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
            port.is_some_and(|port| is_http_port(&Listen::Port(None, port)))
        }
        other => is_http_port(other),
    }
}
