//! Stopgap's own folders: what the private and the public ones have in common.

use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};

use stopgap_win32::{self as win32, Creation, Descriptor};

use super::folder::{Folder, READ, READ_WRITE, SHARE_ALL, absent, read_rest};
use super::paths::verbatim;
use super::temp::Temp;
use super::trust::own_sid;
use super::waiting::{failed, patiently};
use crate::error::{At as _, FsError};
use crate::name::{LEFTOVER_SUFFIX, file_name, is_windows_name, parts};

/// The folder is not empty.
const NOT_EMPTY: i32 = 145;
/// It is there already.
const ALREADY_THERE: i32 = 183;
/// What is opened is no link, whatever has its name.
const OPEN_REPARSE_POINT: u32 = 0x0020_0000;

/// A folder of Stopgap's, and what each file and folder in it gets from its first byte.
#[derive(Debug, Clone)]
pub(crate) struct OwnDir {
    pub(crate) folder: Folder,
    /// `None`: what the folder hands down.
    pub(crate) descriptors: Option<Descriptors>,
}

/// The descriptors of new folders and new files.
#[derive(Debug, Clone)]
pub(crate) struct Descriptors {
    pub(crate) of_folder: Descriptor,
    pub(crate) of_file: Descriptor,
}

/// The descriptor of what is for the system and the administrators alone, and for this user where that
/// is neither. Nothing is taken from the folder above. An administrator's belongs to all of them, so
/// that the service and every administrator can use it.
pub(crate) fn closed(is_folder: bool) -> Result<Descriptor, FsError> {
    let flags = if is_folder { "OICI" } else { "" };
    let (owner, own) = match win32::is_elevated() {
        true => ("O:BA", String::new()),
        false => ("", format!("(A;{flags};FA;;;{})", own_sid()?)),
    };
    let text = format!("{owner}D:P(A;{flags};FA;;;SY)(A;{flags};FA;;;BA){own}");
    Descriptor::from_text(&text).at("make", Path::new("an access list"))
}

impl OwnDir {
    /// A folder in this one.
    pub(crate) fn below(&self, rel: &str) -> Result<Self, FsError> {
        Ok(Self { folder: self.at(rel)?, descriptors: self.descriptors.clone() })
    }

    pub(crate) fn of_file(&self) -> Option<&Descriptor> {
        self.descriptors.as_ref().map(|it| &it.of_file)
    }

    pub(crate) fn write_atomic(&self, rel: &str, bytes: &[u8]) -> Result<(), FsError> {
        let (folder, name) = self.place(rel)?;
        let temp = Temp::write(&folder, name, bytes, self.of_file())?;
        temp.sync()?;
        temp.place()
    }

    /// All are written before the first takes its place, so that a full disk is met before that.
    pub(crate) fn write_batch(
        &self,
        rel: &str,
        files: &[(String, Vec<u8>)],
    ) -> Result<(), FsError> {
        let folder = self.at(rel)?;
        let mut written = Vec::with_capacity(files.len());
        for (name, bytes) in files {
            let temp = Temp::write(&folder, checked(name)?, bytes, self.of_file())?;
            temp.sync()?;
            written.push(temp);
        }
        written.into_iter().try_for_each(Temp::place)
    }

    pub(crate) fn remove_batch(&self, rel: &str, names: &[String]) -> Result<(), FsError> {
        let folder = self.at(rel)?;
        for name in names {
            folder.unlink(checked(name)?)?;
        }
        Ok(())
    }

    pub(crate) fn read(&self, rel: &str, max: u64) -> Result<Option<Vec<u8>>, FsError> {
        let Some((file, path)) = self.existing(rel, READ)? else { return Ok(None) };
        read_rest(&file, max, &path).map(Some)
    }

    pub(crate) fn list(&self, rel: &str) -> Result<Vec<String>, FsError> {
        let folder = match self.at(rel) {
            Err(FsError::NotFound { .. }) => return Ok(Vec::new()),
            folder => folder?,
        };
        let names = folder.names()?.into_iter().map(|name| name.to_string_lossy().into_owned());
        Ok(names.filter(|name| !name.ends_with(LEFTOVER_SUFFIX)).collect())
    }

    pub(crate) fn create_dir(&self, rel: &str) -> Result<(), FsError> {
        let mut folder = self.folder.clone();
        for name in checked_parts(rel)? {
            let name = OsStr::new(name);
            let path = folder.path_of(name);
            self.make_dir(&folder.full_of(name), &path)?;
            folder = folder.child(name)?.ok_or(FsError::NotFound { path })?;
        }
        Ok(())
    }

    /// Makes a folder, unless it is there.
    fn make_dir(&self, full: &Path, path: &Path) -> Result<(), FsError> {
        make_dir(full, path, self.descriptors.as_ref().map(|it| &it.of_folder)).map(drop)
    }

    pub(crate) fn remove_file(&self, rel: &str) -> Result<bool, FsError> {
        match self.place(rel) {
            Err(FsError::NotFound { .. }) => Ok(false),
            place => place.and_then(|(folder, name)| folder.unlink(name)),
        }
    }

    pub(crate) fn remove_dir_all(&self, rel: &str) -> Result<bool, FsError> {
        let (folder, name) = match self.place(rel) {
            Err(FsError::NotFound { .. }) => return Ok(false),
            place => place?,
        };
        // It must be a folder and no link; it is let go again, or it could not be removed.
        if folder.child(name)?.is_none() {
            return Ok(false);
        }
        let (full, path) = (folder.full_of(name), folder.path_of(name));
        let removed = patiently(|| match std::fs::remove_dir_all(&full) {
            // What is in it and still open somewhere is there a little longer.
            Err(error) if error.raw_os_error() == Some(NOT_EMPTY) => {
                Err(std::io::Error::from_raw_os_error(32))
            }
            removed => removed,
        });
        removed.map_err(|error| failed("remove", &error, &full, &path))?;
        Ok(true)
    }

    /// Opens a file, created if need be.
    pub(crate) fn open_or_make(&self, rel: &str) -> Result<(File, PathBuf), FsError> {
        let (folder, name) = self.place(rel)?;
        if let Some(found) = self.existing(rel, READ_WRITE)? {
            return Ok(found);
        }
        let (full, path) = (folder.full_of(name), folder.path_of(name));
        let made = win32::create_file(
            &full,
            READ_WRITE,
            SHARE_ALL,
            Creation::OpenOrNew,
            OPEN_REPARSE_POINT,
            self.of_file(),
        );
        let file = made.map_err(|error| failed("create", &error, &full, &path))?;
        file.sync_all().at("write", &path)?;
        Ok((file, path))
    }

    /// Opens a file that is there, for itself; `None` if it is not.
    pub(crate) fn existing(
        &self,
        rel: &str,
        access: u32,
    ) -> Result<Option<(File, PathBuf)>, FsError> {
        let (folder, name) = match self.place(rel) {
            Err(FsError::NotFound { .. }) => return Ok(None),
            place => place?,
        };
        let file = folder.file(name, access, SHARE_ALL)?;
        Ok(file.map(|file| (file, folder.path_of(name))))
    }

    fn at(&self, rel: &str) -> Result<Folder, FsError> {
        let mut folder = self.folder.clone();
        if !rel.is_empty() {
            for name in checked_parts(rel)? {
                let missing = || FsError::NotFound { path: folder.path_of(name.as_ref()) };
                folder = folder.child(name.as_ref())?.ok_or_else(missing)?;
            }
        }
        Ok(folder)
    }

    /// The folder of a path, and the name in it.
    pub(crate) fn place<'a>(&self, rel: &'a str) -> Result<(Folder, &'a OsStr), FsError> {
        checked_parts(rel)?;
        let (above, name) = rel.rsplit_once('/').unwrap_or(("", rel));
        Ok((self.at(above)?, OsStr::new(name)))
    }
}

/// Makes a folder with a descriptor; `false` if it is there.
pub(crate) fn make_dir(
    full: &Path,
    path: &Path,
    descriptor: Option<&Descriptor>,
) -> Result<bool, FsError> {
    match win32::create_dir(full, descriptor) {
        Ok(()) => Ok(true),
        Err(error) if error.raw_os_error() == Some(ALREADY_THERE) => Ok(false),
        Err(error) => Err(failed("create", &error, full, path)),
    }
}

/// Makes a folder and those above it that are not there, each with the descriptor.
pub(crate) fn make_dir_all(path: &Path, descriptor: Option<&Descriptor>) -> Result<(), FsError> {
    let full = verbatim(path).at("create", path)?;
    if absent(std::fs::symlink_metadata(&full)).at("look at", path)?.is_some() {
        return Ok(());
    }
    if let Some(above) = path.parent().filter(|above| !above.as_os_str().is_empty()) {
        make_dir_all(above, descriptor)?;
    }
    make_dir(&full, path, descriptor).map(drop)
}

/// The parts of a path, each of which is a name on Windows.
fn checked_parts(rel: &str) -> Result<Vec<&str>, FsError> {
    let names = parts(rel)?;
    match names.iter().all(|name| is_windows_name(name)) {
        true => Ok(names),
        false => Err(FsError::BadName { name: rel.to_owned() }),
    }
}

/// The name of one file.
fn checked(name: &str) -> Result<&OsStr, FsError> {
    checked_parts(name)?;
    file_name(name)
}
