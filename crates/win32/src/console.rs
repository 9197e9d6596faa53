//! The end that the console, a log-off or a shutdown asks of a program.

use std::io;
use std::sync::OnceLock;

use windows_sys::Win32::System::Console::SetConsoleCtrlHandler;
use windows_sys::core::BOOL;

/// What is called, with the number of the event.
static HANDLER: OnceLock<Box<dyn Fn(u32) + Send + Sync>> = OnceLock::new();

/// Has `handler` called on a thread of its own when the program is asked to end: Ctrl+C is 0,
/// Ctrl+Break 1, a closed console 2, a log-off 5, a shutdown 6. The last three end the program when the
/// handler returns.
///
/// # Errors
/// As Windows says, or there is a handler already.
pub fn on_console_end(handler: Box<dyn Fn(u32) + Send + Sync>) -> io::Result<()> {
    HANDLER.set(handler).map_err(|_| io::Error::from(io::ErrorKind::AlreadyExists))?;
    // SAFETY: the function lives as long as the program, and unwinds into nobody.
    crate::text::done(unsafe { SetConsoleCtrlHandler(Some(called), 1) })
}

extern "system" fn called(event: u32) -> BOOL {
    let Some(handler) = HANDLER.get() else { return 0 };
    // A panic must not leave a function that Windows calls.
    let call = std::panic::AssertUnwindSafe(|| handler(event));
    BOOL::from(std::panic::catch_unwind(call).is_ok())
}
