//! A folder with the files of a Unix server in it.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FileType, OFlags, readlinkat, statat};
use rustix::io::Errno;
use stopgap_model::Digest;

use crate::error::{At as _, FsError, ReplaceError};
use crate::folder::{Folder, read_rest};
use crate::glob::{Part, parts_of};
use crate::replace::{create, remove, replace};
use crate::temp::{Staged, leftover_of};

/// The most links on the way to one file, as Linux has it (`path_resolution(7)`).
const MAX_LINKS: usize = 40;
/// The most parts of a path, those of the links on the way included: each may hold a folder open.
/// A server's own paths have ten.
const MAX_PARTS: usize = 256;
/// The most files that a pattern names. A server of web sites by the thousand has one for each.
const MAX_FILES: usize = 4_096;
/// The most names that are read for one pattern, in all folders together.
const MAX_NAMES: usize = 100_000;

/// Write permission for the group or for everybody.
const OTHERS_WRITE: u32 = 0o022;

/// A folder with the files of a Unix server in it, opened once: `/` for the machine itself.
///
/// Files are named by paths that begin with `/`, which is this folder; case counts. Links are
/// followed as the server that uses them follows them, by us and one by one: an absolute one begins
/// at this folder, and no `..` leads out of it. A link in a folder that others than its owner may
/// write is not followed: whoever may put a link there would choose the file that is written.
#[derive(Debug)]
pub struct UnixRoot(Folder);

/// Where a path leads, every link followed: the folders on the way, held open, and the last name.
struct Place<'a> {
    top: &'a Folder,
    folders: Vec<(OsString, Folder)>,
    /// The name in the last folder; `None` where the path is that folder.
    name: Option<OsString>,
    /// Whether there is something of that name.
    there: bool,
}

impl UnixRoot {
    /// Opens the folder at `path`.
    ///
    /// # Errors
    /// It is not there, not a folder, or cannot be opened.
    pub fn open(path: &Path) -> Result<Self, FsError> {
        Folder::open(path).map(Self)
    }

    /// The folder's path, as it was opened.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// The bytes of a regular file of at most `max` bytes; `None` if it is not there.
    ///
    /// # Errors
    /// The way there cannot be followed, or the file is not a regular one, too large, or cannot be
    /// read.
    pub fn read(&self, path: &str, max: u64) -> Result<Option<Vec<u8>>, FsError> {
        let Some(place) = self.place(path)? else { return Ok(None) };
        let (folder, name) = place.file()?;
        let Some(file) = folder.file(name, OFlags::RDONLY)? else { return Ok(None) };
        read_rest(&file, max, &folder.path_of(name)).map(Some)
    }

    /// The path without a link that `path` leads to, below this folder and beginning with `/`;
    /// where no file is there, where one would be made. `None` if there is no folder to make it in.
    ///
    /// # Errors
    /// The way there cannot be followed.
    pub fn real_path(&self, path: &str) -> Result<Option<PathBuf>, FsError> {
        Ok(self.place(path)?.map(|place| place.real_path()))
    }

    /// Whether `path` leads to a folder.
    ///
    /// # Errors
    /// The way there cannot be followed.
    pub fn is_folder(&self, path: &str) -> Result<bool, FsError> {
        Ok(self.place(path)?.is_some_and(|place| place.is_folder()))
    }

    /// Replaces the file whose digest is `expected` by one with the bytes `new`, the same owner,
    /// permissions and extended attributes: at once, on the disk when this returns, or not at all.
    ///
    /// # Errors
    /// As [`ReplaceError`] says. But for [`ReplaceError::NotDurable`], the file is as it was.
    pub fn replace(&self, path: &str, expected: Digest, new: &[u8]) -> Result<(), ReplaceError> {
        let place = self.place(path)?.ok_or_else(|| self.missing(path))?;
        let (folder, name) = place.file()?;
        replace(folder, name, expected, new)
    }

    /// Makes a file for everybody to read, whatever the umask says: at once, on the disk when this
    /// returns, or not at all.
    ///
    /// # Errors
    /// [`ReplaceError::Changed`] if it is there already, [`ReplaceError::Missing`] if its folder is
    /// not; otherwise as for [`UnixRoot::replace`].
    pub fn create(&self, path: &str, new: &[u8]) -> Result<(), ReplaceError> {
        let place = self.place(path)?.ok_or_else(|| self.missing(path))?;
        let (folder, name) = place.file()?;
        create(folder, name, new)
    }

    /// Removes the file whose digest is `expected`; on the disk when this returns.
    ///
    /// # Errors
    /// As for [`UnixRoot::replace`].
    pub fn remove(&self, path: &str, expected: Digest) -> Result<(), ReplaceError> {
        let place = self.place(path)?.ok_or_else(|| self.missing(path))?;
        let (folder, name) = place.file()?;
        remove(folder, name, expected)
    }

    /// Removes what a broken-off operation on this file left beside it, and beside the link to it if
    /// `path` is one; `false` if there is nothing.
    ///
    /// # Errors
    /// The way there cannot be followed, or it cannot be removed.
    pub fn remove_leftover(&self, path: &str) -> Result<bool, FsError> {
        let Some(place) = self.place(path)? else { return Ok(false) };
        let (folder, name) = place.file()?;
        let mut removed = folder.unlink(&leftover_of(name))?;
        if let (Some(folder), Some(name)) = self.spelled(path)? {
            removed |= folder.unlink(&leftover_of(name))?;
        }
        // If this is lost in a power failure, the next run removes it again.
        let _ = folder.sync();
        Ok(removed)
    }

    /// Writes `bytes` to a file in the folder that `path` is in, whose name is that of `path` with
    /// [`LEFTOVER_SUFFIX`](crate::LEFTOVER_SUFFIX); it is there until what is returned is dropped.
    /// If `path` is a link, it is beside the link: for nginx, relative paths begin there.
    /// It is for its owner only, as what it holds may be secret, and a server tests its
    /// configuration as the user that wrote it.
    ///
    /// # Errors
    /// The way there cannot be followed, its folder is not there, or it cannot be written.
    pub fn stage(&self, path: &str, bytes: &[u8]) -> Result<Staged, FsError> {
        let missing = || FsError::NotFound { path: self.on_disk(path) };
        let (folder, name) = self.spelled(path)?;
        Staged::write(folder.ok_or_else(missing)?, name.ok_or_else(|| bad(path))?, bytes)
    }

    /// The paths that a pattern names, as `glob(3)` does without flags and in the C locale: in the
    /// order of their bytes, without names that begin with a dot unless the pattern has it.
    ///
    /// # Errors
    /// The pattern cannot be followed exactly, a folder cannot be read, or there are too many.
    pub fn glob(&self, pattern: &str) -> Result<Vec<PathBuf>, FsError> {
        let mut budget = MAX_NAMES;
        let mut paths = vec![PathBuf::from("/")];
        for part in parts_of(pattern).ok_or_else(|| bad(pattern))? {
            let mut next = Vec::new();
            for path in paths {
                match &part {
                    Part::Name(name) => next.push(path.join(name)),
                    Part::Pattern(pattern) => {
                        let names = self.names(&path, &mut budget)?;
                        let matching = names.iter().filter(|name| pattern.matches(name.as_bytes()));
                        next.extend(matching.map(|name| path.join(name)));
                    }
                }
                if next.len() > MAX_FILES {
                    return Err(FsError::TooMany { path: pattern.into(), max: MAX_FILES });
                }
            }
            paths = next;
        }
        let mut found = Vec::new();
        for path in paths {
            if self.is_there(&path)? {
                found.push(path);
            }
        }
        found.sort_by(|one, other| one.as_os_str().cmp(other.as_os_str()));
        Ok(found)
    }

    /// Whether nobody but root, this process's own user and its owner may write the file or its
    /// folder: what it is asked as, a program that is to be run.
    ///
    /// # Errors
    /// [`FsError::Exposed`] if somebody else may; otherwise as for [`UnixRoot::read`].
    pub fn require_guarded(&self, path: &str) -> Result<(), FsError> {
        let missing = || FsError::NotFound { path: self.on_disk(path) };
        let place = self.place(path)?.ok_or_else(missing)?;
        let (folder, name) = place.file()?;
        let facts = [
            (statat(folder, "", AtFlags::EMPTY_PATH), folder.path().to_owned()),
            (statat(folder, name, AtFlags::SYMLINK_NOFOLLOW), folder.path_of(name)),
        ];
        for (stat, path) in facts {
            let stat = stat.at("read", &path)?;
            let ours = stat.st_uid == 0 || stat.st_uid == rustix::process::geteuid().as_raw();
            if !ours || stat.st_mode & OTHERS_WRITE != 0 {
                return Err(FsError::Exposed { path });
            }
        }
        Ok(())
    }

    /// The names in a folder; none where there is no folder, as `glob(3)` has it.
    fn names(&self, path: &Path, budget: &mut usize) -> Result<Vec<OsString>, FsError> {
        let Some(folder) = self.folder_at(path)? else { return Ok(Vec::new()) };
        let mut names = Vec::new();
        for entry in folder.entries()? {
            let entry = entry.at("list", folder.path())?;
            *budget = budget.checked_sub(1).ok_or_else(|| FsError::TooMany {
                path: folder.path().to_owned(),
                max: MAX_NAMES,
            })?;
            names.push(OsStr::from_bytes(entry.file_name().to_bytes()).to_owned());
        }
        Ok(names)
    }

    /// Whether there is a file, a folder or a link of this path.
    fn is_there(&self, path: &Path) -> Result<bool, FsError> {
        let (Some(above), Some(name)) = (path.parent(), path.file_name()) else { return Ok(true) };
        let Some(folder) = self.folder_at(above)? else { return Ok(false) };
        match statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(_) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(errno) => Err(errno).at("read", &folder.path_of(name)),
        }
    }

    /// The folder that `path` leads to; `None` if nothing or no folder is there.
    fn folder_at(&self, path: &Path) -> Result<Option<Folder>, FsError> {
        let place = match self.place_of(path) {
            Err(FsError::NotAFolder { .. }) => None,
            place => place?.filter(Place::is_folder),
        };
        let Some(place) = place else { return Ok(None) };
        match &place.name {
            Some(name) => place.folder().child(name),
            None => place.folder().again().map(Some),
        }
    }

    /// The folder that `path` is in and its last name, which is not followed if it is a link.
    fn spelled<'a>(&self, path: &'a str) -> Result<(Option<Folder>, Option<&'a OsStr>), FsError> {
        let path = Path::new(path);
        let Some(above) = path.parent().filter(|_| path.is_absolute()) else {
            return Ok((None, None));
        };
        Ok((self.folder_at(above)?, path.file_name()))
    }

    fn place(&self, path: &str) -> Result<Option<Place<'_>>, FsError> {
        if !path.starts_with('/') || path.contains('\0') {
            return Err(bad(path));
        }
        self.place_of(Path::new(path))
    }

    /// Follows `path`; `None` if a folder on the way is not there.
    fn place_of(&self, path: &Path) -> Result<Option<Place<'_>>, FsError> {
        let shown = || self.on_disk(&path.to_string_lossy());
        let mut place = Place { top: &self.0, folders: Vec::new(), name: None, there: true };
        // What is still to be followed, the next part last.
        let mut left = Vec::new();
        push_parts(&mut left, path.as_os_str());
        let mut links = 0;
        while let Some(part) = left.pop() {
            if left.len() + place.folders.len() > MAX_PARTS {
                return Err(FsError::TooManyLinks { path: shown() });
            }
            if part == ".." {
                place.folders.pop();
                continue;
            }
            match readlinkat(place.folder(), &part, Vec::new()) {
                Ok(target) => {
                    links += 1;
                    if links > MAX_LINKS {
                        return Err(FsError::TooManyLinks { path: shown() });
                    }
                    require_closed(place.folder())?;
                    let target = OsString::from_vec(target.into_bytes());
                    if target.as_bytes().starts_with(b"/") {
                        place.folders.clear();
                    }
                    push_parts(&mut left, &target);
                    continue;
                }
                // Not a link.
                Err(Errno::INVAL) => {}
                Err(Errno::NOENT) if left.is_empty() => place.there = false,
                Err(Errno::NOENT) => return Ok(None),
                Err(errno) => return Err(errno).at("read", &place.folder().path_of(&part)),
            }
            if left.is_empty() {
                place.name = Some(part);
            } else {
                let Some(next) = place.folder().child(&part)? else { return Ok(None) };
                place.folders.push((part, next));
            }
        }
        Ok(Some(place))
    }

    fn on_disk(&self, path: &str) -> PathBuf {
        self.path().join(path.trim_start_matches('/'))
    }

    fn missing(&self, path: &str) -> ReplaceError {
        ReplaceError::Missing { path: self.on_disk(path) }
    }
}

impl Place<'_> {
    /// The last folder on the way.
    fn folder(&self) -> &Folder {
        self.folders.last().map_or(self.top, |(_, folder)| folder)
    }

    /// The last folder on the way and the name in it.
    fn file(&self) -> Result<(&Folder, &OsStr), FsError> {
        let folder = self.folder();
        let name = self.name.as_deref();
        let name = name.ok_or_else(|| FsError::NotAFile { path: folder.path().to_owned() })?;
        Ok((folder, name))
    }

    fn is_folder(&self) -> bool {
        let Some(name) = &self.name else { return true };
        statat(self.folder(), name, AtFlags::SYMLINK_NOFOLLOW)
            .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Directory)
    }

    fn real_path(&self) -> PathBuf {
        let names = self.folders.iter().map(|(name, _)| name).chain(&self.name);
        std::iter::once(OsStr::new("/")).chain(names.map(OsString::as_os_str)).collect()
    }
}

/// Puts the parts of a path on top of those that are left, the first one last.
fn push_parts(left: &mut Vec<OsString>, path: &OsStr) {
    let parts = path.as_bytes().split(|&byte| byte == b'/').rev();
    let parts = parts.filter(|part| !part.is_empty() && *part != b".");
    left.extend(parts.map(|part| OsStr::from_bytes(part).to_owned()));
}

/// Nobody but its owner and root may put a link into the folder. The sticky bit does not count: it
/// keeps others from removing what is there, not from being there first.
fn require_closed(folder: &Folder) -> Result<(), FsError> {
    let stat = statat(folder, "", AtFlags::EMPTY_PATH).at("read", folder.path())?;
    match stat.st_mode & OTHERS_WRITE {
        0 => Ok(()),
        _ => Err(FsError::Exposed { path: folder.path().to_owned() }),
    }
}

fn bad(path: &str) -> FsError {
    FsError::BadName { name: path.to_owned() }
}
