//! A client that sends bytes as they are, and reads what comes back.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

/// How long an answer may take. The servers are on this machine, and it may be busy.
const PATIENCE: Duration = Duration::from_secs(20);

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Answer {
    /// The status; 0 if the connection was closed without an answer.
    pub(crate) status: u16,
    /// The headers: names in lower case, values without blanks around them.
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub(crate) body: Vec<u8>,
}

/// A connection to a port, opened again when the server closes it.
#[derive(Debug)]
pub(crate) struct Client {
    port: u16,
    open: Option<BufReader<TcpStream>>,
}

impl Client {
    pub(crate) fn new(port: u16) -> Self {
        Self { port, open: None }
    }

    /// Sends `wire`, the bytes of one request, and waits for its answer.
    ///
    /// A connection that is closed without an answer counts only when it was new: an old one may
    /// have ended for reasons of its own.
    pub(crate) fn ask(&mut self, wire: &[u8], is_head: bool) -> Result<Answer, String> {
        if let Some(reader) = self.open.take()
            && let Ok(answer) = self.exchange(reader, wire, is_head)
            && answer.status != 0
        {
            return Ok(answer);
        }
        let failed = |error: io::Error| format!("port {}: {error}", self.port);
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(failed)?;
        let port = self.port;
        match self.exchange(BufReader::new(stream), wire, is_head) {
            // A server that refuses a request may close before it has read all of it.
            Err(error) if is_closed(&error) => Ok(Answer::default()),
            other => other.map_err(|error| format!("port {port}: {error}")),
        }
    }

    fn exchange(
        &mut self,
        mut reader: BufReader<TcpStream>,
        wire: &[u8],
        is_head: bool,
    ) -> io::Result<Answer> {
        reader.get_mut().write_all(wire)?;
        let Some((answer, ends)) = read_answer(&mut reader, is_head)? else {
            return Ok(Answer::default());
        };
        self.open = (!ends).then_some(reader);
        Ok(answer)
    }
}

fn is_closed(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), BrokenPipe | ConnectionReset | UnexpectedEof)
}

/// The answer, and whether the connection ends with it. `None` if there is none.
fn read_answer(
    reader: &mut BufReader<TcpStream>,
    is_head: bool,
) -> io::Result<Option<(Answer, bool)>> {
    let line = read_line(reader)?;
    if line.is_empty() {
        return Ok(None);
    }
    let status = line.split(|&b| b == b' ').nth(1).unwrap_or_default();
    let status = std::str::from_utf8(status).unwrap_or_default().parse().unwrap_or(0);
    let mut answer = Answer { status, ..Answer::default() };
    loop {
        let line = read_line(reader)?;
        if line.is_empty() {
            break;
        }
        let at = line.iter().position(|&b| b == b':').unwrap_or(line.len());
        let name = String::from_utf8_lossy(&line[..at]).to_ascii_lowercase();
        let value = line.get(at + 1..).unwrap_or_default().trim_ascii().to_vec();
        answer.headers.push((name, value));
    }
    let value = |name: &str| {
        let mut found = answer.headers.iter().filter(|(n, _)| n == name);
        found.next().map(|(_, value)| String::from_utf8_lossy(value).to_ascii_lowercase())
    };
    let mut ends = value("connection").is_some_and(|value| value.contains("close"));
    let length = value("content-length").and_then(|length| length.parse::<usize>().ok());
    let is_chunked = value("transfer-encoding").is_some_and(|value| value.contains("chunked"));
    if is_head || matches!(status, 204 | 304) {
        return Ok(Some((answer, ends)));
    }
    if is_chunked {
        answer.body = read_chunks(reader)?;
    } else if let Some(length) = length {
        answer.body = vec![0; length];
        reader.read_exact(&mut answer.body)?;
    } else {
        reader.read_to_end(&mut answer.body)?;
        ends = true;
    }
    Ok(Some((answer, ends)))
}

fn read_chunks(reader: &mut BufReader<TcpStream>) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = read_line(reader)?;
        let digits = String::from_utf8_lossy(&line);
        let length = usize::from_str_radix(digits.trim(), 16).unwrap_or(0);
        let start = body.len();
        body.resize(start + length, 0);
        reader.read_exact(&mut body[start..])?;
        read_line(reader)?;
        if length == 0 {
            return Ok(body);
        }
    }
}

/// A line without its end; empty at the end of the stream too.
fn read_line(reader: &mut BufReader<TcpStream>) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    reader.read_until(b'\n', &mut line)?;
    while matches!(line.last(), Some(b'\r' | b'\n')) {
        line.pop();
    }
    Ok(line)
}
