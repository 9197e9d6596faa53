//! The files of this machine, by the paths of Windows.

use std::path::{Path, PathBuf};

use stopgap_fs::{FindLimits, FsError, ReplaceError, ReplaceMethod, Root};
use stopgap_model::reason::FileReason;
use stopgap_model::web::{WebServer, WebSettings};
use stopgap_model::{Digest, Reasons, ServerPath};

use crate::files::{Files, Found, Read};
use crate::host::Host;
use crate::web_servers::{ServerControl, WebServers};
use crate::windows_path::parts;

/// Where Windows is by its paths in configuration, whatever the disk is that it was installed on.
const USUAL_ROOT: &str = r"C:\Windows";

/// This machine.
///
/// A path leads to the disk of its drive. No link and no junction is followed; one on the way is a
/// reason why something is not known.
#[derive(Debug)]
pub struct WindowsHost {
    /// Where Windows really is.
    system_root: ServerPath,
}

impl WindowsHost {
    /// Opens this machine. What is set up for other web servers than IIS has no effect on Windows.
    ///
    /// # Errors
    /// The folder of Windows is not there.
    pub fn open(_: WebSettings) -> Result<Self, FsError> {
        let root = std::env::var_os("SystemRoot").map(PathBuf::from);
        let root = root.filter(|root| root.is_absolute() && root.is_dir());
        let root = root.ok_or_else(|| FsError::NotFound { path: USUAL_ROOT.into() })?;
        let system_root = ServerPath::new(root.to_string_lossy());
        Ok(Self { system_root })
    }

    /// Where a file really is: a path below `C:\Windows` means the folder that Windows is in.
    fn real(&self, path: &ServerPath) -> ServerPath {
        let text = path.as_str();
        let is_below = |rest: &&str| rest.is_empty() || rest.starts_with(['\\', '/']);
        let usual = text.get(..USUAL_ROOT.len()).filter(|it| it.eq_ignore_ascii_case(USUAL_ROOT));
        match usual.and_then(|_| text.get(USUAL_ROOT.len()..)).filter(is_below) {
            Some(rest) => ServerPath::new(format!("{}{rest}", self.system_root)),
            None => path.clone(),
        }
    }

    /// Does something with the disk of a path and the parts of the path below it; `None` if there is no
    /// such disk.
    fn with<T>(
        &self,
        path: &ServerPath,
        call: impl FnOnce(&Root, &[&str]) -> Result<T, ReplaceError>,
    ) -> Result<Option<T>, ReplaceError> {
        let path = self.real(path);
        let parts = parts(&path).map_err(|error| FsError::BadName { name: error.0 })?;
        let Some((drive, below)) = parts.split_first() else {
            return Err(FsError::BadName { name: path.as_str().to_owned() }.into());
        };
        match Root::open(Path::new(&format!("{drive}:\\"))) {
            Ok(root) => call(&root, below).map(Some),
            Err(FsError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

impl Files for WindowsHost {
    fn read(&self, path: &ServerPath, max: u64) -> Read {
        if path.is_unix() {
            return Read::Absent;
        }
        match self.with(path, |root, parts| Ok(root.read(parts, max)?)) {
            Ok(Some(Some(bytes))) => Read::Found(bytes),
            Ok(Some(None) | None) => Read::Absent,
            Err(error) => Read::Unreadable(error.into()),
        }
    }

    fn find(&self, folder: &ServerPath, name: &str) -> Found {
        if folder.is_unix() {
            return Found::default();
        }
        let search = |root: &Root, parts: &[&str]| Ok(root.find(parts, name, FindLimits::USUAL)?);
        match self.with(folder, search) {
            Ok(Some(found)) => Found {
                files: found.files.iter().map(|below| folder.join(&below.join("\\"))).collect(),
                incomplete: found.incomplete.map(Into::into),
            },
            Ok(None) => Found::default(),
            Err(error) => Found { files: Vec::new(), incomplete: Some(error.into()) },
        }
    }

    fn replace(&self, path: &ServerPath, expected: Digest, new: &[u8]) -> Result<(), ReplaceError> {
        let replaced = self.with(path, |root, parts| root.replace(parts, expected, new))?;
        replaced.ok_or_else(|| ReplaceError::Missing { path: path.as_str().into() })
    }

    fn create(&self, path: &ServerPath, _: &[u8]) -> Result<(), ReplaceError> {
        Err(not_made(path).into())
    }

    fn remove(&self, path: &ServerPath, _: Digest) -> Result<(), ReplaceError> {
        Err(not_made(path).into())
    }

    fn replace_method(&self, _: &ServerPath) -> Result<ReplaceMethod, Reasons> {
        Ok(ReplaceMethod::Rename)
    }

    fn remove_leftover(&self, path: &ServerPath) -> Result<bool, FsError> {
        if path.is_unix() {
            return Ok(false);
        }
        match self.with(path, |root, parts| Ok(root.remove_leftover(parts)?)) {
            Ok(removed) => Ok(removed.unwrap_or(false)),
            Err(ReplaceError::Fs(error)) => Err(error),
            // Nothing else comes from there.
            Err(_) => Err(not_made(path)),
        }
    }

    fn real_path(&self, path: &ServerPath) -> Result<ServerPath, Reasons> {
        // No link is followed.
        Ok(path.clone())
    }

    fn glob(&self, _: &str) -> Result<Vec<ServerPath>, Reasons> {
        let action = "look for web servers other than IIS on Windows".to_owned();
        Err(FileReason::Unsupported { action }.into())
    }
}

impl WebServers for WindowsHost {
    fn web_servers(&self) -> Vec<WebServer> {
        Vec::new()
    }

    fn control(&self) -> Option<&dyn ServerControl> {
        None
    }
}

impl Host for WindowsHost {
    fn name(&self) -> String {
        "this machine".to_owned()
    }
}

/// Files are made and removed for web servers other than IIS only.
fn not_made(path: &ServerPath) -> FsError {
    FsError::BadName { name: path.as_str().to_owned() }
}
