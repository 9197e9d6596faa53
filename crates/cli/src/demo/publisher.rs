//! The demo's publisher: a feed in a folder, signed with keys that are made for it and thrown away.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::{Span, Timestamp};
use stopgap_sign::{
    Envelope, RoleKeys, Roles, SigningKey, TargetFile, root, snapshot, targets, timestamp,
};

use crate::error::CliError;

/// How long the demo's metadata is good for, in hours.
const GOOD_FOR: i64 = 1;

/// Who signs a feed.
pub(super) struct Publisher {
    key: SigningKey,
}

impl Publisher {
    /// A publisher with a new key, which signs every role: in a demo nobody keeps keys apart.
    pub(super) fn new() -> Result<Self, CliError> {
        let key = SigningKey::generate().map_err(|error| CliError::Machine(error.to_string()))?;
        Ok(Self { key })
    }

    /// Writes a feed with one document into `folder`; answers its root metadata.
    pub(super) fn publish(
        &self,
        folder: &Path,
        name: &str,
        document: &[u8],
    ) -> Result<Vec<u8>, CliError> {
        let expires = Timestamp::now()
            .checked_add(Span::new().hours(GOOD_FOR))
            .map_err(|error| CliError::Machine(error.to_string()))?;
        let role = || RoleKeys { keys: vec![self.key.public()], threshold: 1 };
        let roles = Roles { root: role(), targets: role(), snapshot: role(), timestamp: role() };
        let sign = |signed| Envelope::signed_by(signed, [&self.key]).to_bytes();
        let file = TargetFile::of(document);
        let digest = file.sha256;
        let files = BTreeMap::from([(name.to_owned(), file)]);
        let root = sign(root(1, expires, &roles));
        // From the targets up: each file names the digest or version of the one below.
        let targets = sign(targets(1, expires, &files, &[]));
        let snapshot =
            sign(snapshot(1, expires, &BTreeMap::from([("targets.json".to_owned(), 1)])));
        let timestamp = sign(timestamp(1, expires, 1, &snapshot));
        let document_name = format!("targets/{digest}.{name}");
        let all: [(&str, &[u8]); 5] = [
            (&document_name, document),
            ("metadata/1.root.json", &root),
            ("metadata/1.targets.json", &targets),
            ("metadata/1.snapshot.json", &snapshot),
            ("metadata/timestamp.json", &timestamp),
        ];
        for (file, bytes) in all {
            write(folder.join(file), bytes)?;
        }
        Ok(root)
    }
}

fn write(file: PathBuf, bytes: &[u8]) -> Result<(), CliError> {
    let written = match file.parent() {
        Some(folder) => std::fs::create_dir_all(folder),
        None => Ok(()),
    };
    written.and_then(|()| std::fs::write(&file, bytes)).map_err(|why| CliError::Write { file, why })
}
