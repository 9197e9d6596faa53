//! A web server on loopback that serves files, counts what it is asked for, and misbehaves on
//! demand. It is a proxy too, for whoever asks it to connect somewhere.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use stopgap_model::Digest;

/// How long a connection that hangs or drips sleeps between two looks at whether to end.
const TICK: Duration = Duration::from_millis(20);

/// What the server does instead of answering properly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Misbehaviour {
    /// Sends bytes without an end, and without saying how many.
    Endless,
    /// Sends a byte now and then.
    Drip,
    /// Says more bytes than it sends, and closes.
    Short,
    /// Says nothing.
    Hang,
    /// Closes the connection.
    Close,
    /// Answers with this status.
    Status(u16),
    /// Answers with this status so many times, then properly.
    StatusFor(u16, u32),
    /// Sends to another address.
    Redirect(String),
}

/// What the server saw.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Log {
    /// The method and path of each request, in order; for a proxy `CONNECT host:port`.
    pub requests: Vec<String>,
    /// How many connections were made.
    pub connections: u64,
    /// How many bytes came and went, headers and all.
    pub bytes: u64,
}

/// A web server; it ends when this is dropped.
pub struct WebServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    listener: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    files: Mutex<BTreeMap<String, Vec<u8>>>,
    folder: Option<PathBuf>,
    misbehaviours: Mutex<BTreeMap<String, Misbehaviour>>,
    log: Mutex<Log>,
    ends: AtomicBool,
}

impl WebServer {
    /// Serves these files, by path without a slash before it.
    #[must_use]
    pub fn of(files: &BTreeMap<String, Vec<u8>>) -> Self {
        Self::start(Shared { files: Mutex::new(files.clone()), ..Shared::default() })
    }

    /// Serves what is in a folder.
    #[must_use]
    pub fn folder(folder: impl Into<PathBuf>) -> Self {
        Self::start(Shared { folder: Some(folder.into()), ..Shared::default() })
    }

    fn start(shared: Shared) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port on loopback");
        let address = listener.local_addr().expect("bound");
        let shared = Arc::new(shared);
        let of_thread = Arc::clone(&shared);
        let thread = thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if of_thread.ends.load(Ordering::Relaxed) {
                    break;
                }
                of_thread.log().connections += 1;
                let of_connection = Arc::clone(&of_thread);
                // A client that goes away is no failure.
                thread::spawn(move || of_connection.converse(&stream));
            }
        });
        Self { address, shared, listener: Some(thread) }
    }

    /// The server's address, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves other files from now on.
    pub fn serve(&self, files: &BTreeMap<String, Vec<u8>>) {
        *lock(&self.shared.files) = files.clone();
    }

    /// Misbehaves when asked for this path.
    pub fn misbehave(&self, path: &str, how: Misbehaviour) {
        lock(&self.shared.misbehaviours).insert(path.to_owned(), how);
    }

    /// What it saw since the last call.
    #[must_use]
    pub fn take_log(&self) -> Log {
        std::mem::take(&mut *self.shared.log())
    }
}

impl Drop for WebServer {
    fn drop(&mut self) {
        self.shared.ends.store(true, Ordering::Relaxed);
        // The listener waits for a connection, and ends with this one.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.listener.take() {
            let _ = thread.join();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn log(&self) -> MutexGuard<'_, Log> {
        lock(&self.log)
    }

    fn converse(&self, stream: &TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut reader = BufReader::new(stream);
        loop {
            let mut lines = Vec::new();
            loop {
                let mut line = Vec::new();
                if reader.read_until(b'\n', &mut line)? == 0 {
                    return Ok(());
                }
                self.log().bytes += line.len() as u64;
                let Ok(line) = String::from_utf8(line) else {
                    self.send(stream, 400, "", b"not a request")?;
                    return Ok(());
                };
                if line.trim_end().is_empty() {
                    break;
                }
                lines.push(line.trim_end().to_owned());
            }
            let mut words = lines.first().map(String::as_str).unwrap_or_default().split(' ');
            let (method, target) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
            let path = target.trim_start_matches('/').to_owned();
            self.log().requests.push(format!("{method} {path}"));
            if method == "CONNECT" {
                return tunnel(stream, target);
            }
            let tag = lines.iter().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("if-none-match").then(|| value.trim().to_owned())
            });
            if !self.answer(stream, &path, tag.as_deref())? {
                return Ok(());
            }
        }
    }

    /// Answers; `false` if the connection is over.
    fn answer(&self, stream: &TcpStream, path: &str, tag: Option<&str>) -> io::Result<bool> {
        if let Some(how) = self.misbehaviour(path) {
            return self.misanswer(stream, path, &how);
        }
        let Some(bytes) = self.file(path) else {
            return self.send(stream, 404, "", b"not found");
        };
        let own = format!("\"{}\"", Digest::of(&bytes).short());
        if tag == Some(own.as_str()) {
            return self.send(stream, 304, &format!("ETag: {own}\r\n"), b"");
        }
        self.send(stream, 200, &format!("ETag: {own}\r\n"), &bytes)
    }

    fn file(&self, path: &str) -> Option<Vec<u8>> {
        match &self.folder {
            Some(folder) => std::fs::read(folder.join(path)).ok(),
            None => lock(&self.files).get(path).cloned(),
        }
    }

    fn misbehaviour(&self, path: &str) -> Option<Misbehaviour> {
        let mut all = lock(&self.misbehaviours);
        let how = all.get(path).cloned()?;
        if let Misbehaviour::StatusFor(status, times) = how {
            all.insert(path.to_owned(), Misbehaviour::StatusFor(status, times.saturating_sub(1)));
            return (times > 0).then_some(Misbehaviour::Status(status));
        }
        Some(how)
    }

    fn misanswer(
        &self,
        mut stream: &TcpStream,
        path: &str,
        how: &Misbehaviour,
    ) -> io::Result<bool> {
        let bytes = self.file(path).unwrap_or_default();
        match how {
            Misbehaviour::Endless => {
                stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
                while !self.ends.load(Ordering::Relaxed) {
                    stream.write_all(&[b'{'; 4096])?;
                }
            }
            Misbehaviour::Drip => {
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n")?;
                while !self.ends.load(Ordering::Relaxed) {
                    stream.write_all(b"{")?;
                    thread::sleep(TICK);
                }
            }
            Misbehaviour::Hang => {
                while !self.ends.load(Ordering::Relaxed) {
                    thread::sleep(TICK);
                }
            }
            Misbehaviour::Short => {
                let head =
                    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", bytes.len() + 1);
                stream.write_all(head.as_bytes())?;
                stream.write_all(&bytes)?;
            }
            Misbehaviour::Close => {}
            Misbehaviour::Redirect(to) => {
                return self.send(stream, 302, &format!("Location: {to}\r\n"), b"elsewhere");
            }
            Misbehaviour::Status(status) | Misbehaviour::StatusFor(status, _) => {
                return self.send(stream, *status, "", b"no");
            }
        }
        Ok(false)
    }

    fn send(&self, mut out: &TcpStream, status: u16, head: &str, body: &[u8]) -> io::Result<bool> {
        let length = match status {
            304 => String::new(),
            _ => format!("Content-Length: {}\r\n", body.len()),
        };
        let mut bytes = format!("HTTP/1.1 {status} so\r\n{head}{length}\r\n").into_bytes();
        bytes.extend_from_slice(body);
        self.log().bytes += bytes.len() as u64;
        out.write_all(&bytes)?;
        Ok(true)
    }
}

/// Passes bytes in both directions until one side is done.
fn tunnel(mut client: &TcpStream, to: &str) -> io::Result<()> {
    let server = TcpStream::connect(to)?;
    client.write_all(b"HTTP/1.1 200 so\r\n\r\n")?;
    thread::scope(|scope| {
        scope.spawn(|| pass(client, &server));
        pass(&server, client);
    });
    Ok(())
}

fn pass(mut from: &TcpStream, mut to: &TcpStream) {
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(std::net::Shutdown::Both);
}
