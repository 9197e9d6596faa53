//! What bounds a pattern, so that none costs more than an answer is worth.

/// The longest pattern, in bytes: longer than any rule of the field.
pub(crate) const MAX_PATTERN: usize = 8 * 1024;
/// The largest compiled pattern, in bytes.
pub(crate) const MAX_COMPILED: usize = 4 * 1024 * 1024;
/// How deep groups may nest.
pub(crate) const MAX_DEPTH: usize = 64;
/// The largest count in a repetition such as `a{1000}`.
pub(crate) const MAX_COUNT: u32 = 1000;
