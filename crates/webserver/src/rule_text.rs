//! What is written into the configuration of a server, by the parts that it goes to.

/// What stands above the rules.
pub(crate) const HEADING: [&str; 2] = [
    "# Emergency mitigations by Stopgap, written anew by it; see `stopgap list`.",
    "# Each is named above its rule. To take one out: `stopgap remove ID`.",
];

/// What is written into the configuration of a server: all its rules together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum RuleText {
    /// Nothing.
    #[default]
    None,
    /// nginx.
    Nginx {
        /// Lines of the `http` block.
        http: String,
        /// Lines at the head of each `server` block.
        server: String,
        /// Lines for each place that passes requests on: `proxy_set_header` and its like.
        upstream: String,
    },
    /// Apache httpd.
    Apache {
        /// Lines of the main server.
        server: String,
    },
    /// HAProxy.
    HaProxy {
        /// Lines at the head of each `frontend` and `listen` in HTTP mode, without indentation or
        /// line end.
        frontend: Vec<String>,
    },
}

impl RuleText {
    /// Whether nothing is written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::None => true,
            Self::Nginx { http, server, upstream } => {
                http.is_empty() && server.is_empty() && upstream.is_empty()
            }
            Self::Apache { server } => server.is_empty(),
            Self::HaProxy { frontend } => frontend.is_empty(),
        }
    }
}
