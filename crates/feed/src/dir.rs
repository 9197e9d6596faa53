//! A feed in a folder: a mounted disk, a share, a repository just published.

use std::path::{Path, PathBuf};

use stopgap_fs::{FsError, read_below};

use crate::transport::{Answer, ConnectStep, Transport, TransportError, parts};

/// A feed in a folder. No link below the folder is followed.
#[derive(Debug)]
pub struct DirTransport(PathBuf);

impl DirTransport {
    /// The feed in the folder at `path`, which need not be there yet.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }
}

impl Transport for DirTransport {
    fn get(
        &self,
        path: &str,
        max: u64,
        _validator: Option<&str>,
    ) -> Result<Answer, TransportError> {
        match read_below(&self.0, &parts(path)?, max) {
            Ok(Some(bytes)) => Ok(Answer::Found { bytes, validator: None }),
            Ok(None) => Ok(Answer::Absent),
            Err(FsError::TooLarge { max, .. }) => Err(TransportError::too_large(max)),
            Err(error) => Err(file(&error)),
        }
    }
}

/// What the operating system said, with its reason.
pub(crate) fn file(error: &FsError) -> TransportError {
    let why = std::error::Error::source(error).map(|why| format!(": {why}"));
    TransportError::new(ConnectStep::File, format!("{error}{}", why.unwrap_or_default()))
}
