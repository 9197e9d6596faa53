//! What rpm says of the machine that this runs on.

use std::io::Read as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use stopgap_model::reason::ProgramReason;

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
/// It cannot be run, fails, or takes or says too much.
pub(crate) fn installed() -> Result<Vec<u8>, ProgramReason> {
    asked(Path::new(RPM), &["-qa", "--qf", FORMAT], PATIENCE)
}

fn asked(program: &Path, arguments: &[&str], patience: Duration) -> Result<Vec<u8>, ProgramReason> {
    let name = || program.display().to_string();
    let mut child = Command::new(program)
        .args(arguments)
        .env_clear()
        .env("LC_ALL", "C")
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| ProgramReason::NotRun { program: name(), error: error.to_string() })?;
    let said = said_by(&mut child, &name(), patience);
    if said.is_err() {
        // It may have ended by itself in between.
        let _ = child.kill();
    }
    let ended = child.wait().map_err(|error| ProgramReason::Lost { error: error.to_string() })?;
    match said {
        Ok(_) if !ended.success() => {
            Err(ProgramReason::FailedWith { program: name(), status: ended.to_string() })
        }
        said => said,
    }
}

/// What the program says until it closes its output.
fn said_by(child: &mut Child, name: &str, patience: Duration) -> Result<Vec<u8>, ProgramReason> {
    let program = || name.to_owned();
    let not_heard = |error: String| ProgramReason::NotHeard { program: program(), error };
    let output = child.stdout.take().ok_or_else(|| not_heard("it has no output".to_owned()))?;
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let mut said = Vec::new();
        let read = output.take(MAX_SAID + 1).read_to_end(&mut said);
        // Nobody listens any more where it took too long.
        let _ = tell.send(read.map(|_| said));
    });
    match told.recv_timeout(patience) {
        Ok(Ok(said)) if said.len() as u64 > MAX_SAID => {
            Err(ProgramReason::SaysTooMuch { program: program(), max: MAX_SAID })
        }
        Ok(Ok(said)) => Ok(said),
        Ok(Err(error)) => Err(not_heard(error.to_string())),
        Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
            Err(ProgramReason::Silent { program: program(), seconds: patience.as_secs() })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, patience: Duration) -> Result<Vec<u8>, ProgramReason> {
        asked(Path::new("/bin/sh"), &["-c", script], patience)
    }

    #[test]
    fn an_answer_is_taken_and_a_failure_is_told() {
        assert_eq!(shell("echo bash 0:5.2-1", PATIENCE), Ok(b"bash 0:5.2-1\n".to_vec()));
        let failed = shell("echo bash 0:5.2-1; exit 3", PATIENCE);
        assert!(failed.is_err_and(|why| why.to_string().contains("failed (exit status: 3)")));
        let missing = asked(Path::new("/nonexistent/rpm"), &[], PATIENCE);
        assert!(missing.is_err_and(|why| why.to_string().contains("cannot be run")));
    }

    #[test]
    fn an_rpm_that_waits_for_a_lock_or_never_stops_talking_is_left() {
        let silent = shell("exec sleep 600", Duration::from_millis(50));
        assert!(silent.is_err_and(|why| why.to_string().contains("says nothing")));
        let endless = shell("exec cat /dev/zero", PATIENCE);
        assert!(endless.is_err_and(|why| why.to_string().contains("says more")));
    }

    #[test]
    fn the_environment_of_the_caller_does_not_reach_it() {
        assert_eq!(shell("echo $HOME$RPM_CONFIGDIR$LC_ALL", PATIENCE), Ok(b"C\n".to_vec()));
    }
}
