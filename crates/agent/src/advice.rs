//! What an administrator can do about a failure: one place, so that the command line, the journal and
//! whatever else shows an error say the same.

use stopgap_engine::{CycleError, Trouble};
use stopgap_feed::FeedsError;
use stopgap_fs::{FsError, LockError, PrivateDirError};
use stopgap_store::StoreError;

use crate::cause::Cause;
use crate::error::AgentError;
use crate::system_advice;

pub use crate::system_advice::AS_ROOT;
/// What to do where another command holds the lock.
const WAIT: &str = "wait until it is done, or give it longer with --wait SECONDS";

impl AgentError {
    /// Returns what to do next; empty if the sentence says it.
    #[must_use]
    pub fn advice(&self) -> String {
        match self {
            Self::NotObeyed { fix, .. } => {
                format!("nothing was changed; installed mitigations stay active. To fix it: {fix}")
            }
            Self::NoSuchMitigation { near: Some(near), .. } => format!("did you mean `{near}`?"),
            Self::NoSuchMitigation { near: None, .. } => "`stopgap list` shows all of them".into(),
            Self::CatalogFolder { .. } => {
                "name a folder with mitigation documents: --catalog DIR".into()
            }
            Self::CatalogSize { most, .. } => format!("a catalog holds 1 to {most} documents"),
            Self::Catalog { .. } => "nothing new was applied; installed mitigations stay active. \
                 Correct the documents and try again"
                .into(),
            Self::Reused(_) => {
                "nothing new was applied; ask the publisher for a new revision number".into()
            }
            Self::Policy { .. } => {
                "nothing was changed; correct the policy file and try again".into()
            }
            Self::Feeds(error) => of_feeds(error),
            Self::Lock(LockError::Held { .. }) => WAIT.into(),
            Self::Store(error) | Self::Cycle(CycleError::Store(error)) => of_store(error),
            Self::File(error) | Self::Lock(LockError::Fs(error)) => of_fs(error),
            Self::Cycle(_) | Self::Stopped(_) => String::new(),
        }
    }
}

/// Returns what to do next where this went wrong in a cycle; empty if the sentence says it.
#[must_use]
pub fn of_trouble(trouble: &Trouble) -> String {
    match trouble {
        Trouble::NotUndone { .. } => {
            "the next check tries again; or put the file back by hand from \
             the copy named above, then run: stopgap check"
                .into()
        }
        Trouble::NotGivenBack { .. } => {
            "the next check tries again what can be; look at the services with: systemctl status"
                .into()
        }
        Trouble::NotStarted(_) => {
            "why is in its log (journalctl -u); start it by hand when that is mended".into()
        }
        Trouble::NotHealthy { target, .. } => format!(
            "look at the log of {target}; its files are as they were before. A change of them that it \
             had not taken yet was taken with ours"
        ),
        Trouble::NotTaken { target, .. } => {
            format!("look at the configuration of {target}, test it and reload it by hand")
        }
        Trouble::NotBegun { why, .. }
        | Trouble::NotRecorded { why, .. }
        | Trouble::NotSwept(why)
        | Trouble::NotRemembered(why)
        | Trouble::NotAudited(why)
        | Trouble::NotKept(why) => of_store(why),
    }
}

/// Returns what to do next about a file or folder that could not be used.
#[must_use]
pub fn of_fs(error: &FsError) -> String {
    system_advice::of_fs(error)
}

/// Returns what to do next about the feeds.
fn of_feeds(error: &FeedsError) -> String {
    match error {
        FeedsError::Exists(name) => {
            format!("to replace it: stopgap feed remove {name}, then add it again")
        }
        FeedsError::Root(_) => "get the root metadata from the publisher again".into(),
        FeedsError::Anchors(_) => {
            "put the certificates that you trust there, as *.pem, *.crt, *.cer or *.der".into()
        }
        FeedsError::Lock(LockError::Held { .. }) => WAIT.into(),
        FeedsError::Url(_) => "an address begins with https://, http:// or file:///".into(),
        FeedsError::Unreadable { .. } => {
            "restore the file from a backup of the state folder, or add the feed anew".into()
        }
        FeedsError::Fs(error)
        | FeedsError::Folder(PrivateDirError::Fs(error))
        | FeedsError::Lock(LockError::Fs(error)) => of_fs(error),
        _ if Cause::of_feeds(error) == Cause::NotPermitted => AS_ROOT.into(),
        _ => String::new(),
    }
}

/// Returns what to do next about the state folder.
fn of_store(error: &StoreError) -> String {
    match error {
        StoreError::Lock(LockError::Held { .. }) => {
            "it takes no more than a moment, unless the process was stopped: look at it, then try \
             again"
                .into()
        }
        StoreError::Folder(PrivateDirError::Fs(error))
        | StoreError::Fs(error)
        | StoreError::Lock(LockError::Fs(error))
        | StoreError::NoRoom { source: error, .. } => of_fs(error),
        StoreError::Folder(_) => {
            "it would hold secrets; name a folder of your own, or one that is not there yet, \
             with --state DIR"
                .into()
        }
        StoreError::Unreadable { .. } => {
            "restore the file from a backup of the state folder; nothing was changed".into()
        }
        StoreError::Newer { .. } => {
            "use the version of stopgap that was here last, or a newer one; nothing was changed"
                .into()
        }
    }
}
