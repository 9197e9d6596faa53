//! Files and folders made with the access list that they are to have, from their first byte.

use std::fs::File;
use std::io;
use std::os::windows::io::{FromRawHandle as _, OwnedHandle};
use std::path::Path;
use std::ptr;

use windows_sys::Win32::Foundation::INVALID_HANDLE_VALUE;
use windows_sys::Win32::Security::SECURITY_ATTRIBUTES;
use windows_sys::Win32::Storage::FileSystem::{
    CREATE_NEW, CreateDirectoryW, CreateFileW, OPEN_ALWAYS,
};

use crate::security::Descriptor;
use crate::text::{done, length, wide};

/// Whether a file may be there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Creation {
    /// It must not be.
    New,
    /// It is opened then.
    OpenOrNew,
}

/// Makes a file with a security descriptor; without one, the file gets what its folder hands down.
///
/// # Errors
/// As Windows says.
pub fn create_file(
    path: &Path,
    access: u32,
    share: u32,
    creation: Creation,
    flags: u32,
    descriptor: Option<&Descriptor>,
) -> io::Result<File> {
    let path = wide(path)?;
    let attributes = descriptor.map(attributes).transpose()?;
    let disposition = match creation {
        Creation::New => CREATE_NEW,
        Creation::OpenOrNew => OPEN_ALWAYS,
    };
    // SAFETY: the path ends with a zero; the attributes and the descriptor in them live until the call
    // is over.
    let handle = unsafe {
        CreateFileW(
            path.as_ptr(),
            access,
            share,
            attributes.as_ref().map_or(ptr::null(), ptr::from_ref),
            disposition,
            flags,
            ptr::null_mut(),
        )
    };
    if handle == INVALID_HANDLE_VALUE {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the handle was opened just now, and nobody else has it.
    Ok(unsafe { OwnedHandle::from_raw_handle(handle) }.into())
}

/// Makes a folder; `descriptor` as for [`create_file`].
///
/// # Errors
/// As Windows says.
pub fn create_dir(path: &Path, descriptor: Option<&Descriptor>) -> io::Result<()> {
    let path = wide(path)?;
    let attributes = descriptor.map(attributes).transpose()?;
    let attributes = attributes.as_ref().map_or(ptr::null(), ptr::from_ref);
    // SAFETY: the path ends with a zero; the attributes and the descriptor in them live until the call
    // is over.
    done(unsafe { CreateDirectoryW(path.as_ptr(), attributes) })
}

fn attributes(descriptor: &Descriptor) -> io::Result<SECURITY_ATTRIBUTES> {
    Ok(SECURITY_ATTRIBUTES {
        nLength: length(size_of::<SECURITY_ATTRIBUTES>())?,
        // It is only read.
        lpSecurityDescriptor: descriptor.as_ptr(),
        bInheritHandle: 0,
    })
}
