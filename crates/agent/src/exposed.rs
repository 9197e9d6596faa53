//! Files that would be obeyed, and that somebody else than root could have written.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::caller;

/// Returns why `file` is not obeyed, where others can change what is at `at`, and the command that
/// mends it.
pub(crate) fn exposed(file: &Path, at: &Path) -> (String, String) {
    let shown = at.display();
    let is_trusted = |uid: u32| uid == 0 || uid == rustix::process::geteuid().as_raw();
    let (foreign, mode, is_link) = match std::fs::symlink_metadata(at) {
        Ok(it) => {
            let foreign = (!is_trusted(it.uid())).then_some(it.uid());
            (foreign, it.mode() & 0o7777, it.file_type().is_symlink())
        }
        Err(_) => (None, 0, false),
    };
    let why = match foreign {
        Some(uid) => format!("{shown} belongs to {}, who could have written it", caller::user(uid)),
        None => format!("others may write to {shown} (mode {mode:04o})"),
    };
    let quoted_at = quoted(at);
    let is_itself = std::path::absolute(file).is_ok_and(|file| file == at);
    let fix = match (foreign, is_itself) {
        // Without -h, chown would follow the link and give root a file of that user's choice.
        (Some(_), true) if is_link => format!("chown -h root: {quoted_at}"),
        (Some(_), true) => format!("chown root: {quoted_at} && chmod go-w {quoted_at}"),
        (None, _) => format!("chmod go-w {quoted_at}"),
        // The folder belongs to another user and stays that user's: the file has to move.
        (Some(_), false) => {
            let name = file.file_name().unwrap_or_default();
            let into = Path::new("/etc/stopgap").join(name);
            format!(
                "look at what it says, then copy it to where only root can write, as with: \
                     install -D -m 644 {} {}",
                quoted(file),
                quoted(&into)
            )
        }
    };
    (why, fix)
}

/// Returns a path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@:,".contains(c);
    if text.chars().all(is_plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}
