//! With whose rights a file is looked at.
//!
//! A file that somebody other than root had included in a configuration is read with that user's rights.
//! So the kernel refuses what the user may not read, and no rule of ours has to.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Mutex;
use std::thread;

use rustix::process::{Gid, Uid, geteuid};
use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};

use stopgap_fs::{FsError, Writers, read_bounded};
use stopgap_model::ServerPath;
use stopgap_model::problem::sentence;
use stopgap_model::reason::ProgramReason;
use stopgap_model::web::{Account, WebServer};

use crate::linux::locked::locked;
use crate::linux::users::Users;
use crate::unix_files::UnixFiles;

/// What the thread itself is now.
const OWN_STATUS: &str = "/proc/thread-self/status";
/// The most that is read of it, in bytes.
const MAX_STATUS: u64 = 64 * 1024;
/// The user and the group that own nothing.
const NOBODY: u32 = 65_534;

/// Whose rights are taken where somebody else than root had a file looked at, and which files
/// nobody changes on his word.
#[derive(Debug, Default)]
pub(crate) struct Readers {
    accounts: Mutex<BTreeMap<u32, Account>>,
    /// The files that were read, and whether anybody had them included who may have them changed.
    read: Mutex<BTreeMap<ServerPath, bool>>,
}

impl Readers {
    /// The account with whose rights a file is read that these writers had a configuration include. It is
    /// never more than what the server is started with.
    pub(crate) fn account(&self, files: &UnixFiles, server: &WebServer, word: Writers) -> Account {
        match word {
            Writers::Root => server.account.clone(),
            Writers::User(uid) if server.account.uid == uid => server.account.clone(),
            Writers::User(uid) if server.account.is_root() => {
                let known = || Users::read(files).account(uid);
                locked(&self.accounts).entry(uid).or_insert_with(known).clone()
            }
            // Nobody has less: what he may read, everybody may.
            Writers::User(_) | Writers::Several => Account::user(NOBODY, NOBODY),
        }
    }

    /// Remembers that a file was read, and whether whoever had it included may have it changed.
    pub(crate) fn note(&self, file: &ServerPath, is_theirs: bool) {
        *locked(&self.read).entry(file.clone()).or_default() |= is_theirs;
    }

    /// Whether a file may be changed: what somebody who is not root had included, only if it is his.
    /// Which server's lines it may have is for whoever reads the server's files to say.
    ///
    /// # Errors
    /// [`FsError::NotTheirs`] if not.
    pub(crate) fn require_theirs(&self, file: &ServerPath) -> Result<(), FsError> {
        match locked(&self.read).get(file) {
            None | Some(true) => Ok(()),
            Some(false) => Err(FsError::NotTheirs { path: file.as_str().into() }),
        }
    }
}

/// Looks at files with the rights that this account has to them, and no capability.
///
/// The thread that does it keeps root's number as its real and its saved one: only what the kernel
/// asks for files is the account's, so the account's user may neither signal nor trace it.
///
/// # Errors
/// The rights could not be given away, and nothing was done.
pub(crate) fn with_files_of<T: Send>(
    account: &Account,
    what: impl FnOnce() -> T + Send,
) -> Result<T, ProgramReason> {
    if account.is_root() || !geteuid().is_root() {
        return Ok(what());
    }
    thread::scope(|scope| {
        let inside = thread::Builder::new().spawn_scoped(scope, || {
            become_for_files(account)?;
            Ok(what())
        });
        let inside = inside.map_err(|error| not_taken(account, error.to_string()))?;
        inside.join().unwrap_or_else(|_| Err(not_taken(account, "a thread broke off".to_owned())))
    })
}

/// Makes this thread the account's for what is asked of files, and makes sure of it.
fn become_for_files(account: &Account) -> Result<(), ProgramReason> {
    let groups: Vec<Gid> = account.groups.iter().map(|gid| Gid::from_raw(*gid)).collect();
    let gid = Gid::from_raw(account.gid);
    set_thread_groups(&groups)
        .and_then(|()| set_thread_res_gid(gid, gid, gid))
        .and_then(|()| set_thread_res_uid(None, Uid::from_raw(account.uid), None))
        .map_err(|errno| not_taken(account, errno.to_string()))?;
    let status = read_bounded(Path::new(OWN_STATUS), MAX_STATUS);
    let status = status.map_err(|error| not_taken(account, sentence(&error)))?;
    match is_for_files(&String::from_utf8_lossy(&status), account) {
        true => Ok(()),
        false => Err(not_taken(account, "the kernel kept some of them".to_owned())),
    }
}

fn not_taken(account: &Account, error: String) -> ProgramReason {
    ProgramReason::RightsNotTaken { account: account.to_string(), error }
}

/// Whether a status says that files are asked for with this account's rights: the second number of
/// `Uid` and `Gid` is the effective one, the fourth that for files (`proc_pid_status(5)`).
fn is_for_files(status: &str, account: &Account) -> bool {
    let words = |name: &str| -> Option<Vec<&str>> {
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        Some(line.split_whitespace().collect())
    };
    let is = |name: &str, at: usize, number: u32| {
        words(name).is_some_and(|words| words.get(at) == Some(&number.to_string().as_str()))
    };
    let groups: Option<BTreeSet<u32>> =
        words("Groups").and_then(|words| words.iter().map(|word| word.parse().ok()).collect());
    let capable = words("CapEff").is_none_or(|words| words != ["0000000000000000"]);
    let user = is("Uid", 1, account.uid) && is("Uid", 3, account.uid);
    let group = (0..4).all(|at| is("Gid", at, account.gid));
    user && group && groups.as_ref() == Some(&account.groups) && !capable
}

#[cfg(test)]
mod tests {
    use super::*;

    fn www() -> Account {
        Account { groups: BTreeSet::from([33, 120]), ..Account::user(33, 33) }
    }

    #[test]
    fn a_thread_that_looks_at_files_has_the_users_rights_and_nobody_may_signal_it() {
        if !geteuid().is_root() {
            println!("skipped: only root has rights to give away");
            return;
        }
        let status = with_files_of(&www(), || std::fs::read_to_string(OWN_STATUS).expect("own"));
        let status = status.expect("given away");
        for line in ["Uid:\t0\t33\t0\t33", "Gid:\t33\t33\t33\t33", "CapEff:\t0000000000000000"] {
            assert!(status.contains(line), "{status}");
        }
        let shadow = with_files_of(&www(), || std::fs::read("/etc/shadow").is_err());
        assert_eq!(shadow, Ok(true));
        // This thread is as it was.
        assert!(geteuid().is_root() && std::fs::read("/etc/shadow").is_ok());
    }

    #[test]
    fn a_thread_that_kept_something_of_roots_does_nothing() {
        let good = "Uid:\t0\t33\t0\t33\nGid:\t33\t33\t33\t33\nGroups:\t33 120 \n\
                    CapEff:\t0000000000000000\n";
        assert!(is_for_files(good, &www()));
        for (from, to) in [
            ("Uid:\t0\t33\t0\t33", "Uid:\t0\t0\t0\t0"),
            ("Uid:\t0\t33\t0\t33", "Uid:\t0\t33\t0\t0"),
            ("Gid:\t33\t33\t33\t33", "Gid:\t33\t33\t33\t0"),
            ("33 120", "0 33 120"),
            ("33 120", ""),
            ("CapEff:\t0000000000000000", "CapEff:\t0000000000000002"),
            ("CapEff", "CapPrm"),
            ("Groups", "NStgid"),
        ] {
            assert!(!is_for_files(&good.replace(from, to), &www()), "{to}");
        }
    }
}
