//! An application behind a web server, which counts what reaches it.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// An application that answers by a function of the target and of how many requests came before.
/// It is there until the test ends.
pub(crate) struct Application {
    pub(crate) port: u16,
    targets: Arc<Mutex<Vec<String>>>,
}

impl Application {
    pub(crate) fn new(status: impl Fn(&str, usize) -> u16 + Send + Sync + 'static) -> Self {
        let status = Arc::new(status);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let targets = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&targets);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (told, status) = (Arc::clone(&told), Arc::clone(&status));
                thread::spawn(move || answer(stream, &told, &*status));
            }
        });
        Self { port, targets }
    }

    /// One that answers 200 to whatever it is asked.
    pub(crate) fn content() -> Self {
        Self::new(|_, _| 200)
    }

    /// How many requests reached it.
    pub(crate) fn count(&self) -> usize {
        self.targets.lock().unwrap().len()
    }

    /// Whether a request for something with this text reached it since it was asked last.
    pub(crate) fn was_reached_by(&self, text: &str) -> bool {
        let targets = std::mem::take(&mut *self.targets.lock().unwrap());
        targets.iter().any(|target| target.contains(text))
    }
}

fn answer(mut stream: TcpStream, told: &Mutex<Vec<String>>, status: &dyn Fn(&str, usize) -> u16) {
    let mut head = Vec::new();
    let mut buffer = [0; 4096];
    while !head.windows(4).any(|four| four == b"\r\n\r\n") {
        match stream.read(&mut buffer) {
            Ok(length @ 1..) => head.extend_from_slice(&buffer[..length]),
            _ => return,
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let before = {
        let mut told = told.lock().unwrap();
        told.push(target.clone());
        told.len() - 1
    };
    let status = status(&target, before);
    let _ = write!(
        stream,
        "HTTP/1.1 {status} so\r\nContent-Length: 2\r\nLocation: /login\r\nConnection: close\r\n\r\nok"
    );
}
