//! What an administrator can do about a file that could not be used, in the words of this system.

use stopgap_fs::FsError;

/// What to do where only an administrator may do something.
pub const AS_ROOT: &str =
    "run it as an administrator (a prompt that was opened with \"Run as administrator\")";

/// Returns what to do next about a file or folder that could not be used.
#[must_use]
pub(crate) fn of_fs(error: &FsError) -> String {
    if let FsError::InUse { path, .. } = error {
        let path = path.display();
        return format!("close what has {path} open, and try again");
    }
    let FsError::Io { path, .. } = error else { return String::new() };
    let path = path.display();
    if error.is_read_only() {
        return format!(
            "the disk with {path} cannot be written, by nobody: find out why (Get-Disk, Get-Volume), make \
             it writable, and try again. What is installed stays as it is"
        );
    }
    if error.is_full() {
        return format!(
            "make room on the disk with {path}, and try again. What is installed stays as it is"
        );
    }
    match error.is_permission_denied() {
        true if stopgap_fs::is_administrator() => format!(
            "it is refused to administrators too: look at the access list (icacls) of {path}, and at \
             what guards it (antivirus, controlled folder access)"
        ),
        true => AS_ROOT.into(),
        false => String::new(),
    }
}
