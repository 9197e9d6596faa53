//! How a file can be replaced, and why another one cannot.

use std::fs::Metadata;
use std::os::fd::AsFd;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};

use rustix::fs::{
    AtFlags, FallocateFlags, OFlags, StatVfsMountFlags, StatxAttributes, StatxFlags, fallocate,
    fstatvfs, statx,
};
use rustix::io::Errno;

use super::target::Target;
use crate::error::{At as _, FsError, OsError, ReplaceError};
use crate::facts::ReplaceMethod;

/// Whether anybody but root, and whoever runs this process, may write a file or a folder above it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Guarded {
    /// Nobody.
    Yes,
    /// Somebody may, or it is not known.
    No,
}

/// How an open file is replaced.
///
/// - A second name would part from the first, or be changed with it: neither was asked for.
/// - Whoever made it immutable wants it to stay. The attribute is never lifted.
/// - Without the owner's write permission it is left alone, but for where only root may write: there the
///   permission keeps nobody from anything, and configuration managers set it on all of their files.
/// - A mount point is written itself, but only where nobody else may write: others could be writing it
///   at the same time, or have put it there.
pub(crate) fn replacing(
    target: &Target<'_>,
    guarded: Guarded,
) -> Result<ReplaceMethod, ReplaceError> {
    let path = || target.path();
    let (file, folder) = (attributes(&target.file), attributes(target.folder));
    let kept = StatxAttributes::IMMUTABLE.union(StatxAttributes::APPEND);
    if file.intersects(kept) || folder.intersects(kept) {
        return Err(ReplaceError::Immutable { path: path() });
    }
    let disk = fstatvfs(&target.file).at("read", &path())?;
    if disk.f_flag.contains(StatVfsMountFlags::RDONLY) {
        return Err(ReplaceError::ReadOnlyDisk { path: path() });
    }
    if target.facts.nlink() > 1 {
        return Err(ReplaceError::HardLinked { path: path() });
    }
    if is_read_only(&target.facts) && guarded == Guarded::No {
        return Err(ReplaceError::ReadOnly { path: path() });
    }
    match (file.contains(StatxAttributes::MOUNT_ROOT), guarded) {
        (false, _) => Ok(ReplaceMethod::Rename),
        (true, Guarded::Yes) => Ok(ReplaceMethod::InPlace),
        (true, Guarded::No) => Err(ReplaceError::Mounted { path: path() }),
    }
}

fn is_read_only(facts: &Metadata) -> bool {
    facts.mode() & 0o200 == 0
}

/// The attributes of an open file; none where the kernel tells none.
fn attributes(of: impl AsFd) -> StatxAttributes {
    let found = statx(of, "", AtFlags::EMPTY_PATH, StatxFlags::TYPE);
    found.map_or(StatxAttributes::empty(), |found| found.stx_attributes)
}

/// Writes a file itself. Where that fails it is given its old bytes again.
pub(crate) fn write_in_place(
    target: &Target<'_>,
    old: &[u8],
    new: &[u8],
) -> Result<(), ReplaceError> {
    let path = target.path();
    let file = target
        .folder
        .file(target.name, OFlags::RDWR)?
        .ok_or_else(|| ReplaceError::Missing { path: path.clone() })?;
    target.require_same(&file)?;
    // A disk that is full is told before anything is written.
    match fallocate(&file, FallocateFlags::KEEP_SIZE, 0, new.len().max(1) as u64) {
        Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS) => {}
        Err(errno) => Err(errno).at("make room in", &path)?,
    }
    let Err(error) = overwrite(&file, new) else { return Ok(()) };
    let source = OsError::from(&error);
    match overwrite(&file, old) {
        Ok(()) => Err(FsError::Io { action: "write", path, source }.into()),
        Err(_) => Err(ReplaceError::Torn { path, source }),
    }
}

fn overwrite(file: &std::fs::File, bytes: &[u8]) -> std::io::Result<()> {
    file.write_all_at(bytes, 0)?;
    file.set_len(bytes.len() as u64)?;
    file.sync_all()
}
