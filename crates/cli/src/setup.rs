//! From the common arguments to where everything is.

use std::path::PathBuf;

use stopgap_agent::Setup;
use stopgap_agent::policy_file::PolicyPath;
use stopgap_agent::setup::{default_policy, default_state};

use crate::args::Common;
use crate::error::CliError;

impl Common {
    /// Returns where everything is that `command` works with.
    pub(crate) fn setup(&self, command: &'static str) -> Result<Setup, CliError> {
        Ok(Setup {
            state: self.state_folder()?,
            root: self.root.clone(),
            policy: self.policy_path(),
            unsigned_catalog: self.unsigned_catalog()?,
            wait: self.wait,
            command,
        })
    }

    /// Returns the state folder.
    pub(crate) fn state_folder(&self) -> Result<PathBuf, CliError> {
        match (&self.root, &self.state) {
            (_, Some(state)) => Ok(state.clone()),
            (None, None) => Ok(default_state()),
            (Some(_), None) => Err(CliError::usage(
                "--root needs --state DIR: what is remembered about another server is not this \
                 machine's",
                "name a folder for it, as in: --state ./state",
            )),
        }
    }

    /// Returns where the policy file is.
    pub(crate) fn policy_path(&self) -> PolicyPath {
        match (&self.policy, &self.state) {
            (Some(policy), _) => PolicyPath::Named(policy.clone()),
            (None, Some(state)) => PolicyPath::Default(state.join("policy.toml")),
            (None, None) => PolicyPath::Default(default_policy()),
        }
    }

    /// Returns the folder with documents that nobody signed, if one is named.
    pub(crate) fn unsigned_catalog(&self) -> Result<Option<PathBuf>, CliError> {
        let Some(folder) = &self.catalog else { return Ok(None) };
        // Unsigned documents change a server only where somebody says so, or where it is a copy.
        if self.root.is_none() && !self.unsigned {
            return Err(CliError::usage(
                "--catalog names documents that nobody signed; on this machine itself they are not \
                 trusted",
                "try them on a tree with --root DIR, or add --unsigned if you mean it",
            ));
        }
        Ok(Some(folder.clone()))
    }
}
