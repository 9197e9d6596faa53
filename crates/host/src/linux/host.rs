//! What this machine answers to each question that a host is asked.

use std::time::Duration;

use stopgap_fs::{FsError, ReplaceError, ReplaceMethod, Writers};
use stopgap_model::reason::ReloadReason;
use stopgap_model::web::{LeftOut, WebServer};
use stopgap_model::{Digest, Reasons, ServerPath};

use crate::files::{Files, Found, Read};
use crate::host::Host;
use crate::linux::locked::locked;
use crate::linux::machine::LinuxHost;
use crate::linux::probe::scheduler::ProbeScheduler;
use crate::linux::read_as::with_files_of;
use crate::linux::systemd::manager::is_managed;
use crate::services::Services;
use crate::unix_files::{UnixFiles, not_unix};
use crate::web_servers::{
    NamedFile, Prober, ReloadError, ServerControl, Stop, TestError, WebServers,
};

impl Files for LinuxHost {
    fn read(&self, path: &ServerPath, max: u64) -> Read {
        match path.is_unix() {
            true => self.files.read(path, max),
            // A drive of Windows.
            false => Read::Absent,
        }
    }

    fn find(&self, folder: &ServerPath, _: &str) -> Found {
        match folder.is_unix() {
            true => UnixFiles::find(folder),
            false => Found::default(),
        }
    }

    fn replace(&self, path: &ServerPath, expected: Digest, new: &[u8]) -> Result<(), ReplaceError> {
        self.readers.require_theirs(path)?;
        self.files.replace(path, expected, new)
    }

    fn replace_method(&self, path: &ServerPath) -> Result<ReplaceMethod, Reasons> {
        self.readers.require_theirs(path)?;
        self.files.replace_method(path)
    }

    fn create(&self, path: &ServerPath, new: &[u8]) -> Result<(), ReplaceError> {
        self.files.create(path, new)
    }

    fn remove(&self, path: &ServerPath, expected: Digest) -> Result<(), ReplaceError> {
        self.files.remove(path, expected)
    }

    fn remove_leftover(&self, path: &ServerPath) -> Result<bool, FsError> {
        match path.is_unix() {
            true => self.files.remove_leftover(path),
            false => Ok(false),
        }
    }

    fn real_path(&self, path: &ServerPath) -> Result<ServerPath, Reasons> {
        match path.is_unix() {
            true => self.files.real_path(path),
            false => Err(not_unix(path).into()),
        }
    }

    fn glob(&self, pattern: &str) -> Result<Vec<ServerPath>, Reasons> {
        self.files.glob(pattern)
    }
}

impl WebServers for LinuxHost {
    fn read_named(
        &self,
        server: &WebServer,
        word: Writers,
        path: &ServerPath,
        max: u64,
    ) -> NamedFile {
        self.read_on(server, word, path, max)
    }

    fn glob_named(
        &self,
        server: &WebServer,
        word: Writers,
        pattern: &str,
    ) -> Result<Vec<ServerPath>, Reasons> {
        let account = self.readers.account(&self.files, server, word);
        with_files_of(&account, || self.files.glob(pattern))?
    }

    fn web_servers(&self) -> Vec<WebServer> {
        self.discover()
    }

    fn left_out(&self) -> LeftOut {
        locked(&self.left_out).clone()
    }

    fn control(&self) -> Option<&dyn ServerControl> {
        Some(self)
    }
}

impl ServerControl for LinuxHost {
    fn test_until(
        &self,
        server: &WebServer,
        staged: &[(ServerPath, Vec<u8>)],
        stop: &Stop<'_>,
    ) -> Result<(), TestError> {
        self.test_configuration(server, staged, stop)
    }

    fn reload_until(
        &self,
        server: &WebServer,
        stop: &Stop<'_>,
    ) -> Result<Option<ReloadReason>, ReloadError> {
        self.take_configuration(server, stop)
    }

    fn start(&self, server: &WebServer) -> Result<(), Reasons> {
        self.start_again(server)
    }

    fn is_running(&self, server: &WebServer) -> bool {
        self.running_master(server).is_ok_and(|master| master.is_some())
    }

    fn prober(&self, quick: Duration) -> Box<dyn Prober + '_> {
        Box::new(ProbeScheduler::new(quick))
    }

    fn rpm_packages(&self) -> Result<Vec<u8>, Reasons> {
        Ok(super::rpm::installed()?)
    }
}

impl Host for LinuxHost {
    fn services(&self) -> Option<&dyn Services> {
        is_managed().then_some(&self.services as &dyn Services)
    }

    fn name(&self) -> String {
        "this machine".to_owned()
    }
}
