//! A throwaway host: systemd as its first process, this machine's files as its own.
//!
//! It has namespaces of its own, so nothing of it is left: what it writes goes to memory, it has a
//! network with a loopback alone, and it ends with the test, however that ends. What is built for
//! this machine runs in it, and so do the packages that are installed here.
//!
//! ```no_run
//! use stopgap_testkit::throwaway::ThrowawayHost;
//!
//! let Some(host) = ThrowawayHost::boot() else { return };
//! host.shell("systemctl start nginx").expect_success();
//! assert_eq!(host.get(80, "/"), 200);
//! host.shell_as("mallory", "echo >> /etc/passwd").expect_failure();
//! ```

use std::fs::{self, Permissions};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::os::fd::AsFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// How long it may take to boot; at rest it takes 2 s.
const PATIENCE: Duration = Duration::from_secs(90);
/// Between two looks at whether it has.
const TICK: Duration = Duration::from_millis(50);
/// How long a command in it may take, in seconds.
const COMMAND_TIME: &str = "180";
/// How long an answer may take.
const ANSWER_TIME: Duration = Duration::from_secs(10);
/// What is started at boot: the bus and the journal, and no server.
const TARGET: &str = "basic.target";
const SYSTEMD: &str = "/lib/systemd/systemd";
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The ordinary user of each throwaway host, with a home and without any right.
pub const MALLORY: &str = "mallory";

/// Tells the hosts of one process apart.
static COUNT: AtomicU32 = AtomicU32::new(0);

/// A throwaway host that runs. It is ended when this is dropped.
#[derive(Debug)]
pub struct ThrowawayHost {
    /// What ends the host when its input ends.
    keeper: Child,
    /// Its first process, by the number that this has here.
    pid: u32,
}

/// What a command in a throwaway host came to.
#[derive(Debug, Clone)]
pub struct Said {
    /// Its exit code; -1 if a signal ended it.
    pub code: i32,
    /// Its output.
    pub out: String,
    /// Its error output.
    pub err: String,
    command: String,
}

impl ThrowawayHost {
    /// Boots one. `None`, with a line that says why the test is skipped, where that is not possible:
    /// without root's rights, without systemd, in a container that may mount nothing.
    ///
    /// # Panics
    /// It boots and does not come up.
    #[must_use]
    pub fn boot() -> Option<Self> {
        let skipped = |why: &str| {
            println!("skipped: no throwaway host: {why}");
            None
        };
        if !rustix::process::geteuid().is_root() {
            return skipped("only root can make one");
        }
        let needed = [SYSTEMD, "/usr/bin/unshare", "/usr/bin/nsenter", "/usr/bin/dbus-daemon"];
        if let Some(missing) = needed.iter().find(|program| !Path::new(program).exists()) {
            return skipped(&format!("{missing} is not installed"));
        }
        let mut keeper = keep().spawn().expect("a shell");
        let mut first = String::new();
        let said = keeper.stdout.take().map(|out| BufReader::new(out).read_line(&mut first));
        let Some(pid) = said.and_then(|_| first.trim().parse().ok()) else {
            let mut why = String::new();
            drop(keeper.stdin.take());
            let _ = keeper.stderr.take().map(|mut err| err.read_to_string(&mut why));
            let _ = keeper.wait();
            return skipped(&why.trim().replace('\n', "; "));
        };
        let host = Self { keeper, pid };
        host.wait_until_up();
        host.shell(&format!("useradd --create-home --shell /bin/sh {MALLORY}")).expect_success();
        Some(host)
    }

    /// Runs a script of the shell as root, as one who logged in does.
    #[must_use = "whether it succeeded is for the test to say"]
    pub fn shell(&self, script: &str) -> Said {
        self.shell_as("root", script)
    }

    /// Runs a script of the shell as a user.
    #[must_use = "whether it succeeded is for the test to say"]
    pub fn shell_as(&self, user: &str, script: &str) -> Said {
        let output = self.command_as(user, &["/bin/sh", "-c", script]).output();
        Said::of(script, &output.expect("nsenter is there"))
    }

    /// A program with its arguments in the host, as a user.
    #[must_use]
    pub fn command_as(&self, user: &str, command: &[&str]) -> Command {
        // Who logs in is in a session's control group, not in that of a service.
        let enter = "group=/sys/fs/cgroup/user.slice/user-$(id -u \"$0\").slice/session-1.scope\n\
                     mkdir -p $group && echo $$ > $group/cgroup.procs\n\
                     exec setpriv --reuid \"$0\" --regid \"$(id -g \"$0\")\" --init-groups \"$@\"";
        let mut inside = Command::new("/usr/bin/nsenter");
        inside.args(["-t", &self.pid.to_string(), "-m", "-u", "-i", "-n", "-p", "-C", "-r", "-w"]);
        let home = if user == "root" { "/root".to_owned() } else { format!("/home/{user}") };
        inside.args(["/usr/bin/timeout", "-k", "5", COMMAND_TIME, "/bin/sh", "-c", enter, user]);
        inside.args(command).env_clear().env("PATH", PATH).env("HOME", home).env("USER", user);
        inside.stdin(Stdio::null());
        inside
    }

    /// Where a file of the host is found from here. Links in it lead elsewhere here.
    ///
    /// # Panics
    /// The path does not begin with `/`.
    #[must_use]
    pub fn path(&self, path: &str) -> PathBuf {
        let below = path.strip_prefix('/').expect("a path from the root");
        Path::new("/proc").join(self.pid.to_string()).join("root").join(below)
    }

    /// Copies a program of this machine into the host, for everybody to run.
    ///
    /// # Panics
    /// It cannot be copied.
    pub fn install(&self, program: &Path, path: &str) {
        let bytes = fs::read(program).expect("a program that was built");
        self.write(path, &bytes, 0o755);
    }

    /// Writes a file of root's, with the folders above it.
    ///
    /// # Panics
    /// It cannot be written.
    pub fn write(&self, path: &str, bytes: impl AsRef<[u8]>, mode: u32) {
        let there = self.path(path);
        fs::create_dir_all(there.parent().expect("a file is in a folder")).expect("a folder");
        fs::write(&there, bytes).unwrap_or_else(|error| panic!("{path}: {error}"));
        fs::set_permissions(&there, Permissions::from_mode(mode)).expect("a file of root's");
    }

    /// The bytes of a file; none if it is not there.
    #[must_use]
    pub fn read(&self, path: &str) -> Option<Vec<u8>> {
        fs::read(self.path(path)).ok()
    }

    /// Does something on a thread that is in the host's network.
    ///
    /// # Panics
    /// It panics there.
    pub fn in_network<T: Send>(&self, what: impl FnOnce() -> T + Send) -> T {
        let network = fs::File::open(format!("/proc/{}/ns/net", self.pid)).expect("it runs");
        thread::scope(|scope| {
            let inside = scope.spawn(move || {
                let kind = Some(LinkNameSpaceType::Network);
                move_into_link_name_space(network.as_fd(), kind).expect("root may");
                what()
            });
            inside.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// The status with which a server of the host answers; 0 if it answers nothing.
    #[must_use]
    pub fn get(&self, port: u16, target: &str) -> u16 {
        self.in_network(|| status_of(port, target))
    }

    fn wait_until_up(&self) {
        let start = Instant::now();
        loop {
            // `running`, or `degraded` where a service of this machine does not start in it.
            let state = self.command_as("root", &["systemctl", "is-system-running"]).output();
            let state = Said::of("systemctl is-system-running", &state.expect("nsenter is there"));
            if matches!(state.out.trim(), "running" | "degraded") {
                return;
            }
            assert!(start.elapsed() < PATIENCE, "the throwaway host does not come up: {state:?}");
            thread::sleep(TICK);
        }
    }
}

impl Drop for ThrowawayHost {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

impl Said {
    fn of(command: &str, output: &Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
            command: command.to_owned(),
        }
    }

    /// What it said; it has to have succeeded.
    ///
    /// # Panics
    /// It did not.
    #[track_caller]
    pub fn expect_success(self) -> Self {
        assert_eq!(self.code, 0, "{}\n{}\n{}", self.command, self.out, self.err);
        self
    }

    /// What it said; it has to have failed.
    ///
    /// # Panics
    /// It did not.
    #[track_caller]
    pub fn expect_failure(self) -> Self {
        assert_ne!(self.code, 0, "{}\n{}\n{}", self.command, self.out, self.err);
        self
    }
}

/// What keeps a host, not yet started.
fn keep() -> Command {
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("stopgap-throwaway-{}-{count}", std::process::id());
    let group = control_groups().map(|groups| groups.join(name)).unwrap_or_default();
    let mut keep = Command::new("/bin/sh");
    keep.args(["-c", include_str!("keep.sh"), "keep"]).arg(group);
    keep.args(["/usr/bin/unshare", "--fork", "--kill-child", "--pid", "--mount", "--cgroup"]);
    keep.args(["--uts", "--ipc", "--net", "--propagation", "private"]);
    keep.args(["/bin/sh", "-c", include_str!("boot.sh"), "boot", SYSTEMD, TARGET]);
    keep.env_clear().env("PATH", PATH).current_dir("/");
    // What ends the test at once does not end what cleans up after it.
    keep.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    keep
}

/// The folder of this process's own control group, where one can be made for a host: hosts must not
/// share the groups of their services.
fn control_groups() -> Option<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    let mount = mounts.lines().find(|line| line.contains(" - cgroup2 "))?;
    let folder = mount.split(' ').nth(4)?;
    let own = fs::read_to_string("/proc/self/cgroup").ok()?;
    let own = own.lines().find_map(|line| line.strip_prefix("0::/"))?.to_owned();
    Some(Path::new(folder).join(own))
}

fn status_of(port: u16, target: &str) -> u16 {
    let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else { return 0 };
    stream.set_read_timeout(Some(ANSWER_TIME)).expect("a time-out");
    let request = format!("GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let mut answer = Vec::new();
    // A connection that is reset is a closed one.
    let _ = stream.write_all(request.as_bytes()).and_then(|()| stream.read_to_end(&mut answer));
    let text = String::from_utf8_lossy(&answer);
    text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
}
