//! The real servers of this machine: found, tested, reloaded, started again, asked.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says plainly what it expects"
)]

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use stopgap_host::{Answer, DeclaredServer, Host as _, LinuxHost, Live, TestError, WebSettings};
use stopgap_model::web::{BESIDE_SUFFIX, Listen, WebKind, WebServer, WebSite};
use stopgap_model::{Fact, Request, ServerPath};
use stopgap_testkit::servers::{Running, Setup, free_ports, program};

const KINDS: [WebKind; 3] = [WebKind::Nginx, WebKind::Apache, WebKind::HaProxy];
/// How long something may take that happens at once.
const PATIENCE: Duration = Duration::from_secs(20);
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
    let declared = DeclaredServer { kind: running.kind(), config, program, base: None };
    LinuxHost::open(WebSettings { find: false, servers: vec![declared] }).expect("this machine")
}

fn only(host: &LinuxHost) -> WebServer {
    let servers = host.web_servers();
    let [server] = servers.as_slice() else { panic!("{servers:?}") };
    server.clone()
}

fn live(host: &LinuxHost) -> &dyn Live {
    host.live().expect("this machine is live")
}

fn site(port: u16) -> WebSite {
    let listen = Listen::Port(Some(Ipv4Addr::LOCALHOST.into()), port);
    WebSite { name: String::new(), listen, tls: false }
}

fn get(target: &str) -> Request {
    Request::from_line(&format!("GET {target}")).expect("a request")
}

fn status(host: &LinuxHost, port: u16) -> Answer {
    live(host).ask(&site(port), &get("/"))
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

#[test]
fn several_instances_of_each_server_are_found() {
    for kind in KINDS {
        let (Some(first), Some(second)) = (start(kind, 1), start(kind, 1)) else { continue };
        let host = LinuxHost::open(WebSettings { find: true, servers: Vec::new() }).unwrap();
        let servers = host.web_servers();
        for running in [&first, &second] {
            let config = [path(&running.config())];
            let found: Vec<_> = servers.iter().filter(|server| server.config == config).collect();
            let [server] = found.as_slice() else { panic!("{kind}: {servers:?}") };
            assert_eq!(server.kind, kind);
            assert_eq!(server.program, path(running.program()));
            assert_eq!(server.base, path(running.dir()), "{kind}");
            assert_eq!(server.running, Fact::Known(true));
            assert_eq!(server.source, format!("process {}", running.pid()));
            assert!(server.version.known().is_some(), "{kind}: {:?}", server.version);
            assert!(server.modules.known().is_some_and(|modules| !modules.is_empty()));
            assert!(live(&host).is_running(server));
        }
        let ids: Vec<_> = servers.iter().map(WebServer::id).collect();
        assert!(ids.is_sorted_by(|one, other| one < other), "{ids:?}");
    }
}

#[test]
fn what_packages_installed_is_found_although_it_does_not_run() {
    let host = LinuxHost::open(WebSettings { find: true, servers: Vec::new() }).unwrap();
    let servers = host.web_servers();
    for (program, config) in [
        ("/usr/sbin/nginx", "/etc/nginx/nginx.conf"),
        ("/usr/sbin/apache2", "/etc/apache2/apache2.conf"),
        ("/usr/sbin/haproxy", "/etc/haproxy/haproxy.cfg"),
    ] {
        if !Path::new(program).exists() || !Path::new(config).exists() {
            continue;
        }
        let found = servers.iter().find(|server| server.config == [ServerPath::new(config)]);
        let server = found.unwrap_or_else(|| panic!("{servers:?}"));
        assert_eq!(server.program, ServerPath::new(program));
        assert!(server.version.known().is_some());
        let user = server.variables.get("APACHE_RUN_USER").map(String::as_str);
        assert_eq!(user, (server.kind == WebKind::Apache).then_some("www-data"));
    }
}

#[test]
fn a_declared_server_is_the_one_that_runs_however_its_path_is_spelled() {
    for kind in KINDS {
        let Some(running) = start(kind, 1) else { continue };
        let link = running.dir().join("linked.conf");
        symlink(running.config(), &link).unwrap();
        let config = vec![path(&link)];
        let declared = DeclaredServer { kind, config, program: None, base: None };
        let settings = WebSettings { find: false, servers: vec![declared] };
        let host = LinuxHost::open(settings).unwrap();
        let server = only(&host);
        assert_eq!(server.config, [path(&running.config())], "{kind}");
        assert_eq!(server.running, Fact::Known(true));
    }
}

#[test]
fn a_reload_takes_a_new_configuration_and_ends_no_download() {
    for kind in KINDS {
        let (backend, go_on, begun) = slow_application();
        let Some(running) = start(kind, backend) else { continue };
        let host = host_of(&running, None);
        let server = only(&host);
        assert_eq!(status(&host, running.port(0)), Answer::Status(404), "{kind}");

        let mut download = TcpStream::connect((Ipv4Addr::LOCALHOST, running.port(1))).unwrap();
        download.write_all(DOWNLOAD).unwrap();
        begun.recv_timeout(PATIENCE).expect("the application is asked");

        for status_now in [410, 403, 404] {
            let text = running.filled(&config(kind, status_now, backend));
            fs::write(running.config(), text).unwrap();
            assert_eq!(live(&host).test(&server, &[]), Ok(()), "{kind}");
            assert_eq!(live(&host).reload(&server), Ok(()), "{kind}: {}", running.log());
            for _ in 0..20 {
                let answer = status(&host, running.port(0));
                assert_eq!(answer, Answer::Status(status_now), "{kind}");
            }
        }
        go_on.send(()).unwrap();
        let mut answer = String::new();
        download.read_to_string(&mut answer).unwrap();
        assert!(answer.ends_with("12345678"), "{kind}: {answer}");
        assert_eq!(leftovers(running.dir()), 0);
    }
}

#[test]
#[ignore = "prints how long a reload takes, and asserts no time"]
fn how_long_a_reload_takes() {
    for kind in KINDS {
        let Some(running) = start(kind, 1) else { continue };
        let host = host_of(&running, None);
        let begin = Instant::now();
        let server = only(&host);
        let found = begin.elapsed();
        let again = Instant::now();
        assert_eq!(only(&host), server);
        let again = again.elapsed();
        let test = Instant::now();
        assert_eq!(live(&host).test(&server, &[]), Ok(()));
        let test = test.elapsed();
        let reload = Instant::now();
        assert_eq!(live(&host).reload(&server), Ok(()));
        let reload = reload.elapsed();
        println!(
            "{kind}: found {found:?}, again {again:?}, test {test:?}, test and reload {reload:?}"
        );
    }
}

#[test]
fn two_haproxies_that_share_a_file_are_told_of() {
    let Some(running) = start(WebKind::HaProxy, 1) else { return };
    let first = path(&running.config());
    let second = path(&running.write("more.cfg", b""));
    let declared =
        |config| DeclaredServer { kind: WebKind::HaProxy, config, program: None, base: None };
    let servers = vec![declared(vec![first.clone()]), declared(vec![first, second])];
    let host = LinuxHost::open(WebSettings { find: false, servers }).unwrap();
    assert!(only(&host).source.ends_with("(and policy.toml, which is not looked at)"));
}

#[test]
fn a_configuration_that_the_server_refuses_leaves_it_running() {
    for kind in KINDS {
        let Some(running) = start(kind, 1) else { continue };
        let host = host_of(&running, None);
        let server = only(&host);
        fs::write(running.config(), running.filled("{basics}\nnonsense {\n")).unwrap();
        let refused = live(&host).test(&server, &[]);
        let Err(TestError::Refused { program, said }) = refused else { panic!("{refused:?}") };
        assert_eq!(program, path(running.program()));
        assert!(said.contains("nonsense"), "{said}");
        let reloaded = live(&host).reload(&server);
        assert!(reloaded.as_ref().is_err_and(|why| why.contains("nonsense")), "{reloaded:?}");
        assert!(live(&host).is_running(&server));
        assert_eq!(status(&host, running.port(0)), Answer::Status(404));
    }
}

#[test]
fn a_staged_configuration_is_tested_and_nothing_of_it_stays() {
    for kind in KINDS {
        let Some(running) = start(kind, 1) else { continue };
        let host = host_of(&running, None);
        let server = only(&host);
        let main = path(&running.config());
        let before = fs::read(running.config()).unwrap();
        let good = running.filled(&config(kind, 410, 1)).into_bytes();
        assert_eq!(live(&host).test(&server, &[(main.clone(), good)]), Ok(()), "{kind}");
        let bad = running.filled("{basics}\nnonsense {\n").into_bytes();
        let bad = live(&host).test(&server, &[(main.clone(), bad)]);
        let Err(TestError::Refused { said, .. }) = bad else { panic!("{bad:?}") };
        assert!(said.contains(BESIDE_SUFFIX), "{said}");
        let nowhere = ServerPath::new("/none/x");
        let staged = [(main, Vec::new()), (nowhere, Vec::new())];
        let not_made = live(&host).test(&server, &staged);
        assert!(matches!(not_made, Err(TestError::NotMade(_))), "{not_made:?}");
        assert_eq!(leftovers(running.dir()), 0);
        assert_eq!(fs::read(running.config()).unwrap(), before);
        assert_eq!(status(&host, running.port(0)), Answer::Status(404));
    }
}

#[test]
fn a_staged_file_of_a_folder_of_haproxy_takes_its_place_in_the_order() {
    let Some(running) = start(WebKind::HaProxy, 1) else { return };
    let text = running.filled(&config(WebKind::HaProxy, 404, 1));
    let (head, tail) = text.split_at(text.find("frontend two").unwrap());
    running.write("conf.d/1.cfg", head.as_bytes());
    running.write("conf.d/2.cfg", tail.as_bytes());
    let config = vec![path(&running.dir().join("conf.d"))];
    let declared = DeclaredServer { kind: WebKind::HaProxy, config, program: None, base: None };
    let settings = WebSettings { find: false, servers: vec![declared] };
    let host = LinuxHost::open(settings).unwrap();
    let server = only(&host);
    assert_eq!(server.running, Fact::Known(false));
    assert_eq!(server.source, "policy.toml");
    assert_eq!(live(&host).test(&server, &[]), Ok(()));
    let first = path(&running.dir().join("conf.d/1.cfg"));
    let staged = |text: &str| [(first.clone(), text.as_bytes().to_vec())];
    assert_eq!(live(&host).test(&server, &staged(head)), Ok(()));
    let bad = live(&host).test(&server, &staged("nonsense\n"));
    assert!(matches!(bad, Err(TestError::Refused { .. })), "{bad:?}");
    assert_eq!(leftovers(&running.dir().join("conf.d")), 0);
}

#[test]
fn a_test_that_hangs_is_ended_and_so_is_what_it_started() {
    let Some(running) = start(WebKind::Nginx, 1) else { return };
    let mark = running.dir().join("started");
    let script = format!(
        "#!/bin/sh\ncase $1 in -V) exec /usr/sbin/nginx -V;; esac\n\
         sleep 600 &\necho $! > {}\nwait\n",
        mark.display()
    );
    let program = running.write("hanging", script.as_bytes());
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let host = host_of(&running, Some(path(&program)));
    let server = only(&host);
    assert!(server.version.known().is_some(), "{:?}", server.version);
    let main = path(&running.config());
    let hanging = live(&host).test(&server, &[(main, b"x".to_vec())]);
    let Err(TestError::NotMade(why)) = hanging else { panic!("{hanging:?}") };
    assert!(why.contains("did not end within"), "{why}");
    assert_eq!(leftovers(running.dir()), 0);
    let child: i32 = fs::read_to_string(&mark).unwrap().trim().parse().unwrap();
    until("what the test started is ended", || {
        let stat = fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
        stat.is_empty() || stat.contains(") Z ")
    });
    assert_eq!(status(&host, running.port(0)), Answer::Status(404));
}

#[test]
fn a_program_that_anybody_may_write_is_not_run() {
    let Some(running) = start(WebKind::Nginx, 1) else { return };
    let mark = running.dir().join("was-run");
    let program =
        running.write("open", format!("#!/bin/sh\ntouch {}\n", mark.display()).as_bytes());
    fs::set_permissions(&program, fs::Permissions::from_mode(0o777)).unwrap();
    let host = host_of(&running, Some(path(&program)));
    let server = only(&host);
    assert!(matches!(&server.version, Fact::Unknown(why) if why.contains("not trusted")));
    assert!(matches!(live(&host).test(&server, &[]), Err(TestError::NotMade(_))));
    assert!(!mark.exists());
}

#[test]
fn a_server_that_died_is_started_again_as_it_was() {
    for kind in KINDS {
        let Some(running) = start(kind, 1) else { continue };
        let host = host_of(&running, None);
        let server = only(&host);
        kill_process(Pid::from_raw(running.pid().try_into().unwrap()).unwrap(), Signal::TERM)
            .unwrap();
        until("the server ends", || {
            !live(&host).is_running(&server)
                && TcpStream::connect((Ipv4Addr::LOCALHOST, running.port(0))).is_err()
        });
        assert_eq!(only(&host).running, Fact::Known(false));
        assert!(live(&host).reload(&server).is_err());
        assert_eq!(live(&host).start(&server), Ok(()), "{kind}: {}", running.log());
        assert!(live(&host).is_running(&server));
        assert_eq!(status(&host, running.port(0)), Answer::Status(404), "{kind}");
        assert_eq!(live(&host).start(&server), Ok(()), "it runs already");
        assert_eq!(live(&host).reload(&server), Ok(()), "{kind}");
    }
}

#[test]
fn a_server_whose_port_was_taken_meanwhile_does_not_start_and_leaves_nothing() {
    for kind in KINDS {
        let Some(running) = start(kind, 1) else { continue };
        let host = host_of(&running, None);
        let server = only(&host);
        kill_process(Pid::from_raw(running.pid().try_into().unwrap()).unwrap(), Signal::TERM)
            .unwrap();
        let mut taken = None;
        until("the port is free", || {
            taken = TcpListener::bind((Ipv4Addr::LOCALHOST, running.port(0))).ok();
            taken.is_some()
        });
        until("the server ends", || !live(&host).is_running(&server));
        let started = live(&host).start(&server);
        assert!(started.is_err(), "{kind}");
        assert!(!live(&host).is_running(&server), "{kind}");
        drop(taken);
    }
}

#[test]
fn a_single_process_of_nginx_is_not_told_to_reload() {
    let text = format!("master_process off;\n{}", config(WebKind::Nginx, 404, 1));
    let Some(running) = Setup::new(WebKind::Nginx, &text).start() else { return };
    let host = host_of(&running, None);
    let server = only(&host);
    assert_eq!(server.running, Fact::Known(true));
    let reloaded = live(&host).reload(&server);
    assert!(reloaded.as_ref().is_err_and(|why| why.contains("single")), "{reloaded:?}");
    assert_eq!(status(&host, running.port(0)), Answer::Status(404));
}

/// A server in the background, as a command started it; ended when it is dropped.
struct Background {
    kind: WebKind,
    dir: PathBuf,
    ports: Vec<u16>,
}

impl Background {
    fn new(kind: WebKind, name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("stopgap-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).unwrap();
        Self { kind, dir, ports: free_ports(2) }
    }

    fn config(&self) -> PathBuf {
        self.dir.join("main.conf")
    }

    /// Writes its configuration, with `basics` at its head.
    fn write(&self, basics: &str, status: u16, backend: u16) {
        let mut text = config(self.kind, status, backend).replace("{basics}", "");
        for (number, port) in self.ports.iter().enumerate() {
            text = text.replace(&format!("{{port{number}}}"), &port.to_string());
        }
        let basics = basics.replace("{dir}", self.dir.to_str().unwrap());
        fs::write(self.config(), format!("{basics}{text}")).unwrap();
    }

    fn start(&self, program: &Path, arguments: &[&str]) {
        let mut command = Command::new(program);
        command.args(arguments).arg("-f").arg(self.config());
        assert!(command.status().unwrap().success());
    }

    fn host(&self) -> LinuxHost {
        let config = vec![path(&self.config())];
        let declared = DeclaredServer { kind: self.kind, config, program: None, base: None };
        LinuxHost::open(WebSettings { find: false, servers: vec![declared] }).unwrap()
    }

    fn pid(&self) -> Option<Pid> {
        let pid = fs::read_to_string(self.dir.join("pid")).ok()?;
        Pid::from_raw(pid.trim().parse().ok()?)
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if let Some(pid) = self.pid() {
            let _ = kill_process(pid, Signal::TERM);
        }
        let start = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.ports[0])).is_ok()
            && start.elapsed() < PATIENCE
        {
            thread::sleep(Duration::from_millis(10));
        }
        let _ = fs::remove_dir_all(&self.dir);
    }
}

#[test]
fn haproxy_without_a_master_is_taken_over_from() {
    let Some(program) = program(WebKind::HaProxy) else { return };
    let alone = Background::new(WebKind::HaProxy, "alone");
    // It locks itself up, as Debian's configuration has it.
    let basics = "global\n  chroot {dir}\n";
    alone.write(basics, 404, 1);
    alone.start(&program, &["-D", "-p", alone.dir.join("pid").to_str().unwrap()]);
    let host = alone.host();
    until("it runs", || status(&host, alone.ports[0]) == Answer::Status(404));
    let server = only(&host);
    assert_eq!(server.running, Fact::Known(true));
    let old = alone.pid();
    for status_now in [410, 403] {
        alone.write(basics, status_now, 1);
        assert_eq!(live(&host).reload(&server), Ok(()));
        assert_eq!(status(&host, alone.ports[0]), Answer::Status(status_now));
    }
    until("the new one has said its number", || alone.pid() != old);
    assert!(live(&host).is_running(&server));
}

#[test]
fn apache_with_a_process_or_a_thread_for_each_connection_reloads_too() {
    let Some(program) = program(WebKind::Apache) else { return };
    for mpm in ["mpm_prefork", "mpm_worker"] {
        let (backend, go_on, begun) = slow_application();
        let mut basics = "ServerName localhost\nPidFile {dir}/pid\nDefaultRuntimeDir {dir}\n\
                          ErrorLog {dir}/error.log\nUser www-data\n"
            .to_owned();
        for module in [mpm, "authz_core", "alias", "proxy", "proxy_http"] {
            let file = format!("/usr/lib/apache2/modules/mod_{module}.so");
            basics.push_str(&format!("LoadModule {module}_module {file}\n"));
        }
        let apache = Background::new(WebKind::Apache, mpm);
        apache.write(&basics, 404, backend);
        apache.start(&program, &["-d", apache.dir.to_str().unwrap()]);
        let host = apache.host();
        until("it runs", || status(&host, apache.ports[0]) == Answer::Status(404));
        let server = only(&host);
        let mut download = TcpStream::connect((Ipv4Addr::LOCALHOST, apache.ports[1])).unwrap();
        download.write_all(DOWNLOAD).unwrap();
        begun.recv_timeout(PATIENCE).expect("the application is asked");
        apache.write(&basics, 410, backend);
        assert_eq!(live(&host).reload(&server), Ok(()), "{mpm}");
        for _ in 0..20 {
            assert_eq!(status(&host, apache.ports[0]), Answer::Status(410), "{mpm}");
        }
        go_on.send(()).unwrap();
        let mut answer = String::new();
        download.read_to_string(&mut answer).unwrap();
        assert!(answer.ends_with("12345678"), "{mpm}: {answer}");
    }
}

#[test]
fn a_site_with_a_certificate_of_its_own_is_asked_by_its_name() {
    let text = "{basics}\nhttp { access_log off; ssl_certificate {dir}/c.pem; \
        ssl_certificate_key {dir}/k.pem;\n\
        server { listen 127.0.0.1:{port0} ssl; return 410; }\n\
        server { listen 127.0.0.1:{port0} ssl; server_name *.example.org; return 403; }\n\
        server { listen unix:{dir}/s; return 405; } }\n";
    let keys = std::env::temp_dir().join(format!("stopgap-keys-{}", std::process::id()));
    fs::create_dir_all(&keys).unwrap();
    let (key, certificate) = (keys.join("k.pem"), keys.join("c.pem"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"])
        .args(["-days", "1", "-subj", "/CN=somebody else", "-keyout"])
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .output();
    let Ok(made) = made else {
        println!("skipped: openssl is not installed");
        return;
    };
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let (key, certificate) = (fs::read_to_string(key), fs::read_to_string(certificate));
    fs::remove_dir_all(&keys).unwrap();
    let files = [("k.pem", key.unwrap()), ("c.pem", certificate.unwrap())];
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, &**text)).collect();
    let setup = Setup { files: &files, ..Setup::new(WebKind::Nginx, text) };
    let Some(running) = setup.start() else { return };
    let host = host_of(&running, None);
    let site = |name: &str| WebSite { name: name.into(), tls: true, ..site(running.port(0)) };
    let ask = |site: &WebSite| live(&host).ask(site, &get("/"));
    assert_eq!(ask(&site("")), Answer::Status(410));
    assert_eq!(ask(&site("*.example.org")), Answer::Status(403));
    let plain = WebSite { tls: false, ..site("") };
    assert_eq!(ask(&plain), Answer::Status(400), "plain HTTP to a port of TLS");
    let socket = Listen::Unix(path(&running.dir().join("s")));
    assert_eq!(ask(&WebSite { listen: socket, ..plain.clone() }), Answer::Status(405));
    let none = Listen::Unix(path(&running.dir().join("none")));
    assert!(matches!(ask(&WebSite { listen: none, ..plain }), Answer::Unreachable(_)));
}

#[test]
fn a_site_that_says_nothing_closes_or_is_not_there_is_told_apart() {
    let running = free_ports(1);
    let host = LinuxHost::open(WebSettings { find: false, servers: Vec::new() }).unwrap();
    assert_eq!(host.web_servers(), []);
    assert!(matches!(status(&host, running[0]), Answer::Unreachable(_)));
    let tls = |port| WebSite { tls: true, ..site(port) };

    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    assert_eq!(status(&host, silent.local_addr().unwrap().port()), Answer::Nothing);

    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            drop(stream);
        }
    });
    assert_eq!(status(&host, port), Answer::Closed);
    let no_tls = live(&host).ask(&tls(port), &get("/"));
    assert!(matches!(no_tls, Answer::Unreachable(_)), "{no_tls:?}");
    let unasked = WebSite { listen: Listen::Unasked("it is far away".into()), ..site(0) };
    let told = live(&host).ask(&unasked, &get("/"));
    assert_eq!(told, Answer::Unreachable("it is far away".into()));
}
