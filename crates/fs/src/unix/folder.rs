//! A folder that is held open: what is done in it cannot be led elsewhere by a swapped path.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Read as _;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;

use crate::error::{At as _, FsError};
use crate::facts::Kind;
use crate::search::{Entry, Listed};

/// Opens a folder itself, never through a link.
const FOLDER: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// For every file: no link is followed, and a pipe or a device is not waited for.
const FILE: OFlags =
    OFlags::NOFOLLOW.union(OFlags::NONBLOCK).union(OFlags::NOCTTY).union(OFlags::CLOEXEC);

/// New files are for their owner only.
pub(crate) const PRIVATE_FILE: Mode = Mode::RUSR.union(Mode::WUSR);

/// A folder held open.
#[derive(Debug)]
pub(crate) struct Folder {
    fd: OwnedFd,
    /// Where it was opened; for messages.
    path: PathBuf,
}

impl Folder {
    /// Opens a folder that the administrator named; links on the way to it are his own.
    pub(crate) fn open(path: &Path) -> Result<Self, FsError> {
        let fd = rustix::fs::open(path, FOLDER.difference(OFlags::NOFOLLOW), Mode::empty());
        Self::opened(fd, CWD, path, path.to_owned())?
            .ok_or_else(|| FsError::NotFound { path: path.to_owned() })
    }

    /// Opens a folder that must not be a link itself.
    pub(crate) fn open_unlinked(path: &Path) -> Result<Option<Self>, FsError> {
        let fd = rustix::fs::open(path, FOLDER, Mode::empty());
        Self::opened(fd, CWD, path, path.to_owned())
    }

    /// Opens the folder `name` in this one; `None` if there is none.
    pub(crate) fn child(&self, name: &OsStr) -> Result<Option<Self>, FsError> {
        let fd = rustix::fs::openat(&self.fd, name, FOLDER, Mode::empty());
        Self::opened(fd, self.fd.as_fd(), Path::new(name), self.path_of(name))
    }

    fn opened(
        fd: Result<OwnedFd, Errno>,
        base: BorrowedFd<'_>,
        name: &Path,
        path: PathBuf,
    ) -> Result<Option<Self>, FsError> {
        match fd {
            Ok(fd) => Ok(Some(Self { fd, path })),
            Err(Errno::NOENT) => Ok(None),
            // Linux answers "not a directory" for a link too.
            Err(Errno::NOTDIR | Errno::LOOP) if is_link(base, name) => Err(FsError::Link { path }),
            Err(Errno::NOTDIR) => Err(FsError::NotAFolder { path }),
            Err(errno) => Err(FsError::Io { action: "open", path, source: errno.into() }),
        }
    }

    /// A folder that was opened only to go on from it: what is in it can be opened, and no more.
    pub(crate) fn passed(fd: OwnedFd, path: PathBuf) -> Self {
        Self { fd, path }
    }

    /// The same folder, opened a second time and for all that is done in one.
    pub(crate) fn again(&self) -> Result<Self, FsError> {
        let fd = rustix::fs::openat(&self.fd, ".", FOLDER, Mode::empty()).at("open", &self.path)?;
        Ok(Self { fd, path: self.path.clone() })
    }

    /// What `name` is in this folder; `None` if nothing is there.
    pub(crate) fn kind(&self, name: &OsStr) -> Result<Option<Kind>, FsError> {
        let found = match rustix::fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => return Ok(None),
            found => found.at("look at", &self.path_of(name))?,
        };
        Ok(Some(match FileType::from_raw_mode(found.st_mode) {
            FileType::RegularFile => Kind::File,
            FileType::Directory => Kind::Folder,
            FileType::Symlink => return Err(FsError::Link { path: self.path_of(name) }),
            _ => Kind::Other,
        }))
    }

    /// The path of `name` in this folder.
    pub(crate) fn path_of(&self, name: &OsStr) -> PathBuf {
        self.path.join(name)
    }

    /// The path this folder was opened at.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the regular file `name`; `None` if there is none and `flags` do not create it. A file
    /// that is created is for its owner only.
    pub(crate) fn file(&self, name: &OsStr, flags: OFlags) -> Result<Option<File>, FsError> {
        open_file(self.fd.as_fd(), Path::new(name), self.path_of(name), flags)
    }

    /// What is in this folder, in no order; it is not opened a second time for it.
    pub(crate) fn entries(&self) -> Result<Dir, FsError> {
        let fd = self.fd.try_clone().at("list", &self.path)?;
        Dir::new(fd).at("list", &self.path)
    }

    /// What is in this folder, with what each is, in no order.
    pub(crate) fn listing(&self) -> Result<impl Iterator<Item = Entry>, FsError> {
        let entries = self.entries()?.map(|entry| {
            let entry = entry.at("list", self.path())?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            Ok((name.to_owned(), self.listed(name, entry.file_type())))
        });
        let is_itself = |name: &OsStr| name == "." || name == "..";
        Ok(entries.filter(move |entry| !entry.as_ref().is_ok_and(|(name, _)| is_itself(name))))
    }

    /// What an entry is, as the folder has it, or, where it has nothing, as the file itself has it.
    fn listed(&self, name: &OsStr, said: FileType) -> Result<Listed, FsError> {
        let kind = match said {
            FileType::Unknown => {
                let stat = rustix::fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW);
                FileType::from_raw_mode(stat.at("look at", &self.path_of(name))?.st_mode)
            }
            known => known,
        };
        Ok(match kind {
            FileType::Directory => Listed::Folder,
            FileType::Symlink => Listed::Link,
            FileType::RegularFile => Listed::File,
            _ => Listed::Other,
        })
    }

    /// The names in this folder, in the order of their bytes.
    pub(crate) fn names(&self) -> Result<Vec<OsString>, FsError> {
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.fd).at("list", &self.path)? {
            let entry = entry.at("list", &self.path)?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if name != "." && name != ".." {
                names.push(name.to_owned());
            }
        }
        names.sort();
        Ok(names)
    }

    /// The one name in this folder that is `name` but for the case of ASCII letters.
    pub(crate) fn spelled(&self, name: &str) -> Result<Option<OsString>, FsError> {
        let mut same = self.names()?;
        same.retain(|found| found.as_bytes().eq_ignore_ascii_case(name.as_bytes()));
        if let [first, second, ..] = same.as_slice() {
            return Err(FsError::Ambiguous {
                folder: self.path.clone(),
                first: first.to_string_lossy().into_owned(),
                second: second.to_string_lossy().into_owned(),
            });
        }
        Ok(same.pop())
    }

    /// Removes the file `name`, or the link of that name; `false` if there is none.
    pub(crate) fn unlink(&self, name: &OsStr) -> Result<bool, FsError> {
        match rustix::fs::unlinkat(&self.fd, name, AtFlags::empty()) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(errno) => Err(errno).at("remove", &self.path_of(name)),
        }
    }

    /// Puts the names in this folder on the disk.
    pub(crate) fn sync(&self) -> Result<(), Errno> {
        rustix::fs::fsync(&self.fd)
    }
}

impl AsFd for Folder {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

fn is_link(base: BorrowedFd<'_>, name: &Path) -> bool {
    rustix::fs::statat(base, name, AtFlags::SYMLINK_NOFOLLOW)
        .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Symlink)
}

fn open_file(
    base: BorrowedFd<'_>,
    name: &Path,
    path: PathBuf,
    flags: OFlags,
) -> Result<Option<File>, FsError> {
    let file = match rustix::fs::openat(base, name, FILE.union(flags), PRIVATE_FILE) {
        Ok(fd) => File::from(fd),
        Err(Errno::NOENT) => return Ok(None),
        Err(Errno::LOOP) => return Err(FsError::Link { path }),
        Err(Errno::ISDIR | Errno::NXIO) => return Err(FsError::NotAFile { path }),
        Err(errno) => return Err(FsError::Io { action: "open", path, source: errno.into() }),
    };
    if file.metadata().at("read", &path)?.is_file() {
        Ok(Some(file))
    } else {
        Err(FsError::NotAFile { path })
    }
}

/// The rest of `file`, if it is not larger than `max` bytes.
pub(crate) fn read_rest(file: &File, max: u64, path: &Path) -> Result<Vec<u8>, FsError> {
    let mut bytes = Vec::new();
    file.take(max.saturating_add(1)).read_to_end(&mut bytes).at("read", path)?;
    if bytes.len() as u64 > max {
        return Err(FsError::TooLarge { path: path.to_owned(), max });
    }
    Ok(bytes)
}

/// The bytes of a regular file of at most `max` bytes. If `path` is a link, it is not followed.
///
/// # Errors
/// The file is not there, a link, not a regular file, too large, or cannot be read.
pub fn read_bounded(path: &Path, max: u64) -> Result<Vec<u8>, FsError> {
    let file = open_file(CWD, path, path.to_owned(), OFlags::RDONLY)?
        .ok_or_else(|| FsError::NotFound { path: path.to_owned() })?;
    read_rest(&file, max, path)
}

/// Opens the regular file at `path` for reading. Links on the way are followed; for nothing else, such
/// as a pipe that nobody writes to, is waited.
///
/// # Errors
/// It is not there, is not a regular file, or cannot be opened.
pub fn open_regular(path: &Path) -> Result<File, FsError> {
    let not_a_file = || FsError::NotAFile { path: path.to_owned() };
    // Looked at before it is opened: to open a device can do something.
    let flags = OFlags::PATH.union(OFlags::CLOEXEC);
    let seen = match rustix::fs::openat(CWD, path, flags, PRIVATE_FILE) {
        Ok(fd) => rustix::fs::fstat(fd).at("read", path)?,
        Err(Errno::NOENT) => return Err(FsError::NotFound { path: path.to_owned() }),
        Err(errno) => return Err(errno).at("open", path),
    };
    if FileType::from_raw_mode(seen.st_mode) != FileType::RegularFile {
        return Err(not_a_file());
    }
    let flags = FILE.difference(OFlags::NOFOLLOW).union(OFlags::RDONLY);
    let file = match rustix::fs::openat(CWD, path, flags, PRIVATE_FILE) {
        Ok(fd) => File::from(fd),
        Err(errno) => return Err(errno).at("open", path),
    };
    if file.metadata().at("read", path)?.is_file() { Ok(file) } else { Err(not_a_file()) }
}

/// The bytes of a regular file of at most `max` bytes below the folder at `root`, by the parts of
/// its path as they are spelled; `None` if the folder or the file is not there. The way to `root`
/// is the administrator's; below it no link is followed.
///
/// # Errors
/// A part is not the name of one file or folder; the way leads over a link or a file; the file is
/// a link, not a regular file, too large, or cannot be read.
pub fn read_below(root: &Path, parts: &[&str], max: u64) -> Result<Option<Vec<u8>>, FsError> {
    let bad = |part: &&&str| matches!(**part, "" | "." | "..") || part.contains(['/', '\0']);
    let (Some((name, above)), None) = (parts.split_last(), parts.iter().find(bad)) else {
        return Err(FsError::BadName { name: parts.join("/") });
    };
    let mut folder = match Folder::open(root) {
        Err(FsError::NotFound { .. }) => return Ok(None),
        folder => folder?,
    };
    for part in above {
        let Some(next) = folder.child(OsStr::new(part))? else { return Ok(None) };
        folder = next;
    }
    let name = OsStr::new(name);
    let Some(file) = folder.file(name, OFlags::RDONLY)? else { return Ok(None) };
    read_rest(&file, max, &folder.path_of(name)).map(Some)
}
