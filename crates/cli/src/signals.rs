//! INT, TERM and HUP while a command changes a server: what was begun is finished or rolled back.
//!
//! Outside of a cycle there is nothing to roll back, so the program ends at once. A second signal
//! hastens nothing: a rollback always runs to its end.

use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::mpsc::Sender;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use stopgap_agent::event::EventKind;
use stopgap_agent::{log, stop};

/// The first signal that asked the program to end; 0: none did.
static SEEN: AtomicI32 = AtomicI32::new(0);

/// The signals cannot be received.
#[derive(Debug, thiserror::Error)]
#[error("signals cannot be received: {0}")]
pub(crate) struct NotReceived(std::io::Error);

/// Receives the signals from now on. With `cycle`, a hang-up asks it for a cycle.
pub(crate) fn receive(cycle: Option<Sender<()>>) -> Result<(), NotReceived> {
    let ignored = ignored();
    let wanted = [SIGTERM, SIGINT, SIGHUP].into_iter();
    // `nohup` and a shell's background jobs begin with some of them ignored, and mean it.
    let wanted = wanted.filter(|signal| !ignored.contains(signal) || cycle.is_some());
    let mut signals = Signals::new(wanted).map_err(NotReceived)?;
    std::thread::spawn(move || {
        for signal in signals.forever() {
            match &cycle {
                Some(cycle) if signal == SIGHUP => drop(cycle.send(())),
                _ => asked_to_end(signal),
            }
        }
    });
    Ok(())
}

/// Has the process end: at once where nothing is under way, else when it is finished.
fn asked_to_end(signal: i32) {
    let is_first = SEEN.compare_exchange(0, signal, Ordering::SeqCst, Ordering::SeqCst).is_ok();
    // In this order: either the cycle sees that it is to stop, or it is seen here that it runs.
    stop::request();
    let name = name(signal);
    if !stop::is_working() {
        let what = match stop::has_worked() {
            false => "nothing was begun on the server",
            true => "what was begun on the server was finished",
        };
        log::event(EventKind::ServiceStopped, &format!("ended by {name}: {what}"));
        std::process::exit(code(signal));
    }
    if is_first {
        let text = format!("{name}: what was begun is being finished or rolled back …");
        log::event(EventKind::Stopping, &text);
    }
}

/// Returns the exit code, if a signal asked the program to end.
pub(crate) fn exit_code() -> Option<u8> {
    match SEEN.load(Ordering::SeqCst) {
        0 => None,
        signal => u8::try_from(code(signal)).ok(),
    }
}

/// Returns the name of the signal that asked the program to end.
pub(crate) fn seen() -> Option<&'static str> {
    match SEEN.load(Ordering::SeqCst) {
        0 => None,
        signal => Some(name(signal)),
    }
}

/// Returns the exit code with which a shell reports that a program ended by a signal.
fn code(signal: i32) -> i32 {
    128 + signal
}

fn name(signal: i32) -> &'static str {
    match signal {
        SIGINT => "SIGINT",
        SIGHUP => "SIGHUP",
        _ => "SIGTERM",
    }
}

/// Returns the signals that this process was started to ignore.
fn ignored() -> Vec<i32> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    (1..=64).filter(|signal| mask & (1 << (signal - 1)) != 0).collect()
}
