//! Measures what the project promises, and prints it with the machine's name.
//!
//! `cargo xtask bench`. With `STOPGAP_REAL_DATA` set, a real server's files are used as well.

mod cycles;
mod feeds;
mod fetches;
mod machine;
mod program;
mod report;
mod requests;
mod rules;

use std::process::ExitCode;

use crate::program::Program;
use crate::report::Report;

fn main() -> ExitCode {
    if cfg!(debug_assertions) {
        eprintln!("build the benches with --release; they measure nothing useful without");
        return ExitCode::FAILURE;
    }
    println!("machine: {}\n", machine::description());
    let mut report = Report::default();
    match measure(&mut report) {
        Ok(()) => report.exit_code(),
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn measure(report: &mut Report) -> Result<(), String> {
    let program = Program::build()?;
    cycles::of_a_real_server(&program, report)?;
    cycles::of_a_whole_cycle(&program, report)?;
    cycles::of_many_mitigations(&program, report)?;
    feeds::measure(report)?;
    fetches::measure(&program, report)?;
    rules::measure(report)
}
