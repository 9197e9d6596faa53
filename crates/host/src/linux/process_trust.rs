//! Whether a process is one that root started here: of all that looks like a web server, only such a
//! one says that there is one. Everything is judged from what the kernel says of the process and
//! from files that were opened, and before anything of the process is used.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::fs::{AtFlags, Stat};
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, fstat, open, openat2, statat};
use rustix::io::Errno;
use stopgap_model::reason::FoundReason;
use stopgap_model::{Reasons, ServerPath};

use crate::linux::machine::LinuxHost;
use crate::linux::process::{Process, at};

/// Which file it is, whatever its name.
type Inode = (u64, u64);

/// The namespaces of this machine: a process of a container is in others.
#[derive(Debug)]
pub(crate) struct Machine {
    users: Option<Inode>,
    processes: Option<Inode>,
    /// The mounts that we see.
    own_mounts: Option<Inode>,
    /// Those that the first process sees.
    first_mounts: Option<Inode>,
    root: Option<Inode>,
}

/// Write permission for the group or for everybody.
const OTHERS_WRITE: u32 = 0o022;

impl Machine {
    /// This machine: the namespaces of its first process, and the files that we see. Where root may
    /// not look at the first process, as in some containers, our own namespaces stand for its: whoever
    /// is root there is as much root as we are.
    pub(crate) fn this() -> Self {
        let first = |name: &str| inode(&at(1, name));
        let own = |name: &str| inode(&Path::new("/proc/self").join(name));
        let either = |name: &str| first(name).or_else(|| own(name));
        Self {
            users: either("ns/user"),
            processes: either("ns/pid"),
            own_mounts: own("ns/mnt"),
            first_mounts: first("ns/mnt"),
            root: inode(Path::new("/")),
        }
    }

    /// Why a process is none of this machine's own, if so.
    pub(crate) fn outside(&self, process: &Process) -> Option<FoundReason> {
        let pid = process.id.pid;
        let same =
            |name: &str, ours: Option<Inode>| ours.is_some() && inode(&at(pid, name)) == ours;
        if !same("ns/user", self.users) {
            return Some(FoundReason::InUserNamespace);
        }
        if !same("ns/pid", self.processes) {
            return Some(FoundReason::InContainer);
        }
        // One that locked itself up after its start (HAProxy's `chroot`) has its program outside.
        let is_below = || {
            fs::read_link(at(pid, "root"))
                .map_or(true, |root| Path::new(&process.program).starts_with(root))
        };
        if !same("root", self.root) && is_below() {
            return Some(FoundReason::OwnRoot);
        }
        None
    }

    /// Whether a process sees the files that we see, each under the same name.
    pub(crate) fn has_our_mounts(&self, pid: i32) -> bool {
        let own = inode(&at(pid, "ns/mnt"));
        own.is_some() && own == self.own_mounts
    }

    /// Whether a process is in the mount namespace of the first process: we may be in one of our own.
    fn has_first_mounts(&self, pid: i32) -> bool {
        let own = inode(&at(pid, "ns/mnt"));
        own.is_some() && own == self.first_mounts
    }

    /// Why these files are not for a process what they are for us, if so. Only the process of a unit of
    /// the system may have mounts of its own: root wrote into the unit what is mounted there.
    pub(crate) fn sees_others(
        &self,
        pid: i32,
        of_unit: bool,
        files: &[&ServerPath],
    ) -> Option<FoundReason> {
        if self.has_our_mounts(pid) {
            return None;
        }
        if !of_unit && !self.has_first_mounts(pid) {
            return Some(FoundReason::OwnMounts);
        }
        let differs = files.iter().find(|path| !is_same_there(pid, path))?;
        Some(FoundReason::OtherFile { file: differs.as_str().to_owned() })
    }
}

impl LinuxHost {
    /// Whether the program that a process executes is the one of its path on this machine, and only
    /// root can write it and every folder above it. The file is judged that is executed, however it
    /// is called; that the name leads to the same one makes the name as good, as nobody but root can
    /// give the name to another file.
    ///
    /// # Errors
    /// It is not so.
    pub(crate) fn require_own_program(&self, process: &Process) -> Result<(), Reasons> {
        let path = &process.program;
        let program = || path.clone();
        let not_seen = |errno: Errno| FoundReason::ProgramNotSeen {
            program: program(),
            error: errno.to_string(),
        };
        let executed =
            open(at(process.id.pid, "exe"), OFlags::PATH | OFlags::CLOEXEC, Mode::empty())
                .and_then(|file| fstat(&file))
                .map_err(not_seen)?;
        if executed.st_uid != 0 || executed.st_mode & OTHERS_WRITE != 0 {
            return Err(FoundReason::ProgramWritable { program: program() }.into());
        }
        self.files.require_guarded(&ServerPath::new(path.as_str()))?;
        // A package may have put another file in its place since.
        let is_replaced = executed.st_nlink == 0;
        let named = statat(CWD, path, AtFlags::empty());
        match named {
            Ok(named) if is_replaced || number(&named) == number(&executed) => Ok(()),
            Ok(_) => Err(FoundReason::NotThisProgram { program: program() }.into()),
            Err(errno) => Err(not_seen(errno).into()),
        }
    }
}

/// Whether a path leads a process to the file that it leads us to, links in it included.
fn is_same_there(pid: i32, path: &ServerPath) -> bool {
    let path = path.as_str();
    let there = || {
        let root = open(at(pid, "root"), OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
        let below = path.trim_start_matches('/');
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        fstat(openat2(&root, below, flags, Mode::empty(), ResolveFlags::IN_ROOT)?)
    };
    match (there(), statat(CWD, path, AtFlags::empty())) {
        (Ok(there), Ok(here)) => number(&there) == number(&here),
        _ => false,
    }
}

fn number(stat: &Stat) -> Inode {
    (stat.st_dev, stat.st_ino)
}

fn inode(path: &Path) -> Option<Inode> {
    let facts = fs::metadata(path).ok()?;
    Some((facts.dev(), facts.ino()))
}
