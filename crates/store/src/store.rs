//! The state folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use stopgap_fs::{FsError, Lock, LockError, PrivateDir, PrivateDirError};
use stopgap_model::{Digest, Mitigation};
use stopgap_plan::{Failures, FileEdit, InPlace, Original, OwnFile, Step};

use crate::change::{Change, FileChange, Status};
use crate::decisions::Decisions;
use crate::evidence::EVIDENCE;
use crate::fold::{Folded, fold};
use crate::revisions::Revisions;
use crate::trail;

/// The largest record that is read back, in bytes. A change record holds a few KiB for each action.
const MAX_RECORD: u64 = 64 * 1024 * 1024;
/// What the disk gives at once, in bytes, on all that servers use.
const BLOCK: u64 = 4096;
/// The room that is kept for further decisions, in bytes: a dozen of them.
const MORE_DECISIONS: u64 = 2048;
/// The room that is kept for why a change was undone, in bytes. A longer reason is cut where there is
/// no more.
const REASON: u64 = 3072;
/// The room that is kept in the audit trail for each action of a change, in bytes.
const LINES: u64 = 1024;

/// How long a decision waits for another one that is being written. That takes milliseconds, so who
/// waits longer is told, and within the two seconds in which the switch works.
const DECISION_WAIT: Duration = Duration::from_secs(1);

/// Held while the decisions are read, changed and written, and while nothing is waited for.
const DECISIONS_LOCK: &str = "decisions.lock";
/// Held by one process that changes something at a time.
const LOCK: &str = "lock";
const DECISIONS: &str = "decisions.toml";
/// Room to write the decisions when the disk is full.
const DECISIONS_SPARE: &str = "decisions.spare";
const TRUST: &str = "trust";
const REVISIONS: &str = "trust/revisions.json";
const CHANGES: &str = "changes";
/// The record of a change, in its folder.
const RECORD: &str = "change.json";
/// Room to write down what became of a change.
const SPARE: &str = "spare";

/// The state folder of one server.
#[derive(Debug)]
pub struct Store {
    pub(crate) dir: PrivateDir,
}

/// Something remembered could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The state folder is not fit to be used.
    #[error(transparent)]
    Folder(#[from] PrivateDirError),
    /// A file could not be read or written.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// A record is not what was written.
    #[error("{file} in the state folder cannot be read: {why}")]
    Unreadable {
        /// The file.
        file: String,
        /// Why.
        why: String,
    },
    /// Another process holds one of the short locks.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// There is no room for what takes a change back, and for what became of it.
    #[error(
        "nothing was begun, because {} has no room for what takes a change back: about {} KiB are \
         needed, {} KiB are free",
        folder.display(), .needed.div_ceil(1024), .free / 1024
    )]
    NoRoom {
        /// The state folder.
        folder: PathBuf,
        /// What is needed, in bytes.
        needed: u64,
        /// What is free, in bytes.
        free: u64,
        /// What failed.
        source: FsError,
    },
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
        let _ = store.keep_room(trail::ROOM);
        Ok(store)
    }

    /// Takes room on the disk for what must be possible on a full one: a decision, and `lines` bytes
    /// of the audit trail.
    fn keep_room(&self, lines: u64) -> Result<(), StoreError> {
        for lock in [LOCK, DECISIONS_LOCK] {
            self.dir.keep_room(lock, 0)?;
        }
        self.keep_room_to_decide(0)?;
        self.dir.create_dir(TRUST)?;
        self.begin_trail(lines)
    }

    /// Takes room for decisions of `bytes` bytes and for more.
    fn keep_room_to_decide(&self, bytes: usize) -> Result<(), StoreError> {
        let room = (bytes as u64 + MORE_DECISIONS).next_multiple_of(BLOCK);
        for file in [DECISIONS, DECISIONS_SPARE] {
            let has = self.dir.length(file)?.unwrap_or(0);
            self.dir.keep_room(file, room.saturating_sub(has))?;
        }
        Ok(())
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

    /// The changes that were begun and cut short: neither finished nor taken back, and no process is
    /// at them any more.
    ///
    /// # Errors
    /// A record cannot be read.
    pub fn interrupted(&self) -> Result<Vec<Change>, StoreError> {
        let intended = || -> Result<Vec<Change>, StoreError> {
            let mut changes = self.changes()?;
            // One that could not be taken back is told as what failed.
            changes.retain(|it| it.status == Status::Intended && it.stuck.is_none());
            Ok(changes)
        };
        let before: Vec<u64> = intended()?.iter().map(|change| change.number).collect();
        if before.is_empty() || self.busy()?.is_some() {
            return Ok(Vec::new());
        }
        // Whoever was at one of them was done with it before he gave the lock back.
        let mut still = intended()?;
        still.retain(|change| before.contains(&change.number));
        Ok(still)
    }

    /// Changes what administrators decided, at once: nobody who holds the lock is waited for.
    /// Answers what `change` does.
    ///
    /// # Errors
    /// The file cannot be read or written; or another process writes it and does not come to an end
    /// within a second.
    pub fn decide<T>(
        &self,
        holder: &str,
        change: impl FnOnce(&mut Decisions) -> T,
    ) -> Result<T, StoreError> {
        let _lock = self.lock_decisions(holder)?;
        let before = self.decisions()?;
        let mut decisions = before.clone();
        let answer = change(&mut decisions);
        if decisions != before {
            self.save_decisions(&decisions)?;
        }
        Ok(answer)
    }

    fn lock_decisions(&self, holder: &str) -> Result<Lock, LockError> {
        Lock::acquire_named(&self.dir, DECISIONS_LOCK, holder, DECISION_WAIT, &mut |_| {})
    }

    /// What administrators decided by a command.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn decisions(&self) -> Result<Decisions, StoreError> {
        let Some(bytes) = self.dir.read(DECISIONS, MAX_RECORD)? else {
            return Ok(Decisions::default());
        };
        let text = String::from_utf8(bytes).map_err(|error| unreadable(DECISIONS, &error))?;
        toml::from_str(&text).map_err(|error| unreadable(DECISIONS, &error.message()))
    }

    /// Remembers what administrators decided, on a full disk too.
    fn save_decisions(&self, decisions: &Decisions) -> Result<(), StoreError> {
        let text = toml::to_string(decisions).map_err(|error| unreadable(DECISIONS, &error))?;
        self.dir.write_even_if_full(DECISIONS, DECISIONS_SPARE, text.as_bytes())?;
        // On a full disk the two files keep the room that they have.
        let _ = self.keep_room_to_decide(text.len());
        Ok(())
    }

    /// All change records, oldest first. A folder without a record is no change: its server files
    /// were never touched.
    ///
    /// # Errors
    /// A record cannot be read.
    pub fn changes(&self) -> Result<Vec<Change>, StoreError> {
        let mut changes = Vec::new();
        for number in self.change_numbers()? {
            let file = format!("{}/{RECORD}", folder(number));
            let Some(bytes) = self.dir.read(&file, MAX_RECORD)? else { continue };
            changes
                .push(serde_json::from_slice(&bytes).map_err(|error| unreadable(&file, &error))?);
        }
        Ok(changes)
    }

    fn change_numbers(&self) -> Result<Vec<u64>, StoreError> {
        let names = self.dir.list(CHANGES)?;
        let mut numbers: Vec<u64> = names.iter().filter_map(|name| name.parse().ok()).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// Captures the files' bytes and the intent, all of it on disk when this returns, and takes the
    /// room that is needed to write down what became of it.
    ///
    /// # Errors
    /// Something could not be written; then nothing may be changed on the server.
    pub fn begin(
        &self,
        at: Timestamp,
        by: &str,
        edits: &[FileEdit],
        steps: &[Step],
    ) -> Result<Change, StoreError> {
        let number = self.change_numbers()?.last().map_or(1, |last| last + 1);
        let digest = |bytes: &Option<Vec<u8>>| bytes.as_deref().map(Digest::of);
        let of_file = |(at, edit): (usize, &FileEdit)| FileChange {
            path: edit.path.clone(),
            before: digest(&edit.before),
            after: digest(&edit.after),
            image: edit.before.as_ref().map(|_| format!("before/{at}")),
            after_image: None,
        };
        let files = edits.iter().enumerate().map(of_file).collect();
        let (by, steps, status) = (by.to_owned(), steps.to_vec(), Status::Intended);
        let audit = self.head().ok().flatten();
        let stuck = None;
        let change = Change { schema: 1, number, at, by, status, steps, files, audit, stuck };
        self.capture(&change, edits)?;
        Ok(change)
    }

    /// Writes the before-images and the intent of a change, or nothing.
    fn capture(&self, change: &Change, edits: &[FileEdit]) -> Result<(), StoreError> {
        let folder = folder(change.number);
        let record = self.record_of(change, None)?;
        let spare = (record.len() as u64 + REASON).next_multiple_of(BLOCK);
        let actions: usize = change.steps.iter().map(|step| step.actions().len()).sum();
        let lines = trail::ROOM + LINES * actions as u64;
        let images = || edits.iter().filter_map(|edit| edit.before.as_deref());
        let write = || -> Result<(), StoreError> {
            self.keep_room(lines)?;
            self.dir.create_dir(&format!("{folder}/before"))?;
            self.dir.make_spare(&format!("{folder}/{SPARE}"), spare)?;
            for (file, bytes) in
                change.files.iter().filter_map(|file| file.image.as_ref()).zip(images())
            {
                self.dir.write_atomic(&format!("{folder}/{file}"), bytes)?;
            }
            Ok(self.dir.write_atomic(&format!("{folder}/{RECORD}"), &record)?)
        };
        write().map_err(|error| {
            // Without the record it is no change; what of it stays lying is swept away.
            let _ = self.dir.remove_dir_all(&folder);
            let blocks = |bytes: u64| bytes.next_multiple_of(BLOCK);
            let images: u64 = images().map(|bytes| blocks(bytes.len() as u64)).sum();
            self.no_room(error, blocks(record.len() as u64) + spare + images + blocks(lines))
        })
    }

    /// The same error; where it is for want of room, with how much is needed.
    fn no_room(&self, error: StoreError, needed: u64) -> StoreError {
        match error {
            StoreError::Fs(source) if source.is_full() => {
                let free = self.dir.free().unwrap_or(0);
                StoreError::NoRoom { folder: self.path().to_owned(), needed, free, source }
            }
            error => error,
        }
    }

    /// Keeps what the file of this number in `change` is to be, too, and writes that down.
    ///
    /// # Errors
    /// It cannot be written; then the file may not be changed.
    pub fn keep_after(
        &self,
        change: &mut Change,
        number: usize,
        after: &[u8],
    ) -> Result<(), StoreError> {
        let folder = folder(change.number);
        let image = format!("after/{number}");
        self.dir.create_dir(&format!("{folder}/after"))?;
        self.dir.write_atomic(&format!("{folder}/{image}"), after)?;
        if let Some(file) = change.files.get_mut(number) {
            file.after_image = Some(image);
        }
        self.save_change(change)
    }

    /// Writes down what became of a change. Its end is written into the room that was taken for it.
    ///
    /// # Errors
    /// The record cannot be written.
    pub fn save_change(&self, change: &Change) -> Result<(), StoreError> {
        let folder = folder(change.number);
        let (record, spare) = (format!("{folder}/{RECORD}"), format!("{folder}/{SPARE}"));
        // What is only intended still has its end before it.
        let room = match change.status {
            Status::Intended => None,
            _ => self.dir.length(&spare)?,
        };
        match room {
            Some(room) => {
                let bytes = self.record_of(change, Some(room))?;
                Ok(self.dir.write_onto(&record, &spare, &bytes)?)
            }
            None => Ok(self.dir.write_atomic(&record, &self.record_of(change, None)?)?),
        }
    }

    /// A change record as text. Where it has more than `room` bytes, the reason for which it was undone
    /// is cut.
    fn record_of(&self, change: &Change, room: Option<u64>) -> Result<Vec<u8>, StoreError> {
        let mut change = change.clone();
        loop {
            let bytes = serde_json::to_vec_pretty(&change).map_err(|error| {
                unreadable(&format!("{}/{RECORD}", folder(change.number)), &error)
            })?;
            let fits = room.is_none_or(|room| bytes.len() as u64 <= room);
            match &mut change.status {
                Status::Undone { error, .. } if !fits && error.len() > 8 => {
                    let half = boundary(error, error.len() / 2);
                    error.truncate(half);
                    error.push('…');
                }
                _ => return Ok(bytes),
            }
        }
    }

    /// Where the bytes of a file before a change are, for a person; `None` where there was no file.
    #[must_use]
    pub fn image_path(&self, change: u64, file: &FileChange) -> Option<String> {
        let image = file.image.as_ref()?;
        Some(self.path().join(folder(change)).join(image).display().to_string())
    }

    /// The bytes of a file before a change; `None` where there was no file.
    ///
    /// # Errors
    /// The image is not there, or is not what was captured.
    pub fn image(&self, change: u64, file: &FileChange) -> Result<Option<Vec<u8>>, StoreError> {
        self.kept(change, file.image.as_deref(), file.before)
    }

    /// The bytes of a file after a change, where they are kept.
    ///
    /// # Errors
    /// They are not there, or are not what was kept.
    pub fn after(&self, change: u64, file: &FileChange) -> Result<Option<Vec<u8>>, StoreError> {
        self.kept(change, file.after_image.as_deref(), file.after)
    }

    fn kept(
        &self,
        change: u64,
        image: Option<&str>,
        digest: Option<Digest>,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(image) = image else { return Ok(None) };
        let name = format!("{}/{image}", folder(change));
        let bytes = self.dir.read(&name, MAX_RECORD)?;
        let bytes = bytes.ok_or_else(|| unreadable(&name, &"it is not there"))?;
        if Some(Digest::of(&bytes)) == digest {
            return Ok(Some(bytes));
        }
        Err(unreadable(&name, &"its digest is not the one in change.json"))
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
    pub fn in_place(&self) -> Result<(InPlace, Failures), StoreError> {
        let Folded { actions, files, web, failures } = fold(&self.changes()?);
        let mut own = BTreeMap::new();
        for (key, file) in files {
            let scaffold = file
                .insertions
                .iter()
                .flat_map(|part| part.undo.scaffold().iter().cloned())
                .collect();
            // A before-image that is not what was captured is never written to a server; the rules
            // are taken out one by one then.
            let original = file.original.and_then(|(change, first, tip)| {
                let bytes = self.image(change, &first).ok()??;
                Some(Original { bytes, tip: tip? })
            });
            own.insert(key, OwnFile { scaffold, original });
        }
        Ok((InPlace { actions, files: own, web }, failures))
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

fn folder(number: u64) -> String {
    format!("{CHANGES}/{number:06}")
}

/// The last place in `text`, not after `at`, where it can be cut.
pub(crate) fn boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
}

pub(crate) fn unreadable(file: &str, why: &dyn std::fmt::Display) -> StoreError {
    StoreError::Unreadable { file: file.to_owned(), why: why.to_string() }
}
