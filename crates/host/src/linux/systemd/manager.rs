//! The service manager, where there is one.

use std::path::Path;

use stopgap_model::Reasons;
use stopgap_model::reason::ProgramReason;

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
/// It could not, or not in time.
pub(crate) fn systemctl(verb: &str, service: &str) -> Result<(), Reasons> {
    let ended = CommandSpec::new(SYSTEMCTL, &[verb, "--", service]).to_end()?;
    match ended.success {
        true => Ok(()),
        false => {
            let command = format!("systemctl {verb} {service}");
            Err(ProgramReason::Failed { command, said: last_words(&ended.output) }.into())
        }
    }
}
