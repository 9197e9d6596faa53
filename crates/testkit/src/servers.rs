//! The real web servers of this machine, on free ports and in folders of the test's own.
//!
//! ```no_run
//! use stopgap_model::web::WebKind;
//! use stopgap_testkit::servers::Setup;
//!
//! let text = "{basics} http { server { listen 127.0.0.1:{port0}; return 200; } }";
//! let Some(server) = Setup::new(WebKind::Nginx, text).start() else { return };
//! let answer = std::net::TcpStream::connect(("127.0.0.1", server.port(0)));
//! # drop(answer);
//! ```

use std::fmt::Write as _;
use std::fs::{self, File, Permissions};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use stopgap_model::web::WebKind;

/// How long a server may take to start or to end. None takes a second on a machine at rest.
const PATIENCE: Duration = Duration::from_secs(20);
/// Between two looks at whether a server has started or ended.
const TICK: Duration = Duration::from_millis(10);
/// How often a server is started again because another process took one of its ports.
const ATTEMPTS: u32 = 5;

/// Where Debian keeps Apache's modules.
const APACHE_MODULES: &str = "/usr/lib/apache2/modules";
/// The modules that are loaded where they are there: what Debian loads by itself, and what rules,
/// proxies and TLS need.
const LOADED: [&str; 15] = [
    "mpm_event",
    "authn_core",
    "authz_core",
    "authz_host",
    "alias",
    "dir",
    "env",
    "headers",
    "mime",
    "proxy",
    "proxy_http",
    "rewrite",
    "setenvif",
    "socache_shmcb",
    "ssl",
];

/// Tells the servers of one process apart.
static COUNT: AtomicU32 = AtomicU32::new(0);

/// A server that is to be started.
///
/// In the texts `{dir}` stands for the server's folder, `{port0}`, `{port1}` … for free ports, and
/// `{basics}` for what the server needs to run there: where its logs and its process id go, and the
/// modules of Apache.
#[derive(Debug, Clone)]
pub struct Setup<'a> {
    /// Which server.
    pub kind: WebKind,
    /// Its main configuration file.
    pub config: &'a str,
    /// Further files, by their names in the folder.
    pub files: &'a [(&'a str, &'a str)],
    /// Further arguments of the program.
    pub arguments: &'a [&'a str],
}

/// A server that runs in the foreground, as a child of the test. It is stopped, and its folder
/// removed, when this is dropped.
#[derive(Debug)]
pub struct Running {
    kind: WebKind,
    program: PathBuf,
    dir: PathBuf,
    ports: Vec<u16>,
    /// Further arguments of the program.
    arguments: Vec<String>,
    child: Child,
}

/// The program of this kind, if it is installed; else a line says that the test is skipped.
#[must_use]
pub fn program(kind: WebKind) -> Option<PathBuf> {
    let name = match kind {
        WebKind::Nginx => "nginx",
        WebKind::Apache => "apache2",
        WebKind::HaProxy => "haproxy",
    };
    let path = std::env::var("PATH").unwrap_or_default();
    // The path of a user who is not root lacks the folder where Debian keeps them.
    let mut folders = path.split(':').chain(["/usr/sbin"]);
    let found = folders.find_map(|folder| {
        let program = Path::new(folder).join(name);
        program.is_file().then_some(program)
    });
    if found.is_none() {
        println!("skipped: {name} is not installed");
    }
    found
}

/// The modules that `{basics}` loads, as `LoadModule` names them; none but Apache's are loaded.
#[must_use]
pub fn modules(kind: WebKind) -> Vec<String> {
    let there = |module: &&&str| module_file(module).is_file();
    match kind {
        WebKind::Apache => {
            LOADED.iter().filter(there).map(|module| format!("{module}_module")).collect()
        }
        WebKind::Nginx | WebKind::HaProxy => Vec::new(),
    }
}

fn module_file(module: &str) -> PathBuf {
    Path::new(APACHE_MODULES).join(format!("mod_{module}.so"))
}

/// So many ports of loopback that nothing listens on.
#[must_use]
pub fn free_ports(count: usize) -> Vec<u16> {
    // All are held until all are found, so that none is found twice.
    let held: Vec<_> = (0..count)
        .map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port on loopback"))
        .collect();
    held.iter().map(|listener| listener.local_addr().expect("bound").port()).collect()
}

impl<'a> Setup<'a> {
    /// A server with this configuration and nothing else.
    #[must_use]
    pub fn new(kind: WebKind, config: &'a str) -> Self {
        Self { kind, config, files: &[], arguments: &[] }
    }

    /// Starts it, and waits until it answers on every port. `None` where it is not installed.
    ///
    /// # Panics
    /// It does not start.
    #[must_use]
    pub fn start(&self) -> Option<Running> {
        let program = program(self.kind)?;
        for _ in 0..ATTEMPTS {
            if let Some(running) = self.attempt(&program) {
                return Some(running);
            }
        }
        panic!("{}: each time another process took one of its ports", self.kind);
    }

    /// `None` if another process took a port.
    fn attempt(&self, program: &Path) -> Option<Running> {
        let dir = scratch(self.kind);
        let ports = free_ports(self.port_count());
        let basics = basics(self.kind, &dir);
        let filled = |text: &str| fill(text, &basics, &dir, &ports);
        let config = dir.join(config_name(self.kind));
        for (name, text) in self.files {
            write_below(&dir, name, filled(text).as_bytes());
        }
        fs::write(&config, filled(self.config)).expect("the configuration can be written");
        let arguments: Vec<String> = self.arguments.iter().map(|it| filled(it)).collect();
        let child = spawn(self.kind, program, &dir, &arguments);
        let (kind, program) = (self.kind, program.into());
        let mut running = Running { kind, program, dir, ports, arguments, child };
        running.wait_until_ready().then_some(running)
    }

    /// One more than the highest number of a port in the texts.
    fn port_count(&self) -> usize {
        let texts = [self.config].into_iter().chain(self.files.iter().map(|(_, text)| *text));
        let numbers = texts.flat_map(|text| text.split("{port").skip(1));
        let numbers = numbers.filter_map(|rest| rest.split_once('}')?.0.parse::<usize>().ok());
        numbers.max().map_or(0, |highest| highest + 1)
    }
}

impl Running {
    /// Which server it is.
    #[must_use]
    pub fn kind(&self) -> WebKind {
        self.kind
    }

    /// Its program.
    #[must_use]
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Its folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Its main configuration file.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.dir.join(config_name(self.kind))
    }

    /// The process id of its master.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The port that stands for `{portN}`.
    #[must_use]
    pub fn port(&self, number: usize) -> u16 {
        self.ports[number]
    }

    /// `text` with this server's folder and ports in the place of their names.
    #[must_use]
    pub fn filled(&self, text: &str) -> String {
        fill(text, &basics(self.kind, &self.dir), &self.dir, &self.ports)
    }

    /// Writes a file of its folder; answers its path.
    pub fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        write_below(&self.dir, name, bytes)
    }

    /// Stops it; its folder stays.
    pub fn stop(&mut self) {
        self.signal_masters(Signal::TERM);
        self.wait_until_gone();
        let _ = fs::remove_file(self.dir.join(PID_FILE));
    }

    /// Starts it again, with what is in its folder now, and waits until it answers on every port.
    ///
    /// # Panics
    /// It does not start.
    pub fn start_again(&mut self) {
        self.child = spawn(self.kind, &self.program, &self.dir, &self.arguments);
        assert!(self.wait_until_ready(), "another process took one of its ports");
    }

    /// What it wrote to its output and to its error log.
    #[must_use]
    pub fn log(&self) -> String {
        let text = |name| fs::read(self.dir.join(name)).unwrap_or_default();
        let all = [text("output.log"), text("error.log")].concat();
        String::from_utf8_lossy(&all).into_owned()
    }

    /// `false` if another process took a port.
    fn wait_until_ready(&mut self) -> bool {
        let start = Instant::now();
        while !self.is_ready() {
            let ended = self.child.try_wait().expect("its own child");
            if ended.is_some() && self.log().contains("in use") {
                return false;
            }
            let log = self.log();
            assert!(ended.is_none(), "{} does not start: {log}", self.kind);
            assert!(start.elapsed() < PATIENCE, "{} does not get ready: {log}", self.kind);
            thread::sleep(TICK);
        }
        true
    }

    /// The process id is written when every port is bound, so nobody else's port is taken for ours.
    fn is_ready(&self) -> bool {
        let pid = fs::read_to_string(self.dir.join(PID_FILE)).unwrap_or_default();
        let answers = |port: &u16| TcpStream::connect((Ipv4Addr::LOCALHOST, *port)).is_ok();
        !pid.trim().is_empty() && self.ports.iter().all(answers)
    }

    /// The masters that run with this folder: the child, and what was started in its place.
    fn masters(&self) -> Vec<Pid> {
        let processes = fs::read_dir("/proc").expect("the processes");
        let numbers = processes.flatten().filter_map(|entry| {
            let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
            let is_ours = fs::read_link(entry.path().join("exe")).ok()? == self.program
                && names(&fs::read(entry.path().join("cmdline")).ok()?, &self.dir);
            is_ours.then(|| Pid::from_raw(pid)).flatten()
        });
        numbers.collect()
    }

    fn signal_masters(&self, signal: Signal) {
        for pid in self.masters() {
            let _ = kill_process(pid, signal);
        }
    }
}

impl Running {
    fn wait_until_gone(&mut self) {
        let start = Instant::now();
        // A child that has ended stays a process until it is waited for.
        while matches!(self.child.try_wait(), Ok(None)) || !self.masters().is_empty() {
            if start.elapsed() > PATIENCE {
                self.signal_masters(Signal::KILL);
                let _ = self.child.kill();
                let _ = self.child.wait();
                break;
            }
            thread::sleep(TICK);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.signal_masters(Signal::TERM);
        self.wait_until_gone();
        let _ = fs::remove_dir_all(&self.dir);
    }
}

const PID_FILE: &str = "server.pid";

fn config_name(kind: WebKind) -> &'static str {
    match kind {
        WebKind::Nginx => "nginx.conf",
        WebKind::Apache => "apache2.conf",
        WebKind::HaProxy => "haproxy.cfg",
    }
}

/// A new folder that the servers' users may read.
fn scratch(kind: WebKind) -> PathBuf {
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("stopgap-{kind}-{}-{count}", std::process::id());
    let dir = std::env::temp_dir().join(name);
    // A killed test of the same process number may have left one.
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).expect("the temporary folder can be written");
    fs::set_permissions(&dir, Permissions::from_mode(0o755)).expect("the folder is our own");
    dir
}

fn write_below(dir: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = dir.join(name);
    let folder = path.parent().expect("a file is in a folder");
    fs::create_dir_all(folder).expect("a folder of our own");
    fs::write(&path, bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    path
}

fn fill(text: &str, basics: &str, dir: &Path, ports: &[u16]) -> String {
    let mut text = text.replace("{basics}", basics).replace("{dir}", &dir.to_string_lossy());
    for (number, port) in ports.iter().enumerate() {
        text = text.replace(&format!("{{port{number}}}"), &port.to_string());
    }
    text
}

fn basics(kind: WebKind, dir: &Path) -> String {
    let dir = dir.display();
    match kind {
        WebKind::Nginx => format!(
            "pid {dir}/{PID_FILE};\nerror_log {dir}/error.log;\n\
             events {{ worker_connections 512; }}\n"
        ),
        WebKind::Apache => {
            let mut text = format!(
                "ServerRoot {dir}\nServerName localhost\nPidFile {dir}/{PID_FILE}\n\
                 DefaultRuntimeDir {dir}\nErrorLog {dir}/error.log\n\
                 TypesConfig /dev/null\nUser www-data\nGroup www-data\n"
            );
            for module in LOADED.iter().filter(|module| module_file(module).is_file()) {
                let file = module_file(module);
                // A text takes no harm from being written to.
                let _ = writeln!(text, "LoadModule {module}_module {}", file.display());
            }
            text
        }
        WebKind::HaProxy => String::new(),
    }
}

fn spawn(kind: WebKind, program: &Path, dir: &Path, arguments: &[String]) -> Child {
    let output = File::create(dir.join("output.log")).expect("a file for the output");
    command(kind, program, dir, &dir.join(config_name(kind)))
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(output.try_clone().expect("a second handle"))
        .stderr(output)
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}", program.display()))
}

fn command(kind: WebKind, program: &Path, dir: &Path, config: &Path) -> Command {
    let mut command = Command::new(program);
    match kind {
        WebKind::Nginx => {
            command.arg("-p").arg(dir).arg("-c").arg(config).args(["-g", "daemon off;"]);
        }
        WebKind::Apache => {
            command.arg("-d").arg(dir).arg("-f").arg(config).arg("-DFOREGROUND");
        }
        WebKind::HaProxy => {
            command.arg("-W").arg("-p").arg(dir.join(PID_FILE)).arg("-f").arg(config);
        }
    }
    command.current_dir(dir);
    command
}

/// Whether a command line names something of the folder, which no other server does.
fn names(command_line: &[u8], dir: &Path) -> bool {
    let dir = dir.as_os_str().as_encoded_bytes();
    let follows = |at: usize| command_line.get(at + dir.len()).is_none_or(|b| !b.is_ascii_digit());
    let mut found = command_line.windows(dir.len()).enumerate();
    found.any(|(at, part)| part == dir && follows(at))
}
