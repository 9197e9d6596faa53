//! The differences that are known and explained: `parity/explained.toml`.

use regex::Regex;
use serde::Deserialize;
use stopgap_model::web::WebKind;

/// The file, as it was when this was built.
const FILE: &str = include_str!("../explained.toml");

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    difference: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    servers: Vec<WebKind>,
    request: String,
    reason: String,
}

/// A known difference.
#[derive(Debug)]
pub(crate) struct Explanation {
    servers: Vec<WebKind>,
    request: Regex,
    /// Why it is there.
    pub(crate) reason: String,
    /// How often it occurred.
    pub(crate) seen: usize,
}

impl Explanation {
    /// Whether it is about this request, written in one line, on this server.
    pub(crate) fn explains(&self, kind: WebKind, line: &str) -> bool {
        self.servers.contains(&kind) && self.request.is_match(line)
    }
}

/// What the file says.
pub(crate) fn read() -> Result<Vec<Explanation>, String> {
    let failed = |why: String| format!("parity/explained.toml: {why}");
    let document: Document = toml::from_str(FILE).map_err(|error| failed(error.to_string()))?;
    let entries = document.difference.into_iter().map(|Entry { servers, request, reason }| {
        let request = Regex::new(&request).map_err(|error| failed(error.to_string()))?;
        Ok(Explanation { servers, request, reason, seen: 0 })
    });
    entries.collect()
}
