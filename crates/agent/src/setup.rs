//! Where everything is that a command or the service works with.

use std::path::PathBuf;
use std::time::Duration;

use crate::policy_file::PolicyPath;

/// Returns the state folder of this machine.
#[must_use]
pub fn default_state() -> PathBuf {
    if cfg!(windows) { program_data().join("state") } else { "/var/lib/stopgap".into() }
}

/// Returns the policy file of this machine.
#[must_use]
pub fn default_policy() -> PathBuf {
    match cfg!(windows) {
        true => program_data().join("policy.toml"),
        false => "/etc/stopgap/policy.toml".into(),
    }
}

/// Returns Stopgap's folder among the data of programs, which Windows keeps in a place of its choice.
fn program_data() -> PathBuf {
    let data = std::env::var_os("ProgramData").filter(|data| !data.is_empty());
    PathBuf::from(data.unwrap_or_else(|| r"C:\ProgramData".into())).join("Stopgap")
}

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
