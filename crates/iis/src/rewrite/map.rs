//! Rewrite maps.

/// A rewrite map, `{Name:{key}}` in a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RewriteMap {
    /// `name`.
    pub name: String,
    /// `defaultValue`: the value of a key that is not there.
    pub default: String,
    /// `ignoreCase`, true unless said.
    pub ignore_case: bool,
    /// Keys and values, in the order written.
    pub entries: Vec<(String, String)>,
}
