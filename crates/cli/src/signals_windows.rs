//! Ctrl+C, Ctrl+Break, a closed window, a log-off and a shutdown while a command changes a server: what
//! was begun is finished or rolled back.
//!
//! Outside of a cycle there is nothing to roll back, so the program ends at once. A second one hastens
//! nothing: a rollback always runs to its end.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::Sender;
use std::time::Duration;

use stopgap_agent::event::EventKind;
use stopgap_agent::{log, stop};

/// The first event that asked the program to end, and one more; 0: none did.
static SEEN: AtomicU32 = AtomicU32::new(0);

/// The exit code of a program that Ctrl+C ended, as Windows reports it to a batch file that asks.
const ENDED: u8 = 130;

/// The events behind which Windows ends the program when their handler returns: a closed window, a
/// log-off, a shutdown.
const LAST: [u32; 3] = [2, 5, 6];

/// The events cannot be received.
#[derive(Debug, thiserror::Error)]
#[error("the end that the console asks for cannot be noticed: {0}")]
pub(crate) struct NotReceived(std::io::Error);

/// Receives the events from now on. There is none that asks for a cycle.
pub(crate) fn receive(_: Option<Sender<()>>) -> Result<(), NotReceived> {
    stopgap_win32::on_console_end(Box::new(asked_to_end)).map_err(NotReceived)
}

/// Has the process end: at once where nothing is under way, else when it is finished.
fn asked_to_end(event: u32) {
    let is_first = SEEN.compare_exchange(0, event + 1, Ordering::SeqCst, Ordering::SeqCst).is_ok();
    // In this order: either the cycle sees that it is to stop, or it is seen here that it runs.
    stop::request();
    let name = name(event);
    if !stop::is_working() {
        let what = match stop::has_worked() {
            false => "nothing was begun on the server",
            true => "what was begun on the server was finished",
        };
        log::event(EventKind::ServiceStopped, &format!("ended by {name}: {what}"));
        std::process::exit(ENDED.into());
    }
    if is_first {
        let text = format!("{name}: what was begun is being finished or rolled back …");
        log::event(EventKind::Stopping, &text);
    }
    // As long as this does not return, the program is not ended; Windows gives it some seconds.
    while LAST.contains(&event) && stop::is_working() {
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Returns the exit code, if the program was asked to end.
pub(crate) fn exit_code() -> Option<u8> {
    (SEEN.load(Ordering::SeqCst) != 0).then_some(ENDED)
}

/// Returns what asked the program to end.
pub(crate) fn seen() -> Option<&'static str> {
    SEEN.load(Ordering::SeqCst).checked_sub(1).map(name)
}

fn name(event: u32) -> &'static str {
    match event {
        0 => "Ctrl+C",
        1 => "Ctrl+Break",
        2 => "a closed window",
        5 => "a log-off",
        6 => "a shutdown",
        _ => "the console",
    }
}
