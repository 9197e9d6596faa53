//! What the translation must know of a server.

use std::collections::BTreeSet;

use stopgap_model::Version;
use stopgap_model::web::WebKind;

/// The longest pattern, in bytes. nginx reads no word of 4,096 bytes or more
/// (`NGX_CONF_BUFFER`).
pub const MAX_PATTERN: usize = 4000;

/// What the translation must know of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Which one it is.
    pub kind: WebKind,
    /// Its version; `None` where it is not known.
    pub version: Option<Version>,
    /// Its modules, as the server names them: `headers_module` for Apache.
    pub modules: BTreeSet<String>,
}
