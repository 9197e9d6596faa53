//! The processes of the web servers, from /proc.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use stopgap_fs::read_bounded;
use stopgap_model::Reasons;
use stopgap_model::reason::ProgramReason;
use stopgap_model::web::{Account, Capabilities, WebKind};

use crate::linux::command::TICK;
use crate::web::{self, software::ReloadSignal};

/// The most that is read of what a process was started with, in bytes: Linux lets one argument
/// have 128 KiB, and all together 6 MiB.
const MAX_ARGUMENTS: u64 = 6 << 20;
/// How long a process may take to execute a program: it takes less than a millisecond at rest.
const EXECUTION_TIME: Duration = Duration::from_millis(200);
/// The most that is read of /proc/PID/status: its list of groups may have 65,536.
const MAX_STATUS: u64 = 1 << 20;
/// How much of a process's title is looked at to tell which server it is, in bytes.
const MAX_TITLE: u64 = 16;
/// The most that is read of what is said in one line or a few.
const MAX_FACTS: u64 = 64 * 1024;

/// A process that is a web server's. Another one may have its number later, but not begun when it
/// did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ProcessId {
    pub(crate) pid: i32,
    /// When it began, in clock ticks since the machine was started.
    pub(crate) started: u64,
}

/// A process that has the name of a web server's. That alone says nothing: anybody may start one.
#[derive(Debug, Clone)]
pub(crate) struct Process {
    pub(crate) id: ProcessId,
    pub(crate) kind: WebKind,
    /// The program's path as its own namespace has it; the one it had, if it was replaced since.
    pub(crate) program: String,
    /// Whether only its title says which server it is, as its program has a name that is no server's.
    pub(crate) is_renamed: bool,
    pub(crate) rights: Rights,
    pub(crate) parent: i32,
    group: i32,
    session: i32,
}

/// What the kernel says of whom a process runs as: /proc/PID/status.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Rights {
    /// Its real, effective, saved and file system user.
    uids: Vec<u32>,
    gids: Vec<u32>,
    groups: BTreeSet<u32>,
    bounding: Option<u64>,
    no_new_privileges: bool,
}

/// A process cannot be read or sent a signal; each a sentence without a full stop.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ProcessError {
    /// There is no /proc to look at.
    #[error("cannot list /proc: {0}")]
    NoProc(String),
    /// It ended, and another one may have its number.
    #[error("process {0} is gone")]
    Gone(i32),
    /// The kernel does not deliver a signal.
    #[error("process {pid} cannot be signalled: {errno}")]
    NotTold { pid: i32, errno: Errno },
    /// One of its arguments is not UTF-8.
    #[error("an argument of it is no text")]
    NoText,
    /// What it wrote over its arguments is as long as it can be, so its end may be missing.
    #[error("its title has no room for all of its arguments")]
    ShortTitle,
}

impl From<ProcessError> for Reasons {
    fn from(error: ProcessError) -> Self {
        match error {
            ProcessError::NoProc(error) => ProgramReason::NoProcesses { error },
            ProcessError::Gone(pid) => ProgramReason::Gone { pid },
            ProcessError::NotTold { pid, errno } => {
                ProgramReason::NotSignalled { pid, error: errno.to_string() }
            }
            ProcessError::NoText => ProgramReason::ArgumentNotText,
            ProcessError::ShortTitle => ProgramReason::ShortTitle,
        }
        .into()
    }
}

/// What /proc/PID/stat says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stat {
    parent: i32,
    group: i32,
    session: i32,
    started: u64,
    /// How many bytes its arguments and variables have, where the kernel says it.
    strings: Option<u64>,
}

/// The processes of web servers on this machine, at one moment.
#[derive(Debug, Default)]
pub(crate) struct Processes(BTreeMap<i32, Process>);

impl Processes {
    /// Looks at all processes. Beside those that have the name of a web server's program, those that
    /// execute one of `programs` count.
    ///
    /// # Errors
    /// There is no /proc; a sentence without a full stop.
    pub(crate) fn now(programs: &[(String, WebKind)]) -> Result<Self, ProcessError> {
        let entries =
            fs::read_dir("/proc").map_err(|error| ProcessError::NoProc(error.to_string()))?;
        let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        Ok(Self(pids.filter_map(|pid| Some((pid, Process::of(pid, programs)?))).collect()))
    }

    /// The processes that no other of their kind started: masters, those that serve alone, and
    /// workers whose master is gone.
    pub(crate) fn tops(&self) -> impl Iterator<Item = &Process> {
        self.0.values().filter(|process| self.starter(process).is_none())
    }

    /// The process of its kind that started it. A user who may have root start a server (`sudo`) can
    /// have a process of his take it for its child (`PR_SET_CHILD_SUBREAPER`), so what is root's was
    /// started by root.
    fn starter(&self, process: &Process) -> Option<&Process> {
        let parent = self.0.get(&process.parent)?;
        let may_have = !process.rights.is_wholly(0) || parent.rights.is_wholly(0);
        (parent.kind == process.kind && may_have).then_some(parent)
    }

    /// A process and all of its kind that descend from it.
    pub(crate) fn family(&self, top: &Process) -> Vec<ProcessId> {
        let mut family = vec![top.id];
        // What each comes from is followed up once, however long the way is.
        let mut known = BTreeMap::from([(top.id.pid, true)]);
        for process in self.0.values().filter(|process| process.kind == top.kind) {
            let (mut way, mut at) = (Vec::new(), Some(process));
            let descends = loop {
                let Some(process) = at else { break false };
                if let Some(known) = known.get(&process.id.pid) {
                    break *known;
                }
                // Until it is known; then a circle of numbers that were given anew is none either.
                known.insert(process.id.pid, false);
                way.push(process.id);
                at = self.starter(process);
            };
            if descends {
                known.extend(way.iter().map(|id| (id.pid, true)));
                family.extend(way);
            }
        }
        family
    }

    /// The processes that answer for a master: those that it started, or itself if it serves alone.
    pub(crate) fn workers(&self, master: ProcessId) -> BTreeSet<ProcessId> {
        let children = self.0.values().filter(|process| process.parent == master.pid);
        let mut workers: BTreeSet<ProcessId> = children.map(|process| process.id).collect();
        if workers.is_empty() {
            workers.insert(master);
        }
        workers
    }

    /// The users that these processes wholly are.
    pub(crate) fn users(&self, processes: &BTreeSet<ProcessId>) -> BTreeSet<u32> {
        let of = |id: &ProcessId| self.0.get(&id.pid).filter(|process| process.id == *id);
        let rights = processes.iter().filter_map(of).map(|process| &process.rights);
        rights.filter(|rights| rights.is_wholly(rights.uid())).map(Rights::uid).collect()
    }
}

impl Process {
    fn of(pid: i32, programs: &[(String, WebKind)]) -> Option<Self> {
        let program = fs::read_link(at(pid, "exe")).ok()?.to_str()?.to_owned();
        let program = program.strip_suffix(" (deleted)").unwrap_or(&program).to_owned();
        let declared = programs.iter().find(|(path, _)| *path == program);
        let named = declared.map(|(_, kind)| *kind).or_else(|| web::kind_of(&program));
        let (kind, is_renamed) = (named.or_else(|| kind_by_title(pid))?, named.is_none());
        let Stat { parent, group, session, started, .. } = stat(pid)?;
        let rights = Rights::of(pid)?;
        // Another process may have the number by now, or this one another program.
        if fs::read_link(at(pid, "exe")).ok()?.to_str()?.trim_end_matches(" (deleted)") != program {
            return None;
        }
        let id = ProcessId { pid, started };
        Some(Self { id, kind, program, is_renamed, rights, parent, group, session })
    }

    /// Whether it is a worker whose master is gone: it is in a group and a session that it does not
    /// lead, and whoever is its parent now is in another one. What nginx's workers are, they say.
    pub(crate) fn is_orphan(&self) -> bool {
        let leads = self.group == self.id.pid || self.session == self.id.pid;
        let with_parent = || stat(self.parent).is_some_and(|parent| parent.session == self.session);
        web::software(self.kind).title_prefix().is_none() && !leads && !with_parent()
    }

    /// Its arguments; why they cannot be known, if so: a sentence without a full stop.
    ///
    /// # Errors
    /// What it wrote over them is as long as it can be, so its end may be missing; or they are no
    /// text.
    pub(crate) fn known_arguments(&self) -> Result<Vec<String>, ProcessError> {
        let arguments = self.id.arguments();
        if !self.id.is_there() {
            return Err(ProcessError::Gone(self.id.pid));
        }
        if arguments.iter().any(|argument| argument.contains('\u{fffd}')) {
            return Err(ProcessError::NoText);
        }
        let [title] = arguments.as_slice() else { return Ok(arguments) };
        // nginx writes its title over arguments and variables, and cuts it where they end: a byte
        // before the last one, which is a zero.
        let room = stat(self.id.pid).and_then(|stat| stat.strings).unwrap_or(u64::MAX);
        let writes_title = web::software(self.kind).title_prefix().is_some();
        if writes_title && title.len() as u64 + 2 >= room {
            return Err(ProcessError::ShortTitle);
        }
        Ok(arguments)
    }
}

/// The server that a process calls itself, whatever its program is called: nginx writes what each of
/// its processes is over its arguments.
fn kind_by_title(pid: i32) -> Option<WebKind> {
    let mut title = Vec::new();
    fs::File::open(at(pid, "cmdline")).ok()?.take(MAX_TITLE).read_to_end(&mut title).ok()?;
    web::kind_of_title(&title)
}

impl Rights {
    /// Those of a process; of `self` the one that asks.
    fn of(pid: impl std::fmt::Display) -> Option<Self> {
        let path = Path::new("/proc").join(pid.to_string()).join("status");
        let status = read_bounded(&path, MAX_STATUS).ok()?;
        Some(Self::read(&String::from_utf8_lossy(&status)))
    }

    fn read(status: &str) -> Self {
        let value = |name: &str| {
            let mut lines = status.lines().filter_map(|line| line.strip_prefix(name));
            lines.next().unwrap_or_default().trim().to_owned()
        };
        let numbers = |name| -> Vec<u32> {
            value(name).split_whitespace().filter_map(|number| number.parse().ok()).collect()
        };
        Self {
            uids: numbers("Uid:"),
            gids: numbers("Gid:"),
            groups: numbers("Groups:").into_iter().collect(),
            bounding: u64::from_str_radix(&value("CapBnd:"), 16).ok(),
            no_new_privileges: value("NoNewPrivs:") == "1",
        }
    }

    /// Whether it is this user and no other in every way: real, effective, saved, file system. A
    /// process that a setuid program made, or that gave rights up, is not.
    pub(crate) fn is_wholly(&self, uid: u32) -> bool {
        self.uids.len() == 4 && self.uids.iter().all(|&own| own == uid)
    }

    /// The user that it runs as: the real one, if all others are not the same.
    pub(crate) fn uid(&self) -> u32 {
        self.uids.first().copied().unwrap_or(u32::MAX)
    }

    /// The users that it is in one way or another.
    pub(crate) fn uids(&self) -> &[u32] {
        &self.uids
    }

    /// The same as what a program is to be started with.
    pub(crate) fn account(&self) -> Account {
        let ours = Self::of("self").and_then(|own| own.bounding).unwrap_or(u64::MAX);
        let gid = self.gids.first().copied().unwrap_or(0);
        let mut groups = self.groups.clone();
        groups.remove(&gid);
        let bounding = match self.bounding {
            // All that can be given is all.
            Some(bounding) if bounding & ours == ours => Capabilities::ALL,
            Some(bounding) => Capabilities(bounding),
            None => Capabilities::NONE,
        };
        let no_new_privileges = self.no_new_privileges;
        Account { groups, bounding, no_new_privileges, ..Account::user(self.uid(), gid) }
    }
}

impl ProcessId {
    /// The arguments, the program's name first. While a process executes a program anew, as
    /// HAProxy's master does at each reload, it has none; that is waited for.
    pub(crate) fn arguments(self) -> Vec<String> {
        let start = Instant::now();
        loop {
            let mut arguments = strings(self.pid, "cmdline");
            // nginx writes its title over them and fills up with zeros.
            while arguments.last().is_some_and(String::is_empty) {
                arguments.pop();
            }
            if !arguments.is_empty() || !self.is_there() || start.elapsed() > EXECUTION_TIME {
                return arguments;
            }
            thread::sleep(TICK);
        }
    }

    /// The variables that it was started with.
    pub(crate) fn variables(self) -> BTreeMap<String, String> {
        let pairs = strings(self.pid, "environ");
        let pairs = pairs.iter().filter_map(|pair| pair.split_once('='));
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    /// The folder that it works in.
    pub(crate) fn folder(self) -> Option<String> {
        fs::read_link(at(self.pid, "cwd")).ok()?.to_str().map(str::to_owned)
    }

    /// The unit of the system's service manager that it is in, as its control group names it. A
    /// process cannot put itself into one.
    pub(crate) fn unit(self) -> Option<String> {
        let groups = read_bounded(&at(self.pid, "cgroup"), MAX_FACTS).ok()?;
        String::from_utf8_lossy(&groups).lines().find_map(unit_of)
    }

    /// Sends a signal, unless another process has the number by now. The process is held first, and
    /// then looked at: what is held cannot become another one.
    pub(crate) fn signal(self, signal: ReloadSignal) -> Result<(), ProcessError> {
        let signal = match signal {
            ReloadSignal::Hup => Signal::HUP,
            ReloadSignal::Usr1 => Signal::USR1,
            ReloadSignal::Usr2 => Signal::USR2,
        };
        let gone = || ProcessError::Gone(self.pid);
        let cannot = |errno| match errno {
            Errno::SRCH => gone(),
            errno => ProcessError::NotTold { pid: self.pid, errno },
        };
        let pid = Pid::from_raw(self.pid).ok_or_else(gone)?;
        let held = pidfd_open(pid, PidfdFlags::empty()).map_err(cannot)?;
        if !self.is_there() {
            return Err(gone());
        }
        pidfd_send_signal(&held, signal).map_err(cannot)
    }

    pub(crate) fn is_there(self) -> bool {
        stat(self.pid).is_some_and(|stat| stat.started == self.started)
    }
}

pub(crate) fn at(pid: i32, name: &str) -> PathBuf {
    Path::new("/proc").join(pid.to_string()).join(name)
}

fn strings(pid: i32, name: &str) -> Vec<String> {
    let bytes = read_bounded(&at(pid, name), MAX_ARGUMENTS).unwrap_or_default();
    let texts = bytes.split(|&byte| byte == 0);
    texts.map(|text| String::from_utf8_lossy(text).into_owned()).collect()
}

fn stat(pid: i32) -> Option<Stat> {
    let bytes = read_bounded(&at(pid, "stat"), MAX_FACTS).ok()?;
    stat_of(&String::from_utf8_lossy(&bytes))
}

/// `proc_pid_stat(5)`: the second field is a name in parentheses with whatever in it.
fn stat_of(line: &str) -> Option<Stat> {
    let (_, fields) = line.rsplit_once(')')?;
    // The first of these is field 3.
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let field = |number: usize| fields.get(number - 3);
    if matches!(*field(3)?, "Z" | "X") {
        return None;
    }
    let number = |at| field(at)?.parse().ok();
    let (parent, group, session) = (number(4)?, number(5)?, number(6)?);
    let address = |at| field(at)?.parse::<u64>().ok().filter(|&address| address != 0);
    let strings = address(48).zip(address(51)).and_then(|(start, end)| end.checked_sub(start));
    Some(Stat { parent, group, session, started: field(22)?.parse().ok()?, strings })
}

/// `0::/system.slice/nginx.service`: the first part that is no slice, if it is a service of the
/// system's own service manager. Below `user.slice` are those of users' own managers, below
/// `machine.slice` those of containers.
fn unit_of(group: &str) -> Option<String> {
    let mut fields = group.splitn(3, ':');
    let (_, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
    if !matches!(controllers, "" | "name=systemd") {
        return None;
    }
    let mut parts = path.strip_prefix('/')?.split('/');
    let first = parts.clone().next()?;
    if !first.ends_with(".slice") || matches!(first, "user.slice" | "machine.slice") {
        return None;
    }
    let unit = parts.find(|part| !part.ends_with(".slice"))?;
    unit.ends_with(".service").then(|| unit.to_owned())
}

#[cfg(test)]
mod tests;
