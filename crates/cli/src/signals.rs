//! INT, TERM and HUP while a command changes a server: what was begun is finished or taken back.
//!
//! Outside of a cycle there is nothing to take back, so the program ends at once. A second signal
//! hastens nothing: what is being taken back is taken back to its end.

use std::sync::atomic::{AtomicBool, AtomicI32, AtomicUsize, Ordering};
use std::sync::mpsc::Sender;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::error::CliError;
use crate::session::STOP;

/// The first signal that asked the program to end; 0: none did.
static SEEN: AtomicI32 = AtomicI32::new(0);
/// Whether a cycle is under way.
static WORKING: AtomicBool = AtomicBool::new(false);
/// How many cycles came to their end.
static FINISHED: AtomicUsize = AtomicUsize::new(0);

/// A cycle is under way until this is dropped: a signal is left to it.
pub(crate) struct Work(());

impl Work {
    pub(crate) fn begin() -> Self {
        WORKING.store(true, Ordering::SeqCst);
        Self(())
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        FINISHED.fetch_add(1, Ordering::SeqCst);
        WORKING.store(false, Ordering::SeqCst);
    }
}

/// From now on the signals are received. With `cycle`, a hang-up asks it for a cycle.
pub(crate) fn receive(cycle: Option<Sender<()>>) -> Result<(), CliError> {
    let ignored = ignored();
    let wanted = [SIGTERM, SIGINT, SIGHUP].into_iter();
    // `nohup` and a shell's background jobs begin with some of them ignored, and mean it.
    let wanted = wanted.filter(|signal| !ignored.contains(signal) || cycle.is_some());
    let mut signals = Signals::new(wanted)
        .map_err(|error| CliError::Machine(format!("signals cannot be received: {error}")))?;
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

/// The process is asked to end.
fn asked_to_end(signal: i32) {
    let is_first = SEEN.compare_exchange(0, signal, Ordering::SeqCst, Ordering::SeqCst).is_ok();
    // In this order: either the cycle sees that it is to stop, or it is seen here that it runs.
    STOP.store(true, Ordering::SeqCst);
    let name = name(signal);
    if !WORKING.load(Ordering::SeqCst) {
        let what = match FINISHED.load(Ordering::SeqCst) {
            0 => "nothing was begun on the server",
            _ => "what was begun on the server was finished",
        };
        eprintln!("ended by {name}: {what}");
        std::process::exit(code(signal));
    }
    if is_first {
        eprintln!("{name}: what was begun is being finished or taken back …");
    }
}

/// The exit code, if a signal asked the program to end.
pub(crate) fn exit_code() -> Option<u8> {
    match SEEN.load(Ordering::SeqCst) {
        0 => None,
        signal => u8::try_from(code(signal)).ok(),
    }
}

/// The name of the signal that asked the program to end.
pub(crate) fn seen() -> Option<&'static str> {
    match SEEN.load(Ordering::SeqCst) {
        0 => None,
        signal => Some(name(signal)),
    }
}

/// As a shell tells that a program ended by a signal.
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

/// The signals that this process was started to ignore.
fn ignored() -> Vec<i32> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    (1..=64).filter(|signal| mask & (1 << (signal - 1)) != 0).collect()
}
