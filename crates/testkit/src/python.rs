//! Another implementation of TUF, where it is installed.

use std::path::Path;
use std::process::Command;

/// python-tuf with one of the scripts in `crates/feed/tests/python`; none, with a message, where
/// it is not installed (`cargo xtask test` does that).
#[must_use]
pub fn python_tuf(script: &str) -> Option<Command> {
    let workspace = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let python = workspace.join("target/python-tuf/bin/python");
    if !python.is_file() {
        println!("skipped: python-tuf is not installed");
        return None;
    }
    let mut command = Command::new(python);
    // Nothing is written beside the scripts.
    command.arg("-B").arg(workspace.join("crates/feed/tests/python").join(script));
    Some(command)
}
