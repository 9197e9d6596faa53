//! One file replaced by another: wholly or not at all, and only while what is there is what is
//! expected.
//!
//! The new file is made like the old one before it takes its name, in one step, so that at no moment
//! nothing has the name. `ReplaceFileW` takes two steps: what has the name is renamed, and then the new
//! file. So it is used only where Windows alone can make the new file like the old one, and what a crash
//! between its steps leaves is put back by [`put_back`].

use std::ffi::{OsStr, OsString};
use std::io;

use stopgap_model::Digest;
use stopgap_win32 as win32;

use super::carry::carry_over;
use super::folder::{Folder, absent};
use super::own::closed;
use super::target::Target;
use super::temp::Temp;
use super::waiting::{failed, is_held, patiently, patiently_renamed};
use crate::error::{FsError, OsError, ReplaceError};
use crate::name::leftover_of;

/// The end of the name of the old file, between the two steps of `ReplaceFileW`; a dot stands before
/// the name.
const OLD_SUFFIX: &str = ".stopgap-old";

/// Replaces the file `name`, spelled as on the disk, whose digest is `expected`, by `new`.
pub(crate) fn replace(
    folder: &Folder,
    name: &OsString,
    expected: Digest,
    new: &[u8],
) -> Result<(), ReplaceError> {
    let target = Target::open(folder, name)?;
    target.require_replaceable()?;
    target.require(expected)?;
    // It may hold secrets, and gets the access list of the old file when it is whole.
    let closed = closed(false)?;
    let mut temp = Temp::write(folder, name, new, Some(&closed))?;
    let is_alike = carry_over(&target, temp.file(), &temp.full()).map_err(|(what, source)| {
        ReplaceError::NotCarriedOver { path: target.path(), what, source }
    })?;
    temp.sync()?;
    // Nobody can have written it meanwhile, but another file can have taken its name.
    target.require_in_place()?;
    match is_alike {
        true => rename(target, &mut temp)?,
        false => exchange(target, &mut temp)?,
    }
    synced(folder, name)
}

/// The new file takes the name, in one step.
fn rename(target: Target<'_>, temp: &mut Temp<'_>) -> Result<(), ReplaceError> {
    let (full, path) = (target.folder.full_of(target.name), target.path());
    match temp.try_rename() {
        // Before Windows Server 2019 a file that anybody holds open keeps its name.
        Err(error) if is_held(&error) => {
            drop(target);
            temp.rename().map_err(not_replaced)
        }
        renamed => renamed.map_err(|error| not_replaced(failed("replace", &error, &full, &path))),
    }
}

/// Windows itself makes the new file like the old one, and gives it the name.
fn exchange(target: Target<'_>, temp: &mut Temp<'_>) -> Result<(), ReplaceError> {
    let (folder, name, path) = (target.folder, target.name, target.path());
    let old = old_of(name);
    folder.unlink(&old)?;
    let (to, from, backup) = (folder.full_of(name), temp.full(), folder.full_of(&old));
    let attempt = || {
        win32::replace_file(&to, &from, &backup)
            // The first of its steps may be done, and the second not.
            .inspect_err(|_| drop(put_back(folder, name)))
    };
    let first = attempt();
    drop(target);
    let exchanged = match first {
        // It may have been held by this process only.
        Err(error) if is_held(&error) => patiently_renamed(attempt),
        first => first,
    };
    exchanged.map_err(|error| not_replaced(failed("replace", &error, &to, &path)))?;
    temp.is_placed();
    // Where that fails, the next run removes it.
    let _ = folder.unlink(&old);
    Ok(())
}

/// Gives the old file its name back, where `ReplaceFileW` was broken off between its two steps. Answers
/// whether there was anything to do.
pub(crate) fn put_back(folder: &Folder, name: &OsStr) -> Result<bool, FsError> {
    let old = old_of(name);
    if folder.kind(name)?.is_some() {
        return folder.unlink(&old);
    }
    let (from, to) = (folder.full_of(&old), folder.full_of(name));
    let renamed = absent(patiently(|| win32::rename_anew(&from, &to)));
    let renamed =
        renamed.map_err(|error| failed("put back", &error, &to, &folder.path_of(name)))?;
    Ok(renamed.is_some())
}

/// Removes what a broken-off replacement left beside the file `name`, and puts the old file back where
/// nothing has its name.
pub(crate) fn remove_leftover(folder: &Folder, name: &OsStr) -> Result<bool, FsError> {
    let is_back = put_back(folder, name)?;
    Ok(folder.unlink(&leftover_of(name))? || is_back)
}

/// Waits until the name is on the disk too.
fn synced(folder: &Folder, name: &OsStr) -> Result<(), ReplaceError> {
    let not_durable = |error: &io::Error| ReplaceError::NotDurable {
        path: folder.path_of(name),
        source: OsError::from(error),
    };
    let file = std::fs::OpenOptions::new().write(true).open(folder.full_of(name));
    file.and_then(|file| file.sync_all()).map_err(|error| not_durable(&error))
}

fn not_replaced(error: FsError) -> ReplaceError {
    match error {
        FsError::Io { path, source, .. } if source.kind() == io::ErrorKind::ReadOnlyFilesystem => {
            ReplaceError::ReadOnlyDisk { path }
        }
        other => other.into(),
    }
}

fn old_of(name: &OsStr) -> OsString {
    let mut old = OsString::from(".");
    old.push(name);
    old.push(OLD_SUFFIX);
    old
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_itself_can_give_a_new_file_the_place_of_an_old_one() {
        let name = format!("stopgap-exchange-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        std::fs::write(path.join("web.config"), b"old").unwrap();
        let folder = Folder::open(&path).unwrap();
        let name = OsString::from("web.config");
        let target = Target::open(&folder, &name).unwrap();
        let mut temp = Temp::write(&folder, &name, b"new", None).unwrap();
        assert_eq!(exchange(target, &mut temp), Ok(()));
        drop(temp);
        assert_eq!(std::fs::read(path.join("web.config")).unwrap(), b"new");
        assert_eq!(folder.names(), Ok(vec![name]), "nothing lies about");
        drop(folder);
        std::fs::remove_dir_all(&path).unwrap();
    }
}
