//! Every test of the workspace, several test programs at a time.
//!
//! Most tests wait: for a server that reloads, for a host that boots, for a disk. `cargo test` runs
//! one test program after the other, and a machine's processors have nothing to do meanwhile.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use serde_json::Value;

/// The test programs that take longest. They begin first, so that none is left for the end.
const LONG: [&str; 8] =
    ["killed", "rights", "web_trouble", "trouble", "web_judged", "live", "again", "disk"];

/// A program of tests.
struct TestProgram {
    name: String,
    path: PathBuf,
    /// The folder of its crate, in which it runs.
    folder: PathBuf,
}

/// Builds and runs every test. The answer names every program that failed.
pub(crate) fn run() -> Result<(), String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let programs = Mutex::new(VecDeque::from(build(&cargo)?));
    let failed = Mutex::new(Vec::new());
    // One more than there are processors, because one of them is always waiting.
    let jobs = thread::available_parallelism().map_or(2, |cores| cores.get() + 1);
    thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                loop {
                    // In a statement of its own: the lock would be held as long as the program runs.
                    let next = lock(&programs).pop_front();
                    let Some(program) = next else { break };
                    if let Err(why) = run_one(&program, &cargo) {
                        lock(&failed).push(format!(
                            "{} ({}): {why}",
                            program.name,
                            program.folder.display()
                        ));
                    }
                }
            });
        }
    });
    // Examples in the documentation are compiled by rustdoc itself, which runs them side by side.
    let documented = Command::new(&cargo).args(["test", "--workspace", "--doc"]).status();
    let mut failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
    if !documented.is_ok_and(|status| status.success()) {
        failed.push("examples in the documentation".to_owned());
    }
    if failed.is_empty() { Ok(()) } else { Err(format!("failed:\n  {}", failed.join("\n  "))) }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Builds every program of tests, and the programs that tests run; the longest first.
fn build(cargo: &std::ffi::OsStr) -> Result<Vec<TestProgram>, String> {
    let output = Command::new(cargo)
        .args(["test", "--workspace", "--no-run", "--message-format=json-render-diagnostics"])
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cargo test --no-run: {error}"))?;
    if !output.status.success() {
        return Err("the tests do not compile".to_owned());
    }
    let messages = String::from_utf8_lossy(&output.stdout);
    let mut programs: Vec<TestProgram> = messages.lines().filter_map(test_program).collect();
    let rank = |program: &TestProgram| LONG.iter().position(|long| *long == program.name);
    programs.sort_by_key(|program| rank(program).unwrap_or(LONG.len()));
    Ok(programs)
}

/// The program of tests that a message of cargo's tells of, if it tells of one.
fn test_program(message: &str) -> Option<TestProgram> {
    let message: Value = serde_json::from_str(message).ok()?;
    let text = |pointer: &str| message.pointer(pointer).and_then(Value::as_str);
    if message.pointer("/profile/test") != Some(&Value::Bool(true)) {
        return None;
    }
    Some(TestProgram {
        name: text("/target/name")?.to_owned(),
        path: text("/executable")?.into(),
        folder: Path::new(text("/manifest_path")?).parent()?.to_owned(),
    })
}

/// Runs one program as `cargo test` does, and prints what it said when it is done.
fn run_one(program: &TestProgram, cargo: &std::ffi::OsStr) -> Result<(), String> {
    let started = Instant::now();
    let output = Command::new(&program.path)
        .current_dir(&program.folder)
        .env("CARGO", cargo)
        .env("CARGO_MANIFEST_DIR", &program.folder)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| error.to_string())?;
    let folder = program.folder.file_name().unwrap_or_default().to_string_lossy();
    // In one piece, so that what another program says does not stand in the middle of it.
    println!(
        "     Running {} ({folder}), {} s\n{}{}",
        program.name,
        started.elapsed().as_secs(),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    if output.status.success() { Ok(()) } else { Err(output.status.to_string()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_programs_of_tests_are_run() {
        let message = |test: bool, executable: &str| {
            format!(
                r#"{{"reason": "compiler-artifact", "manifest_path": "/w/crates/fs/Cargo.toml",
                "target": {{"name": "store"}}, "profile": {{"test": {test}}},
                "executable": {executable}}}"#
            )
        };
        let found = test_program(&message(true, r#""/t/store-1""#)).unwrap();
        assert_eq!(
            (found.name.as_str(), found.folder.as_path()),
            ("store", Path::new("/w/crates/fs"))
        );
        assert_eq!(found.path, Path::new("/t/store-1"));
        assert!(test_program(&message(false, r#""/t/stopgap""#)).is_none());
        assert!(test_program(&message(true, "null")).is_none());
        assert!(test_program(r#"{"reason": "build-finished"}"#).is_none());
    }
}
