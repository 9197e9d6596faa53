//! `stopgap run`: the service process. A cycle at start, then every hour, until a signal.

use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use stopgap_plan::Order;

use crate::args::Common;
use crate::commands::check;
use crate::error::CliError;
use crate::output;
use crate::session::{STOP, Session};
use crate::signals;

/// The time between two cycles, as in the Exchange EM service.
pub(crate) const INTERVAL: Duration = Duration::from_secs(60 * 60);
/// The most that is added to it, so that many servers do not ask at once.
const JITTER: Duration = Duration::from_secs(5 * 60);

pub(crate) fn run(common: &Common) -> Result<u8, CliError> {
    if common.catalog.is_some() {
        return Err(CliError::usage(
            "run does not take --catalog: a service acts on nothing that is unsigned",
            "try an unsigned catalog with: stopgap check --root DIR --catalog DIR",
        ));
    }
    // What is wrong with the command line or the folders is told now, and not every hour.
    drop(Session::look(common)?);
    let (wake, woken) = std::sync::mpsc::channel();
    signals::receive(Some(wake))?;
    loop {
        cycle(common)?;
        // A signal that comes while this waits ends the program there and then.
        if STOP.load(Ordering::SeqCst) {
            return Ok(0);
        }
        let _ = woken.recv_timeout(pause());
    }
}

/// One cycle. A failure is told, and the next cycle tries again; only a signal is an error.
fn cycle(common: &Common) -> Result<(), CliError> {
    let outcome = Session::open(common).and_then(|mut session| {
        let report = check::cycle(&mut session, common, "run", &Order::default())?;
        Ok((session.sources.feeds, report))
    });
    match outcome {
        Ok((feeds, report)) => {
            output::tell_troubles(&report.troubles);
            output::warn_of_feeds(&feeds, Timestamp::now());
            for report in &report.mitigations {
                let (state, reason) = (report.state.as_str(), output::plain(&report.reason));
                eprintln!("{}: {state}: {reason}", report.id);
            }
        }
        Err(error @ CliError::Signal(_)) => return Err(error),
        Err(error) => output::failure(&error, false),
    }
    Ok(())
}

/// The time until the next cycle: an hour and a little more, different each time.
fn pause() -> Duration {
    let nanos =
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.subsec_nanos());
    INTERVAL + JITTER.mul_f64(f64::from(nanos) / 1e9)
}
