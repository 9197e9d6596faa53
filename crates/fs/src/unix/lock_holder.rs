//! Who holds a lock on a file.
//!
//! Whoever may read a file may lock it (`flock(2)`), and hold it for as long as he likes. So a lock
//! counts only if somebody holds it who may replace the file.

use std::fs::{self, File};
use std::os::fd::AsRawFd as _;
use std::path::Path;

use super::folder::read_bounded;

/// The most that is read of one file of the kernel's about a process, in bytes.
const MAX_FACTS: u64 = 1 << 20;

/// Whether one of `users`, or whoever runs this process, holds a lock on a file that somebody holds
/// one on. Where that cannot be known, it is so.
pub(crate) fn is_held_by(file: &File, number: u64, users: &[u32]) -> bool {
    // Where file systems lie over each other, the number that locks have is not the file's own.
    let own = Path::new("/proc/self/fdinfo").join(file.as_raw_fd().to_string());
    let own = fields(&own, "ino:").next().and_then(|number| number.parse().ok());
    let number = own.unwrap_or(number);
    let Ok(processes) = fs::read_dir("/proc") else { return true };
    let mut processes = processes.flatten().filter(|entry| is_number(&entry.path()));
    processes.any(|process| is_of(&process.path(), users) && holds(&process.path(), number))
}

/// Whether a process is one of these users in every way: a setuid program keeps open what whoever
/// started it had opened.
fn is_of(process: &Path, users: &[u32]) -> bool {
    let own = rustix::process::geteuid().as_raw();
    let uids: Vec<u32> = fields(&process.join("status"), "Uid:")
        .flat_map(|uids| uids.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
        .filter_map(|uid| uid.parse().ok())
        .collect();
    !uids.is_empty() && uids.iter().all(|uid| *uid == own || users.contains(uid))
}

/// Whether a process has a file open by which the file of this number is locked.
fn holds(process: &Path, number: u64) -> bool {
    let Ok(open) = fs::read_dir(process.join("fdinfo")) else { return false };
    // `lock:	1: FLOCK  ADVISORY  WRITE 1234 fe:00:4711 0 EOF`
    let is_it = |lock: String| {
        let words: Vec<&str> = lock.split_whitespace().collect();
        let file = words.get(5).and_then(|file| file.rsplit(':').next());
        words.get(1) == Some(&"FLOCK") && file.and_then(|it| it.parse().ok()) == Some(number)
    };
    open.flatten().any(|entry| fields(&entry.path(), "lock:").any(is_it))
}

/// What follows a name in the lines of a file of the kernel's.
fn fields(path: &Path, name: &'static str) -> impl Iterator<Item = String> {
    let bytes = read_bounded(path, MAX_FACTS).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let lines: Vec<String> =
        text.lines().filter_map(|line| Some(line.strip_prefix(name)?.trim().to_owned())).collect();
    lines.into_iter()
}

fn is_number(path: &Path) -> bool {
    path.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok()).is_some()
}
