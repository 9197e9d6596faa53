//! Rules of web servers other than IIS: each translated exactly, or not at all.

use serde::{Deserialize, Serialize};

/// The text of all of our rules on one web server, in its own language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RuleText {
    /// nginx.
    Nginx {
        /// What stands in the `http` block.
        http: String,
        /// What stands in every `server` block.
        server: String,
        /// What stands wherever the headers of requests to others are set.
        upstream: String,
    },
    /// Apache httpd.
    Apache {
        /// What stands outside of every section.
        server: String,
    },
    /// HAProxy.
    HaProxy {
        /// The lines at the head of every frontend.
        frontend: Vec<String>,
    },
}

impl RuleText {
    /// Whether it says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Nginx { http, server, upstream } => {
                http.is_empty() && server.is_empty() && upstream.is_empty()
            }
            Self::Apache { server } => server.is_empty(),
            Self::HaProxy { frontend } => frontend.is_empty(),
        }
    }
}
