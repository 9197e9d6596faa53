//! The audit trail on the disk: lines are added, and it is read back and judged.

use std::borrow::Cow;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use stopgap_fs::Log;
use stopgap_model::Digest;

use crate::audit::{self, Head, Trail};
use crate::error::{StoreError, unreadable};
use crate::event::Event;
use crate::layout::{AUDIT, HEAD, ROOM};
use crate::line::{self, Line};
use crate::store::Store;
use crate::text::boundary;

/// The largest audit trail that is read, in bytes: about a hundred years of hourly cycles.
const MAX_AUDIT: u64 = 256 * 1024 * 1024;
/// How much of its end is read before a line is added, in bytes. A crash leaves it ahead of its head
/// by what is written at once.
const MAX_END: u64 = 1024 * 1024;
/// How much is written at once, in bytes; the last line of it may end behind that.
const MAX_BATCH: usize = 256 * 1024;
/// The longest text of a line, in bytes.
const MAX_DETAIL: usize = 64 * 1024;
/// How long a line waits for another one that is being written.
const WAIT: Duration = Duration::from_secs(10);
/// The same for a decision, which has taken effect by then.
const SHORT_WAIT: Duration = Duration::from_millis(500);
/// How long is waited before the head is read again: it is written in less.
const PAUSE: Duration = Duration::from_millis(20);
/// Every head takes as much: it is written over in place.
const HEAD_BYTES: usize = 128;

/// The form of `trust/audit.head`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct HeadFile {
    seq: u64,
    digest: Digest,
    /// How long the trail was with that line, in bytes. Older versions do not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    length: Option<u64>,
}

impl HeadFile {
    fn head(self) -> Head {
        Head { seq: self.seq, digest: self.digest }
    }
}

/// What a new line of the audit trail says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry<'a> {
    /// What happened.
    pub event: Event,
    /// The mitigation it is about; empty if none.
    pub mitigation: &'a str,
    /// More, in words.
    pub detail: Cow<'a, str>,
}

impl<'a> Entry<'a> {
    /// An entry about `mitigation`, or about none if that is empty.
    pub fn new(event: Event, mitigation: &'a str, detail: impl Into<Cow<'a, str>>) -> Self {
        Self { event, mitigation, detail: detail.into() }
    }
}

impl Entry<'_> {
    /// Writes the entry as an event, so that a log that is collected elsewhere has it too.
    fn write_to_log(&self, who: &str) {
        let Self { event, mitigation, detail } = self;
        let (kind, event) = (format!("audit-{}", event.as_str()), event.as_str());
        let subject = if mitigation.is_empty() { "" } else { " " };
        tracing::info!(
            event = kind.as_str(),
            mitigation = *mitigation,
            by = who,
            "{event}{subject}{mitigation}: {}",
            plain(detail)
        );
    }
}

/// Returns a text without control characters, which whoever reads a log would obey.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

impl Store {
    /// The audit trail, judged by its chain, by its head and by those in the change records.
    ///
    /// # Errors
    /// It cannot be read at all.
    pub fn trail(&self) -> Result<Trail, StoreError> {
        // The heads first: what is added meanwhile is after them.
        let mut heads: Vec<Head> =
            self.changes()?.into_iter().filter_map(|change| change.audit).collect();
        // One that is just being written may be torn.
        let again = |_| {
            std::thread::sleep(PAUSE);
            self.head()
        };
        let head = self.head().or_else(again);
        heads.extend(head.iter().flatten());
        let bytes = self.dir.read(AUDIT, MAX_AUDIT)?.unwrap_or_default();
        let mut trail = audit::read(&bytes, &heads);
        if let Err(error) = head {
            trail.faults.push(audit::AuditFault::NoHead { why: error.to_string() });
        }
        Ok(trail)
    }

    /// Adds a line to the audit trail for each of `entries`. A torn last line is cut off first, and
    /// that is written down; so is a trail that does not end with the last line that was written.
    ///
    /// # Errors
    /// They cannot be written, or another process writes for longer than lines take.
    pub fn record(
        &self,
        at: Timestamp,
        who: &str,
        entries: &[Entry<'_>],
    ) -> Result<(), StoreError> {
        match entries {
            [] => Ok(()),
            _ => self.append(WAIT, at, who, entries),
        }
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
        entry: Entry<'_>,
    ) -> Result<(), StoreError> {
        self.append(SHORT_WAIT, at, who, &[entry])
    }

    fn append(
        &self,
        wait: Duration,
        at: Timestamp,
        who: &str,
        entries: &[Entry<'_>],
    ) -> Result<(), StoreError> {
        // A decision is written down while another process has the lock of the server, which writes
        // lines too.
        let mut log = self.dir.open_log(AUDIT, wait)?;
        let (mut last, repairs) = self.repair(&mut log)?;
        let mut text = Vec::new();
        for Entry { event, mitigation, detail } in repairs.iter().chain(entries) {
            let detail = detail[..boundary(detail, MAX_DETAIL)].to_owned();
            let (seq, prev, mitigation) = (last.seq + 1, last.digest, (*mitigation).to_owned());
            let line =
                Line { seq, at, who: who.to_owned(), event: *event, mitigation, detail, prev };
            let json = line::write(&line).map_err(|error| unreadable(AUDIT, &error))?;
            last = Head { seq, digest: Digest::of(&json) };
            text.extend_from_slice(&json);
            text.push(b'\n');
            if text.len() >= MAX_BATCH {
                log.add(&std::mem::take(&mut text), ROOM)?;
                self.save_head(last, log.length()?)?;
            }
        }
        if !text.is_empty() {
            log.add(&text, ROOM)?;
            self.save_head(last, log.length()?)?;
        }
        // Others add lines meanwhile: a log that takes its time keeps nobody from the trail.
        drop(log);
        // Only what the trail has: a log that says more would be believed before the trail.
        repairs.iter().chain(entries).for_each(|entry| entry.write_to_log(who));
        Ok(())
    }

    /// Makes the end of the trail one that lines can be added to. Answers what the next line follows,
    /// and what is to be told first.
    fn repair(&self, log: &mut Log) -> Result<(Head, Vec<Entry<'static>>), StoreError> {
        let head = self.head_file();
        // As long as nothing was added and nothing cut off, the head tells what is at the end. Whether it
        // was changed there is seen by whoever reads the trail: the next line does not follow it then.
        if let Ok(Some(head)) = head
            && head.length == Some(log.length()?)
            && matches!(log.end(1)?.as_slice(), [] | b"\n")
        {
            return Ok((head.head(), Vec::new()));
        }
        let head = head.map(|head| head.map(HeadFile::head));
        let end = log.end(MAX_END)?;
        let whole = complete_lines(&end);
        let torn = (end.len() - whole.len()) as u64;
        let follows = audit::follows(whole, head.as_ref().ok().copied().flatten());
        let lost = head.err().map(|error| format!("the digest of the last line was lost: {error}"));
        let mut entries = Vec::new();
        if torn == MAX_END {
            // No line is so long. What it is stays, as a line that cannot be read.
            log.add(b"\n", ROOM)?;
        } else if torn > 0 {
            log.cut(log.length()? - torn)?;
        }
        if torn > 0 {
            entries.push(Entry::new(Event::Repaired, "", "the last line was torn and was cut off"));
        }
        let broken = follows.fault.or(lost);
        entries.extend(broken.map(|why| Entry::new(Event::TrailBroken, "", why)));
        Ok((follows.head, entries))
    }

    /// The last line as it is kept outside the trail; `None` if none is kept yet.
    pub(crate) fn head(&self) -> Result<Option<Head>, StoreError> {
        Ok(self.head_file()?.map(HeadFile::head))
    }

    fn head_file(&self) -> Result<Option<HeadFile>, StoreError> {
        let Some(bytes) = self.dir.read(HEAD, HEAD_BYTES as u64)? else { return Ok(None) };
        serde_json::from_slice(&bytes).map(Some).map_err(|error| unreadable(HEAD, &error))
    }

    /// Keeps the last line of a trail that is so long with it.
    fn save_head(&self, Head { seq, digest }: Head, length: u64) -> Result<(), StoreError> {
        let head = HeadFile { seq, digest, length: Some(length) };
        let mut text = serde_json::to_vec(&head).map_err(|error| unreadable(HEAD, &error))?;
        text.resize(HEAD_BYTES - 1, b' ');
        text.push(b'\n');
        Ok(self.dir.write_in_place(HEAD, &text)?)
    }

    /// Begins the head of a trail that has no line yet, and takes room for lines.
    pub(crate) fn begin_trail(&self, room: u64) -> Result<(), StoreError> {
        self.dir.keep_room(AUDIT, room)?;
        if self.dir.length(HEAD)?.is_none() && self.dir.length(AUDIT)? == Some(0) {
            self.save_head(Head::none(), 0)?;
        }
        Ok(())
    }
}

fn complete_lines(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
    &bytes[..end]
}
