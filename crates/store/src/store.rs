//! The state folder.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use stopgap_fs::{FsError, Lock, LockError, PrivateDir, PrivateDirError};
use stopgap_model::{Digest, Mitigation};
use stopgap_plan::{Failures, FileEdit, InPlace, Original, OwnFile, Step};

use crate::audit::{self, AuditError, Event, Line};
use crate::change::{Change, FileChange, Status};
use crate::decisions::Decisions;
use crate::fold::{Folded, fold};
use crate::revisions::Revisions;

/// The largest record that is read back, in bytes. A change record holds a few KiB for each action.
const MAX_RECORD: u64 = 64 * 1024 * 1024;
/// The largest audit trail that is read, in bytes: about a hundred years of hourly cycles.
const MAX_AUDIT: u64 = 256 * 1024 * 1024;

/// How long a decision waits for another one that is being written. That takes milliseconds, so who
/// waits longer is told, and within the two seconds in which the switch works.
const DECISION_WAIT: Duration = Duration::from_secs(1);
/// How long a line of the audit trail waits for another one that is being written.
const AUDIT_WAIT: Duration = Duration::from_secs(10);
/// The same for a decision, which has taken effect by then.
const SHORT_AUDIT_WAIT: Duration = Duration::from_millis(500);

/// Held while the decisions are read, changed and written, and while nothing is waited for.
const DECISIONS_LOCK: &str = "decisions.lock";
/// Held while lines are added to the audit trail.
const AUDIT_LOCK: &str = "audit.lock";

const AUDIT: &str = "audit.jsonl";
const DECISIONS: &str = "decisions.toml";
const REVISIONS: &str = "trust/revisions.json";
const CHANGES: &str = "changes";

/// The state folder of one server.
#[derive(Debug)]
pub struct Store {
    dir: PrivateDir,
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
    /// The audit trail is not what was written.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// Another process holds one of the short locks.
    #[error(transparent)]
    Lock(#[from] LockError),
}

impl Store {
    /// Opens the state folder, making it if it is not there.
    ///
    /// # Errors
    /// The folder cannot be made or is not private; see `PrivateDir`.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Ok(Self { dir: PrivateDir::open_or_create(path)? })
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

    /// The changes that were begun and neither finished nor taken back, and at which no process is
    /// any more.
    ///
    /// # Errors
    /// A record cannot be read.
    pub fn interrupted(&self) -> Result<Vec<Change>, StoreError> {
        let intended = || -> Result<Vec<Change>, StoreError> {
            let mut changes = self.changes()?;
            changes.retain(|change| change.status == Status::Intended);
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

    fn save_decisions(&self, decisions: &Decisions) -> Result<(), StoreError> {
        let text = toml::to_string(decisions).map_err(|error| unreadable(DECISIONS, &error))?;
        Ok(self.dir.write_atomic(DECISIONS, text.as_bytes())?)
    }

    /// All change records, oldest first. A folder without a record is no change: its server files
    /// were never touched.
    ///
    /// # Errors
    /// A record cannot be read.
    pub fn changes(&self) -> Result<Vec<Change>, StoreError> {
        let mut changes = Vec::new();
        for number in self.change_numbers()? {
            let file = format!("{}/change.json", folder(number));
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

    /// Captures the files' bytes and the intent, all of it on disk when this returns.
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
        let folder = folder(number);
        self.dir.create_dir(&format!("{folder}/before"))?;
        let mut files = Vec::new();
        for (at, edit) in edits.iter().enumerate() {
            let image = edit.before.as_ref().map(|_| format!("before/{at}"));
            if let (Some(image), Some(before)) = (&image, &edit.before) {
                self.dir.write_atomic(&format!("{folder}/{image}"), before)?;
            }
            let digest = |bytes: &Option<Vec<u8>>| bytes.as_deref().map(Digest::of);
            files.push(FileChange {
                path: edit.path.clone(),
                before: digest(&edit.before),
                after: digest(&edit.after),
                image,
            });
        }
        let steps = steps.to_vec();
        let status = Status::Intended;
        let (by, stuck) = (by.to_owned(), None);
        let change = Change { schema: 1, number, at, by, status, steps, files, stuck };
        self.save_change(&change)?;
        Ok(change)
    }

    /// Writes down what became of a change.
    ///
    /// # Errors
    /// The record cannot be written.
    pub fn save_change(&self, change: &Change) -> Result<(), StoreError> {
        let file = format!("{}/change.json", folder(change.number));
        let bytes = serde_json::to_vec_pretty(change).map_err(|error| unreadable(&file, &error))?;
        Ok(self.dir.write_atomic(&file, &bytes)?)
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
        let Some(image) = &file.image else { return Ok(None) };
        let name = format!("{}/{image}", folder(change));
        let bytes = self.dir.read(&name, MAX_RECORD)?;
        let bytes = bytes.ok_or_else(|| unreadable(&name, &"it is not there"))?;
        if Some(Digest::of(&bytes)) == file.before {
            return Ok(Some(bytes));
        }
        Err(unreadable(&name, &"its digest is not the one in change.json"))
    }

    /// Removes the folders of changes whose intent never reached the disk, and what torn writes
    /// left.
    ///
    /// # Errors
    /// A file or folder cannot be removed.
    pub fn sweep(&self) -> Result<(), StoreError> {
        for number in self.change_numbers()? {
            let folder = folder(number);
            let record = format!("{folder}/change.json");
            if self.dir.read(&record, MAX_RECORD)?.is_some() {
                self.remove_leftover(&record)?;
            } else {
                self.dir.remove_dir_all(&folder)?;
            }
        }
        // Without the lock it could be what another process is writing just now.
        if let Ok(_lock) = self.lock_decisions("a check that tidies up") {
            self.remove_leftover(DECISIONS)?;
        }
        self.remove_leftover(REVISIONS)
    }

    fn remove_leftover(&self, file: &str) -> Result<(), StoreError> {
        match self.dir.remove_file(&stopgap_fs::leftover_path(file)) {
            Ok(_) | Err(FsError::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
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

    /// The audit trail, checked from its first line.
    ///
    /// # Errors
    /// A line was changed or taken out.
    pub fn history(&self) -> Result<Vec<Line>, StoreError> {
        let bytes = self.dir.read(AUDIT, MAX_AUDIT)?.unwrap_or_default();
        Ok(audit::read(&bytes)?.0)
    }

    /// Adds a line to the audit trail. A torn last line is cut off first, and that is written
    /// down.
    ///
    /// # Errors
    /// The trail cannot be read or written.
    pub fn record(
        &self,
        at: Timestamp,
        who: &str,
        event: Event,
        mitigation: &str,
        detail: &str,
    ) -> Result<(), StoreError> {
        self.append(AUDIT_WAIT, Entry { at, who, event, mitigation, detail })
    }

    /// Adds a line on a decision to the audit trail, as `record` does, but hardly waits for others:
    /// the decision is in force already.
    ///
    /// # Errors
    /// See `record`.
    pub fn record_decision(
        &self,
        at: Timestamp,
        who: &str,
        event: Event,
        mitigation: &str,
        detail: &str,
    ) -> Result<(), StoreError> {
        self.append(SHORT_AUDIT_WAIT, Entry { at, who, event, mitigation, detail })
    }

    fn append(&self, wait: Duration, entry: Entry<'_>) -> Result<(), StoreError> {
        let Entry { at, who, event, mitigation, detail } = entry;
        // A decision is written down while another process has the lock of the server, which writes
        // lines too.
        let _lock = Lock::acquire_named(&self.dir, AUDIT_LOCK, who, wait, &mut |_| {})?;
        let bytes = self.dir.read(AUDIT, MAX_AUDIT)?.unwrap_or_default();
        // A broken chain is told by `history`; it must not keep new lines from being written.
        let last = complete_lines(&bytes);
        let torn = bytes.len() as u64 != last.len() as u64;
        if torn {
            self.dir.truncate(AUDIT, last.len() as u64)?;
        }
        let previous = last.strip_suffix(b"\n").unwrap_or(last).rsplit(|&b| b == b'\n').next();
        let previous = previous.unwrap_or_default();
        let mut seq = last.iter().filter(|&&b| b == b'\n').count() as u64;
        let mut prev = Digest::of(previous);
        let mut text = Vec::new();
        let mut add = |event, mitigation: &str, detail: &str| -> Result<(), StoreError> {
            seq += 1;
            let (mitigation, detail) = (mitigation.to_owned(), detail.to_owned());
            let line = Line { seq, at, who: who.to_owned(), event, mitigation, detail, prev };
            let json = serde_json::to_vec(&line).map_err(|error| unreadable(AUDIT, &error))?;
            prev = Digest::of(&json);
            text.extend_from_slice(&json);
            text.push(b'\n');
            Ok(())
        };
        if torn {
            add(Event::Repaired, "", "the last line was torn and was cut off")?;
        }
        add(event, mitigation, detail)?;
        Ok(self.dir.append_durable(AUDIT, &text)?)
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
            self.dir.create_dir("trust")?;
            let bytes = serde_json::to_vec_pretty(&seen);
            let bytes = bytes.map_err(|error| unreadable(REVISIONS, &error))?;
            self.dir.write_atomic(REVISIONS, &bytes)?;
        }
        Ok(())
    }
}

/// What a line of the audit trail says.
#[derive(Clone, Copy)]
struct Entry<'a> {
    at: Timestamp,
    who: &'a str,
    event: Event,
    mitigation: &'a str,
    detail: &'a str,
}

fn folder(number: u64) -> String {
    format!("{CHANGES}/{number:06}")
}

fn complete_lines(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
    &bytes[..end]
}

fn unreadable(file: &str, why: &dyn std::fmt::Display) -> StoreError {
    StoreError::Unreadable { file: file.to_owned(), why: why.to_string() }
}
