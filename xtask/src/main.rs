//! The project's own tasks: `cargo xtask check-layers`, `cargo xtask house`, `cargo xtask deny`,
//! `cargo xtask test`, `cargo xtask test-windows`, `cargo xtask mutations`, `cargo xtask parity`, `cargo xtask bench`.

mod deny;
mod house;
mod layers;
mod side_by_side;
mod tools;
mod windows;

use std::process::{Command, ExitCode};

const USAGE: &str = "\
usage: cargo xtask TASK

  check-layers   fail on an import that points up, and on files of one crate that stand on each
                 other
  house          measure the code: files, functions, circles, errors, comments, tests; with a
                 crate's name, list what of it misses the targets
  deny           hold every dependency to deny.toml, and find versions that were withdrawn
  test           install what the tests need, then run every test, several programs of tests at a
                 time; with arguments, what `cargo test` makes of them
  test-windows   build the programs and the tests for Windows and run them under Wine, which is set
                 up once (Debian, root); with names, only the test programs that have one in theirs
  mutations      damage every configuration file in many ways: STOPGAP_MUTATIONS times each,
                 from STOPGAP_SEED on
  parity         send one corpus of requests to the real nginx, Apache and HAProxy, and compare
                 every verdict with the reference's; the generated part is of STOPGAP_SEED
  bench          measure what the project promises, and print it with the machine's name;
                 with a name, such as nginx, only that part";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let task = arguments.next();
    let rest: Vec<String> = arguments.collect();
    let outcome = match task.as_deref() {
        Some("check-layers") => layers::check(),
        Some("deny") => deny::check(),
        Some("house") => house::print(rest.first().map(String::as_str)),
        Some("test") => test(&rest),
        Some("test-windows") => windows::test(&rest),
        Some("mutations") => mutations(),
        Some("parity") => parity(),
        Some("bench") => bench(&rest),
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

/// Runs every test of the workspace; with `extra`, what `cargo test` makes of it.
fn test(extra: &[String]) -> Result<(), String> {
    let missing = tools::install_missing(&tools::OF_TESTS);
    let tested = if extra.is_empty() {
        side_by_side::run()
    } else {
        // Tests of any crate may run the program, which only its own crate's tests build.
        cargo(&["build", "--quiet", "--package", "stopgap-cli"])?;
        let mut arguments = vec!["test", "--workspace", "--no-fail-fast"];
        arguments.extend(extra.iter().map(String::as_str));
        cargo(&arguments)
    };
    for line in tools::skipped(&missing) {
        println!("{line}");
    }
    tested
}

/// The number of mutants of each file, unless the environment gives another.
const MUTANTS: &str = "400";

/// Runs the mutation tests with their whole number of mutants.
fn mutations() -> Result<(), String> {
    let count = std::env::var_os("STOPGAP_MUTATIONS").unwrap_or_else(|| MUTANTS.into());
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.args(["test", "--release", "--package", "stopgap-iis", "--test", "config_mutations"]);
    run(command.args(["--", "--nocapture"]).env("STOPGAP_MUTATIONS", count))
}

fn parity() -> Result<(), String> {
    let missing = tools::install_missing(&tools::OF_TESTS);
    tools::skipped(&missing).iter().for_each(|line| println!("{line}"));
    cargo(&["run", "--quiet", "--release", "--package", "stopgap-parity"])
}

/// Runs the benches. `names`: only these.
fn bench(names: &[String]) -> Result<(), String> {
    let missing = tools::install_missing(&tools::OF_BENCHES);
    let mut arguments = vec!["run", "--quiet", "--release", "--package", "stopgap-benches", "--"];
    arguments.extend(names.iter().map(String::as_str));
    let measured = cargo(&arguments);
    tools::skipped(&missing).iter().for_each(|line| println!("{line}"));
    measured
}

fn cargo(arguments: &[&str]) -> Result<(), String> {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    run(Command::new(program).args(arguments))
}

fn run(command: &mut Command) -> Result<(), String> {
    let status =
        command.status().map_err(|error| format!("cargo could not be started: {error}"))?;
    if status.success() {
        return Ok(());
    }
    let arguments: Vec<_> = command.get_args().map(|text| text.to_string_lossy()).collect();
    Err(format!("cargo {}: {status}", arguments.join(" ")))
}
