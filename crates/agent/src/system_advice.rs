//! What an administrator can do about a file that could not be used, in the words of this system.

use stopgap_fs::FsError;

/// What to do where only root may do something.
pub const AS_ROOT: &str = "run it as root";

/// Returns what to do next about a file or folder that could not be used.
#[must_use]
pub(crate) fn of_fs(error: &FsError) -> String {
    let FsError::Io { path, .. } = error else { return String::new() };
    let path = path.display();
    // A full or read-only disk refuses root too, and often with the same number as missing rights.
    if error.is_read_only() {
        return format!(
            "the disk with {path} is read-only, for root too: find out why (dmesg), make it writable \
             (mount -o remount,rw …), and try again. What is installed stays as it is"
        );
    }
    if error.is_full() {
        return format!(
            "make room on the disk with {path} (df -h and df -i show how much there is; quota, how much of \
             it is yours), and try again. What is installed stays as it is"
        );
    }
    match error.is_permission_denied() {
        true if rustix::process::geteuid().is_root() => format!(
            "it is refused to root too: look at the attributes (lsattr) and at what guards the system \
             (SELinux, AppArmor) for {path}"
        ),
        true => AS_ROOT.into(),
        false => String::new(),
    }
}
