//! `stopgap-publish bundle`: a feed in one file, for servers without a network.

use std::path::{Path, PathBuf};

use stopgap_fs::PublicDir;
use stopgap_sign::Role;
use tar::{Builder, Header};

use crate::args::Common;
use crate::error::PublishError;
use crate::output::counted;
use crate::repository::{path, target};
use crate::stdout::print_words;
use crate::verified_repository::{VerifiedRepository, open};

pub(crate) fn run(
    common: &Common,
    file: &Path,
    from: Option<&str>,
    root: Option<&Path>,
) -> Result<u8, PublishError> {
    let (folder, name) = place_of(file)?;
    let (from, root) = match (from, root) {
        (Some(from), Some(root)) => (from.to_owned(), root.to_owned()),
        _ => (common.dir.display().to_string(), common.dir.join(path(Role::Root, 1))),
    };
    // The feed is verified here too: a bundle that no server accepts must not be carried anywhere.
    let visit = VerifiedRepository::of(&open(&from)?, &root)?;
    let bytes = pack(&visit)?;
    PublicDir::open(&folder)?.write_atomic(&name, &bytes)?;
    print_words!("bundled {} in {}", counted(visit.files.len(), "target"), file.display());
    print_words!("  {} bytes; it is verified when it is imported", bytes.len());
    Ok(0)
}

fn place_of(file: &Path) -> Result<(PathBuf, String), PublishError> {
    let name = file.file_name().and_then(|name| name.to_str()).ok_or_else(|| {
        PublishError::usage(format!("{} cannot be a file's name", file.display()), "name a file")
    })?;
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    Ok((folder.unwrap_or(Path::new(".")).to_owned(), name.to_owned()))
}

/// The same feed gives the same bytes, whoever makes the bundle and when.
fn pack(visit: &VerifiedRepository) -> Result<Vec<u8>, PublishError> {
    let failed = |error: std::io::Error| PublishError::Machine(format!("no bundle: {error}"));
    let mut builder = Builder::new(Vec::new());
    let mut append = |path: &str, bytes: &[u8]| {
        let mut header = Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        // No time and no user, so that the same feed gives the same bytes.
        header.set_mtime(0);
        builder.append_data(&mut header, path, bytes).map_err(failed)
    };
    for (version, root) in &visit.roots {
        append(&path(Role::Root, *version), root)?;
    }
    for metadata in &visit.metadata {
        append(&metadata.path(), &metadata.bytes)?;
    }
    for (file, bytes) in visit.targets(|_| true)? {
        append(&target(&file.name, file.sha256), &bytes)?;
    }
    builder.into_inner().map_err(failed)
}
