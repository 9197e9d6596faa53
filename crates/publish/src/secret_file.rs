//! Warnings of files that should be the publisher's alone.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::output::warning;

/// Warns of a secret file that is open to others, or that somebody else can change.
pub(crate) fn warn_if_open(path: &Path) {
    let Ok(facts) = std::fs::metadata(path) else { return };
    if facts.mode() & 0o077 != 0 {
        let mode = facts.mode() & 0o7777;
        warning(&format!("{} is open to others (mode {mode:04o}): chmod 600", path.display()));
    }
    warn_if_foreign(path);
}

/// Warns of a file or folder that belongs to somebody else, who can change it.
pub(crate) fn warn_if_foreign(path: &Path) {
    let Ok(facts) = std::fs::metadata(path) else { return };
    let user = rustix::process::geteuid().as_raw();
    if facts.uid() != user && facts.uid() != 0 {
        let owner = facts.uid();
        let path = path.display();
        warning(&format!("{path} belongs to user {owner}, and this is user {user}"));
    }
}
