//! Build numbers of Exchange.

use std::fmt;
use std::str::FromStr;

/// A build of Exchange: four numbers, as in `15.02.1118.007`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Build([u16; 4]);

impl Build {
    /// A build from its numbers, most significant first.
    #[must_use]
    pub const fn new(major: u16, minor: u16, update: u16, revision: u16) -> Self {
        Self([major, minor, update, revision])
    }

    /// The numbers, most significant first.
    #[must_use]
    pub const fn parts(self) -> [u16; 4] {
        self.0
    }
}

impl fmt::Display for Build {
    /// With the leading zeros that Exchange writes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, update, revision] = self.0;
        write!(f, "{major:02}.{minor:02}.{update:04}.{revision:03}")
    }
}

/// The text is not a build.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a build of Exchange: four numbers up to 65535, as in `15.02.1118.007`")]
pub struct NotABuild(String);

impl FromStr for Build {
    type Err = NotABuild;

    fn from_str(text: &str) -> Result<Self, NotABuild> {
        let wrong = || NotABuild(text.to_owned());
        let parts: Vec<u16> = text
            .split('.')
            .map(|part| part.parse().map_err(|_| wrong()))
            .collect::<Result<_, _>>()?;
        Ok(Self(parts.try_into().map_err(|_| wrong())?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_is_written_as_exchange_writes_it() {
        assert_eq!("15.2.1118.7".parse(), Ok(Build::new(15, 2, 1118, 7)));
        assert_eq!(Build::new(15, 2, 1118, 7).to_string(), "15.02.1118.007");
    }

    #[test]
    fn three_numbers_or_a_number_too_large_are_not_a_build() {
        for bad in ["15.2.1118", "15.2.1118.7.1", "15.2.1118.65536", "15.2.x.7", ""] {
            assert!(bad.parse::<Build>().is_err(), "{bad:?}");
        }
    }
}
