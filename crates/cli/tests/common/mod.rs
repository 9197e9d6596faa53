//! Runs the program as a user would.
#![allow(dead_code, reason = "each test program uses what it needs")]
#![allow(clippy::expect_used, clippy::panic, reason = "a test says plainly what it expects")]

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use stopgap_testkit::Tree;

/// A vulnerable build, and one with the fixes, for M1 and M2; and one that ProxyLogon is for as
/// well.
pub(crate) const VULNERABLE: &str = "15.2.1118.7";
pub(crate) const FIXED: &str = "15.2.1544.41";
pub(crate) const OLD: &str = "15.2.529.5";

pub(crate) const HOST_CONFIG: &str = r"C:\Windows\System32\inetsrv\config\applicationHost.config";

/// What a run of the program came to.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Run {
    pub(crate) fn of(output: &Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out)
            .unwrap_or_else(|error| panic!("{error}\nout: {}\nerr: {}", self.out, self.err))
    }

    /// The state of a mitigation, by `--json`.
    #[track_caller]
    pub(crate) fn state(&self, id: &str) -> String {
        self.mitigation(id)["state"].as_str().unwrap_or_default().to_owned()
    }

    #[track_caller]
    pub(crate) fn mitigation(&self, id: &str) -> Value {
        let json = self.json();
        let all = json["mitigations"].as_array().cloned().unwrap_or_default();
        let found = all.into_iter().find(|mitigation| mitigation["id"] == id);
        found.unwrap_or_else(|| panic!("no {id} in {json}"))
    }

    #[track_caller]
    pub(crate) fn reason(&self, id: &str) -> String {
        self.mitigation(id)["reason"].as_str().unwrap_or_default().to_owned()
    }
}

pub(crate) fn program() -> &'static str {
    env!("CARGO_BIN_EXE_stopgap")
}

/// `stopgap` with these arguments.
pub(crate) fn stopgap(arguments: &[&str]) -> Run {
    let output = Command::new(program()).args(arguments).output().expect("the program starts");
    Run::of(&output)
}

/// `stopgap --root … --state … --json` with these arguments.
pub(crate) fn on(tree: &Tree, arguments: &[&str]) -> Run {
    Run::of(&command(tree, arguments).output().expect("the program starts"))
}

pub(crate) fn command(tree: &Tree, arguments: &[&str]) -> Command {
    let mut command = Command::new(program());
    command.args(place(tree)).args(arguments);
    command
}

/// The arguments that name a tree.
pub(crate) fn place(tree: &Tree) -> Vec<std::ffi::OsString> {
    vec![
        "--json".into(),
        "--root".into(),
        tree.root().into(),
        "--state".into(),
        tree.state().into(),
    ]
}

/// The files under `folder` whose names end as a torn write leaves them.
pub(crate) fn leftovers(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let Ok(entries) = std::fs::read_dir(folder) else { return found };
    for entry in entries {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(leftovers(&path));
        } else if path.to_string_lossy().ends_with(".stopgap-new") {
            found.push(path.display().to_string());
        }
    }
    found
}
