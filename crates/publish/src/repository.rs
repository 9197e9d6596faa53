//! A folder in the layout of a repository: `metadata/` and `targets/`, with consistent snapshots.

use std::path::Path;

use stopgap_fs::{FsError, Lock, PublicDir};
use stopgap_model::Digest;
use stopgap_sign::{Envelope, Role};

use crate::error::PublishError;

/// The largest metadata, in bytes: what clients built on `sigstore-tuf` read of targets metadata
/// (its `UpdaterConfig`). It is enough for some 20,000 mitigations.
pub(crate) const MAX_METADATA: u64 = 5_000_000;

/// A folder with a repository, locked.
#[derive(Debug)]
pub(crate) struct Repository {
    dir: PublicDir,
    _lock: Lock,
}

impl Repository {
    /// Opens the folder, which must be there.
    pub(crate) fn open(path: &Path) -> Result<Self, PublishError> {
        Self::locked(PublicDir::open(path)?)
    }

    /// Opens the folder, if it is there.
    pub(crate) fn open_existing(path: &Path) -> Result<Option<Self>, PublishError> {
        match PublicDir::open(path) {
            Err(FsError::NotFound { .. }) => Ok(None),
            dir => Self::locked(dir?).map(Some),
        }
    }

    /// Opens the folder, or makes it.
    pub(crate) fn open_or_create(path: &Path) -> Result<Self, PublishError> {
        let repository = Self::locked(PublicDir::open_or_create(path)?)?;
        repository.make_folders()?;
        Ok(repository)
    }

    /// Makes the folders of a repository, where they are not there yet.
    pub(crate) fn make_folders(&self) -> Result<(), PublishError> {
        for name in ["metadata", "targets"] {
            self.dir.create_dir(name)?;
        }
        Ok(())
    }

    fn locked(dir: PublicDir) -> Result<Self, PublishError> {
        let holder = format!("pid {}, stopgap-publish", std::process::id());
        let lock = Lock::acquire_public(&dir, &holder)?;
        Ok(Self { dir, _lock: lock })
    }

    /// The folder.
    pub(crate) fn dir(&self) -> &PublicDir {
        &self.dir
    }

    /// The versions of a role that are there, the lowest first.
    pub(crate) fn versions(&self, role: Role) -> Result<Vec<u64>, PublishError> {
        let end = format!(".{}.json", role.as_str());
        let number = |name: &String| {
            let number: u64 = name.strip_suffix(&end)?.parse().ok()?;
            // `01.root.json` is nobody's name for it.
            (format!("{number}{end}") == *name).then_some(number)
        };
        let mut versions: Vec<u64> = self.dir.list("metadata")?.iter().filter_map(number).collect();
        versions.sort_unstable();
        Ok(versions)
    }

    /// The newest metadata of a role.
    pub(crate) fn newest(&self, role: Role) -> Result<Option<Envelope>, PublishError> {
        if role == Role::Timestamp {
            return self.metadata("metadata/timestamp.json");
        }
        match self.versions(role)?.last() {
            Some(&version) => self.metadata(&path(role, version)),
            None => Ok(None),
        }
    }

    /// Metadata by its path; `None` if it is not there.
    pub(crate) fn metadata(&self, path: &str) -> Result<Option<Envelope>, PublishError> {
        let Some(bytes) = self.dir.read(path, MAX_METADATA)? else { return Ok(None) };
        let place = self.dir.path().join(path);
        let envelope = Envelope::from_bytes(&bytes).map_err(|error| {
            let message = format!("{}: {error}", place.display());
            PublishError::refused(message, "put it back from a copy, or remove it")
        })?;
        Ok(Some(envelope))
    }

    /// Writes metadata, unless it is there already.
    pub(crate) fn put(&self, path: &str, bytes: &[u8]) -> Result<(), PublishError> {
        if self.dir.read(path, MAX_METADATA).ok().flatten().as_deref() != Some(bytes) {
            self.dir.write_atomic(path, bytes)?;
        }
        Ok(())
    }

    /// Whether the target is there, whole.
    pub(crate) fn has(&self, name: &str, sha256: Digest, length: u64) -> bool {
        let bytes = self.dir.read(&target(name, sha256), length).ok().flatten();
        bytes.is_some_and(|bytes| Digest::of(&bytes) == sha256)
    }
}

/// Where metadata is kept.
pub(crate) fn path(role: Role, version: u64) -> String {
    match role {
        Role::Timestamp => "metadata/timestamp.json".into(),
        _ => format!("metadata/{version}.{}.json", role.as_str()),
    }
}

/// Where a target is kept.
pub(crate) fn target(name: &str, sha256: Digest) -> String {
    format!("targets/{}", target_file(name, sha256))
}

/// The file of a target in its folder.
pub(crate) fn target_file(name: &str, sha256: Digest) -> String {
    format!("{sha256}.{name}")
}
