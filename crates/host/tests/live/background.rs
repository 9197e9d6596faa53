//! Servers in the background, with processes of other kinds than usual.

use super::*;

/// A server in the background, as a command started it; ended when it is dropped.
pub(crate) struct Background {
    kind: WebKind,
    pub(crate) dir: PathBuf,
    pub(crate) ports: Vec<u16>,
}

impl Background {
    pub(crate) fn new(kind: WebKind, name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("stopgap-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).unwrap();
        Self { kind, dir, ports: free_ports(2) }
    }

    fn config(&self) -> PathBuf {
        self.dir.join("main.conf")
    }

    /// Writes its configuration, with `basics` at its head.
    pub(crate) fn write(&self, basics: &str, status: u16, backend: u16) {
        let mut text = config(self.kind, status, backend).replace("{basics}", "");
        for (number, port) in self.ports.iter().enumerate() {
            text = text.replace(&format!("{{port{number}}}"), &port.to_string());
        }
        let text = format!("{basics}{text}").replace("{dir}", self.dir.to_str().unwrap());
        fs::write(self.config(), text).unwrap();
    }

    pub(crate) fn start(&self, program: &Path, arguments: &[&str]) {
        let mut command = Command::new(program);
        let option = if self.kind == WebKind::Nginx { "-c" } else { "-f" };
        command.args(arguments).arg(option).arg(self.config());
        assert!(command.status().unwrap().success());
    }

    pub(crate) fn host(&self) -> LinuxHost {
        let config = vec![path(&self.config())];
        let declared = DeclaredServer { config, ..DeclaredServer::new(self.kind) };
        LinuxHost::open(WebSettings { find: false, servers: vec![declared] }).unwrap()
    }

    pub(crate) fn pid(&self) -> Option<Pid> {
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
