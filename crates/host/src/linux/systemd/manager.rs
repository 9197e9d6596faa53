//! The service manager, where there is one.

use std::path::Path;

use crate::linux::command::{CommandSpec, last_words};

/// There only where systemd manages the machine (`sd_booted(3)`).
const BOOTED: &str = "/run/systemd/system";
const SYSTEMCTL: &str = "/usr/bin/systemctl";

/// Whether systemd manages this machine.
pub(crate) fn is_managed() -> bool {
    Path::new(BOOTED).is_dir()
}

/// Runs `systemctl` with a verb (`reload`, `start`) on a service.
///
/// # Errors
/// It could not, or not in time; a sentence without a full stop.
pub(crate) fn systemctl(verb: &str, service: &str) -> Result<(), String> {
    let ended = CommandSpec::new(SYSTEMCTL, &[verb, "--", service]).to_end()?;
    match ended.success {
        true => Ok(()),
        false => Err(format!("systemctl {verb} {service}: {}", last_words(&ended.output))),
    }
}
