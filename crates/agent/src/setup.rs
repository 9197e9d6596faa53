//! Where everything is that a command or the service works with.

use std::path::PathBuf;
use std::time::Duration;

use crate::policy_file::PolicyPath;

/// The state folder of this machine.
pub const DEFAULT_STATE: &str = "/var/lib/stopgap";
/// The policy file of this machine.
pub const DEFAULT_POLICY: &str = "/etc/stopgap/policy.toml";

/// Where everything is that a command or the service works with.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The folder with the server's files; `None`: this machine.
    pub root: Option<PathBuf>,
    /// The state folder.
    pub state: PathBuf,
    /// The policy file.
    pub policy: PolicyPath,
    /// A folder with mitigation documents that nobody signed, in place of all sources.
    pub unsigned_catalog: Option<PathBuf>,
    /// How long another process is waited for.
    pub wait: Duration,
    /// The name of the command, for others that wait for the lock.
    pub command: &'static str,
}

impl Setup {
    /// Names this process to others that wait for its lock.
    #[must_use]
    pub fn holder(&self) -> String {
        format!("stopgap {} (process {})", self.command, std::process::id())
    }
}
