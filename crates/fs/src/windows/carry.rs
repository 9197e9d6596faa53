//! What belongs to a file beside its bytes, carried from one file to another: owner, access list,
//! attributes, the time when it was made, alternate streams.

use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::windows::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use stopgap_win32::{self as win32, Descriptor, Times};

use super::folder::SHARE_ALL;
use super::permissions::Permissions;
use super::target::Target;
use crate::error::OsError;

/// What could not be carried over, and why.
pub(crate) type NotCarried = (String, OsError);

/// Hidden, system, archive, not indexed: what can be set. The others say how the file is kept.
const SETTABLE: u32 = 0x2 | 0x4 | 0x20 | 0x2000;
/// None of these.
const NORMAL: u32 = 0x80;
/// Compressed or encrypted: that the file itself is, and not only its folder.
const KEPT_OTHERWISE: u32 = 0x800 | 0x4000;

/// The most that the streams of a file have together, in bytes: what is downloaded has some hundred.
const MAX_STREAMS: u64 = 64 << 20;

/// The privilege to make somebody else the owner of a file.
const RESTORE: &str = "SeRestorePrivilege";

/// Makes `new`, which is at `full`, like the file that it is to replace. Answers whether it is like it
/// in everything; `false` where only Windows itself can make it so.
pub(crate) fn carry_over(old: &Target<'_>, new: &File, full: &Path) -> Result<bool, NotCarried> {
    let old_full = old.folder.full_of(old.name);
    carry_streams(&old_full, full).map_err(|error| named("alternate streams", &error))?;
    let descriptor = Descriptor::of(&old.file).map_err(|error| named("access list", &error))?;
    let is_same = carry_descriptor(&descriptor, new)?;
    let attributes = match old.facts.attributes & SETTABLE {
        0 => NORMAL,
        some => some,
    };
    let times = Times { created: old.facts.created, written: 0 };
    win32::set_attributes_and_times(new, attributes, times)
        .map_err(|error| named("attributes", &error))?;
    let kept = |file| win32::facts(file).map(|facts| facts.attributes & KEPT_OTHERWISE);
    let kept = kept(new).map_err(|error| named("attributes", &error))?;
    Ok(is_same && kept == old.facts.attributes & KEPT_OTHERWISE)
}

/// Gives `new` owner and access list, and looks whether it has them.
fn carry_descriptor(wanted: &Descriptor, new: &File) -> Result<bool, NotCarried> {
    let parsed = |descriptor: &Descriptor| {
        Permissions::parse(&descriptor.bytes()).map_err(|_| ("access list".to_owned(), OsError::IO))
    };
    let read = || Descriptor::of(new).map_err(|error| named("access list", &error));
    let wanted_permissions = parsed(wanted)?;
    let now = parsed(&read()?)?;
    let inheriting = wanted.with_inheritance();
    if now.owner != wanted_permissions.owner {
        // Without the privilege only oneself and one's groups can be made owners.
        win32::with_privilege(RESTORE, || inheriting.give_to(new, true))
            .map_err(|error| named("owner", &error))?;
    } else {
        inheriting.give_to(new, false).map_err(|error| named("access list", &error))?;
    }
    Ok(parsed(&read()?)?.is_same_as(&wanted_permissions))
}

fn carry_streams(old: &Path, new: &Path) -> io::Result<()> {
    let streams = win32::streams(old)?;
    if streams.iter().map(|stream| stream.length).sum::<u64>() > MAX_STREAMS {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    for stream in streams {
        let mut from =
            OpenOptions::new().read(true).share_mode(SHARE_ALL).open(of(old, &stream.name))?;
        let mut to = OpenOptions::new()
            .write(true)
            .create_new(true)
            .share_mode(SHARE_ALL)
            .open(of(new, &stream.name))?;
        io::copy(&mut from, &mut to)?;
    }
    Ok(())
}

/// The path of a stream of a file.
fn of(file: &Path, stream: &str) -> PathBuf {
    let mut path = OsString::from(file);
    path.push(OsStr::new(":"));
    path.push(stream);
    path.into()
}

fn named(what: &str, error: &io::Error) -> NotCarried {
    (what.to_owned(), OsError::from(error))
}
