//! The processes of the web servers, from /proc.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use stopgap_fs::read_bounded;
use stopgap_model::web::WebKind;

use super::run::TICK;

/// The most that is read of what a process was started with, in bytes: Linux lets one argument
/// have 128 KiB, and all together 6 MiB.
const MAX_ARGUMENTS: u64 = 6 << 20;
/// The most that is read of a table of sockets, in bytes: 150 for each, and a hundred thousand
/// connections are many.
const MAX_SOCKETS: u64 = 64 << 20;
/// How long a process may take to execute a program: it takes less than a millisecond at rest.
const EXECUTION_TIME: Duration = Duration::from_millis(200);
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

/// A process of a web server.
#[derive(Debug, Clone)]
pub(crate) struct Process {
    pub(crate) id: ProcessId,
    pub(crate) kind: WebKind,
    /// The program's path; the one it had, if it was replaced since.
    pub(crate) program: String,
    parent: i32,
    group: i32,
    session: i32,
}

/// What /proc/PID/stat says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stat {
    parent: i32,
    group: i32,
    session: i32,
    started: u64,
}

/// The processes of web servers on this machine, at one moment.
#[derive(Debug, Default)]
pub(crate) struct Processes(BTreeMap<i32, Process>);

impl Processes {
    /// Looks at all processes. Those of containers are left out: their files are not ours to read.
    ///
    /// # Errors
    /// There is no /proc; a sentence without a full stop.
    pub(crate) fn now() -> Result<Self, String> {
        let entries =
            fs::read_dir("/proc").map_err(|error| format!("cannot list /proc: {error}"))?;
        let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let processes = pids.filter_map(|pid| Some((pid, Process::of(pid)?)));
        Ok(Self(processes.filter(|(_, process)| process.is_here()).collect()))
    }

    /// The processes that serve, each with those that it started: masters, and those that serve
    /// alone.
    pub(crate) fn masters(&self) -> impl Iterator<Item = &Process> {
        self.0.values().filter(|process| {
            let parent = self.0.get(&process.parent);
            let is_child = parent.is_some_and(|parent| parent.kind == process.kind);
            !is_child && !process.is_orphan()
        })
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
}

impl Process {
    fn of(pid: i32) -> Option<Self> {
        let program = fs::read_link(at(pid, "exe")).ok()?.to_str()?.to_owned();
        let program = program.strip_suffix(" (deleted)").unwrap_or(&program).to_owned();
        let kind = match program.rsplit('/').next()? {
            "nginx" => WebKind::Nginx,
            "apache2" | "httpd" => WebKind::Apache,
            "haproxy" => WebKind::HaProxy,
            _ => return None,
        };
        let Stat { parent, group, session, started } = stat(pid)?;
        Some(Self { id: ProcessId { pid, started }, kind, program, parent, group, session })
    }

    /// Whether it is a worker whose master is gone: it is in a group and a session that it does not
    /// lead, and whoever is its parent now is in another one. What nginx's workers are, they say.
    fn is_orphan(&self) -> bool {
        let leads = self.group == self.id.pid || self.session == self.id.pid;
        let with_parent = || stat(self.parent).is_some_and(|parent| parent.session == self.session);
        self.kind != WebKind::Nginx && !leads && !with_parent()
    }

    /// Whether it sees the files that we see. A container has a root and a mount namespace of its
    /// own; a service may have but the namespace (systemd's `PrivateTmp=`, as Debian's Apache has),
    /// and one that locks itself up has but the root (HAProxy's `chroot`), with its program outside.
    /// Debian's HAProxy has both: its worker is in the namespace of the master that started it.
    fn is_here(&self) -> bool {
        let pid = self.id.pid;
        if has_our_root(pid) {
            return true;
        }
        let outside = fs::read_link(at(pid, "root"))
            .is_ok_and(|root| !Path::new(&self.program).starts_with(root));
        let mounts = at(pid, "ns/mnt");
        let with_parent =
            || has_our_root(self.parent) && is_same(&mounts, &at(self.parent, "ns/mnt"));
        outside && (is_same(&mounts, Path::new("/proc/self/ns/mnt")) || with_parent())
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

    /// The service of the service manager that it belongs to, as its control group names it.
    pub(crate) fn service(self) -> Option<String> {
        let groups = read_bounded(&at(self.pid, "cgroup"), MAX_FACTS).ok()?;
        String::from_utf8_lossy(&groups).lines().find_map(service_of)
    }

    /// Sends a signal, unless another process has the number by now. The process is held first, and
    /// then looked at: what is held cannot become another one.
    pub(crate) fn signal(self, signal: Signal) -> Result<(), String> {
        let gone = || format!("process {} is gone", self.pid);
        let cannot = |errno| match errno {
            Errno::SRCH => gone(),
            errno => format!("process {} cannot be told: {errno}", self.pid),
        };
        let pid = Pid::from_raw(self.pid).ok_or_else(gone)?;
        let held = pidfd_open(pid, PidfdFlags::empty()).map_err(cannot)?;
        if !self.is_there() {
            return Err(gone());
        }
        pidfd_send_signal(&held, signal).map_err(cannot)
    }

    fn is_there(self) -> bool {
        stat(self.pid).is_some_and(|stat| stat.started == self.started)
    }

    /// The sockets that it has open, by their numbers; none if it is gone.
    pub(crate) fn sockets(self) -> BTreeSet<u64> {
        if !self.is_there() {
            return BTreeSet::new();
        }
        let Ok(open) = fs::read_dir(at(self.pid, "fd")) else { return BTreeSet::new() };
        let targets = open.flatten().filter_map(|entry| fs::read_link(entry.path()).ok());
        targets.filter_map(|target| socket_number(target.to_str()?)).collect()
    }

    /// The sockets on which it listens.
    pub(crate) fn listens_on(self) -> BTreeSet<u64> {
        let open = self.sockets();
        let mut listening = BTreeSet::new();
        for (table, of) in [
            ("net/tcp", tcp_listener as fn(&str) -> Option<u64>),
            ("net/tcp6", tcp_listener),
            ("net/unix", unix_listener),
        ] {
            // A table that is not there, as without IPv6, has none.
            let Ok(bytes) = read_bounded(&at(self.pid, table), MAX_SOCKETS) else { continue };
            listening.extend(String::from_utf8_lossy(&bytes).lines().filter_map(of));
        }
        open.intersection(&listening).copied().collect()
    }
}

fn at(pid: i32, name: &str) -> PathBuf {
    Path::new("/proc").join(pid.to_string()).join(name)
}

fn is_same(one: &Path, other: &Path) -> bool {
    match (fs::metadata(one), fs::metadata(other)) {
        (Ok(one), Ok(other)) => (one.dev(), one.ino()) == (other.dev(), other.ino()),
        _ => false,
    }
}

fn has_our_root(pid: i32) -> bool {
    is_same(&at(pid, "root"), Path::new("/"))
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
    Some(Stat { parent, group, session, started: field(22)?.parse().ok()? })
}

/// `0::/system.slice/nginx.service`: the last part, if it is a service of the system's own.
fn service_of(group: &str) -> Option<String> {
    let path = group.splitn(3, ':').nth(2)?;
    let name = path.rsplit('/').next()?;
    let is_service = name.ends_with(".service") && path.starts_with("/system.slice/");
    is_service.then(|| name.to_owned())
}

fn socket_number(target: &str) -> Option<u64> {
    target.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
}

/// The socket of a line of /proc/net/tcp, if it listens (state `0A`).
fn tcp_listener(line: &str) -> Option<u64> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    if *fields.get(3)? != "0A" {
        return None;
    }
    fields.get(9)?.parse().ok()
}

/// The socket of a line of /proc/net/unix, if it listens (`SO_ACCEPTCON`, 0x10000).
fn unix_listener(line: &str) -> Option<u64> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    if *fields.get(3)? != "00010000" {
        return None;
    }
    fields.get(6)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_whose_name_looks_like_fields_is_read_right() {
        let line = "12 (a) S 9) S 7 12 12 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4711 9 9";
        assert_eq!(stat_of(line), Some(Stat { parent: 7, group: 12, session: 12, started: 4711 }));
        let dead = "12 (nginx) Z 7 12 12 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4711 9 9";
        for line in [dead, "", "12 (a", "12 (a) S 1", "12 (a) S x y z"] {
            assert_eq!(stat_of(line), None, "{line}");
        }
    }

    #[test]
    fn only_a_service_of_the_system_is_one() {
        assert_eq!(service_of("0::/system.slice/nginx.service").as_deref(), Some("nginx.service"));
        let instance = "1:name=systemd:/system.slice/system-apache2.slice/apache2@b.service";
        assert_eq!(service_of(instance).as_deref(), Some("apache2@b.service"));
        for other in [
            "0::/",
            "0::/user.slice/user-1000.slice/session-3.scope",
            "0::/user.slice/user-1000.slice/user@1000.service/app.slice/x.service",
            "0::/docker/abc",
            "0",
            "",
        ] {
            assert_eq!(service_of(other), None, "{other}");
        }
    }

    #[test]
    fn a_socket_that_listens_is_told_from_one_that_talks() {
        let listens = "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 123 1 x";
        assert_eq!(tcp_listener(listens), Some(123));
        assert_eq!(tcp_listener(&listens.replace(" 0A ", " 01 ")), None);
        assert_eq!(tcp_listener("  sl  local_address rem_address   st"), None);
        let unix = "0000000000000000: 00000002 00000000 00010000 0001 01 456 /run/x";
        assert_eq!(unix_listener(unix), Some(456));
        assert_eq!(unix_listener("Num RefCount Protocol Flags Type St Inode Path"), None);
        assert_eq!(socket_number("socket:[77]"), Some(77));
        assert_eq!(socket_number("/dev/null"), None);
    }
}
