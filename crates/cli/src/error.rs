//! The one place where an error becomes an exit code, a sentence and a hint.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use stopgap_engine::{CycleError, Ending, Trouble};
use stopgap_feed::{FeedName, FeedsError};
use stopgap_fs::{FsError, LockError, PrivateDirError};
use stopgap_model::problem::sentence;
use stopgap_store::StoreError;

use crate::caller;

use crate::signals;

/// Something needs attention.
pub(crate) const ATTENTION: u8 = 1;
/// Wrong usage.
pub(crate) const USAGE: u8 = 2;
/// What was offered as a source of mitigations was refused.
pub(crate) const REFUSED: u8 = 3;
/// Another process holds the lock.
pub(crate) const LOCKED: u8 = 4;
/// Not permitted.
pub(crate) const NOT_PERMITTED: u8 = 5;

/// A command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// The command line asks for something that cannot be.
    #[error("{message}")]
    Usage { message: String, hint: String },
    /// A mitigation that nobody knows was named.
    #[error("there is no mitigation `{id}` in the catalog or in place on this server")]
    NoSuchMitigation { id: String, near: Option<String> },
    /// Mitigation documents are wrong. The text shows each place.
    #[error("{rendered}")]
    Catalog { rendered: String },
    /// The policy file is wrong. The text shows each place.
    #[error("{rendered}")]
    Policy { rendered: String },
    /// A file named on the command line, or the server's folder, could not be read.
    #[error(transparent)]
    File(#[from] FsError),
    /// A file that is to be obeyed could have been written by somebody else.
    #[error("{} is not obeyed: {why}", .file.display())]
    NotObeyed { file: PathBuf, why: String, mend: String },
    /// A file could not be written.
    #[error("{} could not be written: {why}", .file.display())]
    Write { file: PathBuf, why: std::io::Error },
    /// A configuration file could not be read as one.
    #[error("{}: {why}", .file.display())]
    Config { file: PathBuf, why: String },
    /// What is remembered could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Another process holds the lock.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// A cycle could not be carried out.
    #[error(transparent)]
    Cycle(#[from] CycleError),
    /// A revision of an unsigned catalog has other content than when it was first seen.
    #[error("{0}")]
    Reused(String),
    /// The feeds cannot be read or changed.
    #[error(transparent)]
    Feeds(#[from] FeedsError),
    /// A file is no bundle of a feed.
    #[error("{} cannot be taken: {why}", .file.display())]
    Bundle { file: PathBuf, why: String },
    /// A feed was not taken.
    #[error("feed {name} was refused: {why}")]
    Feed { name: FeedName, why: String },
    /// A decision is in force, and what was to follow it could not be done.
    #[error("{what}: {}", .why.sentence())]
    Decided { what: String, then: String, why: Box<CliError> },
    /// A signal ended a cycle.
    #[error("ended by {}: {_0}", signals::seen().unwrap_or("a signal"))]
    Signal(Ending),
    /// Something about the machine.
    #[error("{0}")]
    Machine(String),
}

impl CliError {
    pub(crate) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), hint: hint.into() }
    }

    /// Why a file that is to be obeyed cannot be read, or is not obeyed.
    pub(crate) fn of_obeyed(file: &Path, error: FsError) -> Self {
        match error {
            FsError::Exposed { path } => {
                let (why, mend) = exposed(file, &path);
                Self::NotObeyed { file: file.to_owned(), why, mend }
            }
            error => error.into(),
        }
    }

    /// The exit code.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::NotObeyed { .. } => NOT_PERMITTED,
            Self::Usage { .. } | Self::NoSuchMitigation { .. } | Self::Policy { .. } => USAGE,
            Self::Catalog { .. } | Self::Reused(_) | Self::Bundle { .. } | Self::Feed { .. } => {
                REFUSED
            }
            Self::Feeds(error) => of_feeds(error),
            Self::Lock(LockError::Held { .. }) => LOCKED,
            Self::File(error) | Self::Lock(LockError::Fs(error)) => of_fs(error),
            Self::Write { why, .. } => of_io(why),
            Self::Store(error) | Self::Cycle(CycleError::Store(error)) => of_store(error),
            Self::Decided { why, .. } => why.code(),
            Self::Signal(_) => signals::exit_code().unwrap_or(ATTENTION),
            Self::Cycle(_) | Self::Config { .. } | Self::Machine(_) => ATTENTION,
        }
    }

    /// What to do next; empty if the sentence says it.
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::Usage { hint, .. } => hint.clone(),
            Self::NotObeyed { mend, .. } => {
                format!("nothing was changed, and what is in force stays. To mend it: {mend}")
            }
            Self::NoSuchMitigation { near: Some(near), .. } => format!("did you mean `{near}`?"),
            Self::NoSuchMitigation { near: None, .. } => "`stopgap list` shows all of them".into(),
            Self::Catalog { .. } => {
                "nothing new was applied; what is in force stays. Mend the documents and try again"
                    .into()
            }
            Self::Reused(_) => {
                "nothing new was applied; ask the publisher for a new revision number".into()
            }
            Self::Feeds(error) => hint_of_feeds(error),
            Self::Bundle { .. } => {
                "nothing was changed; copy the bundle again, or ask its publisher".into()
            }
            Self::Feed { name, .. } => format!(
                "what is in force stays, nothing new is applied; to see how far it comes: \
                 stopgap test-connectivity {name}"
            ),
            Self::Policy { .. } => "nothing was changed; mend the policy file and try again".into(),
            Self::Lock(LockError::Held { .. }) => {
                "wait until it is done, or give it longer with --wait SECONDS".into()
            }
            Self::Store(error) | Self::Cycle(CycleError::Store(error)) => hint_of_store(error),
            Self::Decided { then, why, .. } => {
                let hints = [then.clone(), why.hint()].into_iter().filter(|hint| !hint.is_empty());
                hints.collect::<Vec<_>>().join("; ")
            }
            Self::File(error) | Self::Lock(LockError::Fs(error)) => hint_of_fs(error),
            _ if self.code() == NOT_PERMITTED => "run it as root".into(),
            _ => String::new(),
        }
    }

    /// The whole sentence: what failed, and why, down to the first cause.
    pub(crate) fn sentence(&self) -> String {
        sentence(self)
    }

    /// The exit code as the process gives it.
    pub(crate) fn exit(&self) -> ExitCode {
        ExitCode::from(self.code())
    }
}

/// The exit code of a cycle in which this went wrong.
pub(crate) fn code_of_trouble(trouble: &Trouble) -> u8 {
    match trouble {
        Trouble::NotBegun { why, .. } | Trouble::NotRecorded { why, .. } => of_store(why),
        Trouble::NotSwept(why)
        | Trouble::NotRemembered(why)
        | Trouble::NotAudited(why)
        | Trouble::NotKept(why) => of_store(why),
        Trouble::NotUndone { .. } | Trouble::NotHealthy { .. } | Trouble::NotTaken { .. } => {
            ATTENTION
        }
    }
}

/// What to do next where this went wrong; empty if the sentence says it.
pub(crate) fn hint_of_trouble(trouble: &Trouble) -> String {
    match trouble {
        Trouble::NotUndone { .. } => {
            "the next check tries again; or put the file back by hand from \
                                      the copy named above, then run: stopgap check"
                .into()
        }
        Trouble::NotHealthy { target, .. } => format!(
            "look at the log of {target}; its files are as they were before. A change of them that it \
             had not taken yet was taken with ours"
        ),
        Trouble::NotTaken { target, .. } => {
            format!("look at the configuration of {target}, test it and reload it by hand")
        }
        Trouble::NotBegun { why, .. } | Trouble::NotRecorded { why, .. } => hint_of_store(why),
        Trouble::NotSwept(why)
        | Trouble::NotRemembered(why)
        | Trouble::NotAudited(why)
        | Trouble::NotKept(why) => hint_of_store(why),
    }
}

fn of_io(error: &std::io::Error) -> u8 {
    let denied = error.kind() == std::io::ErrorKind::PermissionDenied;
    if denied { NOT_PERMITTED } else { ATTENTION }
}

fn of_fs(error: &FsError) -> u8 {
    if error.is_permission_denied() { NOT_PERMITTED } else { ATTENTION }
}

/// Why `file` is not obeyed, of which others can change what is at `at`; and the command that mends
/// it.
fn exposed(file: &Path, at: &Path) -> (String, String) {
    use std::os::unix::fs::MetadataExt as _;
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
    let quoted = quoted(at);
    let is_itself = std::path::absolute(file).is_ok_and(|file| file == at);
    let mend = match (foreign, is_itself) {
        (Some(_), true) if is_link => format!("chown -h root: {quoted}"),
        (Some(_), true) => format!("chown root: {quoted} && chmod go-w {quoted}"),
        (None, _) => format!("chmod go-w {quoted}"),
        // Another user's folder stays his.
        (Some(_), false) => {
            let name = file.file_name().unwrap_or_default();
            let into = Path::new("/etc/stopgap").join(name);
            format!(
                "look at what it says, then copy it to where only root can write, as with: \
                     install -D -m 644 {} {}",
                self::quoted(file),
                self::quoted(&into)
            )
        }
    };
    (why, mend)
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@:,".contains(c);
    if text.chars().all(is_plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// What to do next about a file or folder that could not be used.
fn hint_of_fs(error: &FsError) -> String {
    let FsError::Io { path, .. } = error else { return String::new() };
    let path = path.display();
    if error.is_read_only() {
        return format!(
            "the disk with {path} is read-only, for root too: find out why (dmesg), make it writable \
             (mount -o remount,rw …), and try again. What is in place stays as it is"
        );
    }
    if error.is_full() {
        return format!(
            "make room on the disk with {path} (df -h and df -i show how much there is; quota, how much of \
             it is yours), and try again. What is in place stays as it is"
        );
    }
    match error.is_permission_denied() {
        true if rustix::process::geteuid().is_root() => format!(
            "it is refused to root too: look at the attributes (lsattr) and at what guards the system \
             (SELinux, AppArmor) for {path}"
        ),
        true => "run it as root".into(),
        false => String::new(),
    }
}

fn of_feeds(error: &FeedsError) -> u8 {
    match error {
        FeedsError::Folder(PrivateDirError::Fs(error)) | FeedsError::Fs(error) => of_fs(error),
        FeedsError::Folder(_) => NOT_PERMITTED,
        FeedsError::Root(_) | FeedsError::Anchors(_) | FeedsError::Eocs(_) => REFUSED,
        FeedsError::Exists(_) | FeedsError::TooMany | FeedsError::Url(_) => USAGE,
        FeedsError::Lock(LockError::Held { .. }) => LOCKED,
        FeedsError::Lock(LockError::Fs(error)) => of_fs(error),
        FeedsError::Unreadable { .. } => ATTENTION,
    }
}

fn hint_of_feeds(error: &FeedsError) -> String {
    match error {
        FeedsError::Exists(name) => {
            format!("to replace it: stopgap feed remove {name}, then add it again")
        }
        FeedsError::Root(_) => "get the root metadata from the publisher again".into(),
        FeedsError::Anchors(_) => {
            "put the certificates that you trust there, as *.pem, *.crt, *.cer or *.der".into()
        }
        FeedsError::Lock(LockError::Held { .. }) => {
            "wait until it is done, or give it longer with --wait SECONDS".into()
        }
        FeedsError::Url(_) => "an address begins with https://, http:// or file:///".into(),
        FeedsError::Unreadable { .. } => {
            "restore the file from a backup of the state folder, or add the feed anew".into()
        }
        FeedsError::Fs(error)
        | FeedsError::Folder(PrivateDirError::Fs(error))
        | FeedsError::Lock(LockError::Fs(error)) => hint_of_fs(error),
        _ if of_feeds(error) == NOT_PERMITTED => "run it as root".into(),
        _ => String::new(),
    }
}

fn of_store(error: &StoreError) -> u8 {
    match error {
        StoreError::Folder(PrivateDirError::Fs(error)) | StoreError::Fs(error) => of_fs(error),
        StoreError::Folder(_) => NOT_PERMITTED,
        StoreError::Unreadable { .. } | StoreError::NoRoom { .. } => ATTENTION,
        StoreError::Lock(LockError::Held { .. }) => LOCKED,
        StoreError::Lock(LockError::Fs(error)) => of_fs(error),
    }
}

fn hint_of_store(error: &StoreError) -> String {
    match error {
        StoreError::Lock(LockError::Held { .. }) => {
            "it takes no more than a moment, unless the process was stopped: look at it, then try \
             again"
                .into()
        }
        StoreError::Folder(PrivateDirError::Fs(error))
        | StoreError::Fs(error)
        | StoreError::Lock(LockError::Fs(error))
        | StoreError::NoRoom { source: error, .. } => hint_of_fs(error),
        StoreError::Folder(_) => {
            "it would hold secrets; name a folder of your own, or one that is not there yet, \
             with --state DIR"
                .into()
        }
        StoreError::Unreadable { .. } => {
            "restore the file from a backup of the state folder; nothing was changed".into()
        }
    }
}
