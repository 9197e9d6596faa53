//! The change records in the state folder, with the bytes of the files before each change.

use jiff::Timestamp;
use stopgap_model::Digest;
use stopgap_plan::{FileEdit, Step};

use crate::change::{Change, FileChange, Status};
use crate::error::{StoreError, unreadable};
use crate::layout::{BLOCK, CHANGES, LINES, MAX_RECORD, REASON, RECORD, ROOM, SPARE, folder};
use crate::record;
use crate::store::Store;
use crate::text::boundary;

impl Store {
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
            changes.push(record::read(&file, &bytes)?);
        }
        Ok(changes)
    }

    pub(crate) fn change_numbers(&self) -> Result<Vec<u64>, StoreError> {
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
        let failed_rollback = None;
        let change = Change { number, at, by, status, steps, files, audit, failed_rollback };
        self.capture(&change, edits)?;
        Ok(change)
    }

    /// Writes the before-images and the intent of a change, or nothing.
    fn capture(&self, change: &Change, edits: &[FileEdit]) -> Result<(), StoreError> {
        let folder = folder(change.number);
        let record = self.record_of(change, None)?;
        let spare = (record.len() as u64 + REASON).next_multiple_of(BLOCK);
        let actions: usize = change.steps.iter().map(|step| step.actions().len()).sum();
        let lines = ROOM + LINES * actions as u64;
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
            let bytes = record::write(&change).map_err(|error| {
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

    /// The changes that were begun and cut short: neither finished nor taken back, and no process is
    /// at them any more.
    ///
    /// # Errors
    /// A record cannot be read.
    pub fn interrupted(&self) -> Result<Vec<Change>, StoreError> {
        let intended = || -> Result<Vec<Change>, StoreError> {
            let mut changes = self.changes()?;
            // One that could not be taken back is told as what failed.
            changes.retain(|it| it.status == Status::Intended && it.failed_rollback.is_none());
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
}
