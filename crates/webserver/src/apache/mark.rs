//! How our file is known.

/// The name of our file.
pub(super) const OWN_FILE: &str = "stopgap.conf";
