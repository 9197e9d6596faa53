//! A server's files under a folder.

mod web;

use std::path::{Path, PathBuf};

use stopgap_fs::{FindLimits, FsError, ReplaceError, ReplaceMethod, Root};
use stopgap_model::reason::FileReason;
use stopgap_model::web::WebServer;
use stopgap_model::{Digest, Reasons, ServerPath};

use crate::files::{Files, Found, Read};
use crate::host::Host;
use crate::unix_files::{UnixFiles, not_unix};
use crate::web_servers::{ServerControl, WebServers};
use crate::windows_path::{NotAbsolute, parts};

use web::packaged_in_tree;

/// A server whose files are in a folder, such as a mounted disk or a golden image.
///
/// A path of Windows leads to the folder of its drive: `C:\inetpub` is `C/inetpub` in it. Names are
/// found without regard to the case of ASCII letters, and no link is followed. A path that begins
/// with `/` is one of Unix: `/etc` is `etc` in it, case counts, and links are followed in it.
#[derive(Debug)]
pub struct TreeHost {
    root: Root,
    /// Why not, on a system that cannot have them.
    unix: Result<UnixFiles, FsError>,
    path: PathBuf,
}

impl TreeHost {
    /// Opens the server under the folder `root`.
    ///
    /// # Errors
    /// The folder is not there or cannot be opened.
    pub fn open(root: &Path) -> Result<Self, FsError> {
        let unix = match UnixFiles::open(root) {
            Err(error @ FsError::Unsupported { .. }) => Err(error),
            unix => Ok(unix?),
        };
        Ok(Self { root: Root::open(root)?, unix, path: root.to_owned() })
    }

    /// The files of a Unix server.
    fn unix(&self) -> Result<&UnixFiles, FsError> {
        self.unix.as_ref().map_err(FsError::clone)
    }
}

impl Files for TreeHost {
    fn read(&self, path: &ServerPath, max: u64) -> Read {
        if path.is_unix() {
            return match self.unix() {
                Ok(unix) => unix.read(path, max),
                // No server of that kind is looked at there, so nothing of one is either.
                Err(_) => Read::Absent,
            };
        }
        let parts = match parts(path) {
            Ok(parts) => parts,
            Err(error) => return Read::Unreadable(no_drive(error)),
        };
        match self.root.read(&parts, max) {
            Ok(Some(bytes)) => Read::Found(bytes),
            Ok(None) => Read::Absent,
            Err(error) => Read::Unreadable(error.into()),
        }
    }

    fn find(&self, folder: &ServerPath, name: &str) -> Found {
        if folder.is_unix() {
            return UnixFiles::find(folder);
        }
        let found = match parts(folder) {
            Ok(parts) => self.root.find(&parts, name, FindLimits::USUAL),
            Err(error) => return unsearched(no_drive(error)),
        };
        match found {
            Ok(found) => Found {
                files: found.files.iter().map(|below| folder.join(&below.join("\\"))).collect(),
                incomplete: found.incomplete.map(Into::into),
            },
            Err(error) => unsearched(error.into()),
        }
    }

    fn replace(&self, path: &ServerPath, expected: Digest, new: &[u8]) -> Result<(), ReplaceError> {
        match path.is_unix() {
            true => self.unix()?.replace(path, expected, new),
            false => self.root.replace(&checked(path)?, expected, new),
        }
    }

    fn replace_method(&self, path: &ServerPath) -> Result<ReplaceMethod, Reasons> {
        match path.is_unix() {
            true => self.unix()?.replace_method(path),
            false => Ok(ReplaceMethod::Rename),
        }
    }

    fn create(&self, path: &ServerPath, new: &[u8]) -> Result<(), ReplaceError> {
        match path.is_unix() {
            true => self.unix()?.create(path, new),
            false => Err(not_unix(path).into()),
        }
    }

    fn remove(&self, path: &ServerPath, expected: Digest) -> Result<(), ReplaceError> {
        match path.is_unix() {
            true => self.unix()?.remove(path, expected),
            false => Err(not_unix(path).into()),
        }
    }

    fn remove_leftover(&self, path: &ServerPath) -> Result<bool, FsError> {
        match path.is_unix() {
            true => self.unix()?.remove_leftover(path),
            false => self.root.remove_leftover(&checked(path)?),
        }
    }

    fn real_path(&self, path: &ServerPath) -> Result<ServerPath, Reasons> {
        match path.is_unix() {
            true => self.unix()?.real_path(path),
            // No link is followed there.
            false => Ok(path.clone()),
        }
    }

    fn glob(&self, pattern: &str) -> Result<Vec<ServerPath>, Reasons> {
        self.unix()?.glob(pattern)
    }
}

impl WebServers for TreeHost {
    fn web_servers(&self) -> Vec<WebServer> {
        self.unix().map_or_else(|_| Vec::new(), packaged_in_tree)
    }

    fn control(&self) -> Option<&dyn ServerControl> {
        None
    }
}

impl Host for TreeHost {
    fn name(&self) -> String {
        format!("tree {}", self.path.display())
    }
}

fn no_drive(error: NotAbsolute) -> Reasons {
    FileReason::NotAbsolute { path: error.0 }.into()
}

fn unsearched(why: Reasons) -> Found {
    Found { files: Vec::new(), incomplete: Some(why) }
}

fn checked(path: &ServerPath) -> Result<Vec<&str>, FsError> {
    parts(path).map_err(|error| FsError::BadName { name: error.0 })
}
