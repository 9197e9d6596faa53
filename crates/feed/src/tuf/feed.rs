//! One TUF feed: pinned to a root, refreshed, looked at, and read back.
//!
//! What is fetched takes the place of what was taken only when it is whole: everything that the
//! timestamp stands for is there and verifies as it will be read back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use sigstore_tuf::{Metadata, Targets};
use stopgap_fs::{FsError, PrivateDir};
use stopgap_model::Digest;

use super::listing::list;
use super::session::TIMESTAMP;
use super::state::{MAX_METADATA, TufFeed, lock_cache, stored};
use super::{Client, Cost, File, Listing, Memory, Refusal, Seen};
use crate::policy::POLICY_NAME;
use crate::transport::{Answer, Transport, TransportError};

/// How many bytes of target files are written at once: until then they are held in memory.
const BATCH: u64 = 8 << 20;

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

impl<'a> TufFeed<'a> {
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

    /// Fetches what is new from `transport`, verifies it at `now`, and remembers it.
    ///
    /// # Errors
    /// As [`Refusal`] says. What was remembered before stays, but for newer roots.
    pub fn refresh(
        &self,
        transport: Arc<dyn Transport>,
        now: Timestamp,
    ) -> Result<Refreshed, Refusal> {
        let memory = self.memory()?;
        let (before, mut seen) = (memory.files.clone(), memory.seen.clone());
        let mut client = self.client(transport, memory)?;
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

    /// Looks whether `transport` offers what could be taken at `now`, with every file that is not there
    /// yet; nothing is remembered of it.
    ///
    /// # Errors
    /// As [`Refusal`] says.
    pub fn probe(&self, transport: Arc<dyn Transport>, now: Timestamp) -> Result<(), Refusal> {
        let mut client = self.client(transport, self.memory()?)?;
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

    fn client(&self, transport: Arc<dyn Transport>, memory: Memory) -> Result<Client, Refusal> {
        let torn = || Refusal::TrustTorn(format!("{}/root.json", self.trust));
        let root = self.state.read(&format!("{}/root.json", self.trust), MAX_METADATA)?;
        let root = root.ok_or_else(torn)?;
        Client::open(transport, &root, memory).map_err(|_| torn())
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

/// A transport that has nothing but the timestamp that is remembered.
struct Nowhere(Option<Vec<u8>>);

impl Transport for Nowhere {
    fn get(
        &self,
        path: &str,
        _max: u64,
        _validator: Option<&str>,
    ) -> Result<Answer, TransportError> {
        match &self.0 {
            Some(bytes) if path == "metadata/timestamp.json" => {
                Ok(Answer::Found { bytes: bytes.clone(), validator: None })
            }
            _ => Ok(Answer::Absent),
        }
    }
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
