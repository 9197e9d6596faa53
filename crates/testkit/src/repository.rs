//! A publisher of TUF repositories with throwaway keys. It signs in earnest, so that what is
//! refused is refused for its own reason.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use stopgap_sign::{Delegation, Envelope, RoleKeys, Roles, SigningKey, TargetFile};

/// A role's keys, and what is signed next.
#[derive(Debug)]
pub struct Role {
    /// The keys; all of them sign.
    pub keys: Vec<SigningKey>,
    /// How many must sign.
    pub threshold: u32,
    /// The version that was published last.
    pub version: u64,
    /// When what is published next expires.
    pub expires: Timestamp,
}

/// A role that says what the files are.
#[derive(Debug)]
pub struct TargetsRole {
    /// Its keys.
    pub role: Role,
    /// The files by name.
    pub files: BTreeMap<String, Vec<u8>>,
    /// To whom it delegates.
    pub to: Vec<DelegationTo>,
    published: Option<Value>,
}

/// A part of the files that another role may say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DelegationTo {
    /// The other role's name.
    pub role: String,
    /// The names of the files, with `*` and `?`.
    pub paths: Vec<String>,
    /// Whether nobody behind it is asked for them.
    pub terminating: bool,
}

/// A repository and its keys.
#[derive(Debug)]
pub struct Repository {
    /// The role root.
    pub root: Role,
    /// The role snapshot.
    pub snapshot: Role,
    /// The role timestamp.
    pub timestamp: Role,
    /// The targets roles by name; the top one is `targets`.
    pub targets: BTreeMap<String, TargetsRole>,
    /// Everything that was published, by path: `metadata/1.root.json`.
    pub published: BTreeMap<String, Vec<u8>>,
}

impl Role {
    /// A role with one new key, which expires at `expires`.
    #[must_use]
    pub fn new(expires: Timestamp) -> Self {
        Self { keys: vec![key()], threshold: 1, version: 0, expires }
    }

    fn public(&self) -> RoleKeys {
        let keys = self.keys.iter().map(SigningKey::public).collect();
        RoleKeys { keys, threshold: self.threshold }
    }

    fn sign(&self, signed: Value) -> Envelope {
        Envelope::signed_by(signed, &self.keys)
    }
}

impl TargetsRole {
    /// A role without files.
    #[must_use]
    pub fn new(expires: Timestamp) -> Self {
        Self { role: Role::new(expires), files: BTreeMap::new(), to: Vec::new(), published: None }
    }
}

impl Repository {
    /// A repository without files, published at `now`: the timestamp is good for a day, the
    /// snapshot for a week, targets for 90 days, the root for a year.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        let after = |days: i64| now + SignedDuration::from_hours(24 * days);
        let targets = TargetsRole::new(after(90));
        let mut repository = Self {
            root: Role::new(after(365)),
            snapshot: Role::new(after(7)),
            timestamp: Role::new(after(1)),
            targets: BTreeMap::from([("targets".to_owned(), targets)]),
            published: BTreeMap::new(),
        };
        repository.publish_root(&[]);
        repository.publish();
        repository
    }

    /// The first root.
    #[must_use]
    pub fn first_root(&self) -> Vec<u8> {
        self.published["metadata/1.root.json"].clone()
    }

    /// Sets a file of the top role.
    pub fn set(&mut self, name: &str, bytes: &[u8]) {
        self.top().files.insert(name.to_owned(), bytes.to_vec());
    }

    /// The top targets role.
    ///
    /// # Panics
    /// It was taken away.
    pub fn top(&mut self) -> &mut TargetsRole {
        self.targets.get_mut("targets").expect("the top role")
    }

    /// Adds a role, to which `from` delegates the files `paths`, and gives it.
    ///
    /// # Panics
    /// There is no role `from`.
    pub fn delegate(&mut self, from: &str, to: &str, paths: &[&str]) -> &mut TargetsRole {
        let expires = self.targets[from].role.expires;
        let paths = paths.iter().map(|path| (*path).to_owned()).collect();
        let delegation = DelegationTo { role: to.to_owned(), paths, terminating: false };
        self.targets.get_mut(from).expect("the role that delegates").to.push(delegation);
        self.targets.entry(to.to_owned()).or_insert_with(|| TargetsRole::new(expires))
    }

    /// Publishes the next root, signed by its own keys and by `old` ones.
    pub fn publish_root(&mut self, old: &[SigningKey]) {
        self.root.version += 1;
        let roles = Roles {
            root: self.root.public(),
            targets: self.targets["targets"].role.public(),
            snapshot: self.snapshot.public(),
            timestamp: self.timestamp.public(),
        };
        let signed = stopgap_sign::root(self.root.version, self.root.expires, &roles);
        let mut envelope = self.root.sign(signed);
        for key in old {
            envelope.sign(key);
        }
        let path = format!("metadata/{}.root.json", self.root.version);
        self.published.insert(path, envelope.to_bytes());
    }

    /// Publishes what is new: the targets roles that are others than before, and a snapshot and a
    /// timestamp.
    pub fn publish(&mut self) {
        let names: Vec<String> = self.targets.keys().cloned().collect();
        for name in names {
            self.publish_targets(&name);
        }
        let versions = self.targets.iter();
        let versions = versions
            .map(|(name, targets)| (format!("{name}.json"), targets.role.version))
            .collect();
        self.snapshot.version += 1;
        let (version, expires) = (self.snapshot.version, self.snapshot.expires);
        let signed = stopgap_sign::snapshot(version, expires, &versions);
        let bytes = self.snapshot.sign(signed).to_bytes();
        self.published.insert(format!("metadata/{version}.snapshot.json"), bytes.clone());
        self.publish_timestamp(version, &bytes);
    }

    fn publish_timestamp(&mut self, snapshot: u64, bytes: &[u8]) {
        self.timestamp.version += 1;
        let (version, expires) = (self.timestamp.version, self.timestamp.expires);
        let signed = stopgap_sign::timestamp(version, expires, snapshot, bytes);
        let bytes = self.timestamp.sign(signed).to_bytes();
        self.published.insert("metadata/timestamp.json".into(), bytes);
    }

    /// Publishes a newer timestamp of the same snapshot.
    pub fn publish_timestamp_only(&mut self) {
        let version = self.snapshot.version;
        let bytes = self.published[&format!("metadata/{version}.snapshot.json")].clone();
        self.publish_timestamp(version, &bytes);
    }

    fn publish_targets(&mut self, name: &str) {
        let role = &self.targets[name];
        let files = role.files.iter().map(|(name, bytes)| (name.clone(), TargetFile::of(bytes)));
        let files = files.collect();
        let delegations: Vec<Delegation> = role
            .to
            .iter()
            .map(|to| Delegation {
                name: to.role.clone(),
                keys: self.targets[&to.role].role.public(),
                paths: to.paths.clone(),
                terminating: to.terminating,
            })
            .collect();
        let what = stopgap_sign::targets(0, role.role.expires, &files, &delegations);
        for (name, bytes) in &role.files {
            let digest = TargetFile::of(bytes).sha256;
            self.published.insert(format!("targets/{digest}.{name}"), bytes.clone());
        }
        let Some(role) = self.targets.get_mut(name) else { return };
        if role.published.as_ref() != Some(&what) {
            role.role.version += 1;
            let version = role.role.version;
            let signed = stopgap_sign::targets(version, role.role.expires, &files, &delegations);
            let bytes = role.role.sign(signed).to_bytes();
            self.published.insert(format!("metadata/{version}.{name}.json"), bytes);
            role.published = Some(what);
        }
    }

    /// Changes what is signed in a published file, and signs it again with the keys of `role`.
    ///
    /// # Panics
    /// There is no such file or role.
    pub fn forge(&mut self, path: &str, role: &str, change: impl FnOnce(&mut Value)) {
        let envelope = Envelope::from_bytes(&self.published[path]).expect("signed metadata");
        let mut signed = envelope.signed;
        change(&mut signed);
        let role = match role {
            "root" => &self.root,
            "snapshot" => &self.snapshot,
            "timestamp" => &self.timestamp,
            name => &self.targets[name].role,
        };
        let bytes = role.sign(signed).to_bytes();
        self.published.insert(path.to_owned(), bytes);
    }

    /// Writes everything that was published into a folder, over what is there.
    ///
    /// # Panics
    /// It cannot be written.
    pub fn write_to(&self, folder: &Path) {
        for (path, bytes) in &self.published {
            let path = folder.join(path);
            std::fs::create_dir_all(path.parent().expect("in a folder")).expect("created");
            std::fs::write(path, bytes).expect("written");
        }
    }
}

/// A new key.
#[must_use]
pub fn key() -> SigningKey {
    SigningKey::generate().expect("a key")
}
