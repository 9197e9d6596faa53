//! The audit trail on the disk: lines are added, and it is read back and judged.

use std::time::Duration;

use jiff::Timestamp;
use stopgap_model::Digest;

use crate::audit::{self, Event, Follows, Head, Line, Trail};
use crate::store::{Store, StoreError, boundary, unreadable};

/// The largest audit trail that is read, in bytes: about a hundred years of hourly cycles.
const MAX_AUDIT: u64 = 256 * 1024 * 1024;
/// How much of its end is read before a line is added, in bytes. A crash leaves it one or two lines
/// ahead of its head.
const MAX_END: u64 = 1024 * 1024;
/// The longest text of a line, in bytes.
const MAX_DETAIL: usize = 64 * 1024;
/// How long a line waits for another one that is being written.
const WAIT: Duration = Duration::from_secs(10);
/// The same for a decision, which has taken effect by then.
const SHORT_WAIT: Duration = Duration::from_millis(500);
/// How long is waited before the head is read again: it is written in less.
const PAUSE: Duration = Duration::from_millis(20);
/// The room on the disk that is kept for further lines, in bytes: a dozen of them.
pub(crate) const ROOM: u64 = 4096;

pub(crate) const AUDIT: &str = "audit.jsonl";
const HEAD: &str = "trust/audit.head";
/// Every head takes as much: it is written over in place.
const HEAD_BYTES: usize = 128;

/// What a line of the audit trail says.
#[derive(Clone, Copy)]
struct Entry<'a> {
    at: Timestamp,
    who: &'a str,
    event: Event,
    mitigation: &'a str,
    detail: &'a str,
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

    /// Adds a line to the audit trail. A torn last line is cut off first, and that is written
    /// down; so is a trail that does not end with the last line that was written.
    ///
    /// # Errors
    /// It cannot be written, or another process writes it for longer than a line takes.
    pub fn record(
        &self,
        at: Timestamp,
        who: &str,
        event: Event,
        mitigation: &str,
        detail: &str,
    ) -> Result<(), StoreError> {
        self.append(WAIT, Entry { at, who, event, mitigation, detail })
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
        self.append(SHORT_WAIT, Entry { at, who, event, mitigation, detail })
    }

    fn append(&self, wait: Duration, entry: Entry<'_>) -> Result<(), StoreError> {
        let Entry { at, who, event, mitigation, detail } = entry;
        // A decision is written down while another process has the lock of the server, which writes
        // lines too.
        let mut log = self.dir.open_log(AUDIT, wait)?;
        let end = log.end(MAX_END)?;
        let whole = complete_lines(&end);
        let torn = (end.len() - whole.len()) as u64;
        let head = self.head();
        let Follows { head: mut last, fault } =
            audit::follows(whole, head.as_ref().ok().copied().flatten());
        let lost = head.err().map(|error| format!("the digest of the last line was lost: {error}"));
        let broken = fault.or(lost);
        let mut lines = Vec::new();
        if torn > 0 {
            lines.push((Event::Repaired, "", "the last line was torn and was cut off"));
        }
        lines.extend(broken.as_deref().map(|why| (Event::TrailBroken, "", why)));
        lines.push((event, mitigation, detail));
        let mut text = Vec::new();
        if torn == MAX_END {
            // No line is so long. What it is stays, as a line that cannot be read.
            text.push(b'\n');
        } else if torn > 0 {
            log.cut(log.length()? - torn)?;
        }
        for (event, mitigation, detail) in lines {
            let (seq, prev) = (last.seq + 1, last.digest);
            let (mitigation, detail) =
                (mitigation.to_owned(), detail[..boundary(detail, MAX_DETAIL)].to_owned());
            let line = Line { seq, at, who: who.to_owned(), event, mitigation, detail, prev };
            let json = serde_json::to_vec(&line).map_err(|error| unreadable(AUDIT, &error))?;
            last = Head { seq, digest: Digest::of(&json) };
            text.extend_from_slice(&json);
            text.push(b'\n');
        }
        log.add(&text, ROOM)?;
        self.save_head(last)
    }

    /// The last line as it is kept outside the trail; `None` if none is kept yet.
    pub(crate) fn head(&self) -> Result<Option<Head>, StoreError> {
        let Some(bytes) = self.dir.read(HEAD, HEAD_BYTES as u64)? else { return Ok(None) };
        serde_json::from_slice(&bytes).map(Some).map_err(|error| unreadable(HEAD, &error))
    }

    fn save_head(&self, head: Head) -> Result<(), StoreError> {
        let mut text = serde_json::to_vec(&head).map_err(|error| unreadable(HEAD, &error))?;
        text.resize(HEAD_BYTES - 1, b' ');
        text.push(b'\n');
        Ok(self.dir.write_in_place(HEAD, &text)?)
    }

    /// Begins the head of a trail that has no line yet, and takes room for lines.
    pub(crate) fn begin_trail(&self, room: u64) -> Result<(), StoreError> {
        self.dir.keep_room(AUDIT, room)?;
        if self.dir.length(HEAD)?.is_none() && self.dir.length(AUDIT)? == Some(0) {
            self.save_head(Head::none())?;
        }
        Ok(())
    }
}

fn complete_lines(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
    &bytes[..end]
}
