//! Owner, permissions and extended attributes, carried from one file to another.
//!
//! Access control lists are extended attributes too.

use std::ffi::OsStr;
use std::fs::{File, Metadata, Permissions};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use rustix::fs::{
    Gid, Uid, XattrFlags, fgetxattr, fgetxattr_query, flistxattr, flistxattr_query, fremovexattr,
    fsetxattr,
};
use rustix::io::Errno;

use crate::error::OsError;

/// What could not be carried over, and why.
pub(crate) type NotCarried = (String, OsError);

/// Makes `new` belong to whom `old` belongs and open to whom `old` is open.
///
/// The order matters: a new owner takes capabilities and set-id bits away, and an access control
/// list changes the group's bits.
pub(crate) fn carry_over(old: &File, facts: &Metadata, new: &File) -> Result<(), NotCarried> {
    let now = new.metadata().map_err(|error| named("owner", &error))?;
    if (now.uid(), now.gid()) != (facts.uid(), facts.gid()) {
        let (uid, gid) = (Uid::from_raw(facts.uid()), Gid::from_raw(facts.gid()));
        rustix::fs::fchown(new, Some(uid), Some(gid))
            .map_err(|errno| ("owner".into(), errno.into()))?;
    }
    carry_attributes(old, new)?;
    new.set_permissions(Permissions::from_mode(facts.mode() & 0o7777))
        .map_err(|error| named("permissions", &error))
}

fn carry_attributes(old: &File, new: &File) -> Result<(), NotCarried> {
    let wanted = attributes(old)?;
    // A folder's default access control list may have given the new file one that is not wanted.
    for name in attributes(new)?.iter().filter(|name| !wanted.contains(name)) {
        fremovexattr(new, name.as_slice()).map_err(|errno| of(name, errno))?;
    }
    for name in &wanted {
        let value = value(old, name).map_err(|errno| of(name, errno))?;
        if self::value(new, name).as_ref() != Ok(&value) {
            fsetxattr(new, name.as_slice(), &value, XattrFlags::empty())
                .map_err(|errno| of(name, errno))?;
        }
    }
    Ok(())
}

/// The names of the extended attributes; none where the file system has no such thing.
fn attributes(file: &File) -> Result<Vec<Vec<u8>>, NotCarried> {
    let list = || {
        let mut names = vec![0; flistxattr_query(file)?];
        let length = flistxattr(file, &mut names[..])?;
        names.truncate(length);
        Ok(names)
    };
    match list() {
        Ok(names) => {
            let names = names.split(|&byte| byte == 0).filter(|name| !name.is_empty());
            Ok(names.map(<[u8]>::to_vec).collect())
        }
        Err(Errno::NOTSUP) => Ok(Vec::new()),
        Err(errno) => Err(("list of extended attributes".into(), errno.into())),
    }
}

fn value(file: &File, name: &[u8]) -> Result<Vec<u8>, Errno> {
    let mut value = vec![0; fgetxattr_query(file, name)?];
    let length = fgetxattr(file, name, &mut value[..])?;
    value.truncate(length);
    Ok(value)
}

fn of(name: &[u8], errno: Errno) -> NotCarried {
    (format!("extended attribute `{}`", OsStr::from_bytes(name).display()), errno.into())
}

fn named(what: &str, error: &std::io::Error) -> NotCarried {
    (what.to_owned(), OsError::from(error))
}
