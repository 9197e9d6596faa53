//! The four kinds of metadata, as TUF 1.0 has them: written, and our own read back.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use stopgap_model::Digest;

use crate::envelope::Envelope;
use crate::key::PublicKey;

/// The version of the TUF specification that is written.
const SPEC: &str = "1.0.31";

/// One of the four roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Who may say who may say what.
    Root,
    /// Who may say what the mitigations are.
    Targets,
    /// Who may say which metadata belongs together.
    Snapshot,
    /// Who may say what is the newest.
    Timestamp,
}

impl Role {
    /// All of them, in the order in which each vouches for the next.
    pub const ALL: [Self; 4] = [Self::Root, Self::Targets, Self::Snapshot, Self::Timestamp];

    /// The role's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Targets => "targets",
            Self::Snapshot => "snapshot",
            Self::Timestamp => "timestamp",
        }
    }
}

/// Metadata is not what this program writes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not metadata as this program writes it: {0}")]
pub struct NotOurs(String);

/// The keys of a role, and how many of them must sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleKeys {
    /// The keys, each once.
    pub keys: Vec<PublicKey>,
    /// How many of them must sign.
    pub threshold: u32,
}

impl RoleKeys {
    /// Whether as many of the keys as must have signed `envelope`.
    #[must_use]
    pub fn are_met_by(&self, envelope: &Envelope) -> bool {
        envelope.count(&self.keys) >= self.threshold as usize
    }

    fn read(name: &str, root: &Value) -> Result<Self, NotOurs> {
        let wrong = || NotOurs(format!("the keys of the role {name}"));
        let role = root.get("roles").and_then(|roles| roles.get(name)).ok_or_else(wrong)?;
        let threshold = role.get("threshold").and_then(Value::as_u64);
        let threshold = threshold.and_then(|number| u32::try_from(number).ok());
        let known = root.get("keys").ok_or_else(wrong)?;
        let mut keys = Vec::new();
        for id in role.get("keyids").and_then(Value::as_array).ok_or_else(wrong)? {
            let id = id.as_str().ok_or_else(wrong)?;
            let key = known.get(id).ok_or_else(wrong)?;
            let key = PublicKey::from_json(key).map_err(|_| wrong())?;
            // One key under two ids would count twice.
            if key.id() != id || keys.contains(&key) {
                return Err(wrong());
            }
            keys.push(key);
        }
        let threshold =
            threshold.filter(|threshold| (1..=keys.len()).contains(&(*threshold as usize)));
        Ok(Self { keys, threshold: threshold.ok_or_else(wrong)? })
    }
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

impl Roles {
    /// Reads the roles of root metadata.
    ///
    /// # Errors
    /// It has a role without its keys, a key that is not Ed25519, or a threshold that its keys
    /// cannot meet.
    pub fn of_root(root: &Value) -> Result<Self, NotOurs> {
        Ok(Self {
            root: RoleKeys::read("root", root)?,
            targets: RoleKeys::read("targets", root)?,
            snapshot: RoleKeys::read("snapshot", root)?,
            timestamp: RoleKeys::read("timestamp", root)?,
        })
    }

    /// The keys of one role.
    #[must_use]
    pub fn of(&self, role: Role) -> &RoleKeys {
        match role {
            Role::Root => &self.root,
            Role::Targets => &self.targets,
            Role::Snapshot => &self.snapshot,
            Role::Timestamp => &self.timestamp,
        }
    }

    /// The keys of one role, to change them.
    pub fn of_mut(&mut self, role: Role) -> &mut RoleKeys {
        match role {
            Role::Root => &mut self.root,
            Role::Targets => &mut self.targets,
            Role::Snapshot => &mut self.snapshot,
            Role::Timestamp => &mut self.timestamp,
        }
    }
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

    fn to_json(&self) -> Map<String, Value> {
        let hashes = json!({"sha256": self.sha256.to_string()});
        Map::from_iter([("length".into(), self.length.into()), ("hashes".into(), hashes)])
    }
}

/// The files that targets metadata names.
///
/// # Errors
/// A file has no length or no SHA-256 digest.
pub fn files(targets: &Value) -> Result<BTreeMap<String, TargetFile>, NotOurs> {
    let wrong = |name: &str| NotOurs(format!("the target {name}"));
    let named = targets.get("targets").and_then(Value::as_object);
    let named = named.ok_or_else(|| NotOurs("no targets".into()))?;
    let read = |(name, file): (&String, &Value)| {
        let length = file.get("length").and_then(Value::as_u64).ok_or_else(|| wrong(name))?;
        let sha256 = file.pointer("/hashes/sha256").and_then(Value::as_str);
        let sha256 = sha256.and_then(|text| text.parse().ok());
        Ok((name.clone(), TargetFile { length, sha256: sha256.ok_or_else(|| wrong(name))? }))
    };
    named.iter().map(read).collect()
}

/// When metadata expires.
///
/// # Errors
/// It says no time.
pub fn expires(metadata: &Value) -> Result<Timestamp, NotOurs> {
    let text = metadata.get("expires").and_then(Value::as_str).unwrap_or_default();
    text.parse().map_err(|_| NotOurs("no time of expiry".into()))
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
    // Files carry their version in their name, so that a reader in the middle of a publication never
    // gets files of two publications.
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
        files.iter().map(|(name, file)| (name.clone(), file.to_json().into())).collect();
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
    meta.insert("version".into(), snapshot.into());
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::SigningKey;

    fn role(keys: &[&SigningKey], threshold: u32) -> RoleKeys {
        RoleKeys { keys: keys.iter().map(|key| key.public()).collect(), threshold }
    }

    #[test]
    fn a_root_reads_back_and_odd_ones_do_not() {
        let (a, b) = (SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
        let one = role(&[&a], 1);
        let roles = Roles {
            root: role(&[&a, &b], 2),
            targets: one.clone(),
            snapshot: one.clone(),
            timestamp: one,
        };
        let written = root(1, Timestamp::UNIX_EPOCH, &roles);
        assert_eq!(Roles::of_root(&written), Ok(roles));
        assert_eq!(expires(&written), Ok(Timestamp::UNIX_EPOCH));
        for (pointer, value) in [
            ("/roles/root/threshold", json!(3)),
            ("/roles/root/threshold", json!(0)),
            ("/roles/root/keyids", json!([a.public().id(), a.public().id()])),
            ("/roles/targets/keyids", json!(["unknown"])),
            ("/roles", json!(null)),
        ] {
            let mut odd = written.clone();
            *odd.pointer_mut(pointer).unwrap() = value;
            assert!(Roles::of_root(&odd).is_err(), "{pointer}");
        }
    }

    #[test]
    fn one_key_counts_once_and_a_strangers_not_at_all() {
        let [a, b, stranger] = [0; 3].map(|_| SigningKey::generate().unwrap());
        let keys = role(&[&a, &b], 2);
        let files = BTreeMap::from([("A.toml".to_owned(), TargetFile::of(b"a"))]);
        let mut envelope = Envelope::new(targets(1, Timestamp::UNIX_EPOCH, &files, &[]));
        assert_eq!(super::files(&envelope.signed), Ok(files));
        for key in [&a, &a, &stranger] {
            envelope.sign(key);
            assert!(!keys.are_met_by(&envelope));
        }
        envelope.sign(&b);
        assert!(keys.are_met_by(&envelope));
        envelope.signed["version"] = 2.into();
        assert!(!keys.are_met_by(&envelope));
    }
}
