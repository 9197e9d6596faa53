//! A feed in a folder: a mounted disk, a share, a repository just published.

use std::path::{Path, PathBuf};

use stopgap_fs::{FsError, read_below};

use crate::place::{Answer, Hop, Place, PlaceError, parts};

/// A feed in a folder. No link below the folder is followed.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// The feed in the folder at `path`, which need not be there yet.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }
}

impl Place for Folder {
    fn get(&self, path: &str, max: u64, _validator: Option<&str>) -> Result<Answer, PlaceError> {
        match read_below(&self.0, &parts(path)?, max) {
            Ok(Some(bytes)) => Ok(Answer::Found { bytes, validator: None }),
            Ok(None) => Ok(Answer::Absent),
            Err(FsError::TooLarge { max, .. }) => Err(PlaceError::too_large(max)),
            Err(error) => Err(file(&error)),
        }
    }
}

/// What the operating system said, with its reason.
pub(crate) fn file(error: &FsError) -> PlaceError {
    let why = std::error::Error::source(error).map(|why| format!(": {why}"));
    PlaceError::new(Hop::File, format!("{error}{}", why.unwrap_or_default()))
}
