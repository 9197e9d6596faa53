//! The project's own tasks: `cargo xtask check-layers`, `cargo xtask test`, `cargo xtask bench`.

mod layers;
mod tools;

use std::process::{Command, ExitCode};

const USAGE: &str = "\
usage: cargo xtask TASK

  check-layers   fail on an import that points up
  test           install what the tests need, then run every test
  bench          measure what the project promises, and print it with the machine's name";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let task = arguments.next();
    let rest: Vec<String> = arguments.collect();
    let outcome = match task.as_deref() {
        Some("check-layers") => layers::check(),
        Some("test") => test(&rest),
        Some("bench") => bench(),
        _ => Err(USAGE.to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

/// Runs every test of the workspace. `extra` goes to `cargo test`.
fn test(extra: &[String]) -> Result<(), String> {
    let missing = tools::install_missing();
    // The tests run the program itself, and some of them run it hundreds of times.
    cargo(&["build", "--quiet", "--package", "stopgap-cli"])?;
    let mut arguments = vec!["test", "--workspace"];
    arguments.extend(extra.iter().map(String::as_str));
    let tested = cargo(&arguments);
    for line in tools::skipped(&missing) {
        println!("{line}");
    }
    tested
}

fn bench() -> Result<(), String> {
    cargo(&["run", "--quiet", "--release", "--package", "stopgap-benches"])
}

fn cargo(arguments: &[&str]) -> Result<(), String> {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(program)
        .args(arguments)
        .status()
        .map_err(|error| format!("cargo could not be started: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("cargo {}: {status}", arguments.join(" "))) }
}
