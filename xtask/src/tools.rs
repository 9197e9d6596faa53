//! Programs that tests use and a fresh machine may lack.

use std::path::Path;
use std::process::{Command, Stdio};

/// A program, the Debian package that has it, and the tests that need it.
struct Tool {
    program: &'static str,
    package: &'static str,
    tests: &'static str,
}

const TOOLS: [Tool; 2] = [
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
];

/// Installs what is missing where that is possible (Debian, as root); answers what stays missing.
pub(crate) fn install_missing() -> Vec<&'static str> {
    let missing: Vec<&Tool> = TOOLS.iter().filter(|tool| !is_there(tool.program)).collect();
    if missing.is_empty() {
        return Vec::new();
    }
    for tool in &missing {
        println!("installing {} …", tool.package);
    }
    let packages: Vec<&str> = missing.iter().map(|tool| tool.package).collect();
    let _ = run("apt-get", &["update", "-qq"]);
    let mut arguments = vec!["install", "-qq", "-y", "--no-install-recommends"];
    arguments.extend(packages);
    let _ = run("apt-get", &arguments);
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
    let path = std::env::var("PATH").unwrap_or_default();
    path.split(':').any(|folder| Path::new(folder).join(program).is_file())
}

fn run(program: &str, arguments: &[&str]) -> Option<()> {
    let mut command = Command::new(program);
    command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive").stdout(Stdio::null());
    command.status().ok()?.success().then_some(())
}
