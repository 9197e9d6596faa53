//! Files of a change: made as the plan says, and put back.

use stopgap_edit::iis::MAX_FILE_BYTES;
use stopgap_host::{Host, Read, ReplaceError};
use stopgap_model::{Digest, ServerPath};
use stopgap_store::{Change, FileChange};

use crate::Engine;
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
    /// Those that could not be put back.
    pub(crate) left: Vec<NotBack>,
}

impl Engine<'_> {
    /// Puts back the first `made` files of `change`, the last one first. One that cannot be put back
    /// keeps no other from it.
    pub(crate) fn put_all_back(&self, change: &Change, made: usize) -> PutBack {
        let mut back = PutBack { as_before: true, left: Vec::new() };
        for file in change.files.iter().take(made).rev() {
            match self.put_back(change, file) {
                Ok(as_before) => back.as_before &= as_before,
                Err(why) => back.left.push(NotBack {
                    file: file.path.clone(),
                    why: sentence(&why),
                    image: self.store.image_path(change.number, file),
                }),
            }
        }
        back
    }

    /// Puts a file back if it has the change's bytes. Answers whether it has its bytes of before.
    fn put_back(&self, change: &Change, file: &FileChange) -> Result<bool, ReplaceError> {
        let _ = self.host.remove_leftover(&file.path);
        let image = match self.store.image(change.number, file) {
            Ok(image) => image,
            // Without the image the file is left as it is, and that is told as a change of it.
            Err(_) => return Ok(false),
        };
        // A file that the change did not come to is not touched, whoever holds it.
        let now = match self.host.read(&file.path, MAX_FILE_BYTES as u64) {
            Read::Found(bytes) => Some(Digest::of(&bytes)),
            Read::Absent => None,
            Read::Unreadable(_) => file.after,
        };
        if now == file.before {
            return Ok(true);
        }
        match make(self.host, &file.path, file.after, image.as_deref()) {
            Ok(()) => Ok(true),
            Err(ReplaceError::Changed { found, .. }) => Ok(Some(found) == file.before),
            Err(ReplaceError::Missing { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// An error with its causes, as one sentence.
pub(crate) fn sentence(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {}", sentence(cause)),
        None => error.to_string(),
    }
}
