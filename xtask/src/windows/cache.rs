//! What is set up once and kept outside of the checkout, each part under a name that has its version.

use std::fs;
use std::path::{Path, PathBuf};

/// Where it is, if not below the folder for such things of the user.
const VARIABLE: &str = "STOPGAP_WINDOWS_CACHE";
/// What begins so is being made, or was when its maker ended.
const MAKING: &str = ".making-";
/// What begins so belongs to a run, or did.
const RUN: &str = ".run-";

/// The folder of what is kept.
pub(super) struct Cache(PathBuf);

impl Cache {
    /// Opens the folder, and removes what runs left in it that did not come to their end.
    pub(super) fn open() -> Result<Self, String> {
        let of = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let user = || of("XDG_CACHE_HOME").or_else(|| Some(of("HOME")?.join(".cache")));
        let folder = of(VARIABLE).or_else(|| Some(user()?.join("stopgap/windows")));
        let folder =
            folder.ok_or_else(|| format!("name a folder in {VARIABLE}: there is no HOME"))?;
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let cache = Self(folder);
        cache.sweep();
        Ok(cache)
    }

    /// A part that is kept under `name`. It is made by `make` if it is not there: in a folder that gets
    /// the name only when it is whole.
    pub(super) fn kept(
        &self,
        name: &str,
        make: impl FnOnce(&Path) -> Result<(), String>,
    ) -> Result<PathBuf, String> {
        let kept = self.0.join(name);
        if kept.is_dir() {
            return Ok(kept);
        }
        let making = self.own(MAKING)?;
        println!("test-windows: making {} …", kept.display());
        make(&making)?;
        fs::rename(&making, &kept).map_err(|error| format!("{}: {error}", kept.display()))?;
        Ok(kept)
    }

    /// A new folder for one run.
    pub(super) fn run(&self) -> Result<PathBuf, String> {
        self.own(RUN)
    }

    /// A new folder of this process.
    fn own(&self, prefix: &str) -> Result<PathBuf, String> {
        let folder = self.0.join(format!("{prefix}{}", std::process::id()));
        let made = match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => fs::create_dir(&folder),
        };
        made.map_err(|error| format!("{}: {error}", folder.display()))?;
        Ok(folder)
    }

    /// Removes what belongs to processes that are gone. Nothing is mounted there any more: a run's mounts
    /// end with it.
    fn sweep(&self) {
        for entry in fs::read_dir(&self.0).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let maker = [MAKING, RUN].iter().find_map(|prefix| name.strip_prefix(prefix));
            let is_gone = |process: &str| !Path::new("/proc").join(process).exists();
            if maker.is_some_and(is_gone) {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }
}
