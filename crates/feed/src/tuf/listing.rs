//! Which files a repository offers, by whose word.
//!
//! The library answers for one name at a time, and verifies every role on the way again. Here each
//! role is verified once, and the walk for every name is the library's: pre-order, along the
//! delegations that match the name, to the end of a terminating one (TUF 5.6.7).

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use sigstore_tuf::{DelegatedRole, Key, TargetFile, Targets, TrustedMetadataSet};
use stopgap_model::Digest;
use stopgap_model::problem::one_line;

use super::Refusal;

/// The most roles that are asked for one name, the top one included: the library's own limit.
const MAX_ROLES: usize = 32;
/// The most files: twice the mitigations that the design reckons with.
const MAX_FILES: usize = 20_000;
/// The largest file, in bytes: four times the largest document.
const MAX_FILE: u64 = 1 << 20;
/// The most bytes of all files together: 20,000 mitigations of 12 kB.
const MAX_BYTES: u64 = 256 << 20;
/// The longest name of a file or role, in bytes: that of the longest id's document. With a digest
/// before it, it is some half of what file systems take.
const MAX_NAME: usize = stopgap_model::id::MAX_ID_LENGTH + ".toml".len();
/// How often names are compared with the patterns of delegations, which takes some 0.2 µs each: 10,000
/// mitigations with ten patterns.
const MAX_COMPARED: usize = 100_000;

/// A file that a repository offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its name.
    pub name: String,
    /// Its length, in bytes.
    pub length: u64,
    /// Its SHA-256 digest.
    pub sha256: Digest,
    /// The role by whose word it is offered.
    pub role: String,
    /// Its name in a repository, and in the cache: with the digest before it.
    pub(crate) stored: String,
    pub(crate) target: Target,
}

/// What a repository says of a file, whatever its name and digests are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub(crate) name: String,
    pub(crate) file: TargetFile,
}

/// A file that is offered and never fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedFile {
    /// Its name, made readable.
    pub name: String,
    /// Why.
    pub why: &'static str,
}

/// All files that a repository offers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// The files, in the order of their names.
    pub files: Vec<File>,
    /// What is offered beside them.
    pub refused: Vec<RefusedFile>,
}

impl File {
    fn of(name: &str, role: String, file: &TargetFile) -> Result<Self, &'static str> {
        let target = Target { name: name.to_owned(), file: file.clone() };
        let sha256 = target.sha256().ok_or("there is no SHA-256 digest of it")?;
        let stored = format!("{sha256}.{name}");
        Ok(Self { name: name.to_owned(), length: file.length, sha256, role, stored, target })
    }
}

impl Target {
    /// Its SHA-256 digest, if there is one.
    #[must_use]
    pub fn sha256(&self) -> Option<Digest> {
        self.file.hashes.get("sha256")?.parse().ok()
    }
}

/// Loads every role that is delegated to, each once, and requires of every delegation that it is
/// one. Gives the metadata of each role, which is the one that is `remembered` if that verifies,
/// and otherwise the one that `fetch` gets.
///
/// A role that the snapshot does not have is passed over, as the library does. One that cannot be
/// had or does not verify refuses the repository as a whole.
pub(crate) fn load_roles(
    trusted: &mut TrustedMetadataSet,
    now: Timestamp,
    remembered: impl Fn(&str) -> Option<Vec<u8>>,
    fetch: impl Fn(&str, u64) -> Result<Vec<u8>, Refusal>,
) -> Result<BTreeMap<String, Vec<u8>>, Refusal> {
    let mut loaded = BTreeMap::new();
    let mut walked = BTreeSet::new();
    let mut to_walk = vec!["targets".to_owned()];
    let mut edges = 1;
    while let Some(delegator) = to_walk.pop() {
        if !walked.insert(delegator.clone()) {
            continue;
        }
        for role in children(trusted, &delegator) {
            edges += 1;
            if edges > MAX_ROLES {
                let limit = MAX_ROLES as u64;
                return Err(Refusal::TooMany { what: "targets roles", limit });
            }
            let name = role.name;
            require_plain_role(trusted, &delegator, &name)?;
            let Some(version) = pinned(trusted, &name) else { continue };
            let refuse = |error| Refusal::of(&error);
            if trusted.targets_role(&name).is_some() {
                trusted.verify_delegated_targets(&name, &delegator, now).map_err(refuse)?;
            } else {
                let mut update = |bytes: &[u8]| {
                    trusted.update_delegated_targets(bytes, &name, &delegator, now).map(|_| ())
                };
                let bytes = match remembered(&name).filter(|bytes| update(bytes).is_ok()) {
                    Some(bytes) => bytes,
                    None => {
                        let bytes = fetch(&name, version)?;
                        update(&bytes).map_err(refuse)?;
                        bytes
                    }
                };
                loaded.insert(name.clone(), bytes);
            }
            to_walk.push(name);
        }
    }
    Ok(loaded)
}

/// Whether the top role delegates anything.
pub(crate) fn delegates(trusted: &TrustedMetadataSet) -> bool {
    !children(trusted, "targets").is_empty()
}

/// The version of a targets role in the snapshot.
fn pinned(trusted: &TrustedMetadataSet, role: &str) -> Option<u64> {
    Some(trusted.snapshot()?.meta.get(&format!("{role}.json"))?.version)
}

/// Everything that is offered by these roles, by name.
pub(crate) fn list(roles: &BTreeMap<&str, &Targets>) -> Result<Listing, Refusal> {
    let patterns =
        roles.values().flat_map(|role| delegated(role)).map(pattern_count).sum::<usize>();
    let names: BTreeSet<&str> =
        roles.values().flat_map(|role| role.targets.keys()).map(String::as_str).collect();
    if names.len() > MAX_FILES {
        return Err(Refusal::TooMany { what: "files", limit: MAX_FILES as u64 });
    }
    if names.len().saturating_mul(patterns) > MAX_COMPARED {
        return Err(Refusal::TooMany { what: "patterns to compare", limit: MAX_COMPARED as u64 });
    }
    let mut listing = Listing::default();
    let mut bytes = 0_u64;
    for name in names {
        match listed(roles, name)? {
            Ok(Some(file)) => {
                bytes = bytes.saturating_add(file.length);
                listing.files.push(file);
            }
            // A role may name what nobody lets it say.
            Ok(None) => {}
            Err(why) => listing.refused.push(RefusedFile { name: one_line(name), why }),
        }
    }
    if bytes > MAX_BYTES {
        return Err(Refusal::TooMany { what: "bytes of files", limit: MAX_BYTES });
    }
    Ok(listing)
}

/// The file of this name; why it is refused if it is.
fn listed(
    roles: &BTreeMap<&str, &Targets>,
    name: &str,
) -> Result<Result<Option<File>, &'static str>, Refusal> {
    if !is_plain(name) {
        return Ok(Err("its name is not a plain one"));
    }
    let Some((role, target)) = resolve(roles, name)? else { return Ok(Ok(None)) };
    if target.length > MAX_FILE {
        return Ok(Err("it is too large"));
    }
    Ok(File::of(name, role, target).map(Some))
}

/// The role that says what `name` is, and what it says, among these roles.
fn resolve<'a>(
    roles: &BTreeMap<&str, &'a Targets>,
    name: &str,
) -> Result<Option<(String, &'a TargetFile)>, Refusal> {
    let mut to_ask = vec!["targets".to_owned()];
    let mut asked = BTreeSet::new();
    for _ in 0..MAX_ROLES {
        // The next one is at the end.
        let Some(role) = std::iter::from_fn(|| to_ask.pop()).find(|role| !asked.contains(role))
        else {
            break;
        };
        let Some(targets) = roles.get(role.as_str()).copied() else { continue };
        if let Some(target) = targets.target(name) {
            return Ok(Some((role, target)));
        }
        let mut children = Vec::new();
        for child in children_of(targets) {
            if child.matches_path(name).map_err(|error| Refusal::of(&error))? {
                children.push(child.name.clone());
                if child.terminating {
                    to_ask.clear();
                    break;
                }
            }
        }
        to_ask.extend(children.into_iter().rev());
        asked.insert(role);
    }
    Ok(None)
}

/// The targets roles that are loaded: those that the snapshot names.
pub(crate) fn loaded(trusted: &TrustedMetadataSet) -> BTreeMap<&str, &Targets> {
    let names = trusted.snapshot().into_iter().flat_map(|snapshot| snapshot.meta.keys());
    let names = names.filter_map(|name| name.strip_suffix(".json"));
    names.filter_map(|name| Some((name, trusted.targets_role(name)?))).collect()
}

fn children(trusted: &TrustedMetadataSet, delegator: &str) -> Vec<DelegatedRole> {
    let targets = trusted.targets_role(delegator);
    targets.map(|targets| children_of(targets).cloned().collect()).unwrap_or_default()
}

/// The roles that are delegated to; the names of the top roles are never delegated.
fn children_of(targets: &Targets) -> impl Iterator<Item = &DelegatedRole> {
    let is_top = |name: &str| matches!(name, "root" | "timestamp" | "snapshot" | "targets");
    delegated(targets).filter(move |role| !is_top(&role.name))
}

fn delegated(targets: &Targets) -> impl Iterator<Item = &DelegatedRole> {
    targets.delegations.iter().flat_map(|delegations| &delegations.roles)
}

fn pattern_count(role: &DelegatedRole) -> usize {
    let count = |list: &Option<Vec<String>>| list.as_ref().map_or(0, Vec::len);
    count(&role.paths) + count(&role.path_hash_prefixes)
}

/// Requires that a role can be named in a path, and that no key of it counts twice.
fn require_plain_role(
    trusted: &TrustedMetadataSet,
    delegator: &str,
    name: &str,
) -> Result<(), Refusal> {
    if !is_plain(name) {
        return Err(Refusal::Malformed(one_line(&format!("the role `{name}` has no plain name"))));
    }
    let targets = trusted.targets_role(delegator);
    let delegations = targets.and_then(|targets| targets.delegations.as_ref());
    let is_twice = delegations.is_some_and(|delegations| {
        let mut roles = delegations.roles.iter().filter(|role| role.name == name);
        roles.any(|role| one_key_twice(&role.keyids, &delegations.keys))
    });
    match is_twice {
        true => Err(Refusal::OneKeyTwice { role: name.to_owned() }),
        false => Ok(()),
    }
}

/// Whether two of the ids mean the same key.
pub(crate) fn one_key_twice(ids: &[String], keys: &BTreeMap<String, Key>) -> bool {
    let ids: BTreeSet<&String> = ids.iter().collect();
    let keys: Vec<&str> =
        ids.iter().filter_map(|id| keys.get(*id)).map(|key| key.keyval.public.trim()).collect();
    let distinct: BTreeSet<String> = keys.iter().map(|key| key.to_ascii_lowercase()).collect();
    distinct.len() < keys.len()
}

/// Whether a name is one of a plain file: it becomes a part of a path and of a URL.
pub(crate) fn is_plain(name: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    name.len() <= MAX_NAME
        && name.bytes().all(known)
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
}
