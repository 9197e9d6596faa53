//! Files of a change: made as the plan says, and put back.

use stopgap_host::{FsError, Host, Read, ReplaceError};
use stopgap_model::problem::sentence;
use stopgap_model::{Digest, ServerPath};
use stopgap_store::{Change, FileChange};
use stopgap_webserver::MAX_TOTAL_BYTES;

use crate::effect;
use crate::engine::Engine;
use crate::trouble::NotBack;

/// Makes a file that is `before` into `after`; `None` is no file.
///
/// # Errors
/// The file is not what it should be before, or cannot be written.
pub(crate) fn make(
    host: &dyn Host,
    path: &ServerPath,
    before: Option<Digest>,
    after: Option<&[u8]>,
) -> Result<(), ReplaceError> {
    match (before, after) {
        (Some(before), Some(after)) => host.replace(path, before, after),
        (None, Some(after)) => host.create(path, after),
        (Some(before), None) => host.remove(path, before),
        (None, None) => Ok(()),
    }
}

/// What became of putting the files of a change back.
pub(crate) struct PutBack {
    /// Whether each has its bytes of before, but for those that are `left`.
    pub(crate) as_before: bool,
    /// Those that could not be put back, and without which the server is not as it was.
    pub(crate) left: Vec<NotBack>,
    /// Those that could not be put back either, and in which what stays of ours does nothing.
    pub(crate) idle: Vec<NotBack>,
}

impl Engine<'_> {
    /// Puts back the first `made` files of `change`, the last one first. One that cannot be put back
    /// keeps no other from it.
    pub(crate) fn put_all_back(&self, change: &Change, made: usize) -> PutBack {
        let mut back = PutBack { as_before: true, left: Vec::new(), idle: Vec::new() };
        for file in change.files.iter().take(made).rev() {
            match self.put_back(change, file) {
                Ok(as_before) => back.as_before &= as_before,
                Err(why) => {
                    let left = NotBack {
                        file: file.path.clone(),
                        why: sentence(&why),
                        image: self.store.image_path(change.number, file),
                    };
                    if effect::is_idle(change, file) {
                        back.as_before = false;
                        back.idle.push(left);
                    } else {
                        back.left.push(left);
                    }
                }
            }
        }
        // A file is idle only while all others are as they were.
        if !back.left.is_empty() {
            back.left.append(&mut back.idle);
        }
        back
    }

    /// Puts a file back if it has the change's bytes. Returns whether it has its bytes of before then.
    fn put_back(&self, change: &Change, file: &FileChange) -> Result<bool, ReplaceError> {
        let _ = self.host.remove_leftover(&file.path);
        let image = match self.store.image(change.number, file) {
            Ok(image) => image,
            // Without its bytes of before the file is left as it is, as one that somebody changed.
            Err(_) => return Ok(false),
        };
        // A file that the change did not come to is not touched, whoever holds it.
        let mut ours = file.after;
        let now = match self.host.read(&file.path, MAX_TOTAL_BYTES as u64) {
            Read::Found(bytes) => {
                let now = Some(Digest::of(&bytes));
                if self.is_torn(change, file, image.as_deref(), &bytes) {
                    ours = now;
                }
                now
            }
            Read::Absent => None,
            Read::Unreadable(_) => file.after,
        };
        if now == file.before {
            return Ok(true);
        }
        match make(self.host, &file.path, ours, image.as_deref()) {
            Ok(()) => Ok(true),
            Err(ReplaceError::Changed { found, .. }) => Ok(Some(found) == file.before),
            Err(ReplaceError::Missing { .. }) => Ok(false),
            // Something else is there by now, as a link or a pipe; what was written is gone.
            Err(ReplaceError::Fs(
                FsError::ForeignLink { .. }
                | FsError::Link { .. }
                | FsError::NotAFile { .. }
                | FsError::NotAFolder { .. }
                | FsError::Exchanged { .. },
            )) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

impl Engine<'_> {
    /// Returns whether writing a file in place was cut short: then its bytes are ours, though they are neither
    /// those of before nor those of after.
    fn is_torn(
        &self,
        change: &Change,
        file: &FileChange,
        before: Option<&[u8]>,
        now: &[u8],
    ) -> bool {
        let after = self.store.after(change.number, file);
        match (before, after) {
            (Some(before), Ok(Some(after))) => is_between(before, &after, now),
            _ => false,
        }
    }
}

/// Returns whether every byte is the one of before or the one of after: a part was written, in whatever order
/// the disk took it. A part of a longer file that was not written is zero.
fn is_between(before: &[u8], after: &[u8], now: &[u8]) -> bool {
    let (least, most) = (before.len().min(after.len()), before.len().max(after.len()));
    let is_either = |(at, byte): (usize, &u8)| {
        before.get(at) == Some(byte)
            || after.get(at) == Some(byte)
            || (*byte == 0 && at >= before.len())
    };
    (least..=most).contains(&now.len()) && now.iter().enumerate().all(is_either)
}

#[cfg(test)]
mod tests {
    use super::is_between;

    #[test]
    fn what_was_written_half_is_told_from_what_somebody_else_wrote() {
        let (before, after) = (b"server { a }".as_slice(), b"server { include x; a }".as_slice());
        for cut in 0..=after.len() {
            let rest = before.get(cut..).unwrap_or_default();
            let torn = [&after[..cut], rest].concat();
            assert!(is_between(before, after, &torn), "cut at {cut}");
        }
        // The same on the way back, which ends with cutting the rest off.
        for cut in 0..=before.len() {
            let torn = [&before[..cut], &after[cut..]].concat();
            assert!(is_between(after, before, &torn), "back, cut at {cut}");
        }
        for others in
            [b"server { b }".as_slice(), b"", b"server { include y; a }", b"server { a };;"]
        {
            assert!(!is_between(before, after, others));
        }
    }
}
