//! The demo's server: the files of a synthetic Exchange server in a folder of the demo's own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use stopgap_host::{TreeHost, parts};
use stopgap_model::ServerPath;
use stopgap_sandbox::{Build, ExchangeServer};

use crate::error::CliError;

/// The configuration files with their bytes.
pub(crate) type Files = BTreeMap<ServerPath, Vec<u8>>;

/// The sandbox's folder.
pub(crate) struct Sandbox {
    folder: PathBuf,
}

impl Sandbox {
    /// Makes the sandbox in `keep`, or in a new temporary folder.
    pub(crate) fn create(keep: Option<&Path>, build: Build) -> Result<Self, CliError> {
        let folder = match keep {
            Some(folder) => folder.to_owned(),
            None => std::env::temp_dir().join(format!("stopgap-demo-{}", std::process::id())),
        };
        // An existing folder is somebody's; nothing is written into it.
        let made = private_folder().create(&folder);
        made.map_err(|why| {
            CliError::usage(
                format!("the folder {} cannot be made: {why}", folder.display()),
                "name a folder that is not there yet: --keep DIR",
            )
        })?;
        let sandbox = Self { folder };
        for (path, bytes) in server(build).files() {
            sandbox.write(&path, &bytes)?;
        }
        Ok(sandbox)
    }

    fn root(&self) -> PathBuf {
        self.folder.join("server")
    }

    fn file(&self, path: &ServerPath) -> Result<PathBuf, CliError> {
        let parts = parts(path).map_err(|error| CliError::Machine(error.to_string()))?;
        Ok(self.root().join(parts.iter().collect::<PathBuf>()))
    }

    fn write(&self, path: &ServerPath, bytes: &[u8]) -> Result<(), CliError> {
        let file = self.file(path)?;
        let failed = |why| CliError::Write { file: file.clone(), why };
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        std::fs::write(&file, bytes).map_err(failed)
    }

    /// The server's files, as Stopgap sees them.
    pub(crate) fn host(&self) -> Result<TreeHost, CliError> {
        Ok(TreeHost::open(&self.root())?)
    }

    /// The state folder.
    pub(crate) fn state(&self) -> PathBuf {
        self.folder.join("state")
    }

    /// The folder of a feed.
    pub(crate) fn feed(&self, name: &str) -> PathBuf {
        self.folder.join("feeds").join(name)
    }

    /// "Installs" the update: a newer ExSetup.exe.
    pub(crate) fn install(&self, build: Build) -> Result<(), CliError> {
        for (path, bytes) in server(build).files() {
            if path.file_name().eq_ignore_ascii_case("ExSetup.exe") {
                self.write(&path, &bytes)?;
            }
        }
        Ok(())
    }

    /// Every configuration file with its bytes.
    pub(crate) fn configuration(&self) -> Result<Files, CliError> {
        let mut files = Files::new();
        for (path, _) in server(Build::new(15, 2, 0, 0)).files() {
            if !path.file_name().to_ascii_lowercase().ends_with(".config") {
                continue;
            }
            let file = self.file(&path)?;
            let bytes = std::fs::read(&file)
                .map_err(|why| CliError::Config { file, why: why.to_string() })?;
            files.insert(path, bytes);
        }
        Ok(files)
    }

    /// Removes the sandbox, unless it is kept.
    pub(crate) fn leave(self, kept: bool) -> Result<(), CliError> {
        if kept {
            return Ok(());
        }
        std::fs::remove_dir_all(&self.folder)
            .map_err(|why| CliError::Write { file: self.folder.clone(), why })
    }
}

fn server(build: Build) -> ExchangeServer {
    ExchangeServer::new(build)
}

/// Makes a folder that is its owner's alone. On Windows the folder for temporary files is.
fn private_folder() -> std::fs::DirBuilder {
    #[allow(unused_mut, reason = "on Windows there is nothing to set")]
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}
