//! The highest versions that were seen: nothing below them is accepted, whatever happened to the
//! rest of what is remembered.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sigstore_tuf::{Root, TrustedMetadataSet};
use stopgap_model::Digest;
use stopgap_model::problem::one_line;

use super::Refusal;

/// The highest versions that were seen of a repository.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    /// The root's version.
    pub root: u64,
    /// The timestamp's version.
    pub timestamp: u64,
    /// The snapshot's version.
    pub snapshot: u64,
    /// The version of every targets role in the snapshot, by its file name: `targets.json`.
    pub roles: BTreeMap<String, u64>,
    /// The keys that the roles timestamp and snapshot had then.
    ///
    /// Whoever stole one can sign the highest version there is, and no honest one would be
    /// accepted behind it. So the versions below the root are forgotten when one of these keys is
    /// taken away (TUF 5.3.11); a key that is only added takes nothing back.
    keys: BTreeSet<(String, String)>,
    /// What the server said of the timestamp, to ask whether there is a newer one.
    validator: Option<Validator>,
}

/// What a transport said of the file with this digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Validator {
    of: Digest,
    text: String,
}

impl Seen {
    /// What is seen now that a refresh was completed; the timestamp has these bytes.
    pub(crate) fn of(trusted: &TrustedMetadataSet, validator: Option<(&[u8], String)>) -> Self {
        let versions = trusted.snapshot().map(|snapshot| {
            snapshot.meta.iter().map(|(name, meta)| (name.clone(), meta.version)).collect()
        });
        Self {
            root: trusted.root().version,
            timestamp: trusted.timestamp().map_or(0, |timestamp| timestamp.version),
            snapshot: trusted.snapshot().map_or(0, |snapshot| snapshot.version),
            roles: versions.unwrap_or_default(),
            keys: keys(trusted.root()),
            validator: validator.map(|(bytes, text)| Validator { of: Digest::of(bytes), text }),
        }
    }

    /// What to ask for a newer timestamp with, if the one at hand is the one it came with.
    pub(crate) fn validator(&self, timestamp: &[u8]) -> Option<&str> {
        let validator = self.validator.as_ref()?;
        (validator.of == Digest::of(timestamp)).then_some(validator.text.as_str())
    }

    /// Whether the versions below the root count under this root.
    pub(crate) fn counts(&self, root: &Root) -> bool {
        self.keys.is_subset(&keys(root))
    }

    /// Requires that nothing verified is older than what was seen.
    pub(crate) fn require(&self, trusted: &TrustedMetadataSet) -> Result<(), Refusal> {
        let not_below = |role: &str, seen: u64, offered: u64| match offered < seen {
            true => Err(Refusal::RolledBack { role: one_line(role), seen, offered }),
            false => Ok(()),
        };
        not_below("root", self.root, trusted.root().version)?;
        if !self.counts(trusted.root()) {
            return Ok(());
        }
        if let Some(timestamp) = trusted.timestamp() {
            not_below("timestamp", self.timestamp, timestamp.version)?;
            let snapshot = timestamp.snapshot_meta().map_or(0, |meta| meta.version);
            not_below("snapshot", self.snapshot, snapshot)?;
        }
        if let Some(snapshot) = trusted.snapshot() {
            not_below("snapshot", self.snapshot, snapshot.version)?;
            for (name, seen) in &self.roles {
                let offered = snapshot.meta.get(name).map_or(0, |meta| meta.version);
                not_below(name.strip_suffix(".json").unwrap_or(name), *seen, offered)?;
            }
        }
        Ok(())
    }
}

/// The keys of the roles timestamp and snapshot, by role and by what they are: an id is only what
/// the repository calls them.
fn keys(root: &Root) -> BTreeSet<(String, String)> {
    let of = |role: &'static str| {
        let ids = root.role(role).into_iter().flat_map(|role| &role.keyids);
        let keys = ids.filter_map(|id| root.keys.get(id)?.key_id().ok());
        keys.map(move |key| (role.to_owned(), key))
    };
    of("timestamp").chain(of("snapshot")).collect()
}
