//! A folder with the files of a Unix server in it.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use stopgap_model::Digest;
use stopgap_model::glob::{Part, parts_of};

use super::folder::{Folder, read_rest};
use super::replace::{create, how, remove, replace};
use super::replacing::Guarded;
use super::resolve::{ResolvedPath, is_there};
use super::temp::Staged;
use crate::error::{At as _, FsError, ReplaceError};
use crate::facts::{Identity, Reached, ReplaceMethod};
use crate::name::leftover_of;

/// The most files that a pattern names. A server of web sites by the thousand has one for each.
const MAX_FILES: usize = 20_000;
/// The most names that are read for one pattern, in all folders together.
const MAX_NAMES: usize = 100_000;

/// How often a file is looked at again that was exchanged while it was opened.
const ATTEMPTS: u32 = 3;

/// A folder with the files of a Unix server in it, opened once: `/` for the machine itself.
///
/// Files are named by paths that begin with `/`, which is this folder; case counts. Links are
/// followed as the server that uses them follows them, by us and one by one: an absolute one begins
/// at this folder, and no `..` leads out of it. A link is root's or that of whoever owns what it leads
/// to; another one is not followed, as whoever laid it would choose the file that is read or written.
/// What is judged is what was opened, and what has another name by then is not touched.
#[derive(Debug)]
pub struct UnixRoot(Folder);

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
        self.read_if(path, max, |_| Ok(()))
    }

    /// The bytes of a regular file that only root can change, as for
    /// [`UnixRoot::require_guarded`]; `None` if it is not there.
    ///
    /// # Errors
    /// [`FsError::Exposed`] if somebody else can; otherwise as for [`UnixRoot::read`].
    pub fn read_guarded(&self, path: &str, max: u64) -> Result<Option<Vec<u8>>, FsError> {
        self.read_if(path, max, require_closed)
    }

    fn read_if(
        &self,
        path: &str,
        max: u64,
        is_fit: impl Fn(&ResolvedPath<'_>) -> Result<(), FsError>,
    ) -> Result<Option<Vec<u8>>, FsError> {
        let mut attempts = 1..ATTEMPTS;
        loop {
            let Some(way) = self.way(path)? else { return Ok(None) };
            is_fit(&way)?;
            match way.open_file() {
                // Who writes files by renaming them does so at any moment.
                Err(FsError::Exchanged { .. }) if attempts.next().is_some() => {}
                Err(error) => return Err(error),
                Ok(None) => return Ok(None),
                Ok(Some((file, path))) => return read_rest(&file, max, &path).map(Some),
            }
        }
    }

    /// What `path` leads to, followed once: the bytes are those of the file at the end of the way that
    /// was judged. At most `max` of them. `None` if there is no folder that such a file could be in.
    ///
    /// # Errors
    /// The way there cannot be followed.
    pub fn reach(&self, path: &str, max: u64) -> Result<Option<Reached>, FsError> {
        let mut attempts = 1..ATTEMPTS;
        loop {
            let Some(way) = self.way(path)? else { return Ok(None) };
            let bytes = match way.open_file() {
                Err(FsError::Exchanged { .. }) if attempts.next().is_some() => continue,
                Err(error) => Err(error),
                Ok(None) => Ok(None),
                Ok(Some((file, path))) => read_rest(&file, max, &path).map(Some),
            };
            let writers = way.owner().map(|owner| (way.writers(), owner));
            return Ok(Some(Reached { real: way.real_path(), bytes, writers }));
        }
    }

    /// The path without a link that `path` leads to, below this folder and beginning with `/`;
    /// where no file is there, where one would be made. `None` if there is no folder to make it in.
    ///
    /// # Errors
    /// The way there cannot be followed.
    pub fn real_path(&self, path: &str) -> Result<Option<PathBuf>, FsError> {
        Ok(self.way(path)?.map(|way| way.real_path()))
    }

    /// Whether `path` leads to a folder.
    ///
    /// # Errors
    /// The way there cannot be followed.
    pub fn is_folder(&self, path: &str) -> Result<bool, FsError> {
        Ok(self.way(path)?.is_some_and(|way| way.is_folder()))
    }

    /// Replaces the file whose digest is `expected` by one with the bytes `new`, the same owner,
    /// permissions and extended attributes: at once, on the disk when this returns, or not at all.
    ///
    /// # Errors
    /// As [`ReplaceError`] says. But for [`ReplaceError::NotDurable`], the file is as it was.
    pub fn replace(&self, path: &str, expected: Digest, new: &[u8]) -> Result<(), ReplaceError> {
        let way = self.way(path)?.ok_or_else(|| self.missing(path))?;
        let (folder, name) = way.file()?;
        replace(&folder, name, expected, new, guarded(&way))
    }

    /// How [`UnixRoot::replace`] would replace a file.
    ///
    /// # Errors
    /// Why it would not, as far as that can be seen without trying.
    pub fn replace_method(&self, path: &str) -> Result<ReplaceMethod, ReplaceError> {
        let way = self.way(path)?.ok_or_else(|| self.missing(path))?;
        let (folder, name) = way.file()?;
        how(&folder, name, guarded(&way))
    }

    /// Makes a file for everybody to read, whatever the umask says: at once, on the disk when this
    /// returns, or not at all.
    ///
    /// # Errors
    /// [`ReplaceError::Changed`] if it is there already, [`ReplaceError::Missing`] if its folder is
    /// not; otherwise as for [`UnixRoot::replace`].
    pub fn create(&self, path: &str, new: &[u8]) -> Result<(), ReplaceError> {
        let way = self.way(path)?.ok_or_else(|| self.missing(path))?;
        let (folder, name) = way.file()?;
        create(&folder, name, new)
    }

    /// Removes the file whose digest is `expected`; on the disk when this returns.
    ///
    /// # Errors
    /// As for [`UnixRoot::replace`].
    pub fn remove(&self, path: &str, expected: Digest) -> Result<(), ReplaceError> {
        let way = self.way(path)?.ok_or_else(|| self.missing(path))?;
        let (folder, name) = way.file()?;
        remove(&folder, name, expected)
    }

    /// Removes what a broken-off operation on this file left beside it, and beside the link to it if
    /// `path` is one; `false` if there is nothing.
    ///
    /// # Errors
    /// The way there cannot be followed, or it cannot be removed.
    pub fn remove_leftover(&self, path: &str) -> Result<bool, FsError> {
        let Some(way) = self.way(path)? else { return Ok(false) };
        let (folder, name) = way.file()?;
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
    /// It is for its owner only, as what it holds may be secret: for `owner`, a user and a group by
    /// their numbers, who tests his server's configuration with it; without one, for whoever runs
    /// this process.
    ///
    /// # Errors
    /// The way there cannot be followed, its folder is not there, or it cannot be written.
    pub fn stage(
        &self,
        path: &str,
        bytes: &[u8],
        owner: Option<(u32, u32)>,
    ) -> Result<Staged, FsError> {
        let missing = || FsError::NotFound { path: self.on_disk(path) };
        let (folder, name) = self.spelled(path)?;
        Staged::write(folder.ok_or_else(missing)?, name.ok_or_else(|| bad(path))?, bytes, owner)
    }

    /// The paths that a pattern names, as `glob(3)` does without flags and in the C locale: in the
    /// order of their bytes, without names that begin with a dot unless the pattern has it. Where a
    /// link is not followed, the path with the link stands for all behind it: reading that one says
    /// why, and one link does not hide the other files.
    ///
    /// # Errors
    /// The pattern cannot be followed exactly, a folder cannot be read, or there are too many.
    pub fn glob(&self, pattern: &str) -> Result<Vec<PathBuf>, FsError> {
        let mut budget = MAX_NAMES;
        let (mut paths, mut found) = (vec![PathBuf::from("/")], Vec::new());
        for part in parts_of(pattern).ok_or_else(|| bad(pattern))? {
            let mut next = Vec::new();
            for path in paths {
                match &part {
                    Part::Name(name) => next.push(path.join(OsStr::from_bytes(name))),
                    Part::Pattern(pattern) => {
                        let names = match self.names(&path, &mut budget) {
                            Err(FsError::ForeignLink { .. }) => {
                                found.push(path);
                                continue;
                            }
                            names => names?,
                        };
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
        for path in paths {
            match self.is_there(&path) {
                Ok(true) | Err(FsError::ForeignLink { .. }) => found.push(path),
                Ok(false) => {}
                Err(error) => return Err(error),
            }
        }
        found.sort_by(|one, other| one.as_os_str().cmp(other.as_os_str()));
        Ok(found)
    }

    /// Whether only root (and this process's own user) can change what `path` leads to: neither the
    /// file or folder nor any folder or link on the way is somebody else's or open to a group or to
    /// everybody. A sticky folder may be open to others where what is in it is root's. It is what a
    /// program that is to be run is asked, and what is obeyed. Who else could change what has this
    /// name then? Nobody, so the name is as good as what was opened.
    ///
    /// # Errors
    /// [`FsError::Exposed`] if somebody else can; [`FsError::NotFound`] if nothing is there; otherwise
    /// as for [`UnixRoot::read`].
    pub fn require_guarded(&self, path: &str) -> Result<(), FsError> {
        self.guarded(path).map(|_| ())
    }

    /// What only root can change, see [`UnixRoot::require_guarded`], by its device and its number.
    ///
    /// # Errors
    /// As for [`UnixRoot::require_guarded`].
    pub fn guarded(&self, path: &str) -> Result<Identity, FsError> {
        let missing = || FsError::NotFound { path: self.on_disk(path) };
        let way = self.way(path)?.ok_or_else(missing)?;
        let there = way.identity()?.ok_or_else(missing)?;
        require_closed(&way)?;
        Ok(there)
    }

    /// What `path` leads to, by its device and its number; `None` if nothing is there.
    ///
    /// # Errors
    /// The way there cannot be followed.
    pub fn identity(&self, path: &str) -> Result<Option<Identity>, FsError> {
        self.way(path)?.map_or(Ok(None), |way| way.identity())
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
        is_there(&folder, name)
    }

    /// The folder that `path` leads to; `None` if nothing or no folder is there.
    fn folder_at(&self, path: &Path) -> Result<Option<Folder>, FsError> {
        match ResolvedPath::of_folder(&self.0, path) {
            Err(FsError::NotAFolder { .. }) => Ok(None),
            way => way?.map_or(Ok(None), |way| way.open_folder()),
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

    fn way(&self, path: &str) -> Result<Option<ResolvedPath<'_>>, FsError> {
        if !path.starts_with('/') || path.contains('\0') {
            return Err(bad(path));
        }
        ResolvedPath::of(&self.0, Path::new(path))
    }

    fn on_disk(&self, path: &str) -> PathBuf {
        self.path().join(path.trim_start_matches('/'))
    }

    fn missing(&self, path: &str) -> ReplaceError {
        ReplaceError::Missing { path: self.on_disk(path) }
    }
}

fn guarded(way: &ResolvedPath<'_>) -> Guarded {
    match way.exposed() {
        None => Guarded::Yes,
        Some(_) => Guarded::No,
    }
}

fn require_closed(way: &ResolvedPath<'_>) -> Result<(), FsError> {
    match way.exposed() {
        None => Ok(()),
        Some(path) => Err(FsError::Exposed { path: path.to_owned() }),
    }
}

fn bad(path: &str) -> FsError {
    FsError::BadName { name: path.to_owned() }
}
