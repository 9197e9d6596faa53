//! Many files of one folder, for which the disk is waited for once.

use rustix::fs::Mode;
use rustix::io::Errno;

use super::folder::Folder;
use super::temp::Temp;
use crate::error::{At as _, FsError};
use crate::name::file_name;

/// Up to so many files are synchronised one by one: to synchronise the whole file system also waits
/// for what others write.
const MAX_INDIVIDUAL_FSYNCS: usize = 16;

/// Writes files with the permissions `mode`, each wholly or not at all; all are on the disk when
/// this returns.
pub(crate) fn write_batch(
    folder: &Folder,
    files: &[(String, Vec<u8>)],
    mode: Mode,
) -> Result<(), FsError> {
    let is_many = cfg!(target_os = "linux") && files.len() > MAX_INDIVIDUAL_FSYNCS;
    let mut written = Vec::with_capacity(files.len());
    for (name, bytes) in files {
        let temp = Temp::write(folder, file_name(name)?, bytes)?;
        rustix::fs::fchmod(temp.file(), mode).at("write", &folder.path_of(name.as_ref()))?;
        if !is_many {
            temp.sync()?;
        }
        written.push(temp.close());
    }
    if is_many {
        sync_file_system(folder).at("write", folder.path())?;
    }
    for file in written {
        file.place()?;
    }
    folder.sync().at("write", folder.path())
}

/// Waits until everything in the folder's file system is on the disk.
#[cfg(target_os = "linux")]
fn sync_file_system(folder: &Folder) -> Result<(), Errno> {
    rustix::fs::syncfs(folder)
}

#[cfg(not(target_os = "linux"))]
fn sync_file_system(folder: &Folder) -> Result<(), Errno> {
    folder.sync()
}
