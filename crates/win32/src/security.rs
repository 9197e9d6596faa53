//! Who somebody is, and the security descriptors of files: what is in one is parsed elsewhere, from
//! its bytes.

use std::ffi::c_void;
use std::fs::File;
use std::io;
use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle};
use std::ptr;

use windows_sys::Win32::Foundation::ERROR_INSUFFICIENT_BUFFER;
use windows_sys::Win32::Security::Authorization::{
    ConvertSecurityDescriptorToStringSecurityDescriptorW, ConvertSidToStringSidW,
    ConvertStringSecurityDescriptorToSecurityDescriptorW, ConvertStringSidToSidW, SDDL_REVISION_1,
};
use windows_sys::Win32::Security::{
    DACL_SECURITY_INFORMATION, GROUP_SECURITY_INFORMATION, GetKernelObjectSecurity,
    GetTokenInformation, LookupAccountSidW, OWNER_SECURITY_INFORMATION, SetKernelObjectSecurity,
    TOKEN_ELEVATION, TOKEN_INFORMATION_CLASS, TOKEN_QUERY, TOKEN_USER, TokenElevation, TokenUser,
};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};

use crate::memory::{Buffer, Local};
use crate::text::{done, length, narrow, wide};

/// What is read and written of a descriptor: owner, group and access list.
const PARTS: u32 =
    OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION;

/// A security descriptor in one piece, as Windows gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Descriptor {
    buffer: Buffer,
    length: usize,
}

impl Descriptor {
    /// Owner, group and access list of an open file or folder. It must be open for `READ_CONTROL`.
    ///
    /// # Errors
    /// As Windows says.
    pub fn of(file: &File) -> io::Result<Self> {
        let mut wanted = 1024;
        loop {
            let mut buffer = Buffer::of(wanted as usize);
            let room = wanted;
            let to = buffer.as_mut_ptr();
            // SAFETY: the handle is open, and the buffer has at least `room` bytes, aligned.
            let read = done(unsafe {
                GetKernelObjectSecurity(file.as_raw_handle(), PARTS, to, room, &mut wanted)
            });
            match read {
                Ok(()) => return Ok(Self { buffer, length: wanted.min(room) as usize }),
                Err(error) if is_too_short(&error) && wanted > room => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The descriptor of a text in Windows' own language for them: `D:P(A;;FA;;;SY)`.
    ///
    /// # Errors
    /// It is no such text.
    pub fn from_text(text: &str) -> io::Result<Self> {
        let text = wide(text)?;
        let (mut descriptor, mut length) = (ptr::null_mut(), 0);
        // SAFETY: the text ends with a zero, and there is room for the pointer and the length.
        done(unsafe {
            ConvertStringSecurityDescriptorToSecurityDescriptorW(
                text.as_ptr(),
                SDDL_REVISION_1,
                &mut descriptor,
                &mut length,
            )
        })?;
        let (descriptor, length) = (Local(descriptor), length as usize);
        // SAFETY: Windows made one of this length.
        let bytes = unsafe { descriptor.bytes(length) };
        Ok(Self { buffer: Buffer::holding(&bytes), length })
    }

    /// Its bytes, which say what is in it.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        self.buffer.bytes(self.length)
    }

    /// The same, for a file to which it is given: Windows notes then that entries of it were handed down,
    /// if this one says so, so that it goes on handing down what changes above.
    #[must_use]
    pub fn with_inheritance(&self) -> Self {
        let mut bytes = self.bytes();
        // The second byte of the control word: bit 2 says so, bit 0 asks for it.
        if let Some(control) = bytes.get_mut(3).filter(|control| **control & 0x04 != 0) {
            *control |= 0x01;
        }
        Self { buffer: Buffer::holding(&bytes), length: self.length }
    }

    /// Its text: the opposite of [`Descriptor::from_text`].
    ///
    /// # Errors
    /// As Windows says.
    pub fn text(&self) -> io::Result<String> {
        let mut text = ptr::null_mut();
        // SAFETY: the descriptor is one that Windows gave, aligned; there is room for the pointer. The
        // length is not asked for.
        done(unsafe {
            ConvertSecurityDescriptorToStringSecurityDescriptorW(
                self.as_ptr(),
                SDDL_REVISION_1,
                PARTS,
                &mut text,
                ptr::null_mut(),
            )
        })?;
        let text = Local(text.cast());
        // SAFETY: Windows made it, with a zero at the end.
        Ok(unsafe { text.text() })
    }

    /// Gives an open file or folder the access list, and with `owner_too` the owner and the group. It
    /// must be open for `WRITE_DAC`, and for `WRITE_OWNER`.
    ///
    /// # Errors
    /// As Windows says, such as for an owner that this process may not give.
    pub fn give_to(&self, file: &File, owner_too: bool) -> io::Result<()> {
        let parts = if owner_too { PARTS } else { DACL_SECURITY_INFORMATION };
        // SAFETY: the handle is open, and the descriptor is one that Windows gave, aligned.
        done(unsafe { SetKernelObjectSecurity(file.as_raw_handle(), parts, self.as_ptr()) })
    }

    /// Where it is, for calls that only read it.
    pub(crate) fn as_ptr(&self) -> *mut c_void {
        self.buffer.as_ptr::<c_void>().cast_mut()
    }
}

/// The user of this process, by security identifier: `S-1-5-18` is the system itself.
///
/// # Errors
/// As Windows says.
pub fn current_user() -> io::Result<String> {
    let token = token(TOKEN_QUERY)?;
    let buffer = token_information(&token, TokenUser)?;
    // SAFETY: it is the structure of this class; the identifier in it is in the same buffer.
    let sid = unsafe { buffer.as_ptr::<TOKEN_USER>().read() }.User.Sid;
    let mut text = ptr::null_mut();
    // SAFETY: the buffer with the identifier lives until the call is over; there is room for the
    // pointer.
    done(unsafe { ConvertSidToStringSidW(sid, &mut text) })?;
    let text = Local(text.cast());
    // SAFETY: Windows made it, with a zero at the end.
    Ok(unsafe { text.text() })
}

/// Whether this process has an administrator's rights now, and not only when somebody confirms it.
#[must_use]
pub fn is_elevated() -> bool {
    let elevation = token(TOKEN_QUERY).and_then(|token| token_information(&token, TokenElevation));
    elevation.is_ok_and(|buffer| {
        // SAFETY: it is the structure of this class.
        unsafe { buffer.as_ptr::<TOKEN_ELEVATION>().read() }.TokenIsElevated != 0
    })
}

/// The name of a security identifier: `BUILTIN\Users`; `None` where nobody has one for it.
#[must_use]
pub fn account_name(sid: &str) -> Option<String> {
    let sid = sid_of(sid)?;
    let (mut name, mut domain) = ([0_u16; 256], [0_u16; 256]);
    let (mut name_length, mut domain_length) = (256, 256);
    let mut kind = 0;
    // SAFETY: the identifier is whole; the buffers have as many units as are said; there is room for
    // each of the numbers. The first argument is "this machine".
    let found = unsafe {
        LookupAccountSidW(
            ptr::null(),
            sid.0,
            name.as_mut_ptr(),
            &mut name_length,
            domain.as_mut_ptr(),
            &mut domain_length,
            &mut kind,
        )
    };
    let (name, domain) = (narrow(&name), narrow(&domain));
    match (found != 0 && !name.is_empty(), domain.is_empty()) {
        (false, _) => None,
        (true, true) => Some(name),
        (true, false) => Some(format!(r"{domain}\{name}")),
    }
}

fn sid_of(text: &str) -> Option<Local> {
    let (text, mut sid) = (wide(text).ok()?, ptr::null_mut());
    // SAFETY: the text ends with a zero, and there is room for the pointer.
    done(unsafe { ConvertStringSidToSidW(text.as_ptr(), &mut sid) }).ok()?;
    Some(Local(sid))
}

pub(crate) fn token(access: u32) -> io::Result<OwnedHandle> {
    // SAFETY: it takes nothing, and what it gives need not be closed.
    let process = unsafe { GetCurrentProcess() };
    let mut token = ptr::null_mut();
    // SAFETY: the handle of this process is always open; there is room for the new one.
    done(unsafe { OpenProcessToken(process, access, &mut token) })?;
    // SAFETY: the handle was opened just now, and nobody else has it.
    Ok(unsafe { OwnedHandle::from_raw_handle(token) })
}

fn token_information(token: &OwnedHandle, class: TOKEN_INFORMATION_CLASS) -> io::Result<Buffer> {
    // A user's identifier has 68 bytes at most.
    let mut buffer = Buffer::of(256);
    let (mut written, room) = (0, length(256)?);
    let to = buffer.as_mut_ptr();
    // SAFETY: the token is open, and the buffer has at least `room` bytes, aligned.
    done(unsafe { GetTokenInformation(token.as_raw_handle(), class, to, room, &mut written) })?;
    Ok(buffer)
}

fn is_too_short(error: &io::Error) -> bool {
    error.raw_os_error() == Some(ERROR_INSUFFICIENT_BUFFER.cast_signed())
}
