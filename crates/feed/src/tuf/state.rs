//! The files of one TUF feed in the state folder: what is remembered and what was fetched.
//!
//! ```text
//! trust/feeds/NAME/root.json              the root that the feed is pinned to
//! trust/feeds/NAME/roots/<n>.root.json    those that followed it
//! trust/feeds/NAME/seen.json              the highest versions that were seen
//! trust/feeds/NAME/taken.json             what was taken last: under which root, with which policy
//! trust/feeds/NAME/policy.<digest>.toml   that policy
//! cache/feeds/NAME/metadata/…, targets/…  laid out as the repository is; it may be lost
//! ```
//!
//! What is fetched takes the place of what was taken only when it is whole: everything that the
//! timestamp stands for is there and verifies as it will be read back. In the cache the timestamp is
//! written last of the metadata, so it always names files that are there, whenever the power fails.
//! The policy of the last whole feed is kept beside what is trusted: it outlives the cache.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sigstore_tuf::{Metadata, Snapshot};
use stopgap_fs::{FsError, Lock, LockError, PrivateDir};
use stopgap_model::Digest;

use super::listing::is_plain;
use super::session::TIMESTAMP;
use super::{Client, File, Listing, Memory, Refusal, Seen};
use crate::policy::POLICY_NAME;

/// The largest metadata that is read back, in bytes: no larger one is fetched.
pub(super) const MAX_METADATA: u64 = 5_000_000;
/// The folder of what was fetched.
const CACHE: &str = "cache";
/// How long is waited while one feed takes the place of another.
const REPLACING: Duration = Duration::from_secs(60);
/// The most roots that are read back: as many a year as there are weeks, for twenty years.
const MAX_ROOTS: usize = 1024;

/// A feed that is a TUF repository, as it is remembered in the state folder. Whoever uses it holds
/// the folder's lock.
#[derive(Debug)]
pub struct TufFeed<'a> {
    pub(super) state: &'a PrivateDir,
    pub(super) trust: String,
    pub(super) cache: String,
}

/// What was taken last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Taken {
    /// The version of the root under which it verified.
    pub(super) root: u64,
    /// The digest of the organisation's policy, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    policy: Option<Digest>,
}

/// The highest versions as they are written: a flipped bit must not lower one.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeenFile {
    seen: Seen,
    sha256: Digest,
}

/// Takes the lock under which what was fetched is replaced and read.
pub(crate) fn lock_cache(state: &PrivateDir) -> Result<Lock, LockError> {
    state.create_dir(CACHE)?;
    let folder = state.folder_in(CACHE)?;
    let holder = format!("process {}", std::process::id());
    Lock::acquire(&folder, &holder, REPLACING, &mut |_| {})
}

impl<'a> TufFeed<'a> {
    /// The feed `name` in the state folder.
    ///
    /// # Errors
    /// The name cannot be that of a folder: letters, digits, `.`, `_` and `-`, of which the first
    /// is a letter or digit.
    pub fn new(state: &'a PrivateDir, name: &str) -> Result<Self, Refusal> {
        if !is_plain(name) {
            return Err(Refusal::Store(FsError::BadName { name: name.to_owned() }));
        }
        let (trust, cache) = (format!("trust/feeds/{name}"), format!("cache/feeds/{name}"));
        Ok(Self { state, trust, cache })
    }

    /// Forgets everything about the feed.
    ///
    /// # Errors
    /// It cannot be removed.
    pub fn forget(&self) -> Result<(), Refusal> {
        self.state.remove_dir_all(&self.trust)?;
        self.state.remove_dir_all(&self.cache)?;
        Ok(())
    }

    /// The organisation's policy of the last whole feed that was taken, if it had one and nothing
    /// altered it since.
    #[must_use]
    pub fn kept_policy(&self) -> Option<Vec<u8>> {
        let digest = self.taken()?.policy?;
        let bytes = self.state.read(&self.policy(digest), MAX_METADATA).ok()??;
        (Digest::of(&bytes) == digest).then_some(bytes)
    }

    pub(super) fn policy(&self, digest: Digest) -> String {
        format!("{}/policy.{digest}.toml", self.trust)
    }

    pub(super) fn targets(&self) -> String {
        format!("{}/targets", self.cache)
    }

    /// What was taken last, as far as that is known.
    pub(super) fn taken(&self) -> Option<Taken> {
        let bytes = self.state.read(&format!("{}/taken.json", self.trust), MAX_METADATA).ok()??;
        serde_json::from_slice(&bytes).ok()
    }

    /// Writes down what is taken now, with the policy before what names it.
    pub(super) fn write_taken(&self, client: &Client, listing: &Listing) -> Result<(), Refusal> {
        let policy = listing.files.iter().find(|file| file.name == POLICY_NAME);
        let root = client.seen().root;
        let taken = Taken { root, policy: policy.map(|file| file.sha256) };
        if self.taken().as_ref() == Some(&taken) && policy.is_some() == self.kept_policy().is_some()
        {
            return Ok(());
        }
        if let Some(file) = policy {
            let bytes = stored(self.state, &self.cache, file)?;
            self.state.write_atomic(&self.policy(file.sha256), &bytes)?;
        }
        let bytes = serde_json::to_vec_pretty(&taken).unwrap_or_default();
        self.state.write_atomic(&format!("{}/taken.json", self.trust), &bytes)?;
        let kept = taken.policy.map(|digest| format!("policy.{digest}.toml"));
        let mut old = self.state.list(&self.trust)?;
        old.retain(|name| name.starts_with("policy.") && Some(name) != kept.as_ref());
        if !old.is_empty() {
            self.state.remove_batch(&self.trust, &old)?;
        }
        Ok(())
    }

    /// What is remembered; of the cache, what can be read.
    pub(super) fn memory(&self) -> Result<Memory, Refusal> {
        let mut memory = Memory { seen: self.read_seen()?, ..Memory::default() };
        for name in self.state.list(&format!("{}/roots", self.trust))? {
            let version = name.strip_suffix(".root.json").and_then(|text| text.parse().ok());
            // A name that is none of ours was put there by somebody else, and is left alone.
            let Some(version) = version.filter(|_| memory.roots.len() < MAX_ROOTS) else {
                continue;
            };
            let path = format!("{}/roots/{name}", self.trust);
            memory.roots.extend(self.readable(&path).map(|bytes| (version, bytes)));
        }
        let folder = format!("{}/metadata", self.cache);
        let there: BTreeSet<String> =
            self.state.list(&folder).unwrap_or_default().into_iter().collect();
        let metadata = |name: &str| {
            there.contains(name).then(|| self.readable(&format!("{folder}/{name}"))).flatten()
        };
        // Without the timestamp nothing says which of the other files belong together.
        let Some(timestamp) = metadata(TIMESTAMP) else { return Ok(memory) };
        if let Some(version) = snapshot_version(&timestamp)
            && let Some(snapshot) = metadata(&format!("{version}.snapshot.json"))
        {
            for (name, version) in role_versions(&snapshot) {
                memory
                    .files
                    .extend(metadata(&format!("{version}.{name}")).map(|role| (name, role)));
            }
            memory.files.insert("snapshot.json".into(), snapshot);
        }
        memory.files.insert(TIMESTAMP.into(), timestamp);
        Ok(memory)
    }

    /// A file that is fetched again if it cannot be read.
    pub(super) fn readable(&self, path: &str) -> Option<Vec<u8>> {
        self.state.read(path, MAX_METADATA).ok().flatten()
    }

    pub(super) fn read_seen(&self) -> Result<Seen, Refusal> {
        let path = format!("{}/seen.json", self.trust);
        let Some(bytes) = self.state.read(&path, MAX_METADATA)? else {
            let is_pinned = self.state.read(&format!("{}/root.json", self.trust), MAX_METADATA)?;
            return Err(match is_pinned {
                Some(_) => Refusal::TrustTorn(path),
                None => Refusal::NothingRemembered,
            });
        };
        let file: Option<SeenFile> = serde_json::from_slice(&bytes).ok();
        let file = file.filter(|file| file.sha256 == digest(&file.seen));
        file.map(|file| file.seen).ok_or(Refusal::TrustTorn(path))
    }

    pub(super) fn write_seen(&self, seen: &Seen) -> Result<(), Refusal> {
        let file = SeenFile { seen: seen.clone(), sha256: digest(seen) };
        let bytes = serde_json::to_vec_pretty(&file).unwrap_or_default();
        Ok(self.state.write_atomic(&format!("{}/seen.json", self.trust), &bytes)?)
    }

    /// Writes the roots that are new, and that nothing older than the last of them is trusted.
    pub(super) fn write_roots(&self, client: &Client, seen: &mut Seen) -> Result<(), Refusal> {
        let roots = client.new_roots().into_iter();
        let files: Vec<_> =
            roots.map(|(version, bytes)| (format!("{version}.root.json"), bytes)).collect();
        if !files.is_empty() {
            self.state.write_batch(&format!("{}/roots", self.trust), &files)?;
        }
        let root = client.seen().root;
        if root != seen.root {
            seen.root = root;
            self.write_seen(seen)?;
        }
        Ok(())
    }

    /// Writes the metadata that is new, with the timestamp last: it names the rest.
    pub(super) fn write_metadata(
        &self,
        new: Vec<(String, Vec<u8>)>,
        versions: &BTreeMap<String, u64>,
    ) -> Result<(), Refusal> {
        let folder = format!("{}/metadata", self.cache);
        let (timestamps, rest): (Vec<_>, Vec<_>) =
            new.into_iter().partition(|(name, _)| name == TIMESTAMP);
        let rest: Vec<_> = rest
            .into_iter()
            .filter_map(|(name, bytes)| Some((versioned(&name, versions)?, bytes)))
            .collect();
        for files in [rest, timestamps] {
            if !files.is_empty() {
                self.state.write_batch(&folder, &files)?;
            }
        }
        Ok(())
    }

    /// Removes what is not named any more.
    pub(super) fn clean(
        &self,
        versions: &BTreeMap<String, u64>,
        listing: &Listing,
    ) -> Result<(), Refusal> {
        let mut metadata: BTreeSet<String> = versions
            .keys()
            .filter_map(|role| versioned(&format!("{role}.json"), versions))
            .collect();
        metadata.insert(TIMESTAMP.into());
        let targets = listing.files.iter().map(|file| file.stored.clone()).collect();
        for (folder, wanted) in [("metadata", metadata), ("targets", targets)] {
            let folder = format!("{}/{folder}", self.cache);
            let mut names = self.state.list(&folder)?;
            names.retain(|name| !wanted.contains(name));
            if !names.is_empty() {
                self.state.remove_batch(&folder, &names)?;
            }
        }
        Ok(())
    }
}

/// The bytes of a file that was fetched. One that is torn is removed, so that it is fetched again.
pub(super) fn stored(state: &PrivateDir, cache: &str, file: &File) -> Result<Vec<u8>, Refusal> {
    let path = format!("{cache}/targets/{}", file.stored);
    let bytes = state.read(&path, file.length).ok().flatten();
    if let Some(bytes) = bytes.filter(|bytes| Digest::of(bytes) == file.sha256) {
        return Ok(bytes);
    }
    state.remove_file(&path)?;
    Err(Refusal::Torn(file.name.clone()))
}

fn digest(seen: &Seen) -> Digest {
    Digest::of(&serde_json::to_vec(seen).unwrap_or_default())
}

/// The name of metadata with its version, as in a repository.
fn versioned(name: &str, versions: &BTreeMap<String, u64>) -> Option<String> {
    let version = versions.get(name.strip_suffix(".json")?)?;
    Some(format!("{version}.{name}"))
}

/// The version of the snapshot that a timestamp names; to find files, not to trust them.
fn snapshot_version(timestamp: &[u8]) -> Option<u64> {
    let timestamp = Metadata::<sigstore_tuf::Timestamp>::from_slice(timestamp).ok()?;
    Some(timestamp.signed().snapshot_meta()?.version)
}

/// The targets roles that a snapshot names, by file name; to find files, not to trust them.
fn role_versions(snapshot: &[u8]) -> BTreeMap<String, u64> {
    let Ok(snapshot) = Metadata::<Snapshot>::from_slice(snapshot) else { return BTreeMap::new() };
    let roles = snapshot.signed().meta.iter();
    let plain = roles.filter(|(name, _)| name.strip_suffix(".json").is_some_and(is_plain));
    plain.map(|(name, meta)| (name.clone(), meta.version)).collect()
}
