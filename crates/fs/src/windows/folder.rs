//! A folder that is held open: nobody can rename or remove it, nor a folder above it, until it is let
//! go; so what is done in it cannot be led elsewhere by a swapped path.

use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::windows::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use stopgap_win32::{self as win32, Descriptor, FileFacts};

use super::paths::{shown, verbatim};
use super::waiting::{failed, patiently};
use crate::error::{At as _, FsError};
use crate::facts::Kind;
use crate::search::{Entry, Listed};

/// Others may read it, write it, and rename or delete it.
pub(crate) const SHARE_ALL: u32 = 7;
/// Others may read and write it, and it keeps its name.
const SHARE_NAMED: u32 = 3;
/// Others may read it, and it may lose its name to another file.
pub(crate) const SHARE_READ: u32 = 5;

/// To look at attributes and at the security descriptor.
pub(crate) const LOOK: u32 = 0x0000_0080 | 0x0002_0000 | 0x0010_0000;
/// To list a folder, and to look at it.
const LIST: u32 = 0x0000_0001 | LOOK;
/// To read a file, and to look at it.
pub(crate) const READ: u32 = 0x8000_0000 | LOOK;
/// To read and write a file, and to look at it.
pub(crate) const READ_WRITE: u32 = 0xc000_0000 | LOOK;
/// To give it another access list, and another owner.
pub(crate) const SECURE: u32 = 0x0004_0000 | 0x0008_0000;

/// Folders can be opened with it.
const BACKUP_SEMANTICS: u32 = 0x0200_0000;
/// A link is opened itself.
const OPEN_REPARSE_POINT: u32 = 0x0020_0000;

const DIRECTORY: u32 = 0x10;
const REPARSE_POINT: u32 = 0x400;
/// A reparse point whose tag has this bit stands for another place. The others are files whose bytes
/// are kept in another way: deduplicated, compressed.
const NAME_SURROGATE: u32 = 0x2000_0000;

/// Nothing of this name, no folder on the way to it, or a name that no disk can have.
const ABSENT: [i32; 4] = [2, 3, 123, 161];

/// A folder held open, and those above it as far as they were opened to come here.
#[derive(Debug, Clone)]
pub(crate) struct Folder(Arc<Held>);

#[derive(Debug)]
struct Held {
    handle: File,
    /// As Windows takes it.
    full: PathBuf,
    /// For people.
    path: PathBuf,
    /// Held as long as this one.
    _above: Option<Folder>,
}

impl Folder {
    /// Opens a folder that the administrator named; links on the way to it are his own.
    pub(crate) fn open(path: &Path) -> Result<Self, FsError> {
        let missing = || FsError::NotFound { path: path.to_owned() };
        let named = verbatim(path).at("open", path)?;
        let handle = raw(&named, LIST, SHARE_NAMED, BACKUP_SEMANTICS);
        let handle = absent(handle).map_err(|error| failed("open", &error, &named, path))?;
        let handle = handle.ok_or_else(missing)?;
        // Where Windows cannot say where that is, it is where it was named.
        let full = win32::final_path(&handle).unwrap_or(named);
        require_folder(&win32::facts(&handle).at("open", path)?, path)?;
        Ok(Self(Arc::new(Held { handle, full, path: path.to_owned(), _above: None })))
    }

    /// Opens a folder that must not be a link itself; `None` if there is none.
    pub(crate) fn open_unlinked(path: &Path) -> Result<Option<Self>, FsError> {
        let full = verbatim(path).at("open", path)?;
        Self::opened(full, path.to_owned(), None)
    }

    /// Opens the folder `name` in this one; `None` if there is none.
    pub(crate) fn child(&self, name: &OsStr) -> Result<Option<Self>, FsError> {
        Self::opened(self.full_of(name), self.path_of(name), Some(self.clone()))
    }

    fn opened(full: PathBuf, path: PathBuf, above: Option<Self>) -> Result<Option<Self>, FsError> {
        let Some((handle, facts)) = open_unlinked(&full, &path, LIST, SHARE_NAMED)? else {
            return Ok(None);
        };
        require_folder(&facts, &path)?;
        Ok(Some(Self(Arc::new(Held { handle, full, path, _above: above }))))
    }

    /// What `name` is in this folder; `None` if nothing is there.
    pub(crate) fn kind(&self, name: &OsStr) -> Result<Option<Kind>, FsError> {
        let (full, path) = (self.full_of(name), self.path_of(name));
        let found = open_unlinked(&full, &path, LOOK, SHARE_ALL)?;
        Ok(found.map(|(_, facts)| match facts.attributes & DIRECTORY {
            0 => Kind::File,
            _ => Kind::Folder,
        }))
    }

    /// The path of `name` in this folder, for people.
    pub(crate) fn path_of(&self, name: &OsStr) -> PathBuf {
        self.0.path.join(name)
    }

    /// The path of `name` in this folder, as Windows takes it.
    pub(crate) fn full_of(&self, name: &OsStr) -> PathBuf {
        self.0.full.join(name)
    }

    /// The path this folder was opened at.
    pub(crate) fn path(&self) -> &Path {
        &self.0.path
    }

    /// The path of this folder, as Windows takes it.
    pub(crate) fn full(&self) -> &Path {
        &self.0.full
    }

    /// Opens the regular file `name`; `None` if there is none.
    pub(crate) fn file(
        &self,
        name: &OsStr,
        access: u32,
        share: u32,
    ) -> Result<Option<File>, FsError> {
        let (full, path) = (self.full_of(name), self.path_of(name));
        let found = open_unlinked(&full, &path, access, share)?;
        found.map(|(file, facts)| require_file(file, &facts, &path)).transpose()
    }

    /// The names in this folder, sorted.
    pub(crate) fn names(&self) -> Result<Vec<OsString>, FsError> {
        let entries = std::fs::read_dir(self.full()).at("list", self.path())?;
        let mut names = Vec::new();
        for entry in entries {
            names.push(entry.at("list", self.path())?.file_name());
        }
        names.sort();
        Ok(names)
    }

    /// What is in this folder, with what each is, in no order.
    pub(crate) fn listing(&self) -> Result<impl Iterator<Item = Entry>, FsError> {
        let entries = std::fs::read_dir(self.full()).at("list", self.path())?;
        Ok(entries.map(|entry| {
            let entry = entry.at("list", self.path())?;
            let kind = entry.file_type().at("look at", &self.path_of(&entry.file_name()));
            let listed = kind.map(|kind| match (kind.is_symlink(), kind.is_dir()) {
                // A junction too.
                (true, _) => Listed::Link,
                (false, true) => Listed::Folder,
                (false, false) if kind.is_file() => Listed::File,
                (false, false) => Listed::Other,
            });
            Ok((entry.file_name(), listed))
        }))
    }

    /// The name that Windows finds by `name`, spelled as on the disk.
    pub(crate) fn spelled(&self, name: &str) -> Result<Option<OsString>, FsError> {
        let name = OsStr::new(name);
        let (full, path) = (self.full_of(name), self.path_of(name));
        let flags = BACKUP_SEMANTICS | OPEN_REPARSE_POINT;
        let found = absent(raw(&full, LOOK, SHARE_ALL, flags));
        let Some(found) = found.map_err(|error| failed("open", &error, &full, &path))? else {
            return Ok(None);
        };
        if let Ok(whole) = win32::final_path(&found) {
            return Ok(whole.file_name().map(OsStr::to_owned));
        }
        // Wine does not say it of a long path.
        let is_same = |found: &OsString| found.eq_ignore_ascii_case(name);
        Ok(Some(self.names()?.into_iter().find(is_same).unwrap_or_else(|| name.to_owned())))
    }

    /// Removes the file `name`, or the link of that name; `false` if there is none.
    pub(crate) fn unlink(&self, name: &OsStr) -> Result<bool, FsError> {
        let (full, path) = (self.full_of(name), self.path_of(name));
        let removed = patiently(|| std::fs::remove_file(&full));
        let removed = absent(removed).map_err(|error| failed("remove", &error, &full, &path))?;
        Ok(removed.is_some())
    }

    /// The security descriptor of the folder itself.
    pub(crate) fn descriptor(&self) -> Result<Descriptor, FsError> {
        Descriptor::of(&self.0.handle).at("look at", self.path())
    }
}

/// Opens what is at a path, never through a link; `None` if nothing is there.
pub(crate) fn open_unlinked(
    full: &Path,
    path: &Path,
    access: u32,
    share: u32,
) -> Result<Option<(File, FileFacts)>, FsError> {
    let flags = BACKUP_SEMANTICS | OPEN_REPARSE_POINT;
    let opened = absent(patiently(|| raw(full, access, share, flags)));
    let Some(file) = opened.map_err(|error| failed("open", &error, full, path))? else {
        return Ok(None);
    };
    let facts = win32::facts(&file).at("look at", path)?;
    if facts.attributes & REPARSE_POINT == 0 {
        return Ok(Some((file, facts)));
    }
    if win32::reparse_tag(&file).at("look at", path)? & NAME_SURROGATE != 0 {
        return Err(FsError::Link { path: path.to_owned() });
    }
    // No link: Windows itself knows where its bytes are.
    let again = patiently(|| raw(full, access, share, BACKUP_SEMANTICS));
    let again = again.map_err(|error| failed("open", &error, full, path))?;
    let now = win32::facts(&again).at("look at", path)?;
    match (now.volume, now.number) == (facts.volume, facts.number) {
        true => Ok(Some((again, now))),
        false => Err(FsError::Exchanged { path: path.to_owned() }),
    }
}

/// Opens what is at a path, with links followed; `None` if nothing is there.
pub(crate) fn open_followed(
    full: &Path,
    path: &Path,
    access: u32,
) -> Result<Option<File>, FsError> {
    let opened = absent(patiently(|| raw(full, access, SHARE_ALL, BACKUP_SEMANTICS)));
    opened.map_err(|error| failed("open", &error, full, path))
}

fn raw(full: &Path, access: u32, share: u32, flags: u32) -> io::Result<File> {
    OpenOptions::new().access_mode(access).share_mode(share).custom_flags(flags).open(full)
}

/// `None` where nothing is there.
pub(crate) fn absent<T>(found: io::Result<T>) -> io::Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.raw_os_error().is_some_and(|it| ABSENT.contains(&it)) => Ok(None),
        Err(error) => Err(error),
    }
}

fn require_folder(facts: &FileFacts, path: &Path) -> Result<(), FsError> {
    match facts.attributes & DIRECTORY {
        0 => Err(FsError::NotAFolder { path: path.to_owned() }),
        _ => Ok(()),
    }
}

pub(crate) fn require_file(file: File, facts: &FileFacts, path: &Path) -> Result<File, FsError> {
    match facts.attributes & DIRECTORY == 0 && win32::is_disk_file(&file) {
        true => Ok(file),
        false => Err(FsError::NotAFile { path: path.to_owned() }),
    }
}

/// The rest of `file`, if it is not larger than `max` bytes.
pub(crate) fn read_rest(mut file: &File, max: u64, path: &Path) -> Result<Vec<u8>, FsError> {
    let mut bytes = Vec::new();
    let read = file.by_ref().take(max.saturating_add(1)).read_to_end(&mut bytes);
    read.at("read", path)?;
    if bytes.len() as u64 > max {
        return Err(FsError::TooLarge { path: path.to_owned(), max });
    }
    Ok(bytes)
}

/// Where an open file or folder is, for people.
pub(crate) fn shown_path(file: &File) -> io::Result<PathBuf> {
    win32::final_path(file).map(|path| shown(&path))
}
