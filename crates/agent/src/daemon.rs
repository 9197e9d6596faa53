//! The service: a cycle at start, then one every hour, until the process is asked to stop.

use std::sync::mpsc::Receiver;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use stopgap_plan::Order;

use crate::cycle::cycle;
use crate::error::AgentError;
use crate::event::EventKind;
use crate::log;
use crate::session::Session;
use crate::setup::Setup;
use crate::stop;

/// The time between two cycles, as in the Exchange EM service.
pub const INTERVAL: Duration = Duration::from_secs(60 * 60);
/// The most that is added to it, so that many servers do not ask a feed at once.
const JITTER: Duration = Duration::from_secs(5 * 60);

/// Runs cycles until the process is asked to stop. A message on `wake` begins the next one at once.
///
/// # Errors
/// The process was asked to stop, and a cycle ended before its end. A cycle that fails is an event, and
/// the next one tries again.
pub fn run(setup: &Setup, wake: &Receiver<()>) -> Result<(), AgentError> {
    log::event(EventKind::ServiceStarted, "the service started");
    loop {
        one_cycle(setup)?;
        // A signal that comes while this waits ends the process there and then.
        if stop::is_requested() {
            return Ok(());
        }
        let _ = wake.recv_timeout(pause());
    }
}

/// Runs one cycle, with everything opened anew: the policy file and the decisions may have changed.
fn one_cycle(setup: &Setup) -> Result<(), AgentError> {
    let outcome = Session::open(setup.clone()).and_then(|mut session| {
        let report = cycle(&mut session, &Order::default())?;
        Ok((session.sources.feeds, report))
    });
    match outcome {
        Ok((feeds, report)) => {
            log::troubles(&report.troubles);
            log::feeds(&feeds, Timestamp::now());
            report.mitigations.iter().for_each(log::mitigation);
            log::event(EventKind::CycleFinished, "the cycle is finished");
        }
        Err(error @ AgentError::Stopped(_)) => return Err(error),
        Err(error) => log::failure(EventKind::CycleFailed, &error),
    }
    Ok(())
}

/// Returns the time until the next cycle: an hour and a little more, different each time.
fn pause() -> Duration {
    let nanos =
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.subsec_nanos());
    INTERVAL + JITTER.mul_f64(f64::from(nanos) / 1e9)
}
