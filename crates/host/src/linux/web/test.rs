//! The servers' own tests of their configuration.

use std::time::Duration;

use stopgap_model::web::{WebServer, beside};
use stopgap_model::{Reasons, ServerPath};

use crate::linux::command::{CommandSpec, last_words};
use crate::linux::locked::locked;
use crate::linux::machine::LinuxHost;
use crate::web::software;
use crate::web_servers::{Stop, TestError};

/// The variables that name folders which `apache2ctl` makes before each start.
const MADE_AT_START: [&str; 2] = ["APACHE_RUN_DIR", "APACHE_LOCK_DIR"];

/// How long a test may take. One of thousands of sites takes seconds, one with a name that is asked of a
/// silent resolver 20 s.
const TEST_TIME: Duration = Duration::from_secs(30);

/// A file that is written for a test, and its bytes.
type StagedFile = (ServerPath, Vec<u8>);

impl LinuxHost {
    pub(crate) fn test_configuration(
        &self,
        server: &WebServer,
        staged: &[StagedFile],
        stop: &Stop<'_>,
    ) -> Result<(), TestError> {
        let program = &server.program;
        self.files.require_guarded(program).map_err(TestError::NotMade)?;
        let main = self.spelled_as_configured(server, staged);
        // Removed when this is dropped, however this ends.
        let _written = main
            .iter()
            .zip(staged)
            .map(|(path, (_, bytes))| self.files.stage(path, bytes, &server.account))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| TestError::NotMade(error.into()))?;
        let master = self.running_master(server);
        let master = master.map_err(|error| TestError::NotMade(error.into()))?;
        let start = master.map(|master| master.start);
        let start = start.or_else(|| locked(&self.starts).get(&self.key(server)).cloned());
        let settings = start.map(|start| start.settings).unwrap_or_default();
        let config = self.tested(server, &main).map_err(TestError::NotMade)?;
        let mut run = test_run(server, &config, settings);
        self.lend_folders(&mut run);
        let ended = run.to_end_unless(stop).map_err(|error| TestError::NotMade(error.into()))?;
        match ended.success {
            true => Ok(()),
            false => Err(TestError::Refused {
                program: program.clone(),
                said: last_words(&ended.output),
            }),
        }
    }

    /// Puts a folder that is there in the place of those that Debian's scripts make when they start
    /// Apache: its configuration names them, and a test does no more than look whether they are.
    fn lend_folders(&self, run: &mut CommandSpec) {
        for name in MADE_AT_START {
            if let Some(folder) = run.variables.get_mut(name)
                && !self.files.is_folder(&ServerPath::new(folder.as_str()))
            {
                folder.clone_from(&run.folder);
            }
        }
    }

    /// The paths of the staged files; one that is a file of the server's configuration, as the
    /// server's own configuration spells it.
    fn spelled_as_configured(&self, server: &WebServer, staged: &[StagedFile]) -> Vec<ServerPath> {
        let real = |path: &ServerPath| self.files.real_path(path).unwrap_or_else(|_| path.clone());
        let spelled = |path: &ServerPath| {
            let same = server.config.iter().find(|config| real(config) == real(path));
            same.unwrap_or(path).clone()
        };
        staged.iter().map(|(path, _)| spelled(path)).collect()
    }

    /// The configuration that is tested: staged files in the place of those beside which they are.
    fn tested(&self, server: &WebServer, staged: &[ServerPath]) -> Result<Vec<String>, Reasons> {
        let mut tested = Vec::new();
        for path in &server.config {
            let files = match staged.is_empty() || !self.files.is_folder(path) {
                true => vec![path.clone()],
                // As HAProxy reads a folder.
                false => self.files.glob(path.join("*.cfg").as_str())?,
            };
            tested.extend(files.into_iter().map(|file| match staged.contains(&file) {
                true => beside(&file).as_str().to_owned(),
                false => file.as_str().to_owned(),
            }));
        }
        Ok(tested)
    }
}

fn test_run(server: &WebServer, config: &[String], settings: Vec<String>) -> CommandSpec {
    CommandSpec {
        arguments: [software(server.kind).test_arguments(server, config), settings].concat(),
        variables: server.variables.clone(),
        folder: server.base.as_str().to_owned(),
        account: server.account.clone(),
        time: TEST_TIME,
        ..CommandSpec::new(server.program.as_str(), &[])
    }
}
