//! All rules of a server as the text that is written into its configuration.

use serde::{Deserialize, Serialize};
use stopgap_model::web::WebKind;

use super::{WebRule, apache, haproxy, nginx};

/// What is written into the configuration of a server: all its rules together.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
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

/// The text for `rules` on a server of this kind. Of each rule its action's id and revision, for
/// the comments (`M1.1, revision 5`), and what it is. The same rules always give the same text, and
/// no rules an empty one.
#[must_use]
pub fn text(kind: WebKind, rules: &[(String, WebRule)]) -> RuleText {
    if rules.is_empty() {
        return RuleText::None;
    }
    let rules: Vec<_> = rules.iter().map(|(label, rule)| (comment(label), rule)).collect();
    match kind {
        WebKind::Nginx => nginx::text(&rules),
        WebKind::Apache => RuleText::Apache { server: apache::text(&rules) },
        WebKind::HaProxy => RuleText::HaProxy { frontend: haproxy::text(&rules) },
    }
}

/// What stands above the rules.
pub(super) const HEADING: [&str; 2] = [
    "# Emergency mitigations by Stopgap, written anew by it; see `stopgap list`.",
    "# Each is named above its rule. To take one out: `stopgap remove ID`.",
];

/// A comment of one line.
fn comment(label: &str) -> String {
    let plain = |c: char| if c == ' ' || c.is_ascii_graphic() { c } else { '?' };
    format!("# {}", label.chars().map(plain).collect::<String>().trim_end_matches('\\'))
}
