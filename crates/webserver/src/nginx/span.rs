//! Ranges of bytes of nginx's files.

/// A range of bytes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Span {
    /// The number of the file.
    pub(super) source: usize,
    pub(super) from: usize,
    pub(super) to: usize,
}
