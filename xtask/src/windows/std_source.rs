//! The standard library for Windows: the one that is installed, or the source that belongs to the compiler,
//! from which cargo builds it.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::cache::Cache;
use super::command::{output, run};
use super::namespaces;

/// What is built for.
pub(super) const TARGET: &str = "x86_64-pc-windows-gnu";

/// Where the standard library comes from.
pub(super) enum StdSource {
    /// It is installed beside the compiler.
    Installed,
    /// Cargo builds it from this source.
    Source {
        /// The folder `library`.
        library: PathBuf,
        /// Whose it is, for people.
        said: String,
    },
}

impl StdSource {
    /// Which one was taken, for people.
    pub(super) fn said(&self) -> String {
        match self {
            Self::Installed => format!("the standard library that is installed for {TARGET}"),
            Self::Source { said, .. } => format!("the standard library is built from {said}"),
        }
    }
}

/// The standard library of the compiler in use.
pub(super) fn ready(cache: &Cache, root: &Path) -> Result<StdSource, String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let sysroot = output(Command::new(&rustc).args(["--print", "sysroot"]))?;
    let libraries = Path::new(sysroot.trim()).join("lib/rustlib");
    if libraries.join(TARGET).join("lib").is_dir() {
        return Ok(StdSource::Installed);
    }
    let own = libraries.join("src/rust/library");
    if own.join("std").is_dir() {
        let said = format!("the compiler's own source, {}", own.display());
        return Ok(StdSource::Source { library: own, said });
    }
    let version = version(&output(Command::new(&rustc).arg("--version"))?)?;
    let kept =
        cache.kept(&format!("rust-src-{version}"), |folder| download(&version, root, folder))?;
    let library = kept.join(format!("usr/src/rustc-{version}/library"));
    match library.join("std").is_dir() {
        true => {
            let said = format!("Debian's rust-src {version}, the version of the compiler in use");
            Ok(StdSource::Source { library, said })
        }
        false => Err(format!("{} is not there", library.display())),
    }
}

/// The version of `rustc 1.95.0 (59807616e 2026-04-14)`.
fn version(said: &str) -> Result<String, String> {
    let version = said.split_whitespace().nth(1).filter(|word| !word.contains('-'));
    version
        .map(str::to_owned)
        .ok_or_else(|| format!("{}: only released compilers have a source in Debian", said.trim()))
}

/// Unpacks Debian's package with the source of a version.
fn download(version: &str, root: &Path, folder: &Path) -> Result<(), String> {
    // Found and fetched by the root's own apt: this machine's may be of another release.
    let found = "apt-get update -qq && cd /tmp && rm -f rust-src_*.deb && \
                 v=$(apt-cache madison rust-src | tr -d ' ' | cut -d'|' -f2 | grep -F \"$0+\" | head -n 1) && \
                 { test -n \"$v\" || { echo \"Debian 13 and its backports have no rust-src $0, but: \" \
                   $(apt-cache madison rust-src | tr -d ' ' | cut -d'|' -f2) >&2; exit 1; }; } && \
                 apt-get download -qq -o APT::Sandbox::User=root rust-src=\"$v\"";
    namespaces::in_root(root, &format!("sh -c '{}' {version}", found.replace('\'', r"'\''")))
        .map_err(|why| {
            format!(
                "{why}\nthe source of the standard library {version} cannot be had; where rustup works, \
                 `rustup target add {TARGET}` does it too"
            )
        })?;
    let packages = std::fs::read_dir(root.join("tmp")).map_err(|error| error.to_string())?;
    let package = packages.flatten().map(|entry| entry.path()).find(|path| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("rust-src_"))
    });
    let package = package.ok_or("apt-get downloaded nothing")?;
    run(Command::new("dpkg-deb").arg("-x").arg(&package).arg(folder))?;
    let _ = std::fs::remove_file(package);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_a_released_compiler_is_taken_and_no_other() {
        assert_eq!(version("rustc 1.95.0 (59807616e 2026-04-14)\n"), Ok("1.95.0".into()));
        assert!(version("rustc 1.97.0-nightly (0 2026-04-14)\n").is_err());
        assert!(version("").is_err());
    }
}
