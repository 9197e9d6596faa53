//! What nginx itself says of a configuration that passes its test and that it does not take: a master
//! that goes on with what it had says so in its error log alone.

use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use super::process::ProcessId;
use super::run::last_words;

/// The most open files of a master that are looked at. One log for each site makes some thousand.
const MAX_OPEN: usize = 4_096;
/// The most that is read of what was added to one log, in bytes: a line has 2 KiB at most.
const MAX_ADDED: u64 = 64 * 1024;
/// What `O_APPEND` is in the flags of an open file: a log is open so, and little else.
const APPEND: u32 = 0o2000;

/// The logs that a master has open, and how long each is.
///
/// They are opened by what the master holds, not by their names: the folder of a log may be another
/// user's.
pub(super) struct Logs {
    master: ProcessId,
    open: Vec<(PathBuf, u64)>,
}

impl Logs {
    /// Those of a master of root's, as they are now.
    pub(super) fn of(master: ProcessId) -> Self {
        let folder = Path::new("/proc").join(master.pid.to_string());
        let names = fs::read_dir(folder.join("fd")).into_iter().flatten().flatten();
        let open = names.take(MAX_OPEN).filter_map(|entry| {
            let flags = fs::read_to_string(folder.join("fdinfo").join(entry.file_name())).ok()?;
            let facts = fs::metadata(entry.path()).ok()?;
            (is_appended_to(&flags) && facts.is_file()).then(|| (entry.path(), facts.len()))
        });
        Self { master, open: open.collect() }
    }

    /// What the master said since of why it cannot go on, its last lines as one; `None`: nothing that
    /// can be read.
    pub(super) fn said(&self) -> Option<String> {
        if !self.master.is_there() {
            return None;
        }
        let added = self.open.iter().filter_map(|(log, before)| added(log, *before));
        let lines: Vec<String> = added.flat_map(|text| told(&text, self.master.pid)).collect();
        (!lines.is_empty()).then(|| last_words(&lines.join("\n")))
    }
}

fn is_appended_to(facts: &str) -> bool {
    let flags = facts.lines().find_map(|line| line.strip_prefix("flags:"));
    let flags = flags.and_then(|flags| u32::from_str_radix(flags.trim(), 8).ok());
    flags.is_some_and(|flags| flags & APPEND != 0)
}

/// What was added to a log; one that was cut since is read from its beginning.
fn added(log: &Path, before: u64) -> Option<String> {
    if !fs::metadata(log).ok()?.is_file() {
        return None;
    }
    let mut file = File::open(log).ok()?;
    let length = file.metadata().ok()?.len();
    let from = if length < before { 0 } else { before };
    file.seek(SeekFrom::Start(from.max(length.saturating_sub(MAX_ADDED)))).ok()?;
    let mut bytes = Vec::new();
    file.take(MAX_ADDED).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// The lines by which the process of this number says why it cannot go on, without the time:
/// `2026/11/30 12:00:00 [emerg] 812#812: bind() to …`. What clients send stands at the beginning of no line
/// of an error log, nor does a time.
fn told(text: &str, pid: i32) -> Vec<String> {
    let mark = format!(" [emerg] {pid}#{pid}: ");
    let mut told: Vec<String> = Vec::new();
    for line in text.lines() {
        let Some((time, said)) = line.split_once(&mark) else { continue };
        let is_time = time.len() == 19
            && time.bytes().all(|byte| byte.is_ascii_digit() || b"/ :".contains(&byte));
        // It tries a port five times.
        if is_time && told.iter().all(|known| known != said) {
            told.push(said.to_owned());
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_master_itself_says_of_its_end_is_told_and_once() {
        let text = "2026/11/30 12:00:00 [notice] 812#812: signal 1 (SIGHUP) received\n\
                    2026/11/30 12:00:00 [emerg] 812#812: bind() to 0.0.0.0:80 failed\n\
                    2026/11/30 12:00:01 [emerg] 812#812: bind() to 0.0.0.0:80 failed\n\
                    2026/11/30 12:00:01 [emerg] 813#813: of another process\n\
                    10.0.0.1 \"GET / [emerg] 812#812: of a client\"\n\
                    2026/11/30 12:00:02 [emerg] 812#812: still could not bind()\n";
        assert_eq!(told(text, 812), ["bind() to 0.0.0.0:80 failed", "still could not bind()"]);
        assert_eq!(told("", 812), [""; 0]);
    }

    #[test]
    fn a_log_is_what_is_appended_to() {
        assert!(is_appended_to("pos:\t0\nflags:\t0102001\nmnt_id:\t29\n"));
        assert!(!is_appended_to("pos:\t0\nflags:\t0100000\n") && !is_appended_to("flags:\tx\n"));
        assert!(!is_appended_to(""));
    }
}
