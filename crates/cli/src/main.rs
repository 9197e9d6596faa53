//! `stopgap`: emergency mitigations for servers, applied and withdrawn automatically.

// First: its macro prints for all the others.
#[macro_use]
mod stdout;

mod args;
mod commands;
mod demo;
mod error;
mod evidence;
mod json;
mod output;
mod setup;
#[cfg_attr(windows, path = "signals_windows.rs")]
mod signals;
mod stderr;

use std::process::ExitCode;

use clap::Parser as _;
use stopgap_agent::event::EventKind;
use stopgap_agent::log;

use crate::args::{Cli, Command};
use crate::error::CliError;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no errors, and go to standard output.
            let code = if error.use_stderr() { error::USAGE } else { 0 };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    stderr::install();
    let outcome = run(&cli);
    // A signal came while the last cycle was under way, which was finished and reported.
    if let (Ok(_), Some(name), Some(code)) = (&outcome, signals::seen(), signals::exit_code()) {
        let text = format!("ended by {name}: what was begun on the server was finished");
        log::event(EventKind::ServiceStopped, &text);
        return ExitCode::from(code);
    }
    match outcome {
        // A result that nobody could read is a failure.
        Ok(0) if stdout::failed() => ExitCode::from(error::ATTENTION),
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            output::failure(&error, cli.common.json);
            error.exit()
        }
    }
}

/// Runs a command; returns the exit code.
fn run(cli: &Cli) -> Result<u8, CliError> {
    let common = &cli.common;
    match &cli.command {
        Command::Check { dry_run, ids } => commands::check::run(common, *dry_run, ids),
        Command::Run => commands::run::run(common),
        Command::Status => commands::status::run(common),
        Command::List { csv } => commands::list::run(common, csv.as_deref()),
        Command::Show { id } => commands::show::run(common, id),
        Command::Facts => commands::facts::run(common),
        Command::Block(decision) => commands::block::block(common, decision),
        Command::Unblock(decision) => commands::block::unblock(common, decision),
        Command::Remove { decision, once } => commands::remove::run(common, decision, *once),
        Command::Reapply { ids } => commands::reapply::run(common, ids),
        Command::Enable { reason } => commands::switch::enable(common, reason),
        Command::Disable { reason } => commands::switch::disable(common, reason),
        Command::History => commands::history::run(common),
        Command::Try(arguments) => commands::r#try::run(common, arguments),
        Command::Feed { command } => commands::feed::run(common, command),
        Command::TestConnectivity { name } => commands::connectivity::run(common, name.as_ref()),
        Command::Demo { keep } => demo::run(common, keep.as_deref()),
    }
}
