//! This machine, where it runs Windows: nothing of it is looked at yet, and each attempt says so.

use stopgap_fs::{FsError, ReplaceError, ReplaceMethod};
use stopgap_model::web::{WebServer, WebSettings};
use stopgap_model::{Digest, Reasons, ServerPath};

use crate::files::{Files, Found, Read};
use crate::host::Host;
use crate::web_servers::{ServerControl, WebServers};

/// This machine. It has no value yet, so nothing has to be answered for it.
#[derive(Debug)]
pub enum WindowsHost {}

impl WindowsHost {
    /// Opens this machine.
    ///
    /// # Errors
    /// [`FsError::Unsupported`], always.
    pub fn open(_: WebSettings) -> Result<Self, FsError> {
        Err(FsError::Unsupported { action: "look at this machine" })
    }
}

impl Files for WindowsHost {
    fn read(&self, _: &ServerPath, _: u64) -> Read {
        match *self {}
    }

    fn find(&self, _: &ServerPath, _: &str) -> Found {
        match *self {}
    }

    fn replace(&self, _: &ServerPath, _: Digest, _: &[u8]) -> Result<(), ReplaceError> {
        match *self {}
    }

    fn replace_method(&self, _: &ServerPath) -> Result<ReplaceMethod, Reasons> {
        match *self {}
    }

    fn create(&self, _: &ServerPath, _: &[u8]) -> Result<(), ReplaceError> {
        match *self {}
    }

    fn remove(&self, _: &ServerPath, _: Digest) -> Result<(), ReplaceError> {
        match *self {}
    }

    fn remove_leftover(&self, _: &ServerPath) -> Result<bool, FsError> {
        match *self {}
    }

    fn real_path(&self, _: &ServerPath) -> Result<ServerPath, Reasons> {
        match *self {}
    }

    fn glob(&self, _: &str) -> Result<Vec<ServerPath>, Reasons> {
        match *self {}
    }
}

impl WebServers for WindowsHost {
    fn web_servers(&self) -> Vec<WebServer> {
        match *self {}
    }

    fn control(&self) -> Option<&dyn ServerControl> {
        match *self {}
    }
}

impl Host for WindowsHost {
    fn name(&self) -> String {
        match *self {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_not_looked_at_yet_and_that_is_said() {
        let error = WindowsHost::open(WebSettings::default()).expect_err("it was opened");
        assert!(error.to_string().ends_with("Stopgap does not do that on this system yet"));
    }
}
