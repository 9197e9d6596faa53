//! The trust anchors in a folder.

use std::fs;
use std::path::{Path, PathBuf};

use stopgap_eocs::{NotRead, Trust, certificates, revocation_lists};
use stopgap_fs::read_bounded;

use crate::error::CliError;

/// The largest file that is read. A certificate has some 2 KB, a large revocation list some MB.
const MAX_FILE: u64 = 16 * 1024 * 1024;

/// Trust in the certificates of a folder, less what its revocation lists revoke. Every file of a
/// known kind must be readable: an anchor or a revocation that is passed over unseen is worse
/// than none.
pub(crate) fn read(folder: &Path) -> Result<Trust, CliError> {
    let (mut anchors, mut lists) = (Vec::new(), Vec::new());
    for file in files(folder)? {
        let extension = file.extension().unwrap_or_default().to_ascii_lowercase();
        let wrong = |NotRead| CliError::Config { file: file.clone(), why: NotRead.to_string() };
        match extension.to_str() {
            Some("pem" | "crt" | "cer" | "der") => {
                anchors.extend(certificates(&read_bounded(&file, MAX_FILE)?).map_err(wrong)?);
            }
            Some("crl") => {
                lists.extend(revocation_lists(&read_bounded(&file, MAX_FILE)?).map_err(wrong)?);
            }
            _ => {}
        }
    }
    if anchors.is_empty() {
        return Err(CliError::usage(
            format!("there is no trust anchor in {}", folder.display()),
            "put the certificates that you trust there, as *.pem, *.crt, *.cer or *.der",
        ));
    }
    Trust::new(anchors, lists)
        .map_err(|fault| CliError::Config { file: folder.to_owned(), why: fault.to_string() })
}

/// The files of the folder, in the order of their names.
fn files(folder: &Path) -> Result<Vec<PathBuf>, CliError> {
    let unreadable = |error: std::io::Error| CliError::Config {
        file: folder.to_owned(),
        why: format!("the folder cannot be read: {error}"),
    };
    let entries = fs::read_dir(folder).map_err(unreadable)?;
    let mut files = Vec::new();
    for entry in entries {
        files.push(entry.map_err(unreadable)?.path());
    }
    files.sort();
    Ok(files)
}
