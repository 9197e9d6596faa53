//! Which programs of tests run, and where.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::build::Built;
use super::cache::Cache;

/// What a file of tests begins with that is for Unix only; behind it stands why.
const ONLY_UNIX: &str = "#![cfg(unix)]";

/// A run: the root, what is seen in it, and the programs.
pub(super) struct Plan {
    pub(super) root: PathBuf,
    /// A folder of this run's own.
    pub(super) folder: PathBuf,
    /// Folders of this machine that are seen there under their own names, and cannot be written.
    pub(super) seen: Vec<PathBuf>,
    pub(super) programs: Vec<Program>,
}

/// A program of tests.
pub(super) struct Program {
    /// Its crate and its file, for people.
    pub(super) name: String,
    pub(super) program: PathBuf,
    /// Where it runs: the folder of its crate, as cargo does it.
    pub(super) folder: PathBuf,
}

/// The programs of tests that run, and a line for each that does not.
pub(super) fn choose(
    built: &[Built],
    names: &[String],
) -> Result<(Vec<Program>, Vec<String>), String> {
    let (mut programs, mut left_out) = (Vec::new(), Vec::new());
    for test in built.iter().filter(|built| built.is_test) {
        let kind = if test.source.parent().is_some_and(|it| it.ends_with("tests")) {
            test.name.as_str()
        } else {
            "unit tests"
        };
        let name = format!("{}: {kind}", test.package);
        if !names.is_empty() && !names.iter().any(|wanted| name.contains(wanted.as_str())) {
            continue;
        }
        match only_unix(&test.source)? {
            Some(why) => left_out.push(format!("{name} ({why})")),
            None => programs.push(Program {
                name,
                program: test.program.clone(),
                folder: crate_folder(&test.source),
            }),
        }
    }
    Ok((programs, left_out))
}

/// Why a file of tests is for Unix only, if it is.
fn only_unix(source: &Path) -> Result<Option<String>, String> {
    let text =
        fs::read_to_string(source).map_err(|error| format!("{}: {error}", source.display()))?;
    let line = text.lines().find_map(|line| line.strip_prefix(ONLY_UNIX));
    Ok(line.map(|why| match why.trim().trim_start_matches('/').trim() {
        "" => "for Unix only".to_owned(),
        why => why.to_owned(),
    }))
}

/// The folder with the `Cargo.toml` of a source.
fn crate_folder(source: &Path) -> PathBuf {
    let is_crate = |folder: &&Path| folder.join("Cargo.toml").is_file();
    source.ancestors().skip(1).find(is_crate).unwrap_or(Path::new(".")).to_owned()
}

impl Plan {
    /// The run of these programs.
    pub(super) fn new(root: &Path, cache: &Cache, programs: Vec<Program>) -> Result<Self, String> {
        let checkout = std::env::current_dir().map_err(|error| error.to_string())?;
        let mut seen = vec![checkout.clone()];
        // Where the target folder is outside of the checkout, the programs are there.
        seen.extend(programs.first().and_then(|it| target_folder(&it.program)));
        seen.extend(std::env::var_os("STOPGAP_REAL_DATA").map(PathBuf::from));
        seen.retain(|folder| folder == &checkout || !folder.starts_with(&checkout));
        Ok(Self { root: root.to_owned(), folder: cache.run()?, seen, programs })
    }

    /// As text, for the process that carries it out.
    pub(super) fn write(&self) -> String {
        let programs: Vec<Value> = self
            .programs
            .iter()
            .map(|it| json!({"name": it.name, "program": it.program, "folder": it.folder}))
            .collect();
        json!({"root": self.root, "folder": self.folder, "seen": self.seen, "programs": programs})
            .to_string()
    }

    /// What [`Plan::write`] wrote.
    pub(super) fn read(text: &str) -> Option<Self> {
        let plan: Value = serde_json::from_str(text).ok()?;
        let path = |value: &Value| value.as_str().map(PathBuf::from);
        let program = |it: &Value| {
            Some(Program {
                name: it.get("name")?.as_str()?.to_owned(),
                program: path(it.get("program")?)?,
                folder: path(it.get("folder")?)?,
            })
        };
        Some(Self {
            root: path(plan.get("root")?)?,
            folder: path(plan.get("folder")?)?,
            seen: plan.get("seen")?.as_array()?.iter().map(path).collect::<Option<_>>()?,
            programs: plan
                .get("programs")?
                .as_array()?
                .iter()
                .map(program)
                .collect::<Option<_>>()?,
        })
    }
}

/// The target folder of a program in `TARGET/x86_64-pc-windows-gnu/debug/deps`.
fn target_folder(program: &Path) -> Option<PathBuf> {
    program.ancestors().nth(4).map(Path::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_read_as_it_was_written() {
        let program =
            Program { name: "fs: root".into(), program: "/t/r.exe".into(), folder: "/x".into() };
        let plan = Plan {
            root: "/r".into(),
            folder: "/f".into(),
            seen: vec!["/x".into(), "/t".into()],
            programs: vec![program],
        };
        let read = Plan::read(&plan.write()).expect("a plan");
        assert_eq!(read.write(), plan.write());
        assert!(Plan::read("{}").is_none());
    }
}
