//! A web server on loopback that answers as IIS would under the sandbox's configuration: it asks
//! the effective rules of `Default Web Site` what becomes of each request.

use std::fmt;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use stopgap_engine::collect;
use stopgap_host::TreeHost;
use stopgap_iis::config::effective_rules;
use stopgap_iis::rewrite::Verdict;
use stopgap_model::Request;

use crate::error::CliError;

const SITE: &str = "Default Web Site";
/// The largest head of a request that is read, in bytes: http.sys's default.
const MAX_HEAD: usize = 16 * 1024;
/// The longest wait for the other side.
const TIMEOUT: Duration = Duration::from_secs(5);
const APPLICATION: &str = "the application was reached";

/// What a client sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reply {
    /// The application answered.
    Reached,
    /// The connection was closed without an answer.
    Cut,
    /// Something else was answered.
    Other(String),
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reached => f.write_str("it reaches the application"),
            Self::Cut => f.write_str("the connection is cut off without an answer"),
            Self::Other(answer) => write!(f, "answered: {answer}"),
        }
    }
}

/// The running server.
pub(crate) struct Server {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts the server on a free port of the loopback address.
    pub(crate) fn start(host: TreeHost) -> Result<Self, CliError> {
        let failed = |why: std::io::Error| CliError::Machine(format!("no port on loopback: {why}"));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let stop = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if asked.load(Ordering::Relaxed) {
                    return;
                }
                // A client that goes away is its own affair.
                let _ = stream.and_then(|stream| serve(stream, &host));
            }
        });
        Ok(Self { address, stop, thread: Some(thread) })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sends a GET request and says what comes back.
    pub(crate) fn get(&self, target: &str) -> Reply {
        match self.exchange(target) {
            Ok(answer) if answer.is_empty() => Reply::Cut,
            Ok(answer) if answer.ends_with(APPLICATION) => Reply::Reached,
            Ok(answer) => Reply::Other(answer.lines().next().unwrap_or_default().to_owned()),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => Reply::Cut,
            Err(error) => Reply::Other(error.to_string()),
        }
    }

    fn exchange(&self, target: &str) -> std::io::Result<String> {
        let mut stream = TcpStream::connect_timeout(&self.address, TIMEOUT)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        let head =
            format!("GET {target} HTTP/1.1\r\nHost: mail.example.com\r\nConnection: close\r\n\r\n");
        stream.write_all(head.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // One more connection wakes the thread, so that it sees that it shall stop.
        let _ = TcpStream::connect_timeout(&self.address, TIMEOUT);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(mut stream: TcpStream, host: &TreeHost) -> std::io::Result<()> {
    stream.set_read_timeout(Some(TIMEOUT))?;
    let Some(request) = read_head(&mut stream)? else {
        return answer(&mut stream, 400, "bad request");
    };
    // IIS notices a changed configuration by itself; here it is read for every request.
    let snapshot = collect(host, &[]).snapshot;
    let path = String::from_utf8_lossy(request.path()).into_owned();
    let Ok(rules) = effective_rules(&snapshot, SITE, &path) else {
        return answer(&mut stream, 500, "500.19");
    };
    match rules.evaluator(|_| true).evaluate(&request).verdict {
        Verdict::Blocked { status: None } => stream.shutdown(Shutdown::Both),
        Verdict::Blocked { status: Some(status) } => answer(&mut stream, status, "blocked"),
        Verdict::Redirected { status, url } => answer(&mut stream, status, &url),
        Verdict::Allowed | Verdict::Rewritten { .. } => answer(&mut stream, 200, APPLICATION),
    }
}

fn answer(stream: &mut TcpStream, status: u16, text: &str) -> std::io::Result<()> {
    let length = text.len();
    let answer = format!(
        "HTTP/1.1 {status} .\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{text}"
    );
    stream.write_all(answer.as_bytes())
}

/// Reads the head of a request; `None` if it is none.
fn read_head(stream: &mut TcpStream) -> std::io::Result<Option<Request>> {
    let mut head = Vec::new();
    let mut chunk = [0; 4096];
    while head.len() < MAX_HEAD {
        let read = stream.read(&mut chunk)?;
        let Some(read @ [_, ..]) = chunk.get(..read) else { return Ok(None) };
        head.extend_from_slice(read);
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut parsed = httparse::Request::new(&mut headers);
        match parsed.parse(&head) {
            Ok(httparse::Status::Complete(_)) => {
                let headers = parsed.headers.iter();
                return Ok(Some(Request {
                    method: parsed.method.unwrap_or_default().to_owned(),
                    target: parsed.path.unwrap_or_default().as_bytes().to_vec(),
                    headers: headers.map(|h| (h.name.to_owned(), h.value.to_vec())).collect(),
                    body: Vec::new(),
                }));
            }
            // The rest is still on its way.
            Ok(httparse::Status::Partial) => {}
            Err(_) => return Ok(None),
        }
    }
    Ok(None)
}
