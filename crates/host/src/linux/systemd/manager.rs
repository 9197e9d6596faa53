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

/// Has systemd do something with a service: `reload`, `start`.
///
/// # Errors
/// It could not, or not in time; a sentence without a full stop.
pub(crate) fn tell(verb: &str, service: &str) -> Result<(), String> {
    let ended = CommandSpec::new(SYSTEMCTL, &[verb, "--", service]).to_end()?;
    match ended.success {
        true => Ok(()),
        false => Err(format!("systemctl {verb} {service}: {}", last_words(&ended.output))),
    }
}
