//! What nginx itself says of a configuration that passes its test and that it does not take: a master
//! that goes on with what it had says so in its error log alone.

use std::collections::BTreeSet;
use std::fs::{self, Metadata};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use stopgap_fs::open_regular;

use crate::linux::command::first_words;
use crate::linux::process::ProcessId;

/// The most open files of a master that are looked at. One log for each site makes some thousand.
const MAX_OPEN: usize = 4_096;
/// The most that is read of what was added to one log, in bytes: a line has 2 KiB at most, and what
/// clients do is there too.
const MAX_ADDED: u64 = 1024 * 1024;
/// The most lines that are kept of what was said.
const MAX_TOLD: usize = 16;
/// What `O_APPEND` is in the flags of an open file: a log is open so, and little else.
const APPEND: u32 = 0o2000;
/// Who but its owner may write a file, as its mode says it; access lists stand in it too.
const OTHERS_WRITE: u32 = 0o022;

/// The logs that a master has open, and how long each is.
///
/// They are opened by what the master holds, not by their names: the folder of a log may be another
/// user's.
pub(crate) struct Logs {
    master: ProcessId,
    open: Vec<(PathBuf, u64)>,
}

/// What a server said.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Said {
    /// Its first lines, as one.
    pub(crate) words: String,
    /// Whether nobody but root can have written them.
    pub(crate) is_roots: bool,
}

impl Logs {
    /// Those of a master of root's, as they are now.
    pub(crate) fn of(master: ProcessId) -> Self {
        let folder = Path::new("/proc").join(master.pid.to_string());
        let names = fs::read_dir(folder.join("fd")).into_iter().flatten().flatten();
        let open = names.take(MAX_OPEN).filter_map(|entry| {
            let flags = fs::read_to_string(folder.join("fdinfo").join(entry.file_name())).ok()?;
            let facts = fs::metadata(entry.path()).ok()?;
            (is_appended_to(&flags) && facts.is_file()).then(|| (entry.path(), facts.len()))
        });
        Self { master, open: open.collect() }
    }

    /// What the master said since of why it cannot go on; `None`: nothing that can be believed. A
    /// customer writes what he wants into the log of his site. `workers` are the users that its
    /// workers are: Debian gives them the log of the whole server.
    pub(crate) fn said(&self, workers: &BTreeSet<u32>) -> Option<Said> {
        if !self.master.is_there() {
            return None;
        }
        let (mut roots, mut others) = (Vec::new(), Vec::new());
        for (log, before) in &self.open {
            let Some((owner, text)) = added(log, *before, workers) else { continue };
            let lines = if owner == 0 { &mut roots } else { &mut others };
            tell(&text, self.master.pid, lines);
        }
        let is_roots = !roots.is_empty();
        let lines = if is_roots { roots } else { others };
        (!lines.is_empty()).then(|| Said { words: first_words(&lines), is_roots })
    }
}

fn is_appended_to(facts: &str) -> bool {
    let flags = facts.lines().find_map(|line| line.strip_prefix("flags:"));
    let flags = flags.and_then(|flags| u32::from_str_radix(flags.trim(), 8).ok());
    flags.is_some_and(|flags| flags & APPEND != 0)
}

/// What was added to a log that nobody but its owner can write, and whose that is: root's or a worker's.
/// One that was cut since is read from its beginning.
fn added(log: &Path, before: u64, workers: &BTreeSet<u32>) -> Option<(u32, String)> {
    let mut file = open_regular(log).ok()?;
    let facts = file.metadata().ok()?;
    let owner = facts.uid();
    if facts.len() == before || !(owner == 0 || workers.contains(&owner)) {
        return None;
    }
    if facts.mode() & OTHERS_WRITE != 0 || !is_in_a_folder_of_roots(log, &facts) {
        return None;
    }
    let from = if facts.len() < before { 0 } else { before };
    file.seek(SeekFrom::Start(from)).ok()?;
    let mut bytes = Vec::new();
    file.take(MAX_ADDED).read_to_end(&mut bytes).ok()?;
    Some((owner, String::from_utf8_lossy(&bytes).into_owned()))
}

/// Whether only root can have put the file there. nginx gives a log that it opens anew to its workers'
/// user; who made the file before, in a folder of his, still has it open.
fn is_in_a_folder_of_roots(log: &Path, facts: &Metadata) -> bool {
    let is_so = || -> Option<bool> {
        let path = fs::read_link(log).ok()?;
        let there = fs::symlink_metadata(&path).ok()?;
        let folder = fs::symlink_metadata(path.parent()?).ok()?;
        let is_it = (there.dev(), there.ino()) == (facts.dev(), facts.ino());
        Some(is_it && folder.is_dir() && folder.uid() == 0 && folder.mode() & OTHERS_WRITE == 0)
    };
    is_so().unwrap_or(false)
}

/// Adds the lines by which the process of this number says why it cannot go on, without the time:
/// `2026/11/30 12:00:00 [emerg] 812#812: bind() to …`. What clients send stands at the beginning of no line
/// of an error log, nor does a time.
fn tell(text: &str, pid: i32, told: &mut Vec<String>) {
    let mark = format!(" [emerg] {pid}#{pid}: ");
    for line in text.lines() {
        let Some((time, said)) = line.split_once(&mark) else { continue };
        let is_time = time.len() == 19
            && time.bytes().all(|byte| byte.is_ascii_digit() || b"/ :".contains(&byte));
        // It tries a port five times, and a log may be open several times.
        if is_time && told.len() < MAX_TOLD && told.iter().all(|known| known != said) {
            told.push(said.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{File, Permissions};
    use std::io::Write as _;
    use std::os::unix::fs::{PermissionsExt as _, chown};

    use stopgap_testkit::Tree;

    use super::*;
    use crate::linux::sockets::tests::own;

    #[test]
    fn only_what_the_master_itself_says_of_its_end_is_told_and_once() {
        let text = "2026/11/30 12:00:00 [notice] 812#812: signal 1 (SIGHUP) received\n\
                    2026/11/30 12:00:00 [emerg] 812#812: bind() to 0.0.0.0:80 failed\n\
                    2026/11/30 12:00:01 [emerg] 812#812: bind() to 0.0.0.0:80 failed\n\
                    2026/11/30 12:00:01 [emerg] 813#813: of another process\n\
                    10.0.0.1 \"GET / [emerg] 812#812: of a client\"\n\
                    2026/11/30 12:00:02 [emerg] 812#812: still could not bind()\n";
        let mut told = Vec::new();
        tell(text, 812, &mut told);
        tell(text, 812, &mut told);
        tell("", 812, &mut told);
        assert_eq!(told, ["bind() to 0.0.0.0:80 failed", "still could not bind()"]);
    }

    /// A log that this process has open as a master has it, in a folder, with owners and modes.
    fn log(name: &str, folder: (u32, u32), log: (u32, u32)) -> (File, Tree) {
        let dir = Tree::empty();
        let path = dir.root().join(name);
        let file = File::options().create(true).append(true).open(&path).expect("a log");
        for (path, (owner, mode)) in [(&path, log), (&dir.root(), folder)] {
            chown(path, Some(owner), None).expect("root");
            fs::set_permissions(path, Permissions::from_mode(mode)).expect("root");
        }
        (file, dir)
    }

    fn say(mut log: &File, what: &str) {
        let pid = std::process::id();
        writeln!(log, "2026/11/30 12:00:00 [emerg] {pid}#{pid}: {what}").expect("room");
    }

    #[test]
    fn a_customer_who_forges_lines_of_nginx_in_the_log_of_his_site_is_not_believed() {
        if !rustix::process::geteuid().is_root() {
            println!("skipped: only root gives files away");
            return;
        }
        let (customer, worker) = (4711, 33);
        let forged = [
            log("his", (0, 0o755), (customer, 0o644)),
            log("his-folder", (customer, 0o755), (0, 0o644)),
            log("given-away", (customer, 0o755), (worker, 0o640)),
            log("open-folder", (0, 0o777), (0, 0o644)),
            log("open-to-a-group", (0, 0o755), (0, 0o664)),
        ];
        let (workers, _there) = log("workers", (0, 0o755), (worker, 0o640));
        let (roots, _here) = log("roots", (0, 0o755), (0, 0o640));
        let users = BTreeSet::from([worker]);
        let said = |logs: &Logs| logs.said(&users).map(|said| (said.words, said.is_roots));
        say(&roots, "of before");
        let logs = Logs::of(own());
        for (log, _folder) in &forged {
            say(log, "forged");
        }
        assert_eq!(said(&logs), None);
        say(&workers, "of the workers' log");
        assert_eq!(said(&logs), Some(("of the workers' log".to_owned(), false)));
        assert_eq!(logs.said(&BTreeSet::new()), None, "it is not the workers'");
        for _ in 0..3 {
            say(&roots, "bind() failed");
        }
        assert_eq!(said(&logs), Some(("bind() failed".to_owned(), true)));
    }

    #[test]
    fn a_log_is_what_is_appended_to() {
        assert!(is_appended_to("pos:\t0\nflags:\t0102001\nmnt_id:\t29\n"));
        assert!(!is_appended_to("pos:\t0\nflags:\t0100000\n") && !is_appended_to("flags:\tx\n"));
        assert!(!is_appended_to(""));
    }
}
