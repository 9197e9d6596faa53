//! How lines of ours are known.

/// What every line of ours ends with: each says itself whose it is, whatever becomes of the others.
pub(super) const MARK: &str = " # by Stopgap";

/// Whether a line is ours.
pub(super) fn is_ours(line: &[u8]) -> bool {
    line.trim_ascii_end().ends_with(MARK.as_bytes())
}
