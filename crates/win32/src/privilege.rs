//! Privileges of this process, which are in use only while they are needed.

use std::io;
use std::os::windows::io::{AsRawHandle as _, OwnedHandle};
use std::ptr;
use std::sync::{Mutex, PoisonError};

use windows_sys::Win32::Foundation::{ERROR_NOT_ALL_ASSIGNED, LUID};
use windows_sys::Win32::Security::{
    AdjustTokenPrivileges, LUID_AND_ATTRIBUTES, LookupPrivilegeValueW, SE_PRIVILEGE_ENABLED,
    TOKEN_ADJUST_PRIVILEGES, TOKEN_PRIVILEGES, TOKEN_QUERY,
};

use crate::security::token;
use crate::text::{done, wide};

/// A privilege is one of the process: two threads would take it from each other.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Calls something with a privilege, such as `SeRestorePrivilege`, if this process may use it; without
/// it otherwise, so that the call itself says what it lacks.
///
/// # Errors
/// What the call answers.
pub fn with_privilege<T>(name: &str, call: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let _enabled = Enabled::new(name).ok();
    call()
}

/// A privilege that is in use until this is dropped.
struct Enabled {
    token: OwnedHandle,
    privilege: LUID,
}

impl Enabled {
    fn new(name: &str) -> io::Result<Self> {
        let (name, mut privilege) = (wide(name)?, LUID::default());
        // SAFETY: the name ends with a zero, and there is room for the number. No machine is named.
        done(unsafe { LookupPrivilegeValueW(ptr::null(), name.as_ptr(), &mut privilege) })?;
        let token = token(TOKEN_ADJUST_PRIVILEGES | TOKEN_QUERY)?;
        adjust(&token, privilege, SE_PRIVILEGE_ENABLED)?;
        Ok(Self { token, privilege })
    }
}

impl Drop for Enabled {
    fn drop(&mut self) {
        let _ = adjust(&self.token, self.privilege, 0);
    }
}

fn adjust(token: &OwnedHandle, privilege: LUID, attributes: u32) -> io::Result<()> {
    let wanted = TOKEN_PRIVILEGES {
        PrivilegeCount: 1,
        Privileges: [LUID_AND_ATTRIBUTES { Luid: privilege, Attributes: attributes }],
    };
    // SAFETY: the token is open, and there is one privilege; the state of before is not asked for.
    done(unsafe {
        AdjustTokenPrivileges(
            token.as_raw_handle(),
            0,
            &wanted,
            0,
            ptr::null_mut(),
            ptr::null_mut(),
        )
    })?;
    // It succeeds also where the process has no such privilege.
    match io::Error::last_os_error() {
        error if error.raw_os_error() == Some(ERROR_NOT_ALL_ASSIGNED.cast_signed()) => Err(error),
        _ => Ok(()),
    }
}
