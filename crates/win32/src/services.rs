//! The service control manager: its services, what they do, and their start and stop.

use std::io;
use std::ptr;

use windows_sys::Win32::Foundation::ERROR_MORE_DATA;
use windows_sys::Win32::System::Services::{
    CloseServiceHandle, ControlService, ENUM_SERVICE_STATUS_PROCESSW, EnumServicesStatusExW,
    OpenSCManagerW, OpenServiceW, QueryServiceStatusEx, SC_ENUM_PROCESS_INFO, SC_HANDLE,
    SC_MANAGER_CONNECT, SC_MANAGER_ENUMERATE_SERVICE, SC_STATUS_PROCESS_INFO,
    SERVICE_CHANGE_CONFIG, SERVICE_CONTROL_STOP, SERVICE_QUERY_CONFIG, SERVICE_QUERY_STATUS,
    SERVICE_START, SERVICE_STATE_ALL, SERVICE_STATUS, SERVICE_STATUS_PROCESS, SERVICE_STOP,
    SERVICE_WIN32, StartServiceW,
};

use crate::memory::Buffer;
use crate::text::{done, length, wide};

/// What a service is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// To look at it.
    Look,
    /// To look at it, and to change how it is set up. Recovery actions that restart it want the right to
    /// start it.
    Configure,
    /// To look at it, to start and to stop it.
    Control,
}

/// What a service does at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServiceStatus {
    /// `SERVICE_STOPPED`, `SERVICE_RUNNING`, …
    pub state: u32,
    /// The number of its process; zero if there is none.
    pub process: u32,
    /// The controls that it takes now.
    pub accepts: u32,
}

/// The service control manager of this machine.
#[derive(Debug)]
pub struct Manager(Handle);

/// A service that was opened.
#[derive(Debug)]
pub struct OpenService(pub(crate) Handle);

/// A handle of the service control manager, closed when this is dropped.
#[derive(Debug)]
pub(crate) struct Handle(pub(crate) SC_HANDLE);

impl Manager {
    /// Opens it.
    ///
    /// # Errors
    /// As Windows says.
    pub fn open() -> io::Result<Self> {
        let access = SC_MANAGER_CONNECT | SC_MANAGER_ENUMERATE_SERVICE;
        // SAFETY: no machine and no database are named: those of this machine.
        let handle = unsafe { OpenSCManagerW(ptr::null(), ptr::null(), access) };
        Handle::opened(handle).map(Self)
    }

    /// The names of all services that are programs, in no order.
    ///
    /// # Errors
    /// As Windows says.
    pub fn names(&self) -> io::Result<Vec<String>> {
        // The most that one call takes; what does not fit is asked for from where it ended.
        let mut buffer = Buffer::of(256 * 1024);
        let (mut names, mut resume) = (Vec::new(), 0);
        loop {
            let (mut more, mut count) = (0, 0);
            // SAFETY: the handle is open; the buffer has as many bytes as are said, aligned; there is
            // room for each of the numbers. No group is named: all of them.
            let listed = done(unsafe {
                EnumServicesStatusExW(
                    self.0.0,
                    SC_ENUM_PROCESS_INFO,
                    SERVICE_WIN32,
                    SERVICE_STATE_ALL,
                    buffer.as_mut_ptr(),
                    length(256 * 1024)?,
                    &mut more,
                    &mut count,
                    &mut resume,
                    ptr::null(),
                )
            });
            let is_all = match listed {
                Ok(()) => true,
                Err(error) if error.raw_os_error() == Some(ERROR_MORE_DATA.cast_signed()) => false,
                Err(error) => return Err(error),
            };
            let first = buffer.as_ptr::<ENUM_SERVICE_STATUS_PROCESSW>();
            // SAFETY: Windows wrote so many structures, aligned, at the beginning of the buffer.
            let services = unsafe { std::slice::from_raw_parts(first, count as usize) };
            for service in services {
                // SAFETY: the name is in the same buffer, with a zero at its end.
                names.push(unsafe { crate::text::copied(service.lpServiceName) });
            }
            if is_all || count == 0 {
                return Ok(names);
            }
        }
    }

    /// Opens a service.
    ///
    /// # Errors
    /// As Windows says: `ERROR_SERVICE_DOES_NOT_EXIST` (1060).
    pub fn service(&self, name: &str, access: Access) -> io::Result<OpenService> {
        let name = wide(name)?;
        let look = SERVICE_QUERY_CONFIG | SERVICE_QUERY_STATUS;
        let wanted = match access {
            Access::Look => look,
            Access::Configure => look | SERVICE_CHANGE_CONFIG | SERVICE_START,
            Access::Control => look | SERVICE_START | SERVICE_STOP,
        };
        // SAFETY: the manager is open, and the name ends with a zero.
        let handle = unsafe { OpenServiceW(self.0.0, name.as_ptr(), wanted) };
        Handle::opened(handle).map(OpenService)
    }
}

impl OpenService {
    /// What it does at the moment.
    ///
    /// # Errors
    /// As Windows says.
    pub fn status(&self) -> io::Result<ServiceStatus> {
        let mut status = SERVICE_STATUS_PROCESS::default();
        let (size, mut wanted) = (length(size_of_val(&status))?, 0);
        let to = ptr::from_mut(&mut status).cast();
        // SAFETY: the service is open, and there is room for the structure of this level.
        done(unsafe {
            QueryServiceStatusEx(self.0.0, SC_STATUS_PROCESS_INFO, to, size, &mut wanted)
        })?;
        Ok(ServiceStatus {
            state: status.dwCurrentState,
            process: status.dwProcessId,
            accepts: status.dwControlsAccepted,
        })
    }

    /// Tells it to stop; it may take its time.
    ///
    /// # Errors
    /// As Windows says.
    pub fn stop(&self) -> io::Result<()> {
        let mut status = SERVICE_STATUS::default();
        // SAFETY: the service is open, and there is room for its status.
        done(unsafe { ControlService(self.0.0, SERVICE_CONTROL_STOP, &mut status) })
    }

    /// Starts it; it may take its time.
    ///
    /// # Errors
    /// As Windows says.
    pub fn start(&self) -> io::Result<()> {
        // SAFETY: the service is open, and there are no arguments.
        done(unsafe { StartServiceW(self.0.0, 0, ptr::null()) })
    }
}

impl Handle {
    fn opened(handle: SC_HANDLE) -> io::Result<Self> {
        if handle.is_null() { Err(io::Error::last_os_error()) } else { Ok(Self(handle)) }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: the handle is open, and is closed once.
        unsafe { CloseServiceHandle(self.0) };
    }
}
