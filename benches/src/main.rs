//! Measures what the project promises, and prints it with the machine's name.
//!
//! `cargo xtask bench`, or `cargo xtask bench NAME` for one part of it. With `STOPGAP_REAL_DATA` set, a real server's files are used as well.

mod budget;
mod compare;
mod cycles;
mod feeds;
mod fetches;
mod field_rules;
mod machine;
mod many;
mod nginx;
mod probing;
mod program;
mod report;
mod requests;
mod rules;
mod verified;

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
    match measure(&mut report, std::env::args().nth(1).as_deref()) {
        Ok(()) => report.exit_code(),
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

/// What can be measured by itself.
type Part = fn(&mut Report) -> Result<(), String>;

const PARTS: [(&str, Part); 10] = [
    ("budget", budget::measure),
    ("compare", |report| compare::measure(&Program::build()?, report)),
    ("cycles", |report| cycles::measure(&Program::build()?, report)),
    ("feeds", feeds::measure),
    ("fetches", |report| fetches::measure(&Program::build()?, report)),
    ("many", |report| many::measure(&Program::build()?, report)),
    ("rules", rules::measure),
    ("nginx", nginx::measure),
    ("probing", |report| probing::measure(&Program::build()?, report)),
    ("verified", |report| verified::measure(&Program::build()?, report)),
];

fn measure(report: &mut Report, only: Option<&str>) -> Result<(), String> {
    let mut parts =
        PARTS.iter().filter(|(name, _)| only.is_none_or(|only| only == *name)).peekable();
    if parts.peek().is_none() {
        let names: Vec<_> = PARTS.iter().map(|(name, _)| *name).collect();
        return Err(format!("the benches are {}", names.join(", ")));
    }
    parts.try_for_each(|(_, part)| part(report))
}
