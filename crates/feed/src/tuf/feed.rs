//! What is remembered of one feed, in the state folder.
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
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sigstore_tuf::{Metadata, Snapshot, Targets};
use stopgap_fs::{FsError, Lock, LockError, PrivateDir};
use stopgap_model::Digest;

use super::listing::{is_plain, list};
use super::session::TIMESTAMP;
use super::{Client, Cost, File, Listing, Memory, Refusal, Seen};
use crate::place::{Answer, Place, PlaceError};
use crate::policy::POLICY_NAME;

/// The largest metadata that is read back, in bytes: no larger one is fetched.
const MAX_METADATA: u64 = 5_000_000;
/// The folder of what was fetched.
const CACHE: &str = "cache";
/// How long is waited while one feed takes the place of another.
const REPLACING: Duration = Duration::from_secs(60);
/// The most roots that are read back: as many a year as there are weeks, for twenty years.
const MAX_ROOTS: usize = 1024;
/// How many bytes of target files are written at once: until then they are held in memory.
const BATCH: u64 = 8 << 20;

/// A feed that is a TUF repository, as it is remembered in the state folder. Whoever uses it holds
/// the folder's lock.
#[derive(Debug)]
pub struct TufFeed<'a> {
    state: &'a PrivateDir,
    trust: String,
    cache: String,
}

/// What a refresh brought.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refreshed {
    /// The names of files that are new.
    pub added: Vec<String>,
    /// The names of files with other content.
    pub changed: Vec<String>,
    /// The names of files that are not offered any more.
    pub removed: Vec<String>,
    /// Whether the organisation's policy is among the files.
    pub has_policy: bool,
    /// What it took.
    pub cost: Cost,
}

impl Refreshed {
    /// Whether nothing is new.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.changed.is_empty() && self.removed.is_empty()
    }
}

/// A feed as it was last fetched, verified again.
pub struct Loaded<'a> {
    state: &'a PrivateDir,
    cache: String,
    client: Client,
    listing: Listing,
    superseded: bool,
}

/// What was taken last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Taken {
    /// The version of the root under which it verified.
    root: u64,
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

    /// Pins the feed to a root, and forgets what was remembered under another one.
    ///
    /// # Errors
    /// The root is none or does not sign itself, or it cannot be written.
    pub fn init(&self, root: &[u8]) -> Result<(), Refusal> {
        Client::open(Arc::new(Nowhere(None)), root, Memory::default())?;
        let path = format!("{}/root.json", self.trust);
        if self.state.read(&path, MAX_METADATA)?.as_deref() == Some(root) {
            return Ok(());
        }
        self.forget()?;
        self.state.create_dir(&format!("{}/roots", self.trust))?;
        self.write_seen(&Seen::default())?;
        Ok(self.state.write_atomic(&path, root)?)
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

    /// Fetches what is new from `place`, verifies it at `now`, and remembers it.
    ///
    /// # Errors
    /// As [`Refusal`] says. What was remembered before stays, but for newer roots.
    pub fn refresh(&self, place: Arc<dyn Place>, now: Timestamp) -> Result<Refreshed, Refusal> {
        let memory = self.memory()?;
        let (before, mut seen) = (memory.files.clone(), memory.seen.clone());
        let mut client = self.client(place, memory)?;
        let result = client.refresh(now);
        // Also when refused: a newer root may have taken keys away.
        self.write_roots(&client, &mut seen)?;
        result?;
        let listing = client.files(now)?;
        self.require_readable(&client, &listing, now)?;
        for folder in ["metadata", "targets"] {
            self.state.create_dir(&format!("{}/{folder}", self.cache))?;
        }
        let folder = self.targets();
        self.fetch_missing(&client, &listing, |batch| self.state.write_batch(&folder, batch))?;
        let new = client.new_files();
        let is_changed = !new.is_empty();
        // From here on one whole feed takes the place of another.
        let _replacing = if is_changed { Some(lock_cache(self.state)?) } else { None };
        self.write_metadata(new, &client.versions())?;
        if client.seen() != seen {
            self.write_seen(&client.seen())?;
        }
        self.write_taken(&client, &listing)?;
        let cost = client.cost();
        let has_policy = listing.files.iter().any(|file| file.name == POLICY_NAME);
        if !is_changed {
            return Ok(Refreshed { cost, has_policy, ..Refreshed::default() });
        }
        self.clean(&client.versions(), &listing)?;
        Ok(Refreshed { cost, has_policy, ..difference(files_of(&before), &listing) })
    }

    /// Looks whether `place` offers what could be taken at `now`, with every file that is not there
    /// yet; nothing is remembered of it.
    ///
    /// # Errors
    /// As [`Refusal`] says.
    pub fn probe(&self, place: Arc<dyn Place>, now: Timestamp) -> Result<(), Refusal> {
        let mut client = self.client(place, self.memory()?)?;
        client.refresh(now)?;
        let listing = client.files(now)?;
        self.require_readable(&client, &listing, now)?;
        self.fetch_missing(&client, &listing, |_| Ok(()))
    }

    /// Requires that what was fetched is offered just so when it is read back: whoever stole the
    /// online keys may have signed what verifies on the way and never again.
    fn require_readable(
        &self,
        client: &Client,
        listing: &Listing,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        if client.new_files().is_empty() {
            return Ok(());
        }
        let again = self.load_from(client.memory(), now)?;
        match again.listing == *listing && again.client.versions() == client.versions() {
            true => Ok(()),
            false => Err(Refusal::Altered("it would be another when it is read back".into())),
        }
    }

    /// The feed as it was last fetched, verified again as of `judged_at`, the time of the last
    /// refresh; nothing is fetched. Whether it has expired since, [`Loaded::expires`] says.
    ///
    /// A newer root may have taken away the keys that signed it, before anything came that the new
    /// keys signed. Then it is verified under the root that it was taken under, and
    /// [`Loaded::is_superseded`].
    ///
    /// # Errors
    /// It was never fetched; or what is remembered is torn, altered or older than what was seen.
    pub fn load(&self, judged_at: Timestamp) -> Result<Loaded<'a>, Refusal> {
        let memory = self.memory()?;
        let before = self.taken().and_then(|taken| memory.under(taken.root));
        let loaded = self.load_from(memory, judged_at);
        let (Err(_), Some(before)) = (&loaded, before) else { return loaded };
        match self.load_from(before, judged_at) {
            Ok(before) => Ok(Loaded { superseded: true, ..before }),
            Err(_) => loaded,
        }
    }

    fn load_from(&self, memory: Memory, judged_at: Timestamp) -> Result<Loaded<'a>, Refusal> {
        let timestamp = memory.files.get(TIMESTAMP).cloned();
        let Some(timestamp) = timestamp else { return Err(Refusal::NothingRemembered) };
        let mut client = self.client(Arc::new(Nowhere(Some(timestamp))), memory)?;
        let listing = client.refresh(judged_at).and_then(|()| client.files(judged_at));
        let (state, cache, superseded) = (self.state, self.cache.clone(), false);
        match listing {
            Ok(listing) => Ok(Loaded { state, cache, client, listing, superseded }),
            Err(expired @ Refusal::Expired { .. }) => Err(expired),
            Err(refusal) => Err(Refusal::Torn(refusal.to_string())),
        }
    }

    /// The organisation's policy of the last whole feed that was taken, if it had one and nothing
    /// altered it since.
    #[must_use]
    pub fn kept_policy(&self) -> Option<Vec<u8>> {
        let digest = self.taken()?.policy?;
        let bytes = self.state.read(&self.policy(digest), MAX_METADATA).ok()??;
        (Digest::of(&bytes) == digest).then_some(bytes)
    }

    fn policy(&self, digest: Digest) -> String {
        format!("{}/policy.{digest}.toml", self.trust)
    }

    fn targets(&self) -> String {
        format!("{}/targets", self.cache)
    }

    /// What was taken last, as far as that is known.
    fn taken(&self) -> Option<Taken> {
        let bytes = self.state.read(&format!("{}/taken.json", self.trust), MAX_METADATA).ok()??;
        serde_json::from_slice(&bytes).ok()
    }

    /// Writes down what is taken now, with the policy before what names it.
    fn write_taken(&self, client: &Client, listing: &Listing) -> Result<(), Refusal> {
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

    fn client(&self, place: Arc<dyn Place>, memory: Memory) -> Result<Client, Refusal> {
        let torn = || Refusal::TrustTorn(format!("{}/root.json", self.trust));
        let root = self.state.read(&format!("{}/root.json", self.trust), MAX_METADATA)?;
        let root = root.ok_or_else(torn)?;
        Client::open(place, &root, memory).map_err(|_| torn())
    }

    /// What is remembered; of the cache, what can be read.
    fn memory(&self) -> Result<Memory, Refusal> {
        let mut memory = Memory { seen: self.read_seen()?, ..Memory::default() };
        for name in self.state.list(&format!("{}/roots", self.trust))? {
            let version = name.strip_suffix(".root.json").and_then(|text| text.parse().ok());
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
    fn readable(&self, path: &str) -> Option<Vec<u8>> {
        self.state.read(path, MAX_METADATA).ok().flatten()
    }

    fn read_seen(&self) -> Result<Seen, Refusal> {
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

    fn write_seen(&self, seen: &Seen) -> Result<(), Refusal> {
        let file = SeenFile { seen: seen.clone(), sha256: digest(seen) };
        let bytes = serde_json::to_vec_pretty(&file).unwrap_or_default();
        Ok(self.state.write_atomic(&format!("{}/seen.json", self.trust), &bytes)?)
    }

    /// Writes the roots that are new, and that nothing older than the last of them is trusted.
    fn write_roots(&self, client: &Client, seen: &mut Seen) -> Result<(), Refusal> {
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

    /// Fetches the files that are not there under their digest, and hands them to `keep`. What was
    /// kept stays when the next one cannot be had, and is not fetched again.
    fn fetch_missing(
        &self,
        client: &Client,
        listing: &Listing,
        keep: impl Fn(&[(String, Vec<u8>)]) -> Result<(), FsError>,
    ) -> Result<(), Refusal> {
        let there: BTreeSet<String> = self.state.list(&self.targets())?.into_iter().collect();
        let missing = listing.files.iter().filter(|file| !there.contains(&file.stored));
        let mut batch = Vec::new();
        let mut bytes = 0;
        let write = |batch: &mut Vec<_>| {
            let written = keep(batch);
            batch.clear();
            written
        };
        for file in missing {
            match client.fetch(file) {
                Ok(content) => batch.push((file.stored.clone(), content)),
                Err(refusal) => {
                    write(&mut batch)?;
                    return Err(refusal);
                }
            }
            bytes += file.length;
            if bytes >= BATCH {
                write(&mut batch)?;
                bytes = 0;
            }
        }
        if batch.is_empty() { Ok(()) } else { Ok(write(&mut batch)?) }
    }

    /// Writes the metadata that is new, with the timestamp last: it names the rest.
    fn write_metadata(
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
    fn clean(&self, versions: &BTreeMap<String, u64>, listing: &Listing) -> Result<(), Refusal> {
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

impl Loaded<'_> {
    /// What the feed offers.
    #[must_use]
    pub fn listing(&self) -> &Listing {
        &self.listing
    }

    /// The role that expires first, and when.
    #[must_use]
    pub fn expires(&self) -> (String, Timestamp) {
        self.client.expires()
    }

    /// Whether a newer root is known under which it does not verify: nothing new of it is to be
    /// applied.
    #[must_use]
    pub fn is_superseded(&self) -> bool {
        self.superseded
    }

    /// The version of every role, by its name.
    #[must_use]
    pub fn versions(&self) -> BTreeMap<String, u64> {
        self.client.versions()
    }

    /// The bytes of a file. One that is torn is removed, so that the next refresh fetches it.
    ///
    /// # Errors
    /// [`Refusal::Torn`], or it cannot be removed.
    pub fn read(&self, file: &File) -> Result<Vec<u8>, Refusal> {
        stored(self.state, &self.cache, file)
    }
}

/// The bytes of a file that was fetched. One that is torn is removed, so that it is fetched again.
fn stored(state: &PrivateDir, cache: &str, file: &File) -> Result<Vec<u8>, Refusal> {
    let path = format!("{cache}/targets/{}", file.stored);
    let bytes = state.read(&path, file.length).ok().flatten();
    if let Some(bytes) = bytes.filter(|bytes| Digest::of(bytes) == file.sha256) {
        return Ok(bytes);
    }
    state.remove_file(&path)?;
    Err(Refusal::Torn(file.name.clone()))
}

/// A place that has nothing but the timestamp that is remembered.
struct Nowhere(Option<Vec<u8>>);

impl Place for Nowhere {
    fn get(&self, path: &str, _max: u64, _validator: Option<&str>) -> Result<Answer, PlaceError> {
        match &self.0 {
            Some(bytes) if path == "metadata/timestamp.json" => {
                Ok(Answer::Found { bytes: bytes.clone(), validator: None })
            }
            _ => Ok(Answer::Absent),
        }
    }
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

/// The digest of every file that was offered, by name; for the report only.
fn files_of(metadata: &BTreeMap<String, Vec<u8>>) -> BTreeMap<String, Digest> {
    // Other metadata is no targets role, and does not read as one.
    let roles: BTreeMap<&str, Targets> = metadata
        .iter()
        .filter_map(|(name, bytes)| {
            let role = Metadata::from_slice(bytes).ok()?;
            Some((name.strip_suffix(".json")?, role.into_signed()))
        })
        .collect();
    let listing = list(&roles.iter().map(|(name, role)| (*name, role)).collect());
    let files = listing.unwrap_or_default().files.into_iter();
    files.map(|file| (file.name, file.sha256)).collect()
}

fn difference(mut before: BTreeMap<String, Digest>, listing: &Listing) -> Refreshed {
    let mut refreshed = Refreshed::default();
    for file in &listing.files {
        match before.remove(&file.name) {
            None => refreshed.added.push(file.name.clone()),
            Some(digest) if digest != file.sha256 => {
                refreshed.changed.push(file.name.clone());
            }
            Some(_) => {}
        }
    }
    refreshed.removed = before.into_keys().collect();
    refreshed
}
