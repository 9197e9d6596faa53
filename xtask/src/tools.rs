//! Programs that tests use and a fresh machine may lack.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A program, the Debian package that it needs, and the tests that need it.
struct Tool {
    program: &'static str,
    package: &'static str,
    tests: &'static str,
}

const TOOLS: [Tool; 3] = [
    Tool {
        program: "strace",
        package: "strace",
        tests: "a kill at every operation, a full disk (crates/cli/tests/trouble.rs)",
    },
    Tool {
        program: "xmlsec1",
        package: "xmlsec1",
        tests: "a second opinion on signed feeds (crates/eocs/tests/forged.rs)",
    },
    Tool {
        program: PYTHON_TUF,
        package: "python3-venv",
        tests: "another implementation of TUF (python_tuf.rs in crates/feed/tests and \
                crates/publish/tests)",
    },
];

/// Not a program but a library, with a Python of its own in `target/python-tuf`.
const PYTHON_TUF: &str = "python-tuf";

/// What pip installs there: the library, and the keys that its tests make.
const PYTHON_PACKAGES: [&str; 2] = ["tuf==7.0.1", "securesystemslib[crypto]==1.6.0"];

/// Installs what is missing where that is possible (Debian, as root); answers what stays missing.
pub(crate) fn install_missing() -> Vec<&'static str> {
    let missing: Vec<&Tool> = TOOLS.iter().filter(|tool| !is_there(tool.program)).collect();
    if missing.is_empty() {
        return Vec::new();
    }
    for tool in &missing {
        println!("installing {} …", tool.program);
    }
    let packages: Vec<&str> = missing.iter().map(|tool| tool.package).collect();
    let _ = run("apt-get", &["update", "-qq"]);
    let mut arguments = vec!["install", "-qq", "-y", "--no-install-recommends"];
    arguments.extend(packages);
    let _ = run("apt-get", &arguments);
    if missing.iter().any(|tool| tool.program == PYTHON_TUF) {
        let _ = install_python_tuf();
    }
    missing.iter().map(|tool| tool.program).filter(|program| !is_there(program)).collect()
}

/// A line for each program that is missing: what was skipped for want of it.
pub(crate) fn skipped(missing: &[&str]) -> Vec<String> {
    TOOLS
        .iter()
        .filter(|tool| missing.contains(&tool.program))
        .map(|tool| format!("skipped for want of {}: {}", tool.program, tool.tests))
        .collect()
}

fn is_there(program: &str) -> bool {
    if program == PYTHON_TUF {
        let python = python_folder().join("bin/python").into_os_string().into_string();
        let import = "import tuf.ngclient, cryptography";
        return python.is_ok_and(|python| run(&python, &["-c", import]).is_some());
    }
    let path = std::env::var("PATH").unwrap_or_default();
    path.split(':').any(|folder| Path::new(folder).join(program).is_file())
}

fn install_python_tuf() -> Option<()> {
    let folder = python_folder().into_os_string().into_string().ok()?;
    run("python3", &["-m", "venv", "--clear", &folder])?;
    let mut arguments = vec!["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    arguments.extend(PYTHON_PACKAGES);
    run(&format!("{folder}/bin/python"), &arguments)
}

/// Where the tests look for it too: `stopgap_testkit::python_tuf`.
fn python_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("target").join(PYTHON_TUF)
}

fn run(program: &str, arguments: &[&str]) -> Option<()> {
    let mut command = Command::new(program);
    command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::inherit());
    command.status().ok()?.success().then_some(())
}
