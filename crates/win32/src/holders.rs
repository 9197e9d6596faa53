//! Who has a file open, as the Restart Manager knows it.

use std::io;
use std::path::Path;
use std::ptr;

use windows_sys::Win32::Foundation::{ERROR_MORE_DATA, ERROR_SUCCESS, WIN32_ERROR};
use windows_sys::Win32::System::RestartManager::{
    CCH_RM_SESSION_KEY, RM_PROCESS_INFO, RmEndSession, RmGetList, RmRegisterResources,
    RmStartSession,
};

use crate::text::{length, narrow, wide};

/// The programs that have a file open: `Notepad (process 4711)`. Nothing of them is stopped.
///
/// # Errors
/// As the Restart Manager says.
pub fn holders(path: &Path) -> io::Result<Vec<String>> {
    let session = Session::start()?;
    let path = wide(path)?;
    let files = [path.as_ptr()];
    // SAFETY: there is one path, which ends with a zero; no programs and no services are named.
    answered(unsafe {
        RmRegisterResources(session.0, 1, files.as_ptr(), 0, ptr::null(), 0, ptr::null())
    })?;
    // Between two calls more may come; after some attempts the list is as good as none.
    let mut found: Vec<RM_PROCESS_INFO> = Vec::new();
    for _ in 0..4 {
        let (mut wanted, mut count, mut reasons) = (0, length(found.len())?, 0);
        // SAFETY: there is room for `count` structures, and for each of the numbers.
        let answer = unsafe {
            RmGetList(session.0, &mut wanted, &mut count, found.as_mut_ptr(), &mut reasons)
        };
        if answer != ERROR_MORE_DATA {
            answered(answer)?;
            found.truncate(count as usize);
            return Ok(found.iter().map(named).collect());
        }
        found.resize(wanted as usize, RM_PROCESS_INFO::default());
    }
    answered(ERROR_MORE_DATA).map(|()| Vec::new())
}

fn named(process: &RM_PROCESS_INFO) -> String {
    let (name, number) = (narrow(&process.strAppName), process.Process.dwProcessId);
    match name.is_empty() {
        true => format!("process {number}"),
        false => format!("{name} (process {number})"),
    }
}

fn answered(answer: WIN32_ERROR) -> io::Result<()> {
    match answer {
        ERROR_SUCCESS => Ok(()),
        error => Err(io::Error::from_raw_os_error(error.cast_signed())),
    }
}

/// A session with the Restart Manager, ended when this is dropped.
struct Session(u32);

impl Session {
    fn start() -> io::Result<Self> {
        let (mut session, mut key) = (0, [0_u16; CCH_RM_SESSION_KEY as usize + 1]);
        // SAFETY: there is room for the number, and for a key of the length that is documented.
        answered(unsafe { RmStartSession(&mut session, 0, key.as_mut_ptr()) })?;
        Ok(Self(session))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // SAFETY: the session is open, and is ended once.
        unsafe { RmEndSession(self.0) };
    }
}
