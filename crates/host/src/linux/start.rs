//! A server that is gone is started again.

use std::thread;
use std::time::{Duration, Instant};

use stopgap_model::ServerPath;
use stopgap_model::web::{WebKind, WebServer};

use super::packaged::{PACKAGED, Packaged};
use super::reload::{LOOK, SETTLE_TIME};
use super::run::Run;
use super::{LinuxHost, locked, service};

/// How long a process may listen alone before it counts as up: one that will have workers may find
/// one of its ports taken and try again, as nginx does for 2.5 s on a machine at rest.
const ALONE_TIME: Duration = Duration::from_secs(6);

/// Whether a server is up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Up {
    /// Nothing of it listens.
    No,
    /// One process listens, and may not be ready.
    Alone,
    /// It is.
    Yes,
}

impl LinuxHost {
    pub(super) fn start_again(&self, server: &WebServer) -> Result<(), String> {
        let remembered = locked(&self.starts).get(&self.key(server)).cloned();
        let service = match &remembered {
            Some(start) => start.service.clone(),
            None => packaged_service(server).filter(|_| service::is_managed()),
        };
        let seconds = SETTLE_TIME.as_secs();
        let late = format!("{} does not listen within {seconds} s", server.kind.name());
        if let Some(service) = service {
            service::tell("start", &service)?;
            return self.wait_until_up(server, late);
        }
        if self.up(server)? != Up::No {
            return Ok(());
        }
        // What ran as somebody else is his to start: with more rights than he has it must not be, and
        // what he set up around it is not known.
        if !server.account.is_root() {
            let (name, account) = (server.kind.name(), &server.account);
            return Err(format!(
                "{name} ran as {account} without a service manager; start it as it was started"
            ));
        }
        let run = remembered.map_or_else(|| run_of(server), |start| start.run);
        self.come_up(&run, &late, || self.up(server))
    }

    /// Starts a program and waits until it is up, as `is_up` says; `late` is what is told if it is
    /// not in time.
    pub(super) fn come_up(
        &self,
        run: &Run,
        late: &str,
        is_up: impl Fn() -> Result<Up, String>,
    ) -> Result<(), String> {
        self.files.require_guarded(&ServerPath::new(run.program.as_str()))?;
        let mut child = run.spawn()?;
        let start = Instant::now();
        let mut alone = None;
        loop {
            let ended = child.ended()?;
            if let Some(status) = ended.filter(|status| !status.success()) {
                return Err(format!("{} does not start ({status})", run.program));
            }
            let up = is_up();
            let ready = match up {
                Ok(Up::Yes) => true,
                // What goes to the background does so when it is ready.
                Ok(Up::Alone) => {
                    let since: &mut Instant = alone.get_or_insert_with(Instant::now);
                    ended.is_some() || since.elapsed() > ALONE_TIME
                }
                Ok(Up::No) | Err(_) => false,
            };
            if ready {
                child.leave();
                return Ok(());
            }
            if up.is_err() || start.elapsed() > SETTLE_TIME {
                return Err(up.err().unwrap_or_else(|| late.to_owned()));
            }
            thread::sleep(LOOK);
        }
    }

    fn wait_until_up(&self, server: &WebServer, late: String) -> Result<(), String> {
        let start = Instant::now();
        while self.up(server)? == Up::No {
            if start.elapsed() > SETTLE_TIME {
                return Err(late);
            }
            thread::sleep(LOOK);
        }
        Ok(())
    }

    fn up(&self, server: &WebServer) -> Result<Up, String> {
        let processes = self.processes()?;
        let Some(master) = self.master_of(&processes, server) else { return Ok(Up::No) };
        let workers = processes.workers(master.id);
        let listens = workers.iter().any(|worker| !worker.listens_on().is_empty());
        Ok(match listens {
            true if workers.contains(&master.id) => Up::Alone,
            true => Up::Yes,
            false => Up::No,
        })
    }
}

/// How a server is started that was never seen running.
fn run_of(server: &WebServer) -> Run {
    let with = |name: &str, values: Vec<&str>| -> Vec<String> {
        values.iter().flat_map(|value| [name.to_owned(), (*value).to_owned()]).collect()
    };
    let config = || server.config.iter().map(ServerPath::as_str).collect();
    let base = || vec![server.base.as_str()];
    let defines = || server.defines.iter().map(String::as_str).collect();
    let arguments = match server.kind {
        WebKind::Nginx => [with("-p", base()), with("-c", config())].concat(),
        WebKind::Apache => {
            [with("-d", base()), with("-f", config()), with("-D", defines())].concat()
        }
        // In the background, with a master: only with one does it take a configuration by itself.
        WebKind::HaProxy => [vec!["-W".to_owned(), "-D".to_owned()], with("-f", config())].concat(),
    };
    Run {
        arguments,
        variables: server.variables.clone(),
        folder: server.base.as_str().to_owned(),
        account: server.account.clone(),
        ..Run::new(server.program.as_str(), &[])
    }
}

/// The service by which its package starts a server.
fn packaged_service(server: &WebServer) -> Option<String> {
    let is_package = |packaged: &&Packaged| {
        let config = server.config.iter().map(ServerPath::as_str);
        packaged.program == server.program.as_str() && config.eq([packaged.config])
    };
    PACKAGED.iter().find(is_package)?;
    Some(format!("{}.service", server.program.file_name()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use stopgap_model::Fact;
    use stopgap_model::web::{Account, WebSettings};

    use super::*;

    #[test]
    fn a_server_that_was_somebody_elses_is_not_started() {
        let host = LinuxHost::open(WebSettings::default()).expect("this machine");
        let server = WebServer {
            kind: WebKind::Nginx,
            program: ServerPath::new("/bin/true"),
            config: vec![ServerPath::new("/none/nginx.conf")],
            base: ServerPath::new("/"),
            variables: BTreeMap::new(),
            defines: Vec::new(),
            account: Account::user(33, 33),
            version: Fact::Absent,
            modules: Fact::Absent,
            running: Fact::Known(true),
            source: "a test".into(),
            doubt: None,
            dormant: None,
            identity: String::new(),
        };
        let why = host.start_again(&server).expect_err("not started");
        assert!(why.contains("ran as user 33 without a service manager"), "{why}");
    }
}
