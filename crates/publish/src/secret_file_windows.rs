//! Warnings of files that should be the publisher's alone.

use std::path::Path;

use crate::output::warning;

/// Warns of a secret file that others can change. Who can read it is not judged: on Windows a file gets
/// the access list of its folder, and that of a user's own folders is closed.
pub(crate) fn warn_if_open(path: &Path) {
    warn_if_foreign(path);
}

/// Warns of a file or folder that somebody else can change.
pub(crate) fn warn_if_foreign(path: &Path) {
    let others = stopgap_fs::others(path);
    if !others.is_empty() {
        warning(&format!("{} can be written by {}", path.display(), others.join(", ")));
    }
}
