//! Who listens where: the sockets that processes have open, and the kernel's own tables of those
//! that listen. What a process says of itself does not count.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::fd::RawFd;
use std::path::Path;

use rustix::fs::fstat;
use rustix::io::Errno;
use rustix::net::sockopt::socket_acceptconn;
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};
use stopgap_fs::read_bounded;

use crate::linux::process::{ProcessId, at};

/// The most that is read of a table of sockets, in bytes: 150 for each, and a hundred thousand
/// connections are many.
const MAX_SOCKETS: u64 = 64 << 20;

impl ProcessId {
    /// The sockets that it has open, by their numbers; none if it is gone.
    pub(crate) fn sockets(self) -> BTreeSet<u64> {
        self.some_sockets(usize::MAX).0.into_keys().collect()
    }

    /// The same with the descriptor of each, of no more than `most` open files; and how many those
    /// were.
    fn some_sockets(self, most: usize) -> (BTreeMap<u64, RawFd>, usize) {
        let none = (BTreeMap::new(), 0);
        if !self.is_there() {
            return none;
        }
        let Ok(open) = fs::read_dir(at(self.pid, "fd")) else { return none };
        let (mut sockets, mut looked) = (BTreeMap::new(), 0);
        for entry in open.flatten().take(most) {
            looked += 1;
            let number = entry.file_name().to_str().and_then(|number| number.parse().ok());
            let target = fs::read_link(entry.path()).ok();
            let socket = target.and_then(|target| socket_number(target.to_str()?));
            sockets.extend(socket.zip(number));
        }
        (sockets, looked)
    }

    /// The sockets on which it listens.
    pub(crate) fn listens_on(self) -> BTreeSet<u64> {
        let open = self.some_sockets(usize::MAX).0;
        let told = |table: &str, of: fn(&str) -> Option<u64>| -> BTreeSet<u64> {
            // A table that is not there, as without IPv6, has none.
            let bytes = read_bounded(&at(self.pid, table), MAX_SOCKETS).unwrap_or_default();
            String::from_utf8_lossy(&bytes).lines().filter_map(of).collect()
        };
        let mut listening = told("net/tcp", tcp_number);
        listening.extend(told("net/tcp6", tcp_number));
        listening.retain(|socket| open.contains_key(socket));
        // The table of Unix sockets has their names, and whoever gives his own one with an end of
        // line in it writes a line of the table.
        let named = told("net/unix", unix_listener);
        let named = named.into_iter().filter_map(|socket| Some((socket, *open.get(&socket)?)));
        listening.extend(named.filter(|&(socket, fd)| self.accepts(fd, socket)).map(|it| it.0));
        listening
    }

    /// Whether an open file of it is this socket, and listens. Where the kernel does not let us look
    /// at it, it is taken for one.
    fn accepts(self, fd: RawFd, socket: u64) -> bool {
        let looked = || {
            let pid = Pid::from_raw(self.pid).ok_or(Errno::SRCH)?;
            let held = pidfd_open(pid, PidfdFlags::empty())?;
            let same = pidfd_getfd(&held, fd, PidfdGetfdFlags::empty())?;
            Ok(fstat(&same)?.st_ino == socket && socket_acceptconn(&same)?)
        };
        match looked() {
            Ok(accepts) => accepts,
            // It is gone, or was closed since.
            Err(Errno::SRCH | Errno::BADF | Errno::NOTSOCK) => false,
            Err(_) => true,
        }
    }
}

/// The sockets of this machine's network that listen for TCP, with their ports and the users that
/// made them.
#[derive(Debug, Default)]
pub(crate) struct Listeners {
    /// By the socket's number.
    sockets: BTreeMap<u64, (u16, u32)>,
    /// How many open files may still be looked at: a user can open a million.
    left: usize,
}

impl Listeners {
    /// Those that there are now; `most` open files of processes are looked at to find their owners.
    pub(crate) fn now(most: usize) -> Self {
        let mut sockets = BTreeMap::new();
        for table in ["/proc/self/net/tcp", "/proc/self/net/tcp6"] {
            let Ok(bytes) = read_bounded(Path::new(table), MAX_SOCKETS) else { continue };
            let text = String::from_utf8_lossy(&bytes);
            sockets.extend(
                text.lines().filter_map(tcp_listener).map(|it| (it.socket, (it.port, it.user))),
            );
        }
        Self { sockets, left: most }
    }

    /// The ports that these processes listen on; `None` if there are too many open files to know.
    pub(crate) fn ports(&mut self, processes: &[ProcessId]) -> Option<BTreeSet<u16>> {
        let mut ports = BTreeSet::new();
        for process in processes {
            if self.left == 0 {
                return None;
            }
            let (sockets, looked) = process.some_sockets(self.left);
            self.left -= looked;
            let known = sockets.keys().filter_map(|socket| self.sockets.get(socket));
            ports.extend(known.map(|(port, _)| *port));
        }
        Some(ports)
    }

    /// The ports on which sockets listen that a user made, whoever has them open.
    pub(crate) fn ports_of_user(&self, uid: u32) -> BTreeSet<u16> {
        let made = self.sockets.values().filter(|(_, user)| *user == uid);
        made.map(|(port, _)| *port).collect()
    }
}

fn socket_number(target: &str) -> Option<u64> {
    target.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
}

/// A socket that listens for TCP.
#[derive(Debug, PartialEq, Eq)]
struct TcpListener {
    socket: u64,
    port: u16,
    user: u32,
}

/// The socket of a line of /proc/net/tcp, if it listens (state `0A`).
fn tcp_listener(line: &str) -> Option<TcpListener> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    if *fields.get(3)? != "0A" {
        return None;
    }
    let (_, port) = fields.get(1)?.rsplit_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    Some(TcpListener {
        socket: fields.get(9)?.parse().ok()?,
        port,
        user: fields.get(7)?.parse().ok()?,
    })
}

fn tcp_number(line: &str) -> Option<u64> {
    tcp_listener(line).map(|listener| listener.socket)
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
pub(crate) mod tests {
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::AsFd;
    use std::os::linux::net::SocketAddrExt as _;
    use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};

    use super::*;

    /// This process.
    pub(crate) fn own() -> ProcessId {
        let facts = fs::read_to_string("/proc/self/stat").expect("Linux");
        let (_, fields) = facts.rsplit_once(')').expect("a name");
        let started = fields.split_whitespace().nth(19).and_then(|field| field.parse().ok());
        let pid = i32::try_from(std::process::id()).expect("a number");
        ProcessId { pid, started: started.expect("field 22") }
    }

    fn number(socket: &impl AsFd) -> u64 {
        fstat(socket).expect("it is open").st_ino
    }

    #[test]
    fn a_users_socket_whose_name_is_a_line_of_the_table_makes_no_other_one_listen() {
        let port = TcpListener::bind("127.0.0.1:0").expect("a port");
        let client = TcpStream::connect(port.local_addr().expect("bound")).expect("it listens");
        let (served, _) = port.accept().expect("it was connected");
        let (talks, _other) = UnixStream::pair().expect("sockets");
        let forged = |socket: u64| {
            let line = format!("x\n0: 00000002 00000000 00010000 0001 01 {socket} x");
            let name = SocketAddr::from_abstract_name(line).expect("a short name");
            UnixListener::bind_addr(&name).expect("nobody else's name")
        };
        let own_listeners = [forged(number(&served)), forged(number(&talks))];
        let table = fs::read_to_string("/proc/self/net/unix").expect("Linux");
        let told: Vec<u64> = table.lines().filter_map(unix_listener).collect();
        assert!(told.contains(&number(&served)) && told.contains(&number(&talks)), "{table}");
        let listens = own().listens_on();
        for socket in [number(&served), number(&client), number(&talks)] {
            assert!(!listens.contains(&socket), "{socket} in {listens:?}");
        }
        for listener in &own_listeners {
            assert!(listens.contains(&number(listener)), "{listens:?}");
        }
        assert!(listens.contains(&number(&port)), "{listens:?}");
    }

    #[test]
    fn a_socket_that_listens_is_told_from_one_that_talks() {
        let listens = "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 123 1 x";
        let listener = super::TcpListener { socket: 123, port: 8080, user: 1000 };
        assert_eq!(tcp_listener(listens), Some(listener));
        assert_eq!(tcp_listener(&listens.replace(" 0A ", " 01 ")), None);
        assert_eq!(tcp_listener("  sl  local_address rem_address   st"), None);
        let unix = "0000000000000000: 00000002 00000000 00010000 0001 01 456 /run/x";
        assert_eq!(unix_listener(unix), Some(456));
        assert_eq!(unix_listener("Num RefCount Protocol Flags Type St Inode Path"), None);
        assert_eq!(socket_number("socket:[77]"), Some(77));
        assert_eq!(socket_number("/dev/null"), None);
    }
}
