//! This machine, and what is remembered of it between two looks.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::time::Instant;

use stopgap_fs::FsError;
use stopgap_model::ServerPath;
use stopgap_model::web::{LeftOut, WebSettings};

use crate::linux::file_identity::FileIdentity;
use crate::linux::read_as::Readers;
use crate::linux::systemd::services::SystemdServices;
use crate::linux::systemd::unit::UnitAnswer;
use crate::linux::web::server::{ServerKey, Start};
use crate::unix_files::UnixFiles;
use crate::web::software::BuildInfo;

/// This machine.
#[derive(Debug)]
pub struct LinuxHost {
    pub(crate) files: UnixFiles,
    pub(crate) settings: WebSettings,
    /// What the programs said of themselves, by their paths.
    pub(crate) build_infos: Mutex<BTreeMap<ServerPath, (FileIdentity, BuildInfo)>>,
    /// How the servers that were seen running were started.
    pub(crate) starts: Mutex<BTreeMap<ServerKey, Start>>,
    /// What the service manager said of units, and when.
    pub(crate) units: Mutex<BTreeMap<String, (Instant, UnitAnswer)>>,
    /// What was left out when web servers were looked for last.
    pub(crate) left_out: Mutex<LeftOut>,
    pub(crate) readers: Readers,
    pub(crate) services: SystemdServices,
}

impl LinuxHost {
    /// Opens this machine.
    ///
    /// # Errors
    /// Its root folder cannot be opened.
    pub fn open(settings: WebSettings) -> Result<Self, FsError> {
        Ok(Self {
            files: UnixFiles::open(Path::new("/"))?,
            settings,
            build_infos: Mutex::default(),
            starts: Mutex::default(),
            units: Mutex::default(),
            left_out: Mutex::default(),
            readers: Readers::default(),
            services: SystemdServices,
        })
    }
}
