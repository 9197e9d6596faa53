//! A server's files under a folder.

use std::path::{Path, PathBuf};

use stopgap_fs::{FindLimits, FsError, ReplaceError, Root};
use stopgap_model::web::WebServer;
use stopgap_model::{Digest, ServerPath};

use crate::host::{Found, Host, Read, sentence};
use crate::live::Live;
use crate::path::parts;

/// A server whose drives are folders of a folder: `C:\inetpub` is `C/inetpub` in it.
///
/// Names are found without regard to the case of ASCII letters, and no link is followed.
#[derive(Debug)]
pub struct TreeHost {
    root: Root,
    path: PathBuf,
}

impl TreeHost {
    /// Opens the server under the folder `root`.
    ///
    /// # Errors
    /// The folder is not there or cannot be opened.
    pub fn open(root: &Path) -> Result<Self, FsError> {
        Ok(Self { root: Root::open(root)?, path: root.to_owned() })
    }
}

impl Host for TreeHost {
    fn read(&self, path: &ServerPath, max: u64) -> Read {
        let parts = match parts(path) {
            Ok(parts) => parts,
            Err(error) => return Read::Unreadable(sentence(&error)),
        };
        match self.root.read(&parts, max) {
            Ok(Some(bytes)) => Read::Found(bytes),
            Ok(None) => Read::Absent,
            Err(error) => Read::Unreadable(sentence(&error)),
        }
    }

    fn find(&self, folder: &ServerPath, name: &str) -> Found {
        let found = match parts(folder) {
            Ok(parts) => self.root.find(&parts, name, FindLimits::USUAL),
            Err(error) => return unsearched(sentence(&error)),
        };
        match found {
            Ok(found) => Found {
                files: found.files.iter().map(|below| folder.join(&below.join("\\"))).collect(),
                incomplete: found.incomplete.map(|why| sentence(&why)),
            },
            Err(error) => unsearched(sentence(&error)),
        }
    }

    fn replace(&self, path: &ServerPath, expected: Digest, new: &[u8]) -> Result<(), ReplaceError> {
        self.root.replace(&checked(path)?, expected, new)
    }

    fn create(&self, path: &ServerPath, _: &[u8]) -> Result<(), ReplaceError> {
        Err(ReplaceError::Missing { path: path.as_str().into() })
    }

    fn remove(&self, path: &ServerPath, _: Digest) -> Result<(), ReplaceError> {
        Err(ReplaceError::Missing { path: path.as_str().into() })
    }

    fn real_path(&self, path: &ServerPath) -> Result<ServerPath, String> {
        Ok(path.clone())
    }

    fn glob(&self, _: &str) -> Result<Vec<ServerPath>, String> {
        Ok(Vec::new())
    }

    fn web_servers(&self) -> Vec<WebServer> {
        Vec::new()
    }

    fn live(&self) -> Option<&dyn Live> {
        None
    }

    fn remove_leftover(&self, path: &ServerPath) -> Result<bool, FsError> {
        self.root.remove_leftover(&checked(path)?)
    }

    fn name(&self) -> String {
        format!("tree {}", self.path.display())
    }
}

fn unsearched(why: String) -> Found {
    Found { files: Vec::new(), incomplete: Some(why) }
}

fn checked(path: &ServerPath) -> Result<Vec<&str>, FsError> {
    parts(path).map_err(|error| FsError::BadName { name: error.0 })
}
