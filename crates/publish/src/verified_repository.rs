//! A whole feed, fetched and verified as a server does it: for what is passed on.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;
use stopgap_feed::tuf::{Client, File, Memory};
use stopgap_feed::{Answer, BundleTransport, DirTransport, Network, Transport, open_transport};
use stopgap_fs::read_bounded;
use stopgap_sign::{Envelope, Role};

use crate::error::PublishError;
use crate::repository::{MAX_METADATA, path};

/// The most that the targets of a feed may have together, in bytes: the largest bundle.
const MAX_TARGETS: u64 = 512 << 20;

/// A feed that was verified.
pub(crate) struct VerifiedRepository {
    client: Client,
    /// Every root, by version.
    pub(crate) roots: BTreeMap<u64, Vec<u8>>,
    /// The rest of the metadata, the timestamp last.
    pub(crate) metadata: Vec<Metadata>,
    /// The targets.
    pub(crate) files: Vec<File>,
}

/// One role's metadata.
pub(crate) struct Metadata {
    pub(crate) role: String,
    pub(crate) version: u64,
    pub(crate) bytes: Vec<u8>,
}

impl Metadata {
    /// Where it is kept.
    pub(crate) fn path(&self) -> String {
        match self.role.as_str() {
            "timestamp" => path(Role::Timestamp, self.version),
            role => format!("metadata/{}.{role}.json", self.version),
        }
    }

    /// When it expires.
    pub(crate) fn expires(&self) -> Option<Timestamp> {
        let envelope = Envelope::from_bytes(&self.bytes).ok()?;
        stopgap_sign::expires(&envelope.signed).ok()
    }
}

/// Where a feed is: `text` is a URL, a folder or a bundle.
pub(crate) fn open(text: &str) -> Result<Arc<dyn Transport>, PublishError> {
    if text.contains("://") {
        return Ok(open_transport(text, &Network::default())?);
    }
    let path = Path::new(text);
    let facts = std::fs::metadata(path).map_err(|error| {
        PublishError::usage(format!("{text}: {error}"), "name a folder, a bundle or a URL")
    })?;
    Ok(if facts.is_dir() {
        Arc::new(DirTransport::new(path))
    } else {
        Arc::new(BundleTransport::open(path)?)
    })
}

impl VerifiedRepository {
    /// Gets the metadata of a feed and verifies it, from the root in the file `root` on.
    pub(crate) fn of(transport: &Arc<dyn Transport>, root: &Path) -> Result<Self, PublishError> {
        let pinned = read_bounded(root, MAX_METADATA)?;
        let (mut client, roots) = follow(transport, pinned)?;
        require_consistent(&client)?;
        let listing = client.files(Timestamp::now())?;
        // A copy without one target would not verify, so one refused target refuses the whole feed.
        if let Some(refused) = listing.refused.first() {
            let message =
                format!("the target `{}` is not passed on: {}", refused.name, refused.why);
            return Err(PublishError::refused(message, "tell the publisher"));
        }
        let mut versions = client.versions();
        let mut metadata = Vec::new();
        for (name, bytes) in client.new_files() {
            let role = name.strip_suffix(".json").unwrap_or(&name).to_owned();
            if let Some(version) = versions.remove(&role) {
                // The name of a role becomes the name of a file, and it comes from the feed.
                require_plain(&role)?;
                metadata.push(Metadata { role, version, bytes });
            }
        }
        // The timestamp makes the rest visible to clients, so it is written last.
        metadata.sort_by_key(|metadata| metadata.role == "timestamp");
        Ok(Self { client, roots, metadata, files: listing.files })
    }

    /// The targets that `is_wanted`, each verified.
    pub(crate) fn targets(
        &self,
        is_wanted: impl Fn(&File) -> bool,
    ) -> Result<Vec<(&File, Vec<u8>)>, PublishError> {
        let wanted: Vec<&File> = self.files.iter().filter(|file| is_wanted(file)).collect();
        let sum = wanted.iter().try_fold(0_u64, |sum, file| sum.checked_add(file.length));
        if sum.is_none_or(|sum| sum > MAX_TARGETS) {
            let message = format!("the targets have more than {MAX_TARGETS} bytes together");
            return Err(PublishError::refused(message, ""));
        }
        wanted.into_iter().map(|file| Ok((file, self.client.fetch(file)?))).collect()
    }

    /// The newest root.
    pub(crate) fn root(&self) -> Metadata {
        let newest = self.roots.last_key_value();
        let (version, bytes) = newest.map_or((0, Vec::new()), |(v, bytes)| (*v, bytes.clone()));
        Metadata { role: "root".into(), version, bytes }
    }

    /// The metadata of one role.
    pub(crate) fn role(&self, role: Role) -> Option<&Metadata> {
        self.metadata.iter().find(|metadata| metadata.role == role.as_str())
    }
}

/// Follows the chain of roots from the pinned one; from the very first one where the place has it
/// and it leads to the pinned one, for others may have pinned an older root.
fn follow(
    transport: &Arc<dyn Transport>,
    pinned: Vec<u8>,
) -> Result<(Client, BTreeMap<u64, Vec<u8>>), PublishError> {
    let version = version_of(&pinned);
    let first = transport.get(&path(Role::Root, 1), MAX_METADATA, None)?;
    if let (2.., Answer::Found { bytes, .. }) = (version, first)
        && let Ok((client, roots)) = refreshed(transport, bytes)
        && roots.get(&version) == Some(&pinned)
    {
        return Ok((client, roots));
    }
    refreshed(transport, pinned)
}

fn refreshed(
    transport: &Arc<dyn Transport>,
    root: Vec<u8>,
) -> Result<(Client, BTreeMap<u64, Vec<u8>>), PublishError> {
    let mut client = Client::open(Arc::clone(transport), &root, Memory::default())?;
    client.refresh(Timestamp::now())?;
    let mut roots = BTreeMap::from_iter(client.new_roots());
    roots.insert(version_of(&root), root);
    Ok((client, roots))
}

fn version_of(root: &[u8]) -> u64 {
    Envelope::from_bytes(root).map_or(0, |envelope| envelope.version())
}

/// What is passed on has the layout of a consistent snapshot, and says so.
fn require_consistent(client: &Client) -> Result<(), PublishError> {
    let root: Option<Value> = serde_json::from_slice(client.root()).ok();
    if root.is_some_and(|root| root["signed"]["consistent_snapshot"] == true) {
        return Ok(());
    }
    let message = "the feed has no consistent snapshots: what is passed on of it could be mixed";
    Err(PublishError::refused(message, "ask the publisher for `consistent_snapshot`"))
}

/// A delegated role's name becomes a file's name.
fn require_plain(role: &str) -> Result<(), PublishError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if role.starts_with(|c: char| c.is_ascii_alphanumeric()) && role.chars().all(plain) {
        return Ok(());
    }
    let role = stopgap_model::problem::one_line(role);
    let message = format!("the role `{role}` has a name that is no file's name");
    Err(PublishError::refused(message, "tell the publisher"))
}
