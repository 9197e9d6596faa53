//! Text as Windows takes and gives it: UTF-16 with a zero at the end.

use std::ffi::OsStr;
use std::io;
use std::os::windows::ffi::OsStrExt as _;

/// Text with a zero at the end.
///
/// # Errors
/// There is a zero in it: what is behind it would be lost.
pub(crate) fn wide(text: impl AsRef<OsStr>) -> io::Result<Vec<u16>> {
    let mut units: Vec<u16> = text.as_ref().encode_wide().collect();
    if units.contains(&0) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    units.push(0);
    Ok(units)
}

/// The text up to the first zero, or all of it.
pub(crate) fn narrow(units: &[u16]) -> String {
    String::from_utf16_lossy(units.split(|&unit| unit == 0).next().unwrap_or_default())
}

/// `Ok` for a call that answered with something else than zero, the error of this thread otherwise.
pub(crate) fn done(answer: windows_sys::core::BOOL) -> io::Result<()> {
    if answer == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// The length of a buffer, as Windows takes it.
pub(crate) fn length(bytes: usize) -> io::Result<u32> {
    u32::try_from(bytes).map_err(|_| io::ErrorKind::InvalidInput.into())
}

/// The text at `at`, copied; nothing where there is none.
///
/// # Safety
/// It is null, or UTF-16 with a zero at the end.
pub(crate) unsafe fn copied(at: *const u16) -> String {
    // SAFETY: the caller's promise.
    String::from_utf16_lossy(unsafe { units(at) })
}

/// The texts at `at`, copied.
///
/// # Safety
/// It is null, or texts of UTF-16, each with a zero at its end, with one more behind the last.
pub(crate) unsafe fn copied_list(mut at: *const u16) -> Vec<String> {
    let mut all = Vec::new();
    loop {
        // SAFETY: the caller's promise; `at` is the beginning of a text, or the last zero.
        let text = unsafe { units(at) };
        if text.is_empty() {
            return all;
        }
        all.push(String::from_utf16_lossy(text));
        // SAFETY: behind a text there is its zero, and behind that another text or the last zero.
        at = unsafe { at.add(text.len() + 1) };
    }
}

/// The units before the zero.
///
/// # Safety
/// As for [`copied`]; they live as long as they are used.
unsafe fn units<'a>(at: *const u16) -> &'a [u16] {
    if at.is_null() {
        return &[];
    }
    let mut length = 0;
    let is_end = |length| {
        // SAFETY: the zero is not reached before `length`, so there is a unit.
        let unit = unsafe { at.add(length) };
        // SAFETY: as above.
        unsafe { unit.read() == 0 }
    };
    while !is_end(length) {
        length += 1;
    }
    // SAFETY: so many units were read just now.
    unsafe { std::slice::from_raw_parts(at, length) }
}
