//! What stands between the library and the world: it asks for files here, and here it leaves what
//! it has verified.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sigstore_tuf::transport::FetchFuture;
use sigstore_tuf::{Error, Metadata, MetadataStore, Repository, Root};
use stopgap_model::problem::one_line;

use super::listing::one_key_twice;
use super::{Refusal, Seen};
use crate::transport::{Answer, Transport};

/// The name of the metadata that is never versioned.
pub(crate) const TIMESTAMP: &str = "timestamp.json";
/// The library's name for the snapshot, whatever its version.
pub(crate) const SNAPSHOT: &str = "snapshot.json";

/// What a client remembers of a repository from one time to the next. It may be torn or altered:
/// everything is verified again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Memory {
    /// Roots newer than the pinned one, by version.
    pub roots: BTreeMap<u64, Vec<u8>>,
    /// The other metadata, by file name without a version: `timestamp.json`, `snapshot.json`,
    /// `targets.json`, and that of delegated roles.
    pub files: BTreeMap<String, Vec<u8>>,
    /// The highest versions that were seen. Unlike the rest, this must be kept where nothing
    /// alters it.
    pub seen: Seen,
}

impl Memory {
    /// The same as it was when the root of this version was the newest; `None` if it still is.
    pub(crate) fn under(&self, root: u64) -> Option<Self> {
        if self.roots.keys().all(|version| *version <= root) {
            return None;
        }
        let mut before = self.clone();
        before.roots.retain(|version, _| *version <= root);
        before.seen.root = before.seen.root.min(root);
        Some(before)
    }
}

/// What it took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// How many files were asked for.
    pub requests: u64,
    /// How many bytes they had together.
    pub bytes: u64,
}

/// The transport, what is remembered, and what happened since.
pub(crate) struct Session {
    transport: Arc<dyn Transport>,
    state: Mutex<State>,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) memory: Memory,
    /// The newest root that was verified.
    root: Vec<u8>,
    /// What was verified and was not remembered before.
    pub(crate) new_roots: BTreeSet<u64>,
    pub(crate) new_files: BTreeSet<String>,
    /// The first failure, which the library can only pass on as a text.
    failure: Option<Refusal>,
    pub(crate) validator: Option<String>,
    pub(crate) cost: Cost,
}

/// The session as the library sees it: a repository, and a store that cannot fail.
pub(crate) struct Door(pub(crate) Arc<Session>);

impl Session {
    pub(crate) fn new(transport: Arc<dyn Transport>, memory: Memory) -> Self {
        Self { transport, state: Mutex::new(State { memory, ..State::default() }) }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why the library failed: what happened here says it better.
    pub(crate) fn refusal(&self, error: &Error) -> Refusal {
        self.state().failure.take().unwrap_or_else(|| Refusal::of(error))
    }

    /// Gets a file; `None` if there is none.
    pub(crate) fn get(&self, path: &str, max: u64) -> Result<Option<Vec<u8>>, Refusal> {
        let is_timestamp = path == "metadata/timestamp.json";
        let validator = if is_timestamp { self.validator() } else { None };
        let answer = self.transport.get(path, max, validator.as_deref());
        let mut state = self.state();
        state.cost.requests += 1;
        match answer {
            Ok(Answer::Found { bytes, validator }) => {
                state.cost.bytes += bytes.len() as u64;
                if is_timestamp {
                    state.validator = validator;
                }
                Ok(Some(bytes))
            }
            Ok(Answer::Unchanged) => {
                state.validator = validator;
                Ok(state.memory.files.get(TIMESTAMP).cloned())
            }
            Ok(Answer::Absent) => Ok(None),
            Err(error) => Err(Refusal::Unreachable { path: path.to_owned(), error }),
        }
    }

    fn validator(&self) -> Option<String> {
        let state = self.state();
        let timestamp = state.load(TIMESTAMP)?;
        state.memory.seen.validator(&timestamp).map(str::to_owned)
    }

    /// A file for the library, which learns of a failure only that there was one.
    fn fetch(&self, path: &str, max: u64) -> Result<Option<Vec<u8>>, Error> {
        let got = self.get(path, max).and_then(|bytes| {
            let is_root = is_root(path);
            match bytes {
                Some(bytes) if is_root => require_sound_root(&bytes).map(|()| Some(bytes)),
                None if !is_root => Err(Refusal::Absent { path: path.to_owned() }),
                bytes => Ok(bytes),
            }
        });
        got.map_err(|refusal| {
            self.state().failure.get_or_insert(refusal);
            Error::transport("told elsewhere")
        })
    }
}

impl State {
    /// What is remembered under the library's name for it.
    fn load(&self, name: &str) -> Option<Vec<u8>> {
        if let Some(version) = root_version(name) {
            return self.memory.roots.get(&version).cloned();
        }
        // What was signed before a key was taken away must not stand in the way of what is signed
        // after it (TUF 5.3.11).
        let root = Metadata::<Root>::from_slice(&self.root).ok()?;
        let counts = self.memory.seen.counts(root.signed());
        self.memory.files.get(name).filter(|_| counts).cloned()
    }

    /// Takes metadata that was verified under the library's name for it.
    fn keep(&mut self, name: &str, bytes: &[u8]) {
        if name == "root.json" {
            self.root = bytes.to_vec();
        } else if let Some(version) = root_version(name) {
            if self.memory.roots.insert(version, bytes.to_vec()).as_deref() != Some(bytes) {
                self.new_roots.insert(version);
            }
        } else if !name.contains('/') && !name.ends_with(".snapshot.json") {
            self.keep_file(name, bytes);
        }
    }

    pub(crate) fn forget_root(&mut self, version: u64) {
        self.memory.roots.remove(&version);
        self.new_roots.remove(&version);
    }

    /// Forgets metadata, so that it is fetched.
    pub(crate) fn drop_file(&mut self, name: &str) {
        self.memory.files.remove(name);
    }

    /// Takes verified metadata below the root.
    pub(crate) fn keep_file(&mut self, name: &str, bytes: &[u8]) {
        if self.memory.files.insert(name.to_owned(), bytes.to_vec()).as_deref() != Some(bytes) {
            self.new_files.insert(name.to_owned());
        }
    }
}

/// The library's name for an earlier root is `root_history/2.root.json`.
fn root_version(name: &str) -> Option<u64> {
    name.strip_prefix("root_history/")?.strip_suffix(".root.json")?.parse().ok()
}

fn is_root(path: &str) -> bool {
    let version = path.strip_prefix("metadata/").and_then(|name| name.strip_suffix(".root.json"));
    version.is_some_and(|version| version.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Requires what the library does not: no key counts twice because it has two ids, and there is a
/// version behind this one.
pub(crate) fn require_sound_root(root: &[u8]) -> Result<(), Refusal> {
    let root = Metadata::<Root>::from_slice(root).map_err(|error| Refusal::of(&error))?;
    let root = root.signed();
    if root.version == u64::MAX {
        return Err(Refusal::Malformed("no root can follow this one".into()));
    }
    for (name, role) in &root.roles {
        if one_key_twice(&role.keyids, &root.keys) {
            return Err(Refusal::OneKeyTwice { role: one_line(name) });
        }
    }
    Ok(())
}

impl Repository for Door {
    fn fetch_metadata<'a>(&'a self, name: &'a str, max_length: u64) -> FetchFuture<'a> {
        let got = self.0.fetch(&format!("metadata/{name}"), max_length);
        Box::pin(std::future::ready(got))
    }

    fn fetch_target<'a>(&'a self, path: &'a str, max_length: u64) -> FetchFuture<'a> {
        let got = self.0.fetch(&format!("targets/{}", encoded(path)), max_length);
        Box::pin(std::future::ready(got))
    }
}

impl MetadataStore for Door {
    fn load(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.0.state().load(name))
    }

    fn store(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        self.0.state().keep(name, bytes);
        Ok(())
    }
}

/// A target's path with every byte encoded that has a meaning in a URL, but for the slashes.
fn encoded(path: &str) -> String {
    let mut text = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => {
                text.push(char::from(byte));
            }
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}
