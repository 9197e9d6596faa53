//! One request to a site of this machine, and what came back.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};
use rustls::StreamOwned;
use stopgap_model::Request;
use stopgap_model::web::{Listen, WebSite};

use super::tls;
use crate::live::Answer;

/// How long a connection may take. It is to this machine.
const CONNECT_TIME: Duration = Duration::from_secs(2);
/// How long an answer may take, TLS included. The application behind may have to wake up.
const ANSWER_TIME: Duration = Duration::from_secs(5);
/// The most of an answer that is read, in bytes: its first line, behind those of provisional ones.
/// Servers themselves send heads of 8 to 64 kB.
const MAX_HEAD: usize = 64 * 1024;
/// The name that is asked for where a site has none.
const NO_NAME: &str = "localhost";
const USER_AGENT: &str = "stopgap-probe";

/// A connection whose waiting is bounded.
trait Connection: Read + Write {
    fn set_patience(&self, patience: Duration) -> io::Result<()>;
}

impl Connection for TcpStream {
    fn set_patience(&self, patience: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(patience))?;
        self.set_write_timeout(Some(patience))
    }
}

impl Connection for UnixStream {
    fn set_patience(&self, patience: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(patience))?;
        self.set_write_timeout(Some(patience))
    }
}

/// A connection of which every step ends when its time is over.
struct Bounded {
    connection: Box<dyn Connection>,
    end: Instant,
}

impl Bounded {
    fn wait_no_longer(&self) -> io::Result<()> {
        let left = self.end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        self.connection.set_patience(left)
    }
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.wait_no_longer()?;
        self.connection.read(buffer)
    }
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.wait_no_longer()?;
        self.connection.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.connection.flush()
    }
}

/// Sends a request to a site and tells what came back.
pub(crate) fn ask(site: &WebSite, request: &Request) -> Answer {
    let connection = match connected(&site.listen) {
        Ok(connection) => connection,
        Err(why) => return Answer::Unreachable(why),
    };
    let mut plain = Bounded { connection, end: Instant::now() + ANSWER_TIME };
    let name = asked_name(&site.name);
    let bytes = written(request, &name);
    if !site.tls {
        return answer(&mut plain, &bytes);
    }
    let mut client = match tls::client(&name) {
        Ok(client) => client,
        Err(why) => return Answer::Unreachable(why),
    };
    while client.is_handshaking() {
        if let Err(error) = client.complete_io(&mut plain) {
            return Answer::Unreachable(format!("TLS cannot be agreed on with {site}: {error}"));
        }
    }
    answer(&mut StreamOwned::new(client, plain), &bytes)
}

fn connected(listen: &Listen) -> Result<Box<dyn Connection>, String> {
    let (address, port) = match listen {
        Listen::Port(address, port) => (address, *port),
        Listen::Unix(path) => {
            let stream = unix(path.as_str());
            let stream = stream.map_err(|error| format!("{path} does not answer: {error}"))?;
            return Ok(Box::new(stream));
        }
        Listen::Unasked(why) => return Err(why.clone()),
    };
    let mut why = String::new();
    for address in addresses(*address) {
        let address = SocketAddr::new(address, port);
        match TcpStream::connect_timeout(&address, CONNECT_TIME) {
            Ok(stream) => return Ok(Box::new(stream)),
            Err(error) => why = format!("{address} does not answer: {error}"),
        }
    }
    Err(why)
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
fn asked_name(name: &str) -> String {
    match name.strip_prefix("*.").or_else(|| name.strip_prefix('.')) {
        Some(domain) => format!("www.{domain}"),
        None if name.is_empty() => NO_NAME.to_owned(),
        None => name.to_owned(),
    }
}

/// The request as it is sent, with what it needs and does not have itself.
fn written(request: &Request, name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut add = |parts: &[&[u8]]| parts.iter().for_each(|part| bytes.extend_from_slice(part));
    add(&[request.method.as_bytes(), b" ", &request.target, b" HTTP/1.1\r\n"]);
    let length = request.body.len().to_string();
    let length = (!request.body.is_empty()).then_some(length.as_str());
    let own = |name| request.header_values(name).next().is_some();
    let needed = [
        ("Host", Some(name)),
        ("User-Agent", Some(USER_AGENT)),
        ("Connection", Some("close")),
        ("Content-Length", length.filter(|_| !own("Transfer-Encoding"))),
    ];
    for (name, value) in needed {
        if let Some(value) = value.filter(|_| !own(name)) {
            add(&[name.as_bytes(), b": ", value.as_bytes(), b"\r\n"]);
        }
    }
    for (name, value) in &request.headers {
        add(&[name.as_bytes(), b": ", value, b"\r\n"]);
    }
    add(&[b"\r\n", &request.body]);
    bytes
}

fn answer(stream: &mut (impl Read + Write), request: &[u8]) -> Answer {
    // A server that has seen enough closes before it has read all, and what it said is there.
    let sent = stream.write_all(request).and_then(|()| stream.flush());
    if sent.as_ref().is_err_and(is_late) {
        return Answer::Nothing;
    }
    let mut head = Vec::new();
    let mut buffer = [0; 4 * 1024];
    loop {
        match status_of(&head) {
            Some(Ok(status)) => return Answer::Status(status),
            Some(Err(NotHttp)) => return Answer::Unreachable("the answer is not HTTP".to_owned()),
            None if head.len() > MAX_HEAD => {
                return Answer::Unreachable("the answer has no end of its head".to_owned());
            }
            None => {}
        }
        match stream.read(&mut buffer) {
            Ok(0) => return Answer::Closed,
            Ok(length) => head.extend_from_slice(&buffer[..length]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if is_late(&error) => return Answer::Nothing,
            Err(_) => return Answer::Closed,
        }
    }
}

fn is_late(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// What was read does not begin as an answer of HTTP/1 does.
#[derive(Debug, PartialEq, Eq)]
struct NotHttp;

/// The status of an answer behind provisional ones (1xx, but for 101); `None` if more is to be read.
fn status_of(mut head: &[u8]) -> Option<Result<u16, NotHttp>> {
    loop {
        let start = b"HTTP/1.";
        let common = head.len().min(start.len());
        if head[..common] != start[..common] {
            return Some(Err(NotHttp));
        }
        let line = head.split_inclusive(|&byte| byte == b'\n').next()?.strip_suffix(b"\n")?;
        let status = line.get(start.len() + 2..start.len() + 5);
        let status = status.and_then(|digits| str::from_utf8(digits).ok()?.parse().ok());
        let Some(status) = status else { return Some(Err(NotHttp)) };
        if !(100..200).contains(&status) || status == 101 {
            return Some(Ok(status));
        }
        let end = head.windows(4).position(|four| four == b"\r\n\r\n")?;
        head = &head[end + 4..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_read_behind_provisional_answers() {
        let known = |text: &str| status_of(text.as_bytes());
        assert_eq!(known("HTTP/1.1 403 Forbidden\r\n"), Some(Ok(403)));
        assert_eq!(known("HTTP/1.0 200\r\n"), Some(Ok(200)));
        assert_eq!(known("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 500 x\r\n"), Some(Ok(500)));
        assert_eq!(known("HTTP/1.1 101 Switching\r\n"), Some(Ok(101)));
        for more in ["", "HT", "HTTP/1.1 20", "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 100\r\n"] {
            assert_eq!(known(more), None, "{more:?}");
        }
        for bad in ["SSH-2.0\r\n", "HTTP/1.1\r\n", "HTTP/1.1 x\r\n", "HTTP/2 200\r\n"] {
            assert_eq!(known(bad), Some(Err(NotHttp)), "{bad:?}");
        }
    }

    #[test]
    fn a_request_has_its_own_headers_before_ours() {
        let mut request = Request::from_line("POST /a%20b?c").unwrap_or_default();
        request.headers =
            vec![("host".into(), b"x".to_vec()), ("User-Agent".into(), b"\xff".to_vec())];
        request.body = b"body".to_vec();
        let expected = b"POST /a%20b?c HTTP/1.1\r\nConnection: close\r\nContent-Length: 4\r\n\
            host: x\r\nUser-Agent: \xff\r\n\r\nbody";
        assert_eq!(written(&request, "site"), expected);
        let plain = written(&Request::from_line("GET /").unwrap_or_default(), "site");
        let expected =
            b"GET / HTTP/1.1\r\nHost: site\r\nUser-Agent: stopgap-probe\r\nConnection: close\r\n\r\n";
        assert_eq!(plain, expected);
    }

    #[test]
    fn a_pattern_of_names_is_asked_by_one_of_them() {
        assert_eq!(asked_name("*.example.org"), "www.example.org");
        assert_eq!(asked_name(".example.org"), "www.example.org");
        assert_eq!(asked_name(""), "localhost");
        assert_eq!(asked_name("a.b"), "a.b");
    }
}
