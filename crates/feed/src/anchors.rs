//! Trust anchors for feeds in Microsoft's format: certificates, less what revocation lists revoke.
//!
//! ```text
//! signer/*.pem   the roots or issuers of who signs feeds
//! stamp/*.pem    those of stamping authorities
//! *.pem          both, as in folders from before the two were told apart
//! *.crl          revocation lists, in any of the three
//! ```

use std::path::{Path, PathBuf};

use stopgap_eocs::{Anchors, NotRead, Trust, TrustFault, certificates, revocation_lists};
use stopgap_fs::{FsError, read_bounded, read_obeyed};

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
    #[error("there is no trust anchor for a signer in {place} (*.pem, *.crt, *.cer or *.der)")]
    None {
        /// Where they were looked for.
        place: String,
    },
    /// They cannot be used together.
    #[error(transparent)]
    Trust(#[from] TrustFault),
}

/// The folder of the anchors for who signs feeds, and that of those for stamping authorities, in the
/// folder of the anchors.
pub(crate) const SIGNER: &str = "signer";
pub(crate) const STAMP: &str = "stamp";

/// What the anchors of a file are trusted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum For {
    Signer,
    Stamp,
    /// As in folders from before the two were told apart.
    Both,
}

impl For {
    /// The folder, below that of the anchors, with a slash.
    pub(crate) fn folder(self) -> &'static str {
        match self {
            Self::Signer => "signer/",
            Self::Stamp => "stamp/",
            Self::Both => "",
        }
    }
}

/// A file of trust anchors or of revocations.
pub(crate) struct AnchorFile {
    pub(crate) purpose: For,
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
}

/// Trust in the certificates of `folder`, and whether some of it are for signers and stamping
/// authorities alike.
///
/// # Errors
/// See `AnchorsError`. Every file of a known kind must be readable: an anchor or a revocation that
/// is passed over unseen is worse than none.
pub fn trust_in(folder: &Path) -> Result<(Trust, bool), AnchorsError> {
    let files = read_folder(folder, read_bounded)?;
    Ok((trust(&folder.display().to_string(), &files)?, are_for_both(&files)))
}

/// How a file is read: of at most so many bytes.
type Read = fn(&Path, u64) -> Result<Vec<u8>, FsError>;

/// The files of a folder whose certificates are to be trusted from now on: nobody but root and this
/// process's own user may have put them there.
pub(crate) fn read_obeyed_folder(folder: &Path) -> Result<Vec<AnchorFile>, AnchorsError> {
    read_folder(folder, read_obeyed)
}

/// The files of a folder, and of those in it for each purpose, that hold certificates or revocations,
/// in the order of their names.
fn read_folder(folder: &Path, read: Read) -> Result<Vec<AnchorFile>, AnchorsError> {
    let mut files = read_files(folder, For::Both, read)?;
    for (name, purpose) in [(SIGNER, For::Signer), (STAMP, For::Stamp)] {
        let below = folder.join(name);
        if below.is_dir() {
            files.extend(read_files(&below, purpose, read)?);
        }
    }
    Ok(files)
}

fn read_files(folder: &Path, purpose: For, read: Read) -> Result<Vec<AnchorFile>, AnchorsError> {
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
            files.push(AnchorFile { purpose, name, bytes: read(&path, MAX_FILE)? });
        }
    }
    Ok(files)
}

/// Trust in what `files` hold, which were found in `place`. A revocation list counts for all of it,
/// wherever it is.
pub(crate) fn trust(place: &str, files: &[AnchorFile]) -> Result<Trust, AnchorsError> {
    let (mut anchors, mut lists) = (Anchors::default(), Vec::new());
    for AnchorFile { purpose, name, bytes } in files {
        let wrong = |why| AnchorsError::File { name: name.clone(), why };
        if is_revocation(name) {
            lists.extend(revocation_lists(bytes).map_err(wrong)?);
            continue;
        }
        let found = certificates(bytes).map_err(wrong)?;
        if *purpose != For::Stamp {
            anchors.signer.extend(found.iter().cloned());
        }
        if *purpose != For::Signer {
            anchors.stamp.extend(found);
        }
    }
    if anchors.signer.is_empty() {
        return Err(AnchorsError::None { place: place.to_owned() });
    }
    Ok(Trust::new(anchors, &lists)?)
}

/// Whether an anchor among these files is for signers and stamping authorities alike.
pub(crate) fn are_for_both(files: &[AnchorFile]) -> bool {
    files.iter().any(|file| file.purpose == For::Both && is_anchor(&file.name))
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
