//! `stopgap-publish`: the publisher's program. The only one that sees private keys.

mod args;
mod commands;
mod document;
mod error;
mod import;
mod json;
mod keys;
mod lint;
mod lookahead;
mod output;
mod passphrase;
mod publisher;
mod release;
mod repository;
#[cfg_attr(windows, path = "secret_file_windows.rs")]
mod secret_file;
mod settings;
mod shown;
mod stdout;
mod verified_repository;

use std::process::ExitCode;

use clap::Parser as _;

use crate::args::{Cli, Command};
use crate::error::PublishError;

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
    match run(&cli) {
        // What nobody could read counts as not said.
        Ok(0) if stdout::was_lost() => ExitCode::from(error::ATTENTION),
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            error.print(cli.common.json);
            ExitCode::from(error.code())
        }
    }
}

/// Runs a command; answers the exit code.
fn run(cli: &Cli) -> Result<u8, PublishError> {
    let common = &cli.common;
    match &cli.command {
        Command::Lint(arguments) => commands::lint::run(arguments, common.json),
        Command::Try(arguments) => commands::r#try::run(arguments, common.json),
        Command::ImportIis(arguments) => commands::import_iis::run(arguments, common.json),
        Command::Init(arguments) => commands::init::run(common, arguments),
        Command::Add { files } => commands::add::run(common, files),
        Command::Withdraw { id, reason } => commands::withdraw::run(common, id, reason),
        Command::Sign(arguments) => commands::sign::run(common, arguments),
        Command::Publish { place, refresh } => commands::publish::run(common, place, *refresh),
        Command::Rotate(arguments) => commands::rotate::run(common, arguments),
        Command::Status => commands::status::run(common),
        Command::Mirror { from, to, root } => commands::mirror::run(from, to, root),
        Command::Bundle { file, from, root } => {
            commands::bundle::run(common, file, from.as_deref(), root.as_deref())
        }
        Command::Verify { place, root } => commands::verify::run(common, place, root),
        Command::Serve { place, address } => commands::serve::run(place, *address),
    }
}
