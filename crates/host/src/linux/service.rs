//! The service manager, where there is one.

use std::path::Path;

use super::process::ProcessId;
use super::run::{Run, last_words};

/// There only where systemd manages the machine (`sd_booted(3)`).
const BOOTED: &str = "/run/systemd/system";
const SYSTEMCTL: &str = "/usr/bin/systemctl";

/// Whether systemd manages this machine.
pub(crate) fn is_managed() -> bool {
    Path::new(BOOTED).is_dir()
}

/// The service whose main process this is. A server that was started by hand in the service of
/// something else, such as a shell's or cron's, is not that service.
pub(crate) fn service_of(id: ProcessId) -> Option<String> {
    let service = id.service().filter(|_| is_managed())?;
    let main = Run::new(SYSTEMCTL, &["show", "--property=MainPID", "--value", "--", &service]);
    let main = main.to_end().ok()?.output;
    (main.trim() == id.pid.to_string()).then_some(service)
}

/// Has systemd do something with a service: `reload`, `start`.
///
/// # Errors
/// It could not, or not in time; a sentence without a full stop.
pub(crate) fn tell(verb: &str, service: &str) -> Result<(), String> {
    let ended = Run::new(SYSTEMCTL, &[verb, "--", service]).to_end()?;
    match ended.success {
        true => Ok(()),
        false => Err(format!("systemctl {verb} {service}: {}", last_words(&ended.output))),
    }
}
