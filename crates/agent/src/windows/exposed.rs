//! Files that would be obeyed, and that somebody else than an administrator could have written.

use std::path::Path;

/// Returns why `file` is not obeyed, where others can change what is at `at`, and the command that
/// mends it.
pub(crate) fn exposed(file: &Path, at: &Path) -> (String, String) {
    let shown = at.display();
    let why = match stopgap_fs::others(at).as_slice() {
        [] => format!("others may write to {shown}"),
        others => format!("{shown} can be written by {}", others.join(", ")),
    };
    let is_itself = std::path::absolute(file).is_ok_and(|file| file == at);
    let fix = match is_itself {
        // The owner too: whoever owns a file may give himself any right to it.
        true => format!(
            "takeown /A /F \"{shown}\" && icacls \"{shown}\" /inheritance:r /grant *S-1-5-18:F \
             *S-1-5-32-544:F *S-1-5-32-545:R"
        ),
        // The folder stays as it is: the file has to move.
        false => format!(
            "look at what it says, then copy it to a folder that only administrators can write, and \
             name it there: copy \"{}\" \"%ProgramData%\\Stopgap\"",
            file.display()
        ),
    };
    (why, fix)
}
