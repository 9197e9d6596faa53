//! `stopgap`: emergency mitigations for servers, applied and taken back by themselves.

/// Prints a line to standard output; see `output::line`.
macro_rules! say {
    ($($text:tt)*) => { $crate::output::line(format_args!($($text)*)) };
}

mod args;
mod caller;
mod catalog;
mod commands;
mod demo;
mod desk;
mod error;
mod evidence;
mod fetching;
mod output;
mod policy_file;
mod session;
mod signals;
mod sources;

use std::process::ExitCode;

use clap::Parser as _;

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
    let outcome = run(&cli);
    // What was under way when a signal came was finished or taken back, and told.
    if let (Ok(_), Some(name), Some(code)) = (&outcome, signals::seen(), signals::exit_code()) {
        eprintln!("ended by {name}: what was begun on the server was finished");
        return ExitCode::from(code);
    }
    match outcome {
        // What nobody could read counts as not said.
        Ok(0) if output::was_lost() => ExitCode::from(error::ATTENTION),
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            output::failure(&error, cli.common.json);
            error.exit()
        }
    }
}

/// Runs a command; answers the exit code.
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
