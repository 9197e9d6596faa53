//! The way that a path leads, followed part by part: what is judged is what was opened.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat, fstat, openat, readlinkat, statat};
use rustix::io::Errno;

use super::folder::Folder;
use crate::error::{At as _, FsError};
use crate::facts::{Identity, Writers};

/// The most links on the way to one file, as Linux has it (`path_resolution(7)`).
const MAX_LINKS: usize = 40;
/// The most parts of a path, those of the links on the way included: each may hold a folder open.
/// A server's own paths have ten.
const MAX_PARTS: usize = 256;

/// Write permission for the group or for everybody.
const OTHERS_WRITE: u32 = 0o022;
/// Write permission for everybody.
const EVERYBODY_WRITES: u32 = 0o002;
/// What is in a folder with it is removed and renamed by its owner and the folder's only.
const STICKY: u32 = 0o1000;

/// Whether it is root or this process's own user: who may do all that is done here anyway.
fn is_trusted(uid: u32) -> bool {
    uid == 0 || uid == rustix::process::geteuid().as_raw()
}

/// Where a path leads, every link followed: the folders on the way, held open, and the last name.
pub(crate) struct ResolvedPath<'a> {
    top: &'a Folder,
    folders: Vec<(OsString, Folder)>,
    /// The name in the last folder; `None` where the path is that folder.
    name: Option<OsString>,
    /// What has that name.
    last: Option<Entry>,
    access: WriteAccess,
}

/// What a path is followed to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Aim {
    Anything,
    Folder,
}

/// Something that is held open only to be judged: it is neither read nor waited for.
struct Entry {
    fd: OwnedFd,
    stat: Stat,
}

/// Who else may change what a path leads to.
#[derive(Default)]
struct WriteAccess {
    /// The owners of what is on the way, but for root and this process's own user.
    owners: BTreeSet<u32>,
    /// Whether a group or everybody may write something of it.
    is_open: bool,
    /// The first thing on the way that somebody else may write.
    exposed: Option<PathBuf>,
}

/// A link on the way whose end is not reached yet.
struct Link {
    path: PathBuf,
    stat: Stat,
    /// The folder that it is in.
    folder: Stat,
    /// Nobody else may write anything on the way to it, so nobody else can have moved it.
    is_guarded: bool,
    is_absolute: bool,
    /// How many parts of the path are left when its end is reached.
    left: usize,
}

impl<'a> ResolvedPath<'a> {
    /// Follows `path`; `None` if a folder on the way is not there.
    ///
    /// # Errors
    /// A link on the way is not its owner's to lay, see [`Link::may_lead_to`]; the way leads over
    /// what is no folder, or cannot be followed.
    pub(crate) fn of(top: &'a Folder, path: &Path) -> Result<Option<Self>, FsError> {
        Self::follow(top, path, Aim::Anything)
    }

    /// Follows `path` to a folder. A link whose end is none is none, whoever laid it.
    ///
    /// # Errors
    /// As for [`ResolvedPath::of`]; [`FsError::NotAFolder`] if something else is there.
    pub(crate) fn of_folder(top: &'a Folder, path: &Path) -> Result<Option<Self>, FsError> {
        Self::follow(top, path, Aim::Folder)
    }

    fn follow(top: &'a Folder, path: &Path, aim: Aim) -> Result<Option<Self>, FsError> {
        let shown =
            || top.path().join(path.strip_prefix("/").map(Path::to_path_buf).unwrap_or_default());
        let mut way = Self {
            top,
            folders: Vec::new(),
            name: None,
            last: None,
            access: WriteAccess::default(),
        };
        // What is still to be followed, the next part last.
        let mut left = Vec::new();
        push_parts(&mut left, path.as_os_str());
        let (mut links, mut followed) = (Vec::new(), 0);
        while let Some(part) = left.pop() {
            if left.len() + way.folders.len() > MAX_PARTS {
                return Err(FsError::TooManyLinks { path: shown() });
            }
            if part == ".." {
                way.folders.pop();
            } else if let Some(seen) = Entry::open(way.folder(), &part)? {
                way.note(&seen, &part)?;
                if seen.kind() == FileType::Symlink {
                    followed += 1;
                    if followed > MAX_LINKS {
                        return Err(FsError::TooManyLinks { path: shown() });
                    }
                    let link = way.take_link(&seen, &part, &mut left)?;
                    links.push(link);
                } else {
                    way.step(part, seen, left.is_empty())?;
                }
            } else if left.is_empty() {
                way.name = Some(part);
            } else {
                return Ok(None);
            }
            if aim == Aim::Folder && left.is_empty() && !way.is_folder() {
                return Err(FsError::NotAFolder { path: shown() });
            }
            way.judge_links(&mut links, left.len())?;
        }
        way.note_end()?;
        Ok(Some(way))
    }

    /// Takes note of who may change the last folder, and what has this name in it.
    fn note(&mut self, seen: &Entry, name: &OsStr) -> Result<(), FsError> {
        let folder = self.folder();
        let (path, inside) = (folder.path().to_owned(), folder.path_of(name));
        let stat = fstat(folder).at("read", &path)?;
        self.access.owner(stat.st_uid, &path);
        // Whose something is in a sticky folder, he alone puts something else there.
        if stat.st_mode & STICKY == 0 {
            self.access.mode(&stat, &path);
        }
        // A link has no permissions of its own, and a file is judged when the way has ended.
        self.access.owner(seen.stat.st_uid, &inside);
        Ok(())
    }

    /// Takes note of who may change where the way ends.
    fn note_end(&mut self) -> Result<(), FsError> {
        let folder = self.folder();
        let (stat, path) = match (&self.name, &self.last) {
            (Some(name), Some(seen)) => (seen.stat, folder.path_of(name)),
            // A file that is not there is made by whoever may write the folder.
            _ => (fstat(folder).at("read", folder.path())?, folder.path().to_owned()),
        };
        self.access.owner(stat.st_uid, &path);
        self.access.mode(&stat, &path);
        Ok(())
    }

    /// Goes on to what is no link.
    fn step(&mut self, name: OsString, seen: Entry, is_last: bool) -> Result<(), FsError> {
        let path = self.folder().path_of(&name);
        if is_last {
            (self.name, self.last) = (Some(name), Some(seen));
        } else if seen.kind() == FileType::Directory {
            self.folders.push((name, Folder::passed(seen.fd, path)));
        } else {
            return Err(FsError::NotAFolder { path });
        }
        Ok(())
    }

    /// Puts what a link says in the place of its name.
    fn take_link(
        &mut self,
        seen: &Entry,
        name: &OsStr,
        left: &mut Vec<OsString>,
    ) -> Result<Link, FsError> {
        let path = self.folder().path_of(name);
        let target = readlinkat(&seen.fd, "", Vec::new()).at("read", &path)?;
        let target = OsString::from_vec(target.into_bytes());
        let is_absolute = target.as_bytes().starts_with(b"/");
        let folder = fstat(self.folder()).at("read", self.folder().path())?;
        let is_guarded = self.access.exposed.is_none();
        if is_absolute {
            self.folders.clear();
        }
        let link =
            Link { path, stat: seen.stat, folder, is_guarded, is_absolute, left: left.len() };
        push_parts(left, &target);
        Ok(link)
    }

    /// Judges the links whose end is reached.
    fn judge_links(&self, links: &mut Vec<Link>, left: usize) -> Result<(), FsError> {
        while let Some(link) = links.pop_if(|link| link.left >= left) {
            let end = match &self.last {
                Some(seen) => seen.stat,
                // A folder, or the one in which a file would be made.
                None => fstat(self.folder()).at("read", self.folder().path())?,
            };
            if !link.may_lead_to(&end) {
                let (owner, other) = (link.stat.st_uid, end.st_uid);
                return Err(FsError::ForeignLink { path: link.path, owner, other });
            }
        }
        Ok(())
    }

    /// The last folder on the way.
    fn folder(&self) -> &Folder {
        self.folders.last().map_or(self.top, |(_, folder)| folder)
    }

    /// The last folder on the way, opened for all that is done in one, and the name in it.
    pub(crate) fn file(&self) -> Result<(Folder, &OsStr), FsError> {
        let name = self.name.as_deref();
        let name =
            name.ok_or_else(|| FsError::NotAFile { path: self.folder().path().to_owned() })?;
        Ok((self.folder().again()?, name))
    }

    /// The regular file, opened to be read; `None` if there is none.
    pub(crate) fn open_file(&self) -> Result<Option<(File, PathBuf)>, FsError> {
        let folder = self.folder();
        let Some(name) = &self.name else {
            return Err(FsError::NotAFile { path: folder.path().to_owned() });
        };
        let path = folder.path_of(name);
        let Some(seen) = &self.last else { return Ok(None) };
        // A device or a pipe may do something when it is opened, so it is not.
        if seen.kind() != FileType::RegularFile {
            return Err(FsError::NotAFile { path });
        }
        let Some(file) = folder.file(name, OFlags::RDONLY)? else { return Ok(None) };
        let stat = fstat(&file).at("read", &path)?;
        match (stat.st_dev, stat.st_ino) == (seen.stat.st_dev, seen.stat.st_ino) {
            true => Ok(Some((file, path))),
            false => Err(FsError::Exchanged { path }),
        }
    }

    /// The folder that the way leads to; `None` if nothing or no folder is there.
    pub(crate) fn open_folder(&self) -> Result<Option<Folder>, FsError> {
        match (&self.name, self.is_folder()) {
            (None, _) => self.folder().again().map(Some),
            (Some(name), true) => self.folder().child(name),
            (Some(_), false) => Ok(None),
        }
    }

    pub(crate) fn is_folder(&self) -> bool {
        match (&self.name, &self.last) {
            (None, _) => true,
            (Some(_), seen) => seen.as_ref().is_some_and(|seen| seen.kind() == FileType::Directory),
        }
    }

    /// What is there, by its device and its number; `None` if nothing is.
    pub(crate) fn identity(&self) -> Result<Option<Identity>, FsError> {
        let stat = match (&self.name, &self.last) {
            (None, _) => fstat(self.folder()).at("read", self.folder().path())?,
            (Some(_), Some(seen)) => seen.stat,
            (Some(_), None) => return Ok(None),
        };
        Ok(Some(identity_of(&stat)))
    }

    pub(crate) fn real_path(&self) -> PathBuf {
        let names = self.folders.iter().map(|(name, _)| name).chain(&self.name);
        std::iter::once(OsStr::new("/")).chain(names.map(OsString::as_os_str)).collect()
    }

    /// The first thing on the way, the end of it included, that somebody else may write.
    pub(crate) fn exposed(&self) -> Option<&Path> {
        self.access.exposed.as_deref()
    }

    /// Who may change what the path leads to.
    pub(crate) fn writers(&self) -> Writers {
        let owners: Vec<u32> = self.access.owners.iter().copied().collect();
        match (self.access.is_open, owners.as_slice()) {
            (false, []) => Writers::Root,
            (false, [one]) => Writers::User(*one),
            (true, _) | (false, _) => Writers::Several,
        }
    }

    /// Whose the file is that the path leads to.
    pub(crate) fn owner(&self) -> Option<u32> {
        self.last.as_ref().map(|seen| seen.stat.st_uid)
    }
}

impl Entry {
    /// What has this name in the folder; `None` if nothing has.
    fn open(folder: &Folder, name: &OsStr) -> Result<Option<Self>, FsError> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let path = || folder.path_of(name);
        let fd = match openat(folder, name, flags, Mode::empty()) {
            Ok(fd) => fd,
            Err(Errno::NOENT) => return Ok(None),
            Err(errno) => return Err(errno).at("read", &path()),
        };
        let stat = fstat(&fd).at("read", &path())?;
        Ok(Some(Self { fd, stat }))
    }

    fn kind(&self) -> FileType {
        FileType::from_raw_mode(self.stat.st_mode)
    }
}

impl WriteAccess {
    fn owner(&mut self, uid: u32, path: &Path) {
        if !is_trusted(uid) {
            self.owners.insert(uid);
            self.exposed.get_or_insert_with(|| path.to_owned());
        }
    }

    fn mode(&mut self, stat: &Stat, path: &Path) {
        if stat.st_mode & OTHERS_WRITE == 0 {
            return;
        }
        self.exposed.get_or_insert_with(|| path.to_owned());
        // With a umask of 002 everybody's files are open to a group that is his alone; it has his
        // number.
        let is_his = stat.st_mode & EVERYBODY_WRITES == 0 && stat.st_gid == stat.st_uid;
        self.is_open |= !is_his || is_trusted(stat.st_uid);
    }
}

impl Link {
    /// Whether the link may lead there: it is root's, or the one of whoever owns its end, as Apache
    /// has it with `SymLinksIfOwnerMatch`. Anybody else would have us read or write a file that he
    /// chose, with rights that he has not.
    ///
    /// A link of root's may be moved by whoever may write the folders above it, and a relative one
    /// leads elsewhere then. So it counts as root's where nobody else can have moved it, where it
    /// is absolute and no second name of another one, and where it leads to a file of the owner of
    /// the folder that it is in.
    fn may_lead_to(&self, end: &Stat) -> bool {
        let owner = self.stat.st_uid;
        if !is_trusted(owner) {
            return owner == end.st_uid;
        }
        let is_in_place = self.is_guarded || self.is_absolute && self.stat.st_nlink == 1;
        is_in_place || end.st_uid == self.folder.st_uid && self.folder.st_mode & OTHERS_WRITE == 0
    }
}

/// The identity of what these facts are of.
fn identity_of(stat: &Stat) -> Identity {
    Identity { device: stat.st_dev, inode: stat.st_ino }
}

/// Whether there is a file, a folder or a link of this name.
pub(crate) fn is_there(folder: &Folder, name: &OsStr) -> Result<bool, FsError> {
    match statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(_) => Ok(true),
        Err(Errno::NOENT) => Ok(false),
        Err(errno) => Err(errno).at("read", &folder.path_of(name)),
    }
}

/// Puts the parts of a path on top of those that are left, the first one last.
fn push_parts(left: &mut Vec<OsString>, path: &OsStr) {
    let parts = path.as_bytes().split(|&byte| byte == b'/').rev();
    let parts = parts.filter(|part| !part.is_empty() && *part != b".");
    left.extend(parts.map(|part| OsStr::from_bytes(part).to_owned()));
}
