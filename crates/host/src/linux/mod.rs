//! Web servers of a Linux system: what is installed, what runs, and what can be done with it.

mod about;
mod ask;
mod asking;
mod command_line;
mod connection;
mod declared;
mod discovery;
mod environment;
mod envvars;
mod error_log;
mod identity;
mod launch;
mod left_out;
mod packaged;
mod process;
mod reader;
mod reload;
mod reply;
mod rights;
mod run;
mod service;
mod sockets;
mod start;
mod survey;
mod test;
mod tls;
mod trust;
mod unit;
mod users;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use stopgap_fs::{FsError, ReplaceError, Replacing, Writers};
use stopgap_model::problem::sentence;
use stopgap_model::web::{LeftOut, WebServer, WebSettings};
use stopgap_model::{Digest, ServerPath};

use crate::host::{Found, Host, Named, Read};
use crate::live::{Asking, Live, ReloadError, Stop, TestError};
use crate::tree::not_unix;
use crate::unix::UnixFiles;

use about::{About, Stamp};
use asking::Askers;
use discovery::{Key, Start};
use reader::{Readers, with_files_of};
use survey::Heard;

pub(crate) use packaged::packaged_in_tree;

/// This machine.
#[derive(Debug)]
pub struct LinuxHost {
    files: UnixFiles,
    settings: WebSettings,
    /// What the programs said of themselves, by their paths.
    abouts: Mutex<BTreeMap<ServerPath, (Stamp, About)>>,
    /// How the servers that were seen running were started.
    starts: Mutex<BTreeMap<Key, Start>>,
    /// What the service manager said of units, and when.
    units: Mutex<BTreeMap<String, (Instant, Heard)>>,
    /// What was left out when web servers were looked for last.
    left_out: Mutex<LeftOut>,
    readers: Readers,
}

impl LinuxHost {
    /// Opens this machine.
    ///
    /// # Errors
    /// Its root folder cannot be opened.
    pub fn open(settings: WebSettings) -> Result<Self, FsError> {
        let files = UnixFiles::open(Path::new("/"))?;
        let (abouts, starts) = (Mutex::default(), Mutex::default());
        let (units, left_out) = (Mutex::default(), Mutex::default());
        let readers = Readers::default();
        Ok(Self { files, settings, abouts, starts, units, left_out, readers })
    }
}

/// What a lock guards is whole at every moment, so one that broke with it is still good.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Host for LinuxHost {
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

    fn replacing(&self, path: &ServerPath) -> Result<Replacing, String> {
        self.readers.require_theirs(path).map_err(|error| error.to_string())?;
        self.readers.require_theirs(path).map_err(|error| sentence(&error))?;
        self.files.replacing(path)
    }

    fn create(&self, path: &ServerPath, new: &[u8]) -> Result<(), ReplaceError> {
        self.files.create(path, new)
    }

    fn remove(&self, path: &ServerPath, expected: Digest) -> Result<(), ReplaceError> {
        self.files.remove(path, expected)
    }

    fn real_path(&self, path: &ServerPath) -> Result<ServerPath, String> {
        match path.is_unix() {
            true => self.files.real_path(path),
            false => Err(not_unix(path).to_string()),
        }
    }

    fn glob(&self, pattern: &str) -> Result<Vec<ServerPath>, String> {
        self.files.glob(pattern)
    }

    fn read_named(&self, server: &WebServer, word: Writers, path: &ServerPath, max: u64) -> Named {
        self.read_on(server, word, path, max)
    }

    fn glob_named(
        &self,
        server: &WebServer,
        word: Writers,
        pattern: &str,
    ) -> Result<Vec<ServerPath>, String> {
        let account = self.readers.account(&self.files, server, word);
        with_files_of(&account, || self.files.glob(pattern))?
    }

    fn web_servers(&self) -> Vec<WebServer> {
        self.discover()
    }

    fn left_out(&self) -> LeftOut {
        locked(&self.left_out).clone()
    }

    fn live(&self) -> Option<&dyn Live> {
        Some(self)
    }

    fn remove_leftover(&self, path: &ServerPath) -> Result<bool, FsError> {
        match path.is_unix() {
            true => self.files.remove_leftover(path),
            false => Ok(false),
        }
    }

    fn name(&self) -> String {
        "this machine".to_owned()
    }
}

impl Live for LinuxHost {
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
    ) -> Result<Option<String>, ReloadError> {
        self.take_configuration(server, stop)
    }

    fn start(&self, server: &WebServer) -> Result<(), String> {
        self.start_again(server)
    }

    fn is_running(&self, server: &WebServer) -> bool {
        self.running_master(server).is_ok_and(|master| master.is_some())
    }

    fn asking(&self, quick: Duration) -> Box<dyn Asking + '_> {
        Box::new(Askers::new(quick))
    }
}
