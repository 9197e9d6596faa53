//! A server that is gone is started again.

use std::thread;
use std::time::{Duration, Instant};

use stopgap_model::reason::ReloadReason;
use stopgap_model::web::WebServer;
use stopgap_model::{Reasons, ServerPath};

use crate::linux::command::CommandSpec;
use crate::linux::locked::locked;
use crate::linux::machine::LinuxHost;
use crate::linux::process::ProcessError;
use crate::linux::systemd::manager as service;
use crate::linux::web::readiness::{POLL_INTERVAL, Readiness, SETTLE_TIME};
use crate::web::software::Packaged;
use crate::web::{packages, software};

/// How long a process may listen alone before it counts as up: one that will have workers may find
/// one of its ports taken and try again, as nginx does for 2.5 s on a machine at rest.
const ALONE_TIME: Duration = Duration::from_secs(6);

impl LinuxHost {
    pub(crate) fn start_again(&self, server: &WebServer) -> Result<(), Reasons> {
        let remembered = locked(&self.starts).get(&self.key(server)).cloned();
        let service = match &remembered {
            Some(start) => start.service.clone(),
            None => packaged_service(server).filter(|_| service::is_managed()),
        };
        let name = || server.kind.name().to_owned();
        let late = ReloadReason::NotListening { server: name(), seconds: SETTLE_TIME.as_secs() };
        if let Some(service) = service {
            service::systemctl("start", &service)?;
            return self.wait_until_up(server, late);
        }
        if self.up(server)? != Readiness::No {
            return Ok(());
        }
        // What ran as somebody else is his to start: with more rights than he has it must not be, and
        // what he set up around it is not known.
        if !server.account.is_root() {
            let account = server.account.to_string();
            return Err(ReloadReason::StartByHand { server: name(), account }.into());
        }
        let run = remembered.map_or_else(|| run_of(server), |start| start.run);
        self.come_up(&run, &late, || Ok(self.up(server)?))
    }

    /// Starts a program and waits until it is up, as `is_up` says; `late` is the error if it is
    /// not in time.
    pub(crate) fn come_up(
        &self,
        run: &CommandSpec,
        late: &ReloadReason,
        is_up: impl Fn() -> Result<Readiness, Reasons>,
    ) -> Result<(), Reasons> {
        self.files.require_guarded(&ServerPath::new(run.program.as_str()))?;
        let mut child = run.spawn()?;
        let start = Instant::now();
        let mut alone = None;
        loop {
            let ended = child.ended()?;
            if let Some(status) = ended.filter(|status| !status.success()) {
                let (program, status) = (run.program.clone(), status.to_string());
                return Err(ReloadReason::NotStarted { program, status }.into());
            }
            let up = is_up();
            let ready = match up {
                Ok(Readiness::Yes) => true,
                // What goes to the background does so when it is ready.
                Ok(Readiness::Alone) => {
                    let since: &mut Instant = alone.get_or_insert_with(Instant::now);
                    ended.is_some() || since.elapsed() > ALONE_TIME
                }
                Ok(Readiness::No) | Err(_) => false,
            };
            if ready {
                child.leave();
                return Ok(());
            }
            if up.is_err() || start.elapsed() > SETTLE_TIME {
                return Err(up.err().unwrap_or_else(|| late.clone().into()));
            }
            thread::sleep(POLL_INTERVAL);
        }
    }

    fn wait_until_up(&self, server: &WebServer, late: ReloadReason) -> Result<(), Reasons> {
        let start = Instant::now();
        while self.up(server)? == Readiness::No {
            if start.elapsed() > SETTLE_TIME {
                return Err(late.into());
            }
            thread::sleep(POLL_INTERVAL);
        }
        Ok(())
    }

    fn up(&self, server: &WebServer) -> Result<Readiness, ProcessError> {
        let processes = self.processes()?;
        let Some(master) = self.master_of(&processes, server) else { return Ok(Readiness::No) };
        let workers = processes.workers(master.id);
        let listens = workers.iter().any(|worker| !worker.listens_on().is_empty());
        Ok(match listens {
            true if workers.contains(&master.id) => Readiness::Alone,
            true => Readiness::Yes,
            false => Readiness::No,
        })
    }
}

/// How a server is started that was never seen running.
fn run_of(server: &WebServer) -> CommandSpec {
    CommandSpec {
        arguments: software(server.kind).start_arguments(server),
        variables: server.variables.clone(),
        folder: server.base.as_str().to_owned(),
        account: server.account.clone(),
        ..CommandSpec::new(server.program.as_str(), &[])
    }
}

/// The service by which its package starts a server.
fn packaged_service(server: &WebServer) -> Option<String> {
    let is_package = |packaged: &&Packaged| {
        let config = server.config.iter().map(ServerPath::as_str);
        packaged.program == server.program.as_str() && config.eq([packaged.config])
    };
    packages().find(is_package)?;
    Some(format!("{}.service", server.program.file_name()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use stopgap_model::Fact;
    use stopgap_model::web::{Account, WebKind, WebSettings};

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
        let why = why.to_string();
        assert!(why.contains("ran as user 33 without a service manager"), "{why}");
    }
}
