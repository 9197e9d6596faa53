//! What the orders of Debian and RPM share.

use std::cmp::Ordering;

/// What of `bytes` is `kind` up to the first byte that is not, and the rest.
pub(super) fn cut(bytes: &[u8], kind: impl Fn(&u8) -> bool) -> (&[u8], &[u8]) {
    let end = bytes.iter().position(|byte| !kind(byte)).unwrap_or(bytes.len());
    bytes.split_at(end)
}

/// The order of two numbers of any length, in decimal digits; none is zero.
pub(super) fn numbers(a: &[u8], b: &[u8]) -> Ordering {
    let ((_, a), (_, b)) = (cut(a, |byte| *byte == b'0'), cut(b, |byte| *byte == b'0'));
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}
