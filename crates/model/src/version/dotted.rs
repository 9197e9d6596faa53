//! Versions of dotted decimal numbers.

use std::cmp::Ordering;

/// The most parts a version may have.
const MAX_PARTS: usize = 8;

/// Decimal numbers joined by dots, the most significant first. A missing one is zero.
#[derive(Clone)]
pub(super) struct Dotted(Vec<u32>);

impl Dotted {
    /// A version from its parts.
    pub(super) fn from_parts(parts: &[u32]) -> Self {
        Self(parts.to_vec())
    }

    /// The version that `text` is, if it is one.
    pub(super) fn read(text: &str) -> Option<Self> {
        let number = |part: &str| {
            let digits = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
            if digits { part.parse().ok() } else { None }
        };
        let parts: Vec<u32> = text.split('.').map(number).collect::<Option<_>>()?;
        (parts.len() <= MAX_PARTS).then_some(Self(parts))
    }

    /// The version without leading zeros.
    pub(super) fn text(&self) -> String {
        let parts: Vec<String> = self.0.iter().map(u32::to_string).collect();
        parts.join(".")
    }

    fn part(&self, at: usize) -> u32 {
        self.0.get(at).copied().unwrap_or(0)
    }
}

impl Ord for Dotted {
    fn cmp(&self, other: &Self) -> Ordering {
        (0..self.0.len().max(other.0.len()))
            .map(|at| self.part(at).cmp(&other.part(at)))
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    }
}

impl PartialOrd for Dotted {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Dotted {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Dotted {}
