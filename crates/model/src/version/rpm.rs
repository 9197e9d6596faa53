//! Versions of RPM packages and their order, after rpm-version(7).

use std::cmp::Ordering;

use super::order::{cut, numbers};

/// A version `[epoch:]version[-release]`.
///
/// The epochs are compared as numbers, a missing one as 0; then the versions, then the releases, of
/// which a missing one comes first. Versions and releases are compared by turns of digits or of
/// letters; everything else only parts them. Digits are compared as numbers, letters as text, and
/// digits come after letters. What has more to come is the later one, but for two marks: `~` comes
/// before the end, and `^` right after it. So `1.0~rc1` is before `1.0`, and `1.0^git1` between `1.0`
/// and `1.0.1`.
#[derive(Clone)]
pub(super) struct Rpm(String);

impl Rpm {
    /// The version that `text` is, if it is one.
    pub(super) fn read(text: &str) -> Option<Self> {
        let found = Self(text.to_owned());
        let (epoch, version, release) = found.parts();
        let good_part = |part: &str| {
            let mut chars = part.chars();
            !part.is_empty() && chars.all(|c| c.is_ascii_alphanumeric() || "._+~^".contains(c))
        };
        // RPM holds the epoch in 32 bits.
        let good_epoch = epoch.bytes().all(|b| b.is_ascii_digit()) && epoch.parse::<u32>().is_ok();
        let good = good_epoch && good_part(version) && release.is_none_or(good_part);
        good.then_some(found)
    }

    /// The version as it was written.
    pub(super) fn text(&self) -> &str {
        &self.0
    }

    fn parts(&self) -> (&str, &str, Option<&str>) {
        let (epoch, rest) = self.0.split_once(':').unwrap_or(("0", &self.0));
        match rest.rsplit_once('-') {
            Some((version, release)) => (epoch, version, Some(release)),
            None => (epoch, rest, None),
        }
    }
}

impl Ord for Rpm {
    fn cmp(&self, other: &Self) -> Ordering {
        let (epoch, version, release) = self.parts();
        let (epoch2, version2, release2) = other.parts();
        numbers(epoch.as_bytes(), epoch2.as_bytes())
            .then_with(|| compare(version.as_bytes(), version2.as_bytes()))
            .then_with(|| match (release, release2) {
                (Some(release), Some(release2)) => compare(release.as_bytes(), release2.as_bytes()),
                (release, release2) => release.is_some().cmp(&release2.is_some()),
            })
    }
}

impl PartialOrd for Rpm {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Rpm {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Rpm {}

fn compare(mut a: &[u8], mut b: &[u8]) -> Ordering {
    let parts = |byte: &u8| !byte.is_ascii_alphanumeric() && !b"~^".contains(byte);
    loop {
        (a, b) = (cut(a, parts).1, cut(b, parts).1);
        (a, b) = match (a, b) {
            ([b'~', rest @ ..], [b'~', rest2 @ ..]) | ([b'^', rest @ ..], [b'^', rest2 @ ..]) => {
                (rest, rest2)
            }
            // Before a release, `~` comes before even the end; `^` right after it.
            ([b'~', ..], _) => return Ordering::Less,
            (_, [b'~', ..]) => return Ordering::Greater,
            ([], _) | (_, []) => return a.len().cmp(&b.len()),
            ([b'^', ..], _) => return Ordering::Less,
            (_, [b'^', ..]) => return Ordering::Greater,
            ([first, ..], _) => {
                let digits = first.is_ascii_digit();
                let kind = if digits { u8::is_ascii_digit } else { u8::is_ascii_alphabetic };
                let ((turn, rest), (turn2, rest2)) = (cut(a, kind), cut(b, kind));
                // The other side has a turn of the other kind here: digits come after letters.
                let order = match (turn2.is_empty(), digits) {
                    (true, true) => Ordering::Greater,
                    (true, false) => Ordering::Less,
                    (false, true) => numbers(turn, turn2),
                    (false, false) => turn.cmp(turn2),
                };
                if order.is_ne() {
                    return order;
                }
                (rest, rest2)
            }
        };
    }
}
