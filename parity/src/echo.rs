//! The application behind the servers: it answers every request with the head that arrived.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

/// It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Echo {
    address: SocketAddr,
    ends: Arc<AtomicBool>,
    listener: Option<JoinHandle<()>>,
}

impl Echo {
    pub(crate) fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let ends = Arc::new(AtomicBool::new(false));
        let of_thread = Arc::clone(&ends);
        let thread = thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if of_thread.load(Ordering::Relaxed) {
                    break;
                }
                // A server that goes away is no failure.
                thread::spawn(move || converse(&stream));
            }
        });
        Ok(Self { address, ends, listener: Some(thread) })
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        // The listener waits for a connection, and ends with this one.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.listener.take() {
            let _ = thread.join();
        }
    }
}

fn converse(mut stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    loop {
        let mut head = Vec::new();
        loop {
            let start = head.len();
            if reader.read_until(b'\n', &mut head)? == 0 {
                return Ok(());
            }
            if head[start..].iter().all(u8::is_ascii_whitespace) {
                break;
            }
        }
        stream.write_all(&answer(&head))?;
    }
}

/// The kinds of responses that rules on responses tell apart.
const KINDS: [&str; 4] = [
    "Content-Type: text/html; charset=utf-8\r\nContent-Security-Policy: default-src 'self'\r\n",
    "Content-Type: text/plain\r\nContent-Security-Policy: default-src 'self'\r\n",
    "Content-Type: TEXT/HTML\r\nX-Powered-By: echo\r\nX-Frame-Options: SAMEORIGIN\r\n",
    "Content-Type: application/json\r\n",
];

fn answer(head: &[u8]) -> Vec<u8> {
    // The kind hangs on nothing that a server changes before it passes a request on: its target.
    let target = head.split(|&b| b == b' ').nth(1).unwrap_or_default();
    let sum: usize = target.iter().map(|&b| usize::from(b)).sum();
    let kind = KINDS[sum % KINDS.len()];
    let length = head.len();
    let mut answer = format!("HTTP/1.1 200 OK\r\n{kind}Content-Length: {length}\r\n\r\n");
    if head.starts_with(b"HEAD ") {
        return answer.into_bytes();
    }
    answer.reserve(length);
    [answer.as_bytes(), head].concat()
}
