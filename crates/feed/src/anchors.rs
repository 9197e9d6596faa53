//! Trust anchors for feeds in Microsoft's format: certificates, less what revocation lists revoke.

use std::path::{Path, PathBuf};

use stopgap_eocs::{NotRead, Trust, TrustFault, certificates, revocation_lists};
use stopgap_fs::{FsError, read_bounded};

/// The largest file that is read. A certificate has some 2 KB, a large revocation list some MB.
pub(crate) const MAX_FILE: u64 = 16 * 1024 * 1024;

/// Trust anchors cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AnchorsError {
    /// A file or the folder cannot be read.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// The folder cannot be listed.
    #[error("the folder {} cannot be read: {why}", .folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why.
        why: std::io::Error,
    },
    /// A file is not what its name says.
    #[error("{name}: {why}")]
    File {
        /// The file.
        name: String,
        /// Why.
        why: NotRead,
    },
    /// There is none.
    #[error("there is no trust anchor in {place} (*.pem, *.crt, *.cer or *.der)")]
    None {
        /// Where they were looked for.
        place: String,
    },
    /// They cannot be used together.
    #[error(transparent)]
    Trust(#[from] TrustFault),
}

/// A file of trust anchors or of revocations.
pub(crate) struct AnchorFile {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
}

/// Trust in the certificates of `folder`.
///
/// # Errors
/// See `AnchorsError`. Every file of a known kind must be readable: an anchor or a revocation that
/// is passed over unseen is worse than none.
pub fn trust_in(folder: &Path) -> Result<Trust, AnchorsError> {
    trust(&folder.display().to_string(), &read_folder(folder)?)
}

/// The files of a folder that hold certificates or revocations, in the order of their names.
pub(crate) fn read_folder(folder: &Path) -> Result<Vec<AnchorFile>, AnchorsError> {
    let failed = |why| AnchorsError::Folder { folder: folder.to_owned(), why };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        paths.push(entry.map_err(failed)?.path());
    }
    paths.sort();
    let mut files = Vec::new();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if is_anchor(&name) || is_revocation(&name) {
            files.push(AnchorFile { name, bytes: read_bounded(&path, MAX_FILE)? });
        }
    }
    Ok(files)
}

/// Trust in what `files` hold, which were found in `place`.
pub(crate) fn trust(place: &str, files: &[AnchorFile]) -> Result<Trust, AnchorsError> {
    let (mut anchors, mut lists) = (Vec::new(), Vec::new());
    for AnchorFile { name, bytes } in files {
        let wrong = |why| AnchorsError::File { name: name.clone(), why };
        if is_revocation(name) {
            lists.extend(revocation_lists(bytes).map_err(wrong)?);
        } else {
            anchors.extend(certificates(bytes).map_err(wrong)?);
        }
    }
    if anchors.is_empty() {
        return Err(AnchorsError::None { place: place.to_owned() });
    }
    Ok(Trust::new(anchors, lists)?)
}

fn extension(name: &str) -> String {
    name.rsplit_once('.').map_or_else(String::new, |(_, end)| end.to_ascii_lowercase())
}

fn is_anchor(name: &str) -> bool {
    matches!(extension(name).as_str(), "pem" | "crt" | "cer" | "der")
}

fn is_revocation(name: &str) -> bool {
    extension(name) == "crl"
}
