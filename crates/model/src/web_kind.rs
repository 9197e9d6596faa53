//! The kinds of web servers other than IIS.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Which web server it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WebKind {
    /// nginx.
    Nginx,
    /// The Apache HTTP server.
    Apache,
    /// HAProxy.
    HaProxy,
}

impl WebKind {
    /// The word used in ids, in documents and in `policy.toml`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Apache => "apache",
            Self::HaProxy => "haproxy",
        }
    }

    /// The product's name in mitigation documents.
    #[must_use]
    pub fn product(self) -> &'static str {
        match self {
            Self::Nginx => "nginx/nginx",
            Self::Apache => "apache/httpd",
            Self::HaProxy => "haproxy/haproxy",
        }
    }

    /// The one with this name in mitigation documents.
    #[must_use]
    pub fn of_product(product: &str) -> Option<Self> {
        [Self::Nginx, Self::Apache, Self::HaProxy]
            .into_iter()
            .find(|kind| kind.product() == product)
    }

    /// The name that people know it by.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Apache => "Apache httpd",
            Self::HaProxy => "HAProxy",
        }
    }
}

impl fmt::Display for WebKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
