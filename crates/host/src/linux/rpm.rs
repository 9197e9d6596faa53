//! What rpm says of the machine that this runs on.

use std::io::Read as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

/// The program, by its whole path: what is asked must not depend on who asks.
const RPM: &str = "/usr/bin/rpm";

/// What it is to say of each package. `EPOCHNUM` is 0 where there is no epoch.
const FORMAT: &str = "%{NAME} %{EPOCHNUM}:%{VERSION}-%{RELEASE}\\n";

/// How long it may take. 2,000 packages take a second on a slow disk; a locked database takes for
/// ever.
const PATIENCE: Duration = Duration::from_secs(30);

/// The longest answer, in bytes. A line has some 40, and no distribution has 100,000 packages.
const MAX_SAID: u64 = 16 * 1024 * 1024;

/// One line for each installed package.
///
/// # Errors
/// It cannot be run, fails, or takes or says too much; a sentence without a full stop.
pub(crate) fn installed() -> Result<Vec<u8>, String> {
    asked(Path::new(RPM), &["-qa", "--qf", FORMAT], PATIENCE)
}

fn asked(program: &Path, arguments: &[&str], patience: Duration) -> Result<Vec<u8>, String> {
    let name = program.display();
    let mut child = Command::new(program)
        .args(arguments)
        .env_clear()
        .env("LC_ALL", "C")
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("{name} cannot be run: {error}"))?;
    let said = said_by(&mut child, patience);
    if said.is_err() {
        // It may have ended by itself in between.
        let _ = child.kill();
    }
    let ended = child.wait().map_err(|error| format!("{name} was lost: {error}"))?;
    match said {
        Err(why) => Err(format!("{name} {why}")),
        Ok(_) if !ended.success() => Err(format!("{name} failed ({ended})")),
        Ok(said) => Ok(said),
    }
}

/// What the program says until it closes its output.
fn said_by(child: &mut Child, patience: Duration) -> Result<Vec<u8>, String> {
    let output = child.stdout.take().ok_or("has no output")?;
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let mut said = Vec::new();
        let read = output.take(MAX_SAID + 1).read_to_end(&mut said);
        // Nobody listens any more where it took too long.
        let _ = tell.send(read.map(|_| said));
    });
    match told.recv_timeout(patience) {
        Ok(Ok(said)) if said.len() as u64 > MAX_SAID => {
            Err(format!("says more than {MAX_SAID} bytes"))
        }
        Ok(Ok(said)) => Ok(said),
        Ok(Err(error)) => Err(format!("cannot be heard: {error}")),
        Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
            Err(format!("says nothing for {} seconds", patience.as_secs()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, patience: Duration) -> Result<Vec<u8>, String> {
        asked(Path::new("/bin/sh"), &["-c", script], patience)
    }

    #[test]
    fn an_answer_is_taken_and_a_failure_is_told() {
        assert_eq!(shell("echo bash 0:5.2-1", PATIENCE), Ok(b"bash 0:5.2-1\n".to_vec()));
        let failed = shell("echo bash 0:5.2-1; exit 3", PATIENCE);
        assert!(failed.is_err_and(|why| why.contains("failed")));
        let missing = asked(Path::new("/nonexistent/rpm"), &[], PATIENCE);
        assert!(missing.is_err_and(|why| why.contains("cannot be run")));
    }

    #[test]
    fn an_rpm_that_waits_for_a_lock_or_never_stops_talking_is_left() {
        let silent = shell("exec sleep 600", Duration::from_millis(50));
        assert!(silent.is_err_and(|why| why.contains("says nothing")));
        let endless = shell("exec cat /dev/zero", PATIENCE);
        assert!(endless.is_err_and(|why| why.contains("says more")));
    }

    #[test]
    fn the_environment_of_the_caller_does_not_reach_it() {
        assert_eq!(shell("echo $HOME$RPM_CONFIGDIR$LC_ALL", PATIENCE), Ok(b"C\n".to_vec()));
    }
}
