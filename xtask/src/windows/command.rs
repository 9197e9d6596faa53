//! Other programs, run to their end.

use std::process::{Command, Stdio};

/// Runs a program whose output is for people to see.
pub(super) fn run(command: &mut Command) -> Result<(), String> {
    let name = shown(command);
    let status =
        command.stdin(Stdio::null()).status().map_err(|error| format!("{name}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{name}: {status}")) }
}

/// Runs a program and answers what it wrote on its standard output.
pub(super) fn output(command: &mut Command) -> Result<String, String> {
    let name = shown(command);
    let done = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let done = done.map_err(|error| format!("{name}: {error}"))?;
    match done.status.success() {
        true => Ok(String::from_utf8_lossy(&done.stdout).into_owned()),
        false => Err(format!("{name}: {}", done.status)),
    }
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
