//! How a service is set up: its start, and what is done when it fails.

use std::ffi::c_void;
use std::io;
use std::ptr;

use windows_sys::Win32::Foundation::ERROR_INSUFFICIENT_BUFFER;
use windows_sys::Win32::System::Services::{
    ChangeServiceConfig2W, ChangeServiceConfigW, QUERY_SERVICE_CONFIGW, QueryServiceConfig2W,
    QueryServiceConfigW, SC_ACTION, SERVICE_CONFIG_DELAYED_AUTO_START_INFO,
    SERVICE_CONFIG_FAILURE_ACTIONS, SERVICE_CONFIG_FAILURE_ACTIONS_FLAG,
    SERVICE_DELAYED_AUTO_START_INFO, SERVICE_FAILURE_ACTIONS_FLAG, SERVICE_FAILURE_ACTIONSW,
    SERVICE_NO_CHANGE,
};

use crate::memory::Buffer;
use crate::services::OpenService;
use crate::text::{copied, copied_list, done, length, wide};

/// How a service is set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceConfig {
    /// `SERVICE_WIN32_OWN_PROCESS`, …
    pub kind: u32,
    /// `SERVICE_AUTO_START`, `SERVICE_DEMAND_START`, `SERVICE_DISABLED`, …
    pub start: u32,
    /// Its command line.
    pub command: String,
    /// The services and groups (with `+` before them) that it needs.
    pub needs: Vec<String>,
    /// As whom it runs.
    pub account: String,
}

/// What is done when a service fails.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FailureActions {
    /// After how many seconds without a failure they are counted anew.
    pub reset: u32,
    /// What is said to users before the machine starts anew.
    pub message: String,
    /// The command that is run.
    pub command: String,
    /// What is done at the first failure, the second, and so on.
    pub actions: Vec<FailureAction>,
}

/// What is done at a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailureAction {
    /// `SC_ACTION_NONE`, `SC_ACTION_RESTART`, …
    pub kind: i32,
    /// After how many milliseconds.
    pub delay: u32,
}

impl OpenService {
    /// How it is set up.
    ///
    /// # Errors
    /// As Windows says.
    pub fn config(&self) -> io::Result<ServiceConfig> {
        let buffer = filled(|to, room, wanted| {
            // SAFETY: the service is open, and the buffer has as many bytes as are said, aligned.
            unsafe { QueryServiceConfigW(self.0.0, to.cast(), room, wanted) }
        })?;
        // SAFETY: Windows wrote the structure at the beginning of the buffer.
        let config = unsafe { buffer.as_ptr::<QUERY_SERVICE_CONFIGW>().read() };
        Ok(ServiceConfig {
            kind: config.dwServiceType,
            start: config.dwStartType,
            // SAFETY: the text is in the same buffer, with a zero at its end.
            command: unsafe { copied(config.lpBinaryPathName) },
            // SAFETY: the texts are in the same buffer, each with a zero, and one more at the end.
            needs: unsafe { copied_list(config.lpDependencies) },
            // SAFETY: the text is in the same buffer, with a zero at its end.
            account: unsafe { copied(config.lpServiceStartName) },
        })
    }

    /// Sets when it is started, and nothing else.
    ///
    /// # Errors
    /// As Windows says.
    pub fn set_start(&self, start: u32) -> io::Result<()> {
        let (same, none) = (SERVICE_NO_CHANGE, ptr::null());
        // SAFETY: the service is open; what is null stays as it is.
        done(unsafe {
            ChangeServiceConfigW(
                self.0.0,
                same,
                start,
                same,
                none,
                none,
                ptr::null_mut(),
                none,
                none,
                none,
                none,
            )
        })
    }

    /// Whether its automatic start is delayed.
    ///
    /// # Errors
    /// As Windows says.
    pub fn is_delayed(&self) -> io::Result<bool> {
        let buffer = self.level(SERVICE_CONFIG_DELAYED_AUTO_START_INFO)?;
        // SAFETY: Windows wrote the structure of this level at the beginning of the buffer.
        let info = unsafe { buffer.as_ptr::<SERVICE_DELAYED_AUTO_START_INFO>().read() };
        Ok(info.fDelayedAutostart != 0)
    }

    /// Sets whether its automatic start is delayed.
    ///
    /// # Errors
    /// As Windows says.
    pub fn set_delayed(&self, delayed: bool) -> io::Result<()> {
        let info = SERVICE_DELAYED_AUTO_START_INFO { fDelayedAutostart: delayed.into() };
        self.set_level(SERVICE_CONFIG_DELAYED_AUTO_START_INFO, ptr::from_ref(&info).cast())
    }

    /// Whether an end with an error code counts as a failure too.
    ///
    /// # Errors
    /// As Windows says.
    pub fn counts_errors(&self) -> io::Result<bool> {
        let buffer = self.level(SERVICE_CONFIG_FAILURE_ACTIONS_FLAG)?;
        // SAFETY: Windows wrote the structure of this level at the beginning of the buffer.
        let info = unsafe { buffer.as_ptr::<SERVICE_FAILURE_ACTIONS_FLAG>().read() };
        Ok(info.fFailureActionsOnNonCrashFailures != 0)
    }

    /// Sets whether an end with an error code counts as a failure too.
    ///
    /// # Errors
    /// As Windows says.
    pub fn set_counts_errors(&self, counts: bool) -> io::Result<()> {
        let info =
            SERVICE_FAILURE_ACTIONS_FLAG { fFailureActionsOnNonCrashFailures: counts.into() };
        self.set_level(SERVICE_CONFIG_FAILURE_ACTIONS_FLAG, ptr::from_ref(&info).cast())
    }

    /// What is done when it fails.
    ///
    /// # Errors
    /// As Windows says.
    pub fn failure_actions(&self) -> io::Result<FailureActions> {
        let buffer = self.level(SERVICE_CONFIG_FAILURE_ACTIONS)?;
        // SAFETY: Windows wrote the structure of this level at the beginning of the buffer.
        let info = unsafe { buffer.as_ptr::<SERVICE_FAILURE_ACTIONSW>().read() };
        let actions = match info.lpsaActions.is_null() {
            true => &[],
            // SAFETY: Windows wrote so many structures into the same buffer.
            false => unsafe {
                std::slice::from_raw_parts(info.lpsaActions, info.cActions as usize)
            },
        };
        let action = |action: &SC_ACTION| FailureAction { kind: action.Type, delay: action.Delay };
        Ok(FailureActions {
            reset: info.dwResetPeriod,
            // SAFETY: the text is in the same buffer, with a zero at its end.
            message: unsafe { copied(info.lpRebootMsg) },
            // SAFETY: the text is in the same buffer, with a zero at its end.
            command: unsafe { copied(info.lpCommand) },
            actions: actions.iter().map(action).collect(),
        })
    }

    /// Sets what is done when it fails: all of it, so that nothing of before stays.
    ///
    /// # Errors
    /// As Windows says.
    pub fn set_failure_actions(&self, wanted: &FailureActions) -> io::Result<()> {
        let (mut message, mut command) = (wide(&wanted.message)?, wide(&wanted.command)?);
        let action = |action: &FailureAction| SC_ACTION { Type: action.kind, Delay: action.delay };
        // One more, so that there is a place to point at: no action at all is said by that.
        let mut actions: Vec<SC_ACTION> = wanted.actions.iter().map(action).collect();
        actions.push(SC_ACTION::default());
        let info = SERVICE_FAILURE_ACTIONSW {
            dwResetPeriod: wanted.reset,
            lpRebootMsg: message.as_mut_ptr(),
            lpCommand: command.as_mut_ptr(),
            cActions: length(wanted.actions.len())?,
            lpsaActions: actions.as_mut_ptr(),
        };
        self.set_level(SERVICE_CONFIG_FAILURE_ACTIONS, ptr::from_ref(&info).cast())
    }

    fn level(&self, level: u32) -> io::Result<Buffer> {
        filled(|to, room, wanted| {
            // SAFETY: the service is open, and the buffer has as many bytes as are said, aligned.
            unsafe { QueryServiceConfig2W(self.0.0, level, to, room, wanted) }
        })
    }

    fn set_level(&self, level: u32, info: *const c_void) -> io::Result<()> {
        // SAFETY: the service is open; each caller here passes the structure of the level, which lives,
        // with all that it points at, until the call is over.
        done(unsafe { ChangeServiceConfig2W(self.0.0, level, info) })
    }
}

/// The buffer that a call filled, which says how long it has to be.
fn filled(mut call: impl FnMut(*mut u8, u32, &mut u32) -> i32) -> io::Result<Buffer> {
    let mut room = 1024;
    // A service that is changed meanwhile may want more each time, but not for long.
    for _ in 0..4 {
        let (mut buffer, mut wanted) = (Buffer::of(room as usize), 0);
        match done(call(buffer.as_mut_ptr(), room, &mut wanted)) {
            Ok(()) => return Ok(buffer),
            Err(error) if error.raw_os_error() == Some(ERROR_INSUFFICIENT_BUFFER.cast_signed()) => {
                room = wanted.max(room * 2);
            }
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::from_raw_os_error(ERROR_INSUFFICIENT_BUFFER.cast_signed()))
}
