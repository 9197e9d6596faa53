//! The real servers of this machine: found, tested, reloaded, started again, asked.
#![cfg(unix)] // servers that run on Linux
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says plainly what it expects"
)]

mod asked;
mod background;
mod found;
mod posing;
mod reloaded;
mod tested;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use self::background::Background;
use rustix::process::{Pid, Signal, kill_process};
use stopgap_host::{
    Answer, LinuxHost, ProbeEvent, ProbeRequest, Prober, ServerControl, TestError, WebServers as _,
};
use stopgap_model::web::{BESIDE_SUFFIX, Listen, WebKind, WebServer, WebSite};
use stopgap_model::web::{DeclaredServer, WebSettings};
use stopgap_model::{Fact, Request, ServerPath};
use stopgap_testkit::servers::{Running, Setup, free_ports, program};

const KINDS: [WebKind; 3] = [WebKind::Nginx, WebKind::Apache, WebKind::HaProxy];
/// How long something may take that happens at once.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long a site has to answer.
const ANSWER_TIME: Duration = Duration::from_secs(5);
/// A request whose answer takes its time.
const DOWNLOAD: &[u8] = b"GET /x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/// A configuration that answers with `status` on `{port0}`, and passes on what is asked on
/// `{port1}` to what listens on `backend`.
fn config(kind: WebKind, status: u16, backend: u16) -> String {
    match kind {
        WebKind::Nginx => format!(
            "{{basics}}\nhttp {{ access_log off; proxy_temp_path {{dir}}/proxy; \
             client_body_temp_path {{dir}}/body;\n\
             server {{ listen 127.0.0.1:{{port0}}; return {status}; }}\n\
             server {{ listen 127.0.0.1:{{port1}};\n\
             location / {{ proxy_pass http://127.0.0.1:{backend}; proxy_buffering off; }} }} }}\n"
        ),
        WebKind::Apache => format!(
            "{{basics}}\nListen 127.0.0.1:{{port0}}\nListen 127.0.0.1:{{port1}}\n\
             <VirtualHost *:{{port0}}>\nRedirect {status} /\n</VirtualHost>\n\
             <VirtualHost *:{{port1}}>\nProxyPass / http://127.0.0.1:{backend}/\n</VirtualHost>\n"
        ),
        WebKind::HaProxy => format!(
            "defaults\n  mode http\n  timeout client 30s\n  timeout connect 5s\n  \
             timeout server 30s\nfrontend one\n  bind 127.0.0.1:{{port0}}\n  \
             http-request return status {status}\nfrontend two\n  bind 127.0.0.1:{{port1}}\n  \
             default_backend slow\nbackend slow\n  server s 127.0.0.1:{backend}\n"
        ),
    }
}

fn start(kind: WebKind, backend: u16) -> Option<Running> {
    Setup::new(kind, &config(kind, 404, backend)).start()
}

fn path(path: &Path) -> ServerPath {
    ServerPath::new(path.to_str().expect("a path of text"))
}

/// This machine with nothing but one server.
fn host_of(running: &Running, program: Option<ServerPath>) -> LinuxHost {
    let config = vec![path(&running.config())];
    let declared = DeclaredServer { config, program, ..DeclaredServer::new(running.kind()) };
    LinuxHost::open(WebSettings { find: false, servers: vec![declared] }).expect("this machine")
}

fn only(host: &LinuxHost) -> WebServer {
    let servers = host.web_servers();
    let [server] = servers.as_slice() else { panic!("{servers:?}") };
    server.clone()
}

fn live(host: &LinuxHost) -> &dyn ServerControl {
    host.control().expect("this machine is live")
}

fn site(port: u16) -> WebSite {
    let listen = Listen::Port(Some(Ipv4Addr::LOCALHOST.into()), port);
    WebSite { name: String::new(), listen, tls: false, block: 0 }
}

fn get(target: &str) -> Request {
    Request::from_line(&format!("GET {target}")).expect("a request")
}

fn status(host: &LinuxHost, port: u16) -> Answer {
    ask(host, &site(port))
}

/// What a site answers to a request for `/`.
fn ask(host: &LinuxHost, site: &WebSite) -> Answer {
    let mut prober = live(host).prober(PATIENCE);
    prober.send(ProbeRequest { site: site.clone(), request: get("/"), patience: ANSWER_TIME });
    match prober.next_event(PATIENCE) {
        Some(ProbeEvent::Answered(0, answer)) => answer,
        other => panic!("{other:?}"),
    }
}

/// The files beside which nothing may be left.
fn leftovers(dir: &Path) -> usize {
    let entries = fs::read_dir(dir).expect("the folder");
    let names = entries.flatten().map(|entry| entry.file_name());
    names.filter(|name| name.to_string_lossy().ends_with(BESIDE_SUFFIX)).count()
}

fn until(what: &str, mut happened: impl FnMut() -> bool) {
    let start = Instant::now();
    while !happened() {
        assert!(start.elapsed() < PATIENCE, "{what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// An application that answers each request with half of its body, and with the other half when it
/// is told to.
fn slow_application() -> (u16, std::sync::mpsc::Sender<()>, Receiver<()>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let (go_on, told) = channel();
    let (begun, begins) = channel();
    thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let mut request = [0; 4096];
            if stream.read(&mut request).unwrap_or(0) == 0 {
                continue;
            }
            let head = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n1234";
            stream.write_all(head).and_then(|()| stream.flush()).expect("sent");
            begun.send(()).expect("the test is there");
            if told.recv().is_err() {
                return;
            }
            stream.write_all(b"5678").expect("sent");
        }
    });
    (port, go_on, begins)
}
