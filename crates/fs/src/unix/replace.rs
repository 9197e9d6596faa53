//! One file replaced by another, made or removed: wholly or not at all, and only while what is
//! there is what is expected.

use std::ffi::OsStr;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use stopgap_model::Digest;

use super::folder::{Folder, read_rest};
use super::replacing::{Guarded, replacing, write_in_place};
use super::target::{MAX_TARGET, Target};
use super::temp::Temp;
use super::xattr::carry_over;
use crate::error::{At as _, ReplaceError};
use crate::facts::ReplaceMethod;

/// A new file of a server is for everybody to read: the server may be another user.
const NEW_FILE: Mode = Mode::RUSR.union(Mode::WUSR).union(Mode::RGRP).union(Mode::ROTH);

/// How the file `name` would be replaced.
pub(crate) fn how(
    folder: &Folder,
    name: &OsStr,
    guarded: Guarded,
) -> Result<ReplaceMethod, ReplaceError> {
    replacing(&Target::open(folder, name)?, guarded)
}

/// Replaces the file `name`, whose digest is `expected`, by `new`.
pub(crate) fn replace(
    folder: &Folder,
    name: &OsStr,
    expected: Digest,
    new: &[u8],
    guarded: Guarded,
) -> Result<(), ReplaceError> {
    let path = || folder.path_of(name);
    let target = Target::open(folder, name)?;
    let old = target.require(expected)?;
    match replacing(&target, guarded)? {
        ReplaceMethod::Rename => {}
        ReplaceMethod::InPlace => return write_in_place(&target, &old, new),
    }
    let temp = Temp::write(folder, name, new)?;
    carry_over(&target.file, &target.facts, temp.file())
        .map_err(|(what, source)| ReplaceError::NotCarriedOver { path: path(), what, source })?;
    temp.sync()?;
    // Writing took time: whoever does not use locks may have written meanwhile.
    target.require_in_place()?;
    target.require(expected)?;
    temp.place()?;
    folder.sync().map_err(|errno| ReplaceError::NotDurable { path: path(), source: errno.into() })
}

/// Makes the file `name` with the bytes `new`.
pub(crate) fn create(folder: &Folder, name: &OsStr, new: &[u8]) -> Result<(), ReplaceError> {
    let path = || folder.path_of(name);
    let temp = Temp::write(folder, name, new)?;
    // Whatever the umask says.
    rustix::fs::fchmod(temp.file(), NEW_FILE).at("write", &path())?;
    temp.sync()?;
    match temp.place_anew() {
        Ok(()) => {}
        Err(Errno::EXIST) => {
            let found = folder.file(name, OFlags::RDONLY)?;
            let found = found.ok_or_else(|| ReplaceError::Missing { path: path() })?;
            let found = Digest::of(&read_rest(&found, MAX_TARGET, &path())?);
            return Err(ReplaceError::Changed { path: path(), found });
        }
        Err(errno) => Err(errno).at("create", &path())?,
    }
    folder.sync().map_err(|errno| ReplaceError::NotDurable { path: path(), source: errno.into() })
}

/// Removes the file `name`, whose digest is `expected`.
pub(crate) fn remove(folder: &Folder, name: &OsStr, expected: Digest) -> Result<(), ReplaceError> {
    let path = || folder.path_of(name);
    let target = Target::open(folder, name)?;
    target.require(expected)?;
    target.require_writable()?;
    target.require_in_place()?;
    if !folder.unlink(name)? {
        return Err(ReplaceError::Missing { path: path() });
    }
    folder.sync().map_err(|errno| ReplaceError::NotDurable { path: path(), source: errno.into() })
}
