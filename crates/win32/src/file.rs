//! What is known of an open file, and what can be set on one.

use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::os::windows::ffi::OsStringExt as _;
use std::os::windows::io::AsRawHandle as _;
use std::path::{Path, PathBuf};
use std::ptr;

use windows_sys::Win32::Foundation::ERROR_LOCK_VIOLATION;
use windows_sys::Win32::Storage::FileSystem::{
    BY_HANDLE_FILE_INFORMATION, FILE_ATTRIBUTE_TAG_INFO, FILE_BASIC_INFO, FILE_TYPE_DISK,
    FileAttributeTagInfo, FileBasicInfo, GetDiskFreeSpaceExW, GetFileInformationByHandle,
    GetFileInformationByHandleEx, GetFileType, GetFinalPathNameByHandleW, LOCKFILE_EXCLUSIVE_LOCK,
    LOCKFILE_FAIL_IMMEDIATELY, LockFileEx, SetFileInformationByHandle, UnlockFileEx,
};
use windows_sys::Win32::System::IO::OVERLAPPED;

use crate::text::{done, length, wide};

/// What Windows knows of an open file or folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileFacts {
    /// The number of its volume.
    pub volume: u64,
    /// Its number there.
    pub number: u64,
    /// How many names it has.
    pub links: u32,
    /// Its attributes.
    pub attributes: u32,
    /// When it was made, in Windows' own unit.
    pub created: i64,
}

/// When a file was made and written, in Windows' own unit; zero is "as it is".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Times {
    /// When it was made.
    pub created: i64,
    /// When it was last written.
    pub written: i64,
}

/// What is known of an open file or folder.
///
/// # Errors
/// As Windows says.
pub fn facts(file: &File) -> io::Result<FileFacts> {
    let mut info = MaybeUninit::<BY_HANDLE_FILE_INFORMATION>::uninit();
    // SAFETY: the handle is open, and there is room for what is written.
    done(unsafe { GetFileInformationByHandle(file.as_raw_handle(), info.as_mut_ptr()) })?;
    // SAFETY: the call succeeded, so all of it is written.
    let info = unsafe { info.assume_init() };
    Ok(FileFacts {
        volume: info.dwVolumeSerialNumber.into(),
        number: u64::from(info.nFileIndexHigh) << 32 | u64::from(info.nFileIndexLow),
        links: info.nNumberOfLinks,
        attributes: info.dwFileAttributes,
        created: i64::from(info.ftCreationTime.dwHighDateTime) << 32
            | i64::from(info.ftCreationTime.dwLowDateTime),
    })
}

/// The tag of a reparse point that was opened itself; zero for everything else.
///
/// # Errors
/// As Windows says.
pub fn reparse_tag(file: &File) -> io::Result<u32> {
    let mut info = FILE_ATTRIBUTE_TAG_INFO::default();
    let size = length(size_of_val(&info))?;
    let to = ptr::from_mut(&mut info).cast();
    // SAFETY: the handle is open, and there is room for the structure of this class.
    done(unsafe {
        GetFileInformationByHandleEx(file.as_raw_handle(), FileAttributeTagInfo, to, size)
    })?;
    Ok(info.ReparseTag)
}

/// Whether it is a file or a folder of a disk, and no pipe or device.
#[must_use]
pub fn is_disk_file(file: &File) -> bool {
    // SAFETY: the handle is open.
    unsafe { GetFileType(file.as_raw_handle()) == FILE_TYPE_DISK }
}

/// The path of an open file or folder, spelled as on the disk, with `\\?\` before it.
///
/// # Errors
/// As Windows says.
pub fn final_path(file: &File) -> io::Result<PathBuf> {
    let mut units = vec![0_u16; 512];
    loop {
        let room = length(units.len())?;
        // SAFETY: the handle is open, and the buffer has as many units as are said.
        let written =
            unsafe { GetFinalPathNameByHandleW(file.as_raw_handle(), units.as_mut_ptr(), room, 0) };
        match written as usize {
            0 => return Err(io::Error::last_os_error()),
            // Without the zero at the end; with it where the buffer was too short.
            written if written < units.len() => {
                units.truncate(written);
                return Ok(std::ffi::OsString::from_wide(&units).into());
            }
            wanted => units.resize(wanted, 0),
        }
    }
}

/// Sets what is not zero of attributes and times.
///
/// # Errors
/// As Windows says.
pub fn set_attributes_and_times(file: &File, attributes: u32, times: Times) -> io::Result<()> {
    let info = FILE_BASIC_INFO {
        CreationTime: times.created,
        LastWriteTime: times.written,
        FileAttributes: attributes,
        ..FILE_BASIC_INFO::default()
    };
    let size = length(size_of_val(&info))?;
    // SAFETY: the handle is open, and the structure is that of this class.
    done(unsafe {
        SetFileInformationByHandle(
            file.as_raw_handle(),
            FileBasicInfo,
            ptr::from_ref(&info).cast(),
            size,
        )
    })
}

/// How many bytes the disk of a folder has for this user.
///
/// # Errors
/// As Windows says.
pub fn disk_free(folder: &Path) -> io::Result<u64> {
    let (folder, mut free) = (wide(folder)?, 0);
    // SAFETY: the path ends with a zero, and there is room for the number; the others are not asked for.
    done(unsafe {
        GetDiskFreeSpaceExW(folder.as_ptr(), &mut free, ptr::null_mut(), ptr::null_mut())
    })?;
    Ok(free)
}

/// Locks one byte of a file, which need not be there; answers whether it was free. For everybody else,
/// or where `shared` for those who want it alone.
///
/// # Errors
/// As Windows says.
pub fn lock_byte(file: &File, at: u64, shared: bool) -> io::Result<bool> {
    let mut place = overlapped(at);
    let alone = if shared { 0 } else { LOCKFILE_EXCLUSIVE_LOCK };
    let flags = LOCKFILE_FAIL_IMMEDIATELY | alone;
    // SAFETY: the handle is open and was not opened for overlapped use, so the call is over when it
    // returns; the structure lives until then.
    let locked = done(unsafe { LockFileEx(file.as_raw_handle(), flags, 0, 1, 0, &mut place) });
    match locked {
        Ok(()) => Ok(true),
        Err(error) if error.raw_os_error() == Some(ERROR_LOCK_VIOLATION.cast_signed()) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Gives back a byte that [`lock_byte`] locked.
///
/// # Errors
/// As Windows says.
pub fn unlock_byte(file: &File, at: u64) -> io::Result<()> {
    let mut place = overlapped(at);
    // SAFETY: as for locking.
    done(unsafe { UnlockFileEx(file.as_raw_handle(), 0, 1, 0, &mut place) })
}

fn overlapped(at: u64) -> OVERLAPPED {
    let mut place = OVERLAPPED::default();
    place.Anonymous.Anonymous.Offset = at as u32;
    place.Anonymous.Anonymous.OffsetHigh = (at >> 32) as u32;
    place
}
