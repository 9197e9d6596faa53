//! Connections to sites of this machine. Every wait ends, and is cut into short ones, between which
//! it can be given up.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::sockopt::socket_error;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};
use rustls::{ClientConnection, StreamOwned};
use stopgap_model::web::{Listen, WebSite};

use crate::linux::probe::tls;
use crate::web_servers::Answer;

/// The longest wait without a look at whether it is to go on.
const SLICE: Duration = Duration::from_millis(100);
/// How long a connection may take. It is to this machine.
const CONNECT_TIME: Duration = Duration::from_secs(2);
/// The name that is asked for where a site has none.
const NO_NAME: &str = "localhost";

/// The time of one question.
pub(crate) struct Watch {
    begun: Instant,
    patience: Duration,
    /// Asked before each wait, with the time since the question was begun: whether to go on.
    go_on: Box<dyn FnMut(Duration) -> bool + Send>,
}

impl Watch {
    /// A time that begins now.
    pub(crate) fn new(
        patience: Duration,
        go_on: impl FnMut(Duration) -> bool + Send + 'static,
    ) -> Self {
        Self { begun: Instant::now(), patience, go_on: Box::new(go_on) }
    }

    /// How long the next wait may be.
    fn next(&mut self) -> io::Result<Duration> {
        let waited = self.begun.elapsed();
        let left = self.patience.saturating_sub(waited);
        if left.is_zero() || !(self.go_on)(waited) {
            return Err(ErrorKind::TimedOut.into());
        }
        Ok(left.min(SLICE).max(Duration::from_millis(1)))
    }
}

/// Something to read from and write to whose waits are bounded.
trait Wire: Read + Write + Send {
    fn wait_at_most(&self, time: Duration) -> io::Result<()>;
}

impl Wire for TcpStream {
    fn wait_at_most(&self, time: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(time))?;
        self.set_write_timeout(Some(time))
    }
}

impl Wire for UnixStream {
    fn wait_at_most(&self, time: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(time))?;
        self.set_write_timeout(Some(time))
    }
}

/// A wire whose every step ends when the time of its question is over.
pub(crate) struct Bounded {
    wire: Box<dyn Wire>,
    watch: Watch,
}

impl Bounded {
    fn step<T>(&mut self, mut step: impl FnMut(&mut dyn Wire) -> io::Result<T>) -> io::Result<T> {
        loop {
            let time = self.watch.next()?;
            self.wire.wait_at_most(time)?;
            match step(&mut *self.wire) {
                Err(error) if is_late(&error) || error.kind() == ErrorKind::Interrupted => {}
                done => return done,
            }
        }
    }
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.step(|wire| wire.read(buffer))
    }
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.step(|wire| wire.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.wire.flush()
    }
}

/// A connection to a site.
pub(crate) enum Stream {
    Plain(Bounded),
    Tls(Box<StreamOwned<ClientConnection, Bounded>>),
}

impl Stream {
    /// The connection for a further question.
    pub(crate) fn watch(&mut self, watch: Watch) {
        match self {
            Self::Plain(wire) => wire.watch = watch,
            Self::Tls(stream) => stream.sock.watch = watch,
        }
    }

    /// Connects to a site.
    ///
    /// # Errors
    /// The answer to report where there is no connection.
    pub(crate) fn open(site: &WebSite, watch: Watch) -> Result<Self, Answer> {
        let mut plain = connected(&site.listen, watch)?;
        if !site.tls {
            return Ok(Self::Plain(plain));
        }
        let mut client = tls::client(&asked_name(&site.name))
            .map_err(|error| Answer::Unreachable(error.to_string()))?;
        while client.is_handshaking() {
            if let Err(error) = client.complete_io(&mut plain) {
                if is_late(&error) {
                    return Err(Answer::Nothing);
                }
                let why = format!("TLS cannot be agreed on with {site}: {error}");
                return Err(Answer::Unreachable(why));
            }
        }
        Ok(Self::Tls(Box::new(StreamOwned::new(client, plain))))
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(wire) => wire.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(wire) => wire.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(wire) => wire.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}

/// Whether an error says that a wait was over.
pub(crate) fn is_late(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

fn connected(listen: &Listen, mut watch: Watch) -> Result<Bounded, Answer> {
    let (address, port) = match listen {
        Listen::Port(address, port) => (*address, *port),
        Listen::Unix(path) => {
            let stream = unix(path.as_str())
                .map_err(|error| Answer::Unreachable(format!("{path} does not answer: {error}")))?;
            return Ok(Bounded { wire: Box::new(stream), watch });
        }
        Listen::Unasked(why) => return Err(Answer::Unreachable(why.clone())),
    };
    if let Some(elsewhere) = address.filter(|address| !is_here(*address)) {
        return Err(Answer::NotHere(elsewhere));
    }
    let mut why = String::new();
    for address in addresses(address) {
        let address = SocketAddr::new(address, port);
        match tcp(address, &mut watch) {
            Ok(stream) => return Ok(Bounded { wire: Box::new(stream), watch }),
            Err(error) => why = format!("{address} does not answer: {error}"),
        }
    }
    Err(Answer::Unreachable(why))
}

/// The addresses of this machine that lead to what listens on this one.
fn addresses(address: Option<IpAddr>) -> Vec<IpAddr> {
    let (four, six) = (IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST));
    match address {
        None => vec![four, six],
        Some(IpAddr::V4(address)) if address.is_unspecified() => vec![four],
        // It may take both kinds, and the machine may have but one.
        Some(IpAddr::V6(address)) if address.is_unspecified() => vec![six, four],
        Some(address) => vec![address],
    }
}

/// Whether an address is one of this machine's, at this moment.
///
/// To bind to it proves nothing: with `ip_nonlocal_bind` a machine binds to addresses of others, as
/// those that share a floating address do. What is sent to an address of one's own comes from that
/// address; so the kernel is asked from where it would send. Nothing is sent.
fn is_here(address: IpAddr) -> bool {
    if address.is_loopback() || address.is_unspecified() {
        return true;
    }
    let any: IpAddr = match address {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    // Any port does.
    let from = UdpSocket::bind((any, 0)).and_then(|socket| {
        socket.connect((address, 9))?;
        socket.local_addr()
    });
    from.is_ok_and(|from| from.ip() == address)
}

/// Connects, and waits for it no longer than a connection to this machine may take.
fn tcp(address: SocketAddr, watch: &mut Watch) -> io::Result<TcpStream> {
    let begun = Instant::now();
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(family, SocketType::STREAM, flags, None)?;
    match connect(&socket, &address) {
        Ok(()) => {}
        Err(Errno::INPROGRESS) => {
            while !is_writable(&socket, watch.next()?)? {
                if begun.elapsed() > CONNECT_TIME {
                    return Err(ErrorKind::TimedOut.into());
                }
            }
            socket_error(&socket)??;
        }
        Err(error) => return Err(error.into()),
    }
    let stream = TcpStream::from(socket);
    stream.set_nonblocking(false)?;
    // Else what is sent in two parts waits for the other side's delayed acknowledgement, 40 ms.
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn is_writable(socket: &impl std::os::fd::AsFd, time: Duration) -> io::Result<bool> {
    let mut sockets = [PollFd::new(socket, PollFlags::OUT)];
    let time = Timespec::try_from(time).map_err(|_| io::Error::from(ErrorKind::InvalidInput))?;
    match poll(&mut sockets, Some(&time)) {
        Ok(ready) => Ok(ready > 0),
        Err(Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Connects without waiting: a socket whose queue is full is refused at once.
fn unix(path: &str) -> io::Result<UnixStream> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    connect(&socket, &SocketAddrUnix::new(path)?)?;
    let stream = UnixStream::from(socket);
    stream.set_nonblocking(false)?;
    Ok(stream)
}

/// A name that leads to the site: one of those that a pattern of names stands for.
pub(crate) fn asked_name(name: &str) -> String {
    match name.strip_prefix("*.").or_else(|| name.strip_prefix('.')) {
        Some(domain) => format!("www.{domain}"),
        None if name.is_empty() => NO_NAME.to_owned(),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_of_names_is_asked_by_one_of_them() {
        assert_eq!(asked_name("*.example.org"), "www.example.org");
        assert_eq!(asked_name(".example.org"), "www.example.org");
        assert_eq!(asked_name(""), "localhost");
        assert_eq!(asked_name("a.b"), "a.b");
    }

    #[test]
    fn every_address_of_loopback_is_here_and_one_of_the_documentation_is_not() {
        for here in ["127.0.0.1", "127.1.2.3", "::1", "0.0.0.0", "::"] {
            assert!(is_here(here.parse().unwrap()), "{here}");
        }
        for elsewhere in ["192.0.2.1", "2001:db8::1"] {
            assert!(!is_here(elsewhere.parse().unwrap()), "{elsewhere}");
        }
    }
}
