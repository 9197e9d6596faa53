//! The four kinds of metadata, as TUF 1.0 has them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use stopgap_model::Digest;

use crate::key::PublicKey;

/// The version of the TUF specification that is written.
const SPEC: &str = "1.0.31";

/// The keys of a role, and how many of them must sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleKeys {
    /// The keys, each once.
    pub keys: Vec<PublicKey>,
    /// How many of them must sign.
    pub threshold: u32,
}

/// The keys of the four roles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roles {
    /// Who may say who may say what: kept offline.
    pub root: RoleKeys,
    /// Who may say what the mitigations are: kept offline.
    pub targets: RoleKeys,
    /// Who may say which metadata belongs together.
    pub snapshot: RoleKeys,
    /// Who may say what is the newest.
    pub timestamp: RoleKeys,
}

/// A file that the repository offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetFile {
    /// Its length, in bytes.
    pub length: u64,
    /// Its SHA-256 digest.
    pub sha256: Digest,
}

impl TargetFile {
    /// What metadata says of a file with these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self { length: bytes.len() as u64, sha256: Digest::of(bytes) }
    }

    fn to_json(&self) -> Value {
        json!({"length": self.length, "hashes": {"sha256": self.sha256.to_string()}})
    }
}

/// A part of the targets that others may say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delegation {
    /// The role's name.
    pub name: String,
    /// Its keys.
    pub keys: RoleKeys,
    /// The names of the targets it may say, with `*` and `?`.
    pub paths: Vec<String>,
    /// Whether nobody behind it is asked for these targets.
    pub terminating: bool,
}

/// Root metadata.
#[must_use]
pub fn root(version: u64, expires: Timestamp, roles: &Roles) -> Value {
    let all = [
        ("root", &roles.root),
        ("targets", &roles.targets),
        ("snapshot", &roles.snapshot),
        ("timestamp", &roles.timestamp),
    ];
    let keys = keys_of(all.iter().map(|(_, role)| *role));
    let roles: Map<String, Value> = all
        .iter()
        .map(|(name, role)| ((*name).to_owned(), Value::Object(role_json(role))))
        .collect();
    let mut value = head("root", version, expires);
    value.insert("consistent_snapshot".into(), true.into());
    value.insert("keys".into(), keys);
    value.insert("roles".into(), roles.into());
    value.into()
}

/// Targets metadata, of the role `targets` or of a delegated one.
#[must_use]
pub fn targets(
    version: u64,
    expires: Timestamp,
    files: &BTreeMap<String, TargetFile>,
    delegations: &[Delegation],
) -> Value {
    let files: Map<String, Value> =
        files.iter().map(|(name, file)| (name.clone(), file.to_json())).collect();
    let mut value = head("targets", version, expires);
    value.insert("targets".into(), files.into());
    if !delegations.is_empty() {
        let keys = keys_of(delegations.iter().map(|delegation| &delegation.keys));
        let roles: Vec<Value> = delegations
            .iter()
            .map(|delegation| {
                let mut role = role_json(&delegation.keys);
                role.insert("name".into(), delegation.name.clone().into());
                role.insert("paths".into(), delegation.paths.clone().into());
                role.insert("terminating".into(), delegation.terminating.into());
                Value::Object(role)
            })
            .collect();
        value.insert("delegations".into(), json!({"keys": keys, "roles": roles}));
    }
    value.into()
}

/// Snapshot metadata, from the version of each targets role by its file name (`targets.json`).
#[must_use]
pub fn snapshot(version: u64, expires: Timestamp, versions: &BTreeMap<String, u64>) -> Value {
    let meta: Map<String, Value> = versions
        .iter()
        .map(|(name, version)| (name.clone(), json!({"version": version})))
        .collect();
    let mut value = head("snapshot", version, expires);
    value.insert("meta".into(), meta.into());
    value.into()
}

/// Timestamp metadata, from the snapshot's version and bytes.
#[must_use]
pub fn timestamp(version: u64, expires: Timestamp, snapshot: u64, bytes: &[u8]) -> Value {
    let mut meta = TargetFile::of(bytes).to_json();
    meta["version"] = snapshot.into();
    let mut value = head("timestamp", version, expires);
    value.insert("meta".into(), json!({"snapshot.json": meta}));
    value.into()
}

fn head(kind: &str, version: u64, expires: Timestamp) -> Map<String, Value> {
    let mut value = Map::new();
    value.insert("_type".into(), kind.into());
    value.insert("spec_version".into(), SPEC.into());
    value.insert("version".into(), version.into());
    // Whole seconds: other readers take nothing else.
    value.insert("expires".into(), expires.strftime("%Y-%m-%dT%H:%M:%SZ").to_string().into());
    value
}

fn keys_of<'a>(roles: impl Iterator<Item = &'a RoleKeys>) -> Value {
    let keys = roles.flat_map(|role| &role.keys);
    keys.map(|key| (key.id(), key.to_json())).collect::<Map<String, Value>>().into()
}

fn role_json(role: &RoleKeys) -> Map<String, Value> {
    let mut value = Map::new();
    let ids: Vec<String> = role.keys.iter().map(PublicKey::id).collect();
    value.insert("keyids".into(), ids.into());
    value.insert("threshold".into(), role.threshold.into());
    value
}
