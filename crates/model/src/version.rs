//! Versions in three orderings, and half-open ranges of them.

mod deb;
mod dotted;
mod order;
mod rpm;

use std::fmt;
use std::str::FromStr;

use deb::Deb;
use dotted::Dotted;
use rpm::Rpm;

/// How versions are written and ordered. The product decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Decimal numbers joined by dots, as most publishers write them.
    Dotted,
    /// Debian's, after deb-version(7): `[epoch:]upstream[-revision]`.
    Deb,
    /// RPM's, after rpm-version(7): `[epoch:]version[-release]`.
    Rpm,
}

impl Scheme {
    /// The scheme of the versions of `product`, such as `pkg:deb/debian/apache2`.
    #[must_use]
    pub fn of(product: &str) -> Self {
        if product.starts_with("pkg:deb/") {
            Self::Deb
        } else if product.starts_with("pkg:rpm/") {
            Self::Rpm
        } else {
            Self::Dotted
        }
    }

    /// What a version looks like, as a phrase with an example.
    #[must_use]
    pub fn expected(self) -> &'static str {
        match self {
            Self::Dotted => "decimal numbers joined by dots, as in `15.2.1118.20`",
            Self::Deb => "a version of a Debian package, as in `2.4.62-1~deb12u2`",
            Self::Rpm => "a version of an RPM package, as in `2.4.62-1.fc40`",
        }
    }
}

/// A version.
///
/// Of dotted numbers, such as `15.2.1118.20`, leading zeros do not count (`15.02.1118.020` is the
/// same version), and a missing part is zero (`15.2` is `15.2.0.0`). Versions of packages are
/// ordered as their package manager orders them.
///
/// Versions of different schemes are never equal, and all of one scheme come before all of another:
/// so a range has versions of its own scheme only.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(Form);

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Form {
    Dotted(Dotted),
    Deb(Deb),
    Rpm(Rpm),
}

impl Version {
    /// A version of dotted numbers from its parts, most significant first.
    #[must_use]
    pub fn from_parts(parts: &[u32]) -> Self {
        Self(Form::Dotted(Dotted::from_parts(parts)))
    }

    /// The version of this scheme that `text` is.
    ///
    /// # Errors
    /// It is none.
    pub fn read(text: &str, scheme: Scheme) -> Result<Self, NotAVersion> {
        let form = match scheme {
            Scheme::Dotted => Dotted::read(text).map(Form::Dotted),
            Scheme::Deb => Deb::read(text).map(Form::Deb),
            Scheme::Rpm => Rpm::read(text).map(Form::Rpm),
        };
        form.map(Self).ok_or_else(|| NotAVersion { text: text.to_owned(), scheme })
    }

    /// Its scheme.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        match self.0 {
            Form::Dotted(_) => Scheme::Dotted,
            Form::Deb(_) => Scheme::Deb,
            Form::Rpm(_) => Scheme::Rpm,
        }
    }
}

/// The text is not a version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a version: {}", scheme.expected())]
pub struct NotAVersion {
    text: String,
    scheme: Scheme,
}

/// Reads a version of dotted numbers.
impl FromStr for Version {
    type Err = NotAVersion;

    fn from_str(text: &str) -> Result<Self, NotAVersion> {
        Self::read(text, Scheme::Dotted)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Form::Dotted(version) => f.pad(&version.text()),
            Form::Deb(version) => f.pad(version.text()),
            Form::Rpm(version) => f.pad(version.text()),
        }
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The vulnerable versions of one branch: `introduced <= version < fixed`, all of one scheme.
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

    fn ordered(scheme: Scheme, ascending: &[&str]) {
        let read = |text: &&str| Version::read(text, scheme).expect("a version");
        let versions: Vec<Version> = ascending.iter().map(read).collect();
        for (at, low) in versions.iter().enumerate() {
            assert!(versions[at..].iter().all(|high| low <= high), "{low}");
            assert!(versions[at + 1..].iter().all(|high| low < high), "{low}");
            assert_eq!(low.cmp(low), std::cmp::Ordering::Equal);
        }
    }

    fn equal(scheme: Scheme, a: &str, b: &str) {
        assert_eq!(Version::read(a, scheme), Version::read(b, scheme));
        assert!(Version::read(a, scheme).is_ok(), "{a}");
    }

    #[test]
    fn a_backport_of_debian_is_older_than_the_package_it_comes_from() {
        ordered(
            Scheme::Deb,
            &[
                "0~",
                "0",
                "1.0~~",
                "1.0~~a",
                "1.0~rc1-1",
                "1.0",
                "1.0-1~bpo12+1",
                "1.0-1~deb12u1",
                "1.0-1",
                "1.0-1+b1",
                "1.0-1+deb12u1",
                "1.0-1.1",
                "1.0-9",
                "1.0-10",
                "1.0a-1",
                "1.0+dfsg-1",
                "1.0.1-1",
                "2.4.9-1",
                "2.4.10-1",
                "1:0.1-1",
                "2:0",
            ],
        );
        equal(Scheme::Deb, "1.0", "0:1.0-0");
        equal(Scheme::Deb, "1.02-3", "1.2-03");
    }

    /// The cases that the documentation of RPM gives, and those of its own order of `~` and `^`.
    #[test]
    fn a_git_snapshot_of_fedora_is_between_its_release_and_the_next() {
        ordered(
            Scheme::Rpm,
            &[
                "1.0~rc1",
                "1.0~rc1^git1",
                "1.0",
                "1.0-1.el9",
                "1.0-1.fc40",
                "1.0-10.fc40",
                "1.0^",
                "1.0^git1~pre",
                "1.0^git1",
                "1.0^git2",
                "1.0.a",
                "1.0.1",
                "1.01.2",
                "1.10",
                "2.0",
                "1:0.1-1",
                "10:0.1-1",
            ],
        );
        ordered(Scheme::Rpm, &["3.2-33.el5.1", "3.2-33.el5_11.4", "4.1.2-15.el6_5.1"]);
        ordered(Scheme::Rpm, &["xyz.4", "2xyz", "8", "20101121", "20101122"]);
        ordered(Scheme::Rpm, &["5.5p1", "5.5p2", "5.5p10", "5.6p1", "10xyz"]);
        equal(Scheme::Rpm, "1.0010", "1.10");
        equal(Scheme::Rpm, "1_0", "1.0.");
        equal(Scheme::Rpm, "2.0.1a", "2.0.1.a");
        equal(Scheme::Rpm, "fc4", "fc.4");
        equal(Scheme::Rpm, "0:1.0-1", "1.0-1");
    }

    #[test]
    fn what_no_package_manager_takes_for_a_version_is_refused() {
        for bad in ["", "-1", "1-", ":1", "1:", "a:1", "2147483648:1", "v1", "1 0", "1/2", "1-é"] {
            assert!(Version::read(bad, Scheme::Deb).is_err(), "{bad:?}");
        }
        for bad in ["", "-1", "1-", ":1", "1:", "a:1", "4294967296:1", "1-2-3", "1 0", "1/2", "é"]
        {
            assert!(Version::read(bad, Scheme::Rpm).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_range_has_versions_of_its_own_scheme_only() {
        let of = |text, scheme| Version::read(text, scheme).expect("a version");
        let schemes = [Scheme::Dotted, Scheme::Deb, Scheme::Rpm];
        for mine in schemes {
            let range = VersionRange { introduced: of("1", mine), fixed: of("3", mine) };
            for other in schemes {
                assert_eq!(range.contains(&of("2", other)), mine == other);
                assert_eq!(of("1", mine) == of("1", other), mine == other);
            }
        }
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
