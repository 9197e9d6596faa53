//! Which file a program is, whatever its name.

use std::os::unix::fs::MetadataExt as _;

use stopgap_model::ServerPath;

/// Device, inode and time of change of a program: they differ once a package has replaced it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileIdentity(Option<(u64, u64, i64)>);

impl FileIdentity {
    pub(crate) fn of(program: &ServerPath) -> Self {
        let facts = std::fs::metadata(program.as_str()).ok();
        Self(facts.map(|facts| (facts.dev(), facts.ino(), facts.mtime())))
    }
}
