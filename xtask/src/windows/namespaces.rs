//! Commands in mount and process namespaces of their own: when the first process in them ends, the kernel
//! ends all others and takes the mounts away.

use std::path::Path;
use std::process::Command;

use super::command::run;

/// What Wine is told: no messages of its own, no .NET and no browser.
pub(super) const ENVIRONMENT: [(&str, &str); 6] = [
    ("HOME", "/root"),
    ("PATH", "/usr/bin:/bin:/usr/sbin:/sbin"),
    ("XDG_RUNTIME_DIR", "/tmp"),
    ("WINEDEBUG", "-all"),
    ("WINEPREFIX", "/root/.wine"),
    ("WINEDLLOVERRIDES", "mscoree=;mshtml="),
];

/// Runs a line of shell in a root itself, in namespaces of its own.
pub(super) fn in_root(root: &Path, line: &str) -> Result<(), String> {
    let mounts = "mount -t proc proc \"$0/proc\" && mount --rbind /dev \"$0/dev\" && exec \"$@\"";
    let mut command = unshared();
    command.args(["sh", "-c", mounts]).arg(root).args(["chroot"]).arg(root).args(["env", "-i"]);
    command.args(ENVIRONMENT.map(|(name, value)| format!("{name}={value}")));
    run(command.args(["DEBIAN_FRONTEND=noninteractive", "sh", "-c", line]))
}

/// A command in namespaces of its own, which ends with this process.
pub(super) fn unshared() -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "unshare", "--mount", "--propagation", "slave"]);
    command.args(["--pid", "--fork", "--kill-child"]);
    command
}
