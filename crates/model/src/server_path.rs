//! A path on the server, of Windows or of Unix.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A path on the server as the server writes it, such as `C:\inetpub\wwwroot`.
///
/// Two paths that differ in the case of ASCII letters only are the same file on Windows, but
/// different values here: each crate passes on the spelling that it was given.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ServerPath(String);

impl ServerPath {
    /// A path as the server writes it.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The path as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is a path as Unix writes it: `/` parts it, and case counts.
    #[must_use]
    pub fn is_unix(&self) -> bool {
        self.0.starts_with('/')
    }

    /// The path of `name` in this folder.
    #[must_use]
    pub fn join(&self, name: &str) -> Self {
        if self.is_unix() {
            return Self(format!("{}/{name}", self.0.trim_end_matches('/')));
        }
        Self(format!("{}\\{name}", self.0.trim_end_matches('\\')))
    }

    /// The folder that it is in; `None` for one that is in none.
    #[must_use]
    pub fn folder(&self) -> Option<Self> {
        let separators: &[char] = if self.is_unix() { &['/'] } else { &['\\', '/'] };
        let (folder, _) = self.0.trim_end_matches(separators).rsplit_once(separators)?;
        Some(Self(if folder.is_empty() { "/".to_owned() } else { folder.to_owned() }))
    }

    /// The last part of the path.
    #[must_use]
    pub fn file_name(&self) -> &str {
        let separators: &[char] = if self.is_unix() { &['/'] } else { &['\\', '/'] };
        self.0.rsplit(separators).next().unwrap_or(&self.0)
    }

    /// The path in one spelling of case and separators, so that two spellings of one file compare
    /// equal.
    #[must_use]
    pub fn key(&self) -> String {
        if self.is_unix() {
            return self.0.clone();
        }
        let text = self.0.replace('/', "\\").to_ascii_lowercase();
        text.trim_end_matches('\\').to_owned()
    }
}

impl fmt::Display for ServerPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
