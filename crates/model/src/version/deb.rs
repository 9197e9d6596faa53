//! Versions of Debian packages and their order, after deb-version(7).

use std::cmp::Ordering;

use super::order::{cut, numbers};

/// A version `[epoch:]upstream[-revision]`.
///
/// The epochs are compared as numbers, then the upstream versions, then the revisions; what is
/// missing counts as `0`. Upstream versions and revisions are compared by turns: the text up to the
/// next digit, then the number that begins there. In a text `~` comes before its end, its end before
/// letters, and letters before everything else. So `1.0~rc1` is before `1.0`, and `1.0-1~deb12u1`
/// before `1.0-1`.
#[derive(Clone)]
pub(super) struct Deb(String);

impl Deb {
    /// The version that `text` is, if it is one.
    pub(super) fn read(text: &str) -> Option<Self> {
        let version = Self(text.to_owned());
        let (epoch, upstream, revision) = version.parts();
        let made_of = |part: &str, marks: &str| {
            part.chars().all(|c| c.is_ascii_alphanumeric() || marks.contains(c))
        };
        let marks = if text.contains(':') { ".+-~:" } else { ".+-~" };
        // dpkg holds the epoch in an `int`.
        let good_epoch = epoch.bytes().all(|b| b.is_ascii_digit()) && epoch.parse::<i32>().is_ok();
        let good = good_epoch
            && upstream.starts_with(|c: char| c.is_ascii_digit())
            && made_of(upstream, marks)
            && made_of(revision, ".+~")
            && !text.ends_with('-');
        good.then_some(version)
    }

    /// The version as it was written.
    pub(super) fn text(&self) -> &str {
        &self.0
    }

    fn parts(&self) -> (&str, &str, &str) {
        let (epoch, rest) = self.0.split_once(':').unwrap_or(("0", &self.0));
        let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, ""));
        (epoch, upstream, revision)
    }
}

impl Ord for Deb {
    fn cmp(&self, other: &Self) -> Ordering {
        let (epoch, upstream, revision) = self.parts();
        let (epoch2, upstream2, revision2) = other.parts();
        numbers(epoch.as_bytes(), epoch2.as_bytes())
            .then_with(|| compare(upstream.as_bytes(), upstream2.as_bytes()))
            .then_with(|| compare(revision.as_bytes(), revision2.as_bytes()))
    }
}

impl PartialOrd for Deb {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Deb {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Deb {}

fn compare(mut a: &[u8], mut b: &[u8]) -> Ordering {
    while !(a.is_empty() && b.is_empty()) {
        let (text, rest) = cut(a, |byte| !byte.is_ascii_digit());
        let (text2, rest2) = cut(b, |byte| !byte.is_ascii_digit());
        let (number, rest) = cut(rest, u8::is_ascii_digit);
        let (number2, rest2) = cut(rest2, u8::is_ascii_digit);
        let order = texts(text, text2).then_with(|| numbers(number, number2));
        if order.is_ne() {
            return order;
        }
        (a, b) = (rest, rest2);
    }
    Ordering::Equal
}

fn texts(a: &[u8], b: &[u8]) -> Ordering {
    let weight = |byte: Option<&u8>| match byte {
        Some(b'~') => -1,
        None => 0,
        Some(letter) if letter.is_ascii_alphabetic() => i32::from(*letter),
        Some(other) => i32::from(*other) + 256,
    };
    let weights = |at| weight(a.get(at)).cmp(&weight(b.get(at)));
    (0..a.len().max(b.len())).map(weights).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}
