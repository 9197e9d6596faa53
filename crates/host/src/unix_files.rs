//! The files of a Unix server, by the paths that it uses.

use std::path::{Path, PathBuf};

use stopgap_fs::{FsError, Reached, ReplaceError, ReplaceMethod, Staged, UnixRoot, Writers};
use stopgap_model::reason::FileReason;
use stopgap_model::web::Account;
use stopgap_model::{Digest, Reasons, ServerPath};

use crate::files::{Found, Read};

/// The files of a Unix server below a folder, which is `/` for this machine.
#[derive(Debug)]
pub(crate) struct UnixFiles(UnixRoot);

/// Where a path led to.
pub(crate) struct Followed {
    /// The path without a link.
    pub(crate) real: ServerPath,
    pub(crate) read: Read,
    /// Who may change it, and whose it is; `None` if nothing is there.
    pub(crate) writers: Option<(Writers, u32)>,
}

impl UnixFiles {
    pub(crate) fn open(root: &Path) -> Result<Self, FsError> {
        UnixRoot::open(root).map(Self)
    }

    pub(crate) fn read(&self, path: &ServerPath, max: u64) -> Read {
        read(self.0.read(path.as_str(), max))
    }

    /// Follows a path once.
    pub(crate) fn reach(&self, path: &ServerPath, max: u64) -> Result<Followed, Reasons> {
        match self.0.reach(path.as_str(), max)? {
            Some(Reached { real, bytes, writers }) => {
                Ok(Followed { real: named(&real)?, read: read(bytes), writers })
            }
            None => Ok(Followed { real: path.clone(), read: Read::Absent, writers: None }),
        }
    }

    /// Every file of a name below a folder is asked for by what looks at Windows only.
    pub(crate) fn find(folder: &ServerPath) -> Found {
        let why = FileReason::NotSearched { folder: folder.as_str().to_owned() };
        Found { files: Vec::new(), incomplete: Some(why.into()) }
    }

    pub(crate) fn replace(
        &self,
        path: &ServerPath,
        expected: Digest,
        new: &[u8],
    ) -> Result<(), ReplaceError> {
        self.0.replace(path.as_str(), expected, new)
    }

    pub(crate) fn replace_method(&self, path: &ServerPath) -> Result<ReplaceMethod, Reasons> {
        match self.0.replace_method(path.as_str()) {
            // It is made.
            Err(ReplaceError::Missing { .. }) => Ok(ReplaceMethod::Rename),
            replacing => Ok(replacing?),
        }
    }

    pub(crate) fn create(&self, path: &ServerPath, new: &[u8]) -> Result<(), ReplaceError> {
        self.0.create(path.as_str(), new)
    }

    pub(crate) fn remove(&self, path: &ServerPath, expected: Digest) -> Result<(), ReplaceError> {
        self.0.remove(path.as_str(), expected)
    }

    pub(crate) fn remove_leftover(&self, path: &ServerPath) -> Result<bool, FsError> {
        self.0.remove_leftover(path.as_str())
    }

    /// Writes a file beside another one, for the account that is to read it and nobody else.
    pub(crate) fn stage(
        &self,
        path: &ServerPath,
        bytes: &[u8],
        reader: &Account,
    ) -> Result<Staged, FsError> {
        let owner = (!reader.is_root()).then_some((reader.uid, reader.gid));
        self.0.stage(path.as_str(), bytes, owner)
    }

    pub(crate) fn real_path(&self, path: &ServerPath) -> Result<ServerPath, Reasons> {
        match self.0.real_path(path.as_str()) {
            Ok(Some(real)) => named(&real),
            Ok(None) => Ok(path.clone()),
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) fn glob(&self, pattern: &str) -> Result<Vec<ServerPath>, Reasons> {
        let paths = self.0.glob(pattern)?;
        paths.iter().map(named).collect()
    }

    pub(crate) fn is_folder(&self, path: &ServerPath) -> bool {
        self.0.is_folder(path.as_str()).unwrap_or(false)
    }

    /// Whether a program may be run: nobody unprivileged may have written it.
    pub(crate) fn require_guarded(&self, program: &ServerPath) -> Result<(), Reasons> {
        Ok(self.0.require_guarded(program.as_str())?)
    }
}

fn read(bytes: Result<Option<Vec<u8>>, FsError>) -> Read {
    match bytes {
        Ok(Some(bytes)) => Read::Found(bytes),
        Ok(None) => Read::Absent,
        Err(error) => Read::Unreadable(error.into()),
    }
}

fn named(path: &PathBuf) -> Result<ServerPath, Reasons> {
    let text = path.to_str().ok_or_else(|| FileReason::NotText { path: format!("{path:?}") })?;
    Ok(ServerPath::new(text))
}

/// Files are made and removed for the servers of Unix only.
pub(crate) fn not_unix(path: &ServerPath) -> FsError {
    FsError::BadName { name: path.as_str().to_owned() }
}
