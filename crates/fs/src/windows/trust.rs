//! Whether nobody but those who could do everything anyway can change a file, or what is at its path.

use std::path::Path;
use std::sync::OnceLock;

use stopgap_win32::{self as win32, Descriptor};

use super::folder::{LOOK, open_followed, shown_path};
use super::paths::verbatim;
use super::permissions::{Permissions, REPLACE, Sid, WRITE};
use crate::error::{At as _, FsError, OsError};

/// Whether only the system, the administrators, the installer of Windows and this process's own user
/// can change what is at `path` and the folder that it is in, or put something else in the place of
/// either or of a folder above. It is what a program is asked before it is run.
///
/// # Errors
/// [`FsError::Exposed`] with what somebody else can change; [`FsError::NotFound`] if nothing is there;
/// otherwise it cannot be looked at.
pub fn require_guarded(path: &Path) -> Result<(), FsError> {
    let missing = || FsError::NotFound { path: path.to_owned() };
    let full = verbatim(path).at("look at", path)?;
    let file = open_followed(&full, path, LOOK)?.ok_or_else(missing)?;
    let real = shown_path(&file).at("look at", path)?;
    let descriptor = Descriptor::of(&file).at("look at", path)?;
    require_guarded_above(&real, &descriptor, true)
}

/// The same of what was opened: `real` is where it is, and `descriptor` its own. `is_run`: a program
/// takes more files from the folder that it is in, so nobody else may put one there.
pub(crate) fn require_guarded_above(
    real: &Path,
    descriptor: &Descriptor,
    is_run: bool,
) -> Result<(), FsError> {
    require(real, descriptor, WRITE)?;
    let mut above = real.parent();
    let mut rights = if is_run { WRITE } else { REPLACE };
    while let Some(folder) = above {
        require_folder(folder, rights)?;
        rights = REPLACE;
        above = folder.parent();
    }
    Ok(())
}

/// No folder from `path` upwards can be exchanged by somebody else; those that are not there yet are
/// left out.
pub(crate) fn require_held_above(path: &Path) -> Result<(), FsError> {
    let whole = std::path::absolute(path).at("look at", path)?;
    for folder in whole.ancestors() {
        match require_folder(folder, REPLACE) {
            Err(FsError::NotFound { .. }) => {}
            other => other?,
        }
    }
    Ok(())
}

fn require_folder(folder: &Path, rights: u32) -> Result<(), FsError> {
    let missing = || FsError::NotFound { path: folder.to_owned() };
    let full = verbatim(folder).at("look at", folder)?;
    let open = open_followed(&full, folder, LOOK)?.ok_or_else(missing)?;
    require(folder, &Descriptor::of(&open).at("look at", folder)?, rights)
}

fn require(path: &Path, descriptor: &Descriptor, rights: u32) -> Result<(), FsError> {
    let permissions = permissions(descriptor, path)?;
    let own = own_sid()?;
    match permissions.others(rights, own).is_empty() && permissions.foreign_owner(own).is_none() {
        true => Ok(()),
        false => Err(FsError::Exposed { path: path.to_owned() }),
    }
}

/// What a descriptor of what is at `path` says.
pub(crate) fn permissions(descriptor: &Descriptor, path: &Path) -> Result<Permissions, FsError> {
    Permissions::parse(&descriptor.bytes()).map_err(|_| FsError::Io {
        action: "understand the access list of",
        path: path.to_owned(),
        source: OsError::IO,
    })
}

/// The user of this process.
pub(crate) fn own_sid() -> Result<&'static Sid, FsError> {
    static OWN: OnceLock<Result<Sid, OsError>> = OnceLock::new();
    let own = OWN.get_or_init(|| match win32::current_user() {
        Ok(sid) => Ok(Sid(sid)),
        Err(error) => Err(OsError::from(&error)),
    });
    own.as_ref().map_err(|source| FsError::Io {
        action: "find out who runs",
        path: "this process".into(),
        source: *source,
    })
}

/// A security identifier for people: `BUILTIN\Users`, or the identifier itself.
pub(crate) fn named(sid: &Sid) -> String {
    win32::account_name(&sid.0).unwrap_or_else(|| sid.to_string())
}

/// Who runs this process, for people: `CONTOSO\alice`, `NT AUTHORITY\SYSTEM`.
#[must_use]
pub fn account() -> String {
    own_sid().map_or_else(|_| "an unknown user".to_owned(), named)
}

/// Whether this process has an administrator's rights now.
#[must_use]
pub fn is_administrator() -> bool {
    win32::is_elevated()
}

/// Who can change what is at `path`, of those who are neither the system, nor administrators, nor this
/// process's own user; for people. Nobody where it cannot be looked at.
#[must_use]
pub fn others(path: &Path) -> Vec<String> {
    others_of(path).unwrap_or_default().iter().map(named).collect()
}

fn others_of(path: &Path) -> Result<Vec<Sid>, FsError> {
    let missing = || FsError::NotFound { path: path.to_owned() };
    let full = verbatim(path).at("look at", path)?;
    let file = open_followed(&full, path, LOOK)?.ok_or_else(missing)?;
    let found = permissions(&Descriptor::of(&file).at("look at", path)?, path)?;
    let own = own_sid()?;
    let mut others = found.others(WRITE, own);
    others.extend(found.foreign_owner(own).cloned());
    others.sort();
    others.dedup();
    Ok(others)
}
