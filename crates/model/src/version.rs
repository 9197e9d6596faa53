//! Dotted version numbers and half-open ranges of them.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The most parts a version may have.
const MAX_PARTS: usize = 8;

/// A version of dotted decimal numbers, such as `15.2.1118.20`.
///
/// Leading zeros do not count (`15.02.1118.020` is the same version), and a missing part is zero
/// (`15.2` is `15.2.0.0`).
#[derive(Clone, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Version(Vec<u32>);

impl Version {
    /// A version from its parts, most significant first.
    #[must_use]
    pub fn from_parts(parts: &[u32]) -> Self {
        Self(parts.to_vec())
    }

    fn part(&self, at: usize) -> u32 {
        self.0.get(at).copied().unwrap_or(0)
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        (0..self.0.len().max(other.0.len()))
            .map(|at| self.part(at).cmp(&other.part(at)))
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Version {}

/// The text is not a version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a version: up to {MAX_PARTS} decimal numbers joined by dots, as in `15.2.1118.20`"
)]
pub struct NotAVersion(String);

impl FromStr for Version {
    type Err = NotAVersion;

    fn from_str(text: &str) -> Result<Self, NotAVersion> {
        let wrong = || NotAVersion(text.to_owned());
        let number = |part: &str| {
            let digits = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
            if digits { part.parse().map_err(|_| wrong()) } else { Err(wrong()) }
        };
        let parts: Vec<u32> = text.split('.').map(number).collect::<Result<_, _>>()?;
        if parts.len() > MAX_PARTS { Err(wrong()) } else { Ok(Self(parts)) }
    }
}

impl TryFrom<String> for Version {
    type Error = NotAVersion;

    fn try_from(text: String) -> Result<Self, NotAVersion> {
        text.parse()
    }
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        version.to_string()
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = self.0.iter().map(u32::to_string).collect();
        f.pad(&parts.join("."))
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The vulnerable versions of one branch: `introduced <= version < fixed`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionRange {
    /// The first vulnerable version.
    pub introduced: Version,
    /// The first version of the branch that has the fix.
    pub fixed: Version,
}

impl VersionRange {
    /// Whether `version` is vulnerable by this range.
    #[must_use]
    pub fn contains(&self, version: &Version) -> bool {
        self.introduced <= *version && *version < self.fixed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        text.parse().expect("a version")
    }

    #[test]
    fn exchange_writes_leading_zeros_and_means_the_same_version() {
        assert_eq!(version("15.02.1118.020"), version("15.2.1118.20"));
        assert_eq!(version("15.2"), version("15.2.0.0"));
        assert!(version("15.2.986.36") > version("15.2.986.9"));
        assert!(version("15.2.1118.7") > version("15.2.986.36"));
    }

    #[test]
    fn what_is_not_a_version_is_refused() {
        for bad in
            ["", "15.", ".1", "15..2", "15.2-rc1", "+1", " 1", "4294967296", "1.2.3.4.5.6.7.8.9"]
        {
            assert!(bad.parse::<Version>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_fixed_version_is_not_in_its_range() {
        let range =
            VersionRange { introduced: version("15.2.987"), fixed: version("15.2.1118.20") };
        assert!(range.contains(&version("15.2.1118.7")));
        assert!(range.contains(&version("15.2.987.0")));
        assert!(!range.contains(&version("15.2.1118.20")));
        assert!(!range.contains(&version("15.2.986.36")));
    }
}
