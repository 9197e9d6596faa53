//! The state folder.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use stopgap_fs::{FsError, Lock, LockError, PrivateDir};
use stopgap_model::Mitigation;
use stopgap_plan::{Failures, InstalledState, ManagedFile, Original};

use crate::error::{StoreError, unreadable};
use crate::fold::{Folded, fold};
use crate::layout::{
    DECISIONS, DECISIONS_LOCK, EVIDENCE, LOCK, MAX_RECORD, RECORD, REVISIONS, ROOM, TRUST, folder,
};
use crate::revisions::Revisions;

/// The state folder of one server.
#[derive(Debug)]
pub struct Store {
    pub(crate) dir: PrivateDir,
}

impl Store {
    /// Opens the state folder, making it if it is not there.
    ///
    /// # Errors
    /// The folder cannot be made or is not private; see `PrivateDir`.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let dir = PrivateDir::open_or_create(path)?;
        let store = Self { dir };
        // Where there is no room for it, who only looks needs none, and who begins a change is told.
        let _ = store.keep_room(ROOM);
        Ok(store)
    }

    /// Takes room on the disk for what must be possible on a full one: a decision, and `lines` bytes
    /// of the audit trail.
    pub(crate) fn keep_room(&self, lines: u64) -> Result<(), StoreError> {
        for lock in [LOCK, DECISIONS_LOCK] {
            self.dir.keep_room(lock, 0)?;
        }
        self.keep_room_to_decide(0)?;
        self.dir.create_dir(TRUST)?;
        self.begin_trail(lines)
    }

    /// The state folder's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Takes the lock, waiting up to `wait`; `on_wait` is told once who holds it.
    ///
    /// # Errors
    /// Another process still holds it.
    pub fn lock(
        &self,
        holder: &str,
        wait: Duration,
        on_wait: &mut dyn FnMut(&str),
    ) -> Result<Lock, LockError> {
        Lock::acquire(&self.dir, holder, wait, on_wait)
    }

    /// Who holds the lock now, as he says himself; `None`: nobody.
    ///
    /// # Errors
    /// The lock file cannot be used.
    pub fn busy(&self) -> Result<Option<String>, FsError> {
        Lock::holder(&self.dir)
    }

    /// Removes the folders of changes whose intent never reached the disk, and what torn writes
    /// left; each is attempted.
    ///
    /// # Errors
    /// A file or folder cannot be removed.
    pub fn sweep(&self) -> Result<(), StoreError> {
        let mut swept = Ok(());
        for number in self.change_numbers()? {
            let folder = folder(number);
            let record = format!("{folder}/{RECORD}");
            let removed = match self.dir.length(&record)? {
                Some(_) => self.remove_leftover(&record),
                None => self.dir.remove_dir_all(&folder).map(|_| ()),
            };
            swept = swept.and(removed);
        }
        // Without the lock it could be what another process is writing just now.
        if let Ok(_lock) = self.lock_decisions("a check that tidies up") {
            swept = swept.and(self.remove_leftover(DECISIONS));
        }
        Ok(swept.and(self.remove_leftover(REVISIONS)).and(self.remove_leftover(EVIDENCE))?)
    }

    fn remove_leftover(&self, file: &str) -> Result<(), FsError> {
        let leftover = stopgap_fs::leftover_path(file);
        // On a disk that cannot be written not even what is not there can be removed.
        if self.dir.length(&leftover) == Ok(None) {
            return Ok(());
        }
        self.dir.remove_file(&leftover).map(|_| ())
    }

    /// What is in place by our doing, and the failures, folded from the change records.
    ///
    /// # Errors
    /// A record or a before-image cannot be read.
    pub fn installed(&self) -> Result<(InstalledState, Failures), StoreError> {
        let Folded { actions, files, web, services, failures } = fold(&self.changes()?);
        let mut own = BTreeMap::new();
        for (key, file) in files {
            let wrappers = file
                .insertions
                .iter()
                .flat_map(|part| part.undo.wrappers().iter().cloned())
                .collect();
            // A before-image that is not what was captured is never written to a server; the rules
            // are taken out one by one then.
            let original = file.original.and_then(|(change, first, tip)| {
                let bytes = self.image(change, &first).ok()??;
                Some(Original { bytes, tip: tip? })
            });
            own.insert(key, ManagedFile { wrappers, original });
        }
        Ok((InstalledState { actions, files: own, web, services }, failures))
    }

    /// The revisions that were seen.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn revisions(&self) -> Result<Revisions, StoreError> {
        let Some(bytes) = self.dir.read(REVISIONS, MAX_RECORD)? else {
            return Ok(Revisions::default());
        };
        serde_json::from_slice(&bytes).map_err(|error| unreadable(REVISIONS, &error))
    }

    /// Writes down the revisions of `mitigations` that were not seen before.
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub fn remember<'a>(
        &self,
        mitigations: impl IntoIterator<Item = &'a Mitigation>,
    ) -> Result<(), StoreError> {
        let mut seen = self.revisions()?;
        if seen.add(mitigations) {
            let bytes = serde_json::to_vec_pretty(&seen);
            let bytes = bytes.map_err(|error| unreadable(REVISIONS, &error))?;
            self.dir.create_dir(TRUST)?;
            self.dir.write_atomic(REVISIONS, &bytes)?;
        }
        Ok(())
    }
}
