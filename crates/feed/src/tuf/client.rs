//! A client of one repository, over any transport, with everything in memory.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use jiff::Timestamp;
use sigstore_tuf::{TrustedMetadataSet, Updater, UpdaterConfig};

use super::listing::{File, Listing, Target, delegates, list, load_roles, loaded};
use super::session::{Cost, Door, Memory, SNAPSHOT, Session, TIMESTAMP, require_sound_root};
use super::{Refusal, Seen};
use crate::transport::Transport;

/// The most metadata of delegated roles, in bytes: as much as two top roles may have.
const MAX_DELEGATED: u64 = 10_000_000;

/// A client of one repository. It touches nothing but the transport: what is to be remembered is
/// handed in and out.
pub struct Client {
    pinned: Vec<u8>,
    updater: Updater,
    session: Arc<Session>,
    /// The library's trusted metadata with all delegated roles, once the files were listed.
    listed: Option<TrustedMetadataSet>,
}

impl Client {
    /// A client that trusts the root `root`, and remembers `memory`.
    ///
    /// # Errors
    /// The root is no root, or does not sign itself.
    pub fn open(
        transport: Arc<dyn Transport>,
        root: &[u8],
        memory: Memory,
    ) -> Result<Self, Refusal> {
        require_sound_root(root)?;
        let session = Arc::new(Session::new(transport, memory));
        let updater = updater(&session, root)?;
        Ok(Self { pinned: root.to_vec(), updater, session, listed: None })
    }

    /// Gets what is new of the metadata and verifies it. `now` is the time at which it must be
    /// valid.
    ///
    /// # Errors
    /// As [`Refusal`] says. [`Client::new_roots`] are good nevertheless.
    pub fn refresh(&mut self, now: Timestamp) -> Result<(), Refusal> {
        self.listed = None;
        let mut whole = self.update(now);
        if whole.is_ok() && !self.has_named_snapshot(now) {
            // The library goes on with the snapshot that it has where a newer timestamp names its
            // version, without a look at the digest that the timestamp gives. So it is fetched.
            self.session.state().drop_file(SNAPSHOT);
            self.updater = updater(&self.session, &self.pinned)?;
            whole = self.update(now);
        }
        whole?;
        let mut state = self.session.state();
        let timestamp = state.memory.files.get(TIMESTAMP);
        let validator = timestamp.map(Vec::as_slice).zip(state.validator.clone());
        state.memory.seen = Seen::of(self.updater.trusted(), validator);
        Ok(())
    }

    /// Gets what is new, as the library does it; nothing but the root counts as seen.
    fn update(&mut self, now: Timestamp) -> Result<(), Refusal> {
        let result = ready(self.updater.refresh(now));
        let refusal = result.err().map(|error| self.session.refusal(&error));
        let mut state = self.session.state();
        let trusted = self.updater.trusted();
        let seen = &mut state.memory.seen;
        seen.root = seen.root.max(trusted.root().version);
        if let Some(unreachable @ Refusal::Unreachable { .. }) = refusal {
            return Err(unreachable);
        }
        if let Err(rolled_back) = seen.require(trusted) {
            state.new_files.clear();
            return Err(rolled_back);
        }
        refusal.map_or(Ok(()), Err)
    }

    /// Whether the snapshot is the one that the timestamp names, by its digest and length too.
    fn has_named_snapshot(&self, now: Timestamp) -> bool {
        let state = self.session.state();
        let file = |name: &str| state.memory.files.get(name).map(Vec::as_slice).unwrap_or_default();
        let verified = TrustedMetadataSet::from_root(self.root()).and_then(|mut trusted| {
            trusted.update_timestamp(file(TIMESTAMP), now)?;
            trusted.update_snapshot(file(SNAPSHOT), now)
        });
        verified.is_ok()
    }

    /// All files that the repository offers, after [`Client::refresh`].
    ///
    /// # Errors
    /// The metadata of a delegated role cannot be had or does not verify, or there is too much.
    pub fn files(&mut self, now: Timestamp) -> Result<Listing, Refusal> {
        if !delegates(self.updater.trusted()) {
            return list(&loaded(self.updater.trusted()));
        }
        let mut trusted = self.updater.trusted().clone();
        let is_consistent = trusted.root().consistent_snapshot;
        let left = Cell::new(MAX_DELEGATED);
        let spend = |bytes: &Vec<u8>| left.set(left.get().saturating_sub(bytes.len() as u64));
        let remembered = |role: &str| {
            let state = self.session.state();
            state.memory.files.get(&format!("{role}.json")).cloned().inspect(spend)
        };
        let fetch = |role: &str, version| {
            let path = match is_consistent {
                true => format!("metadata/{version}.{role}.json"),
                false => format!("metadata/{role}.json"),
            };
            let max = UpdaterConfig::default().targets_max_length.min(left.get());
            self.session.get(&path, max)?.inspect(spend).ok_or(Refusal::Absent { path })
        };
        let roles = load_roles(&mut trusted, now, remembered, fetch)?;
        let listing = list(&loaded(&trusted))?;
        for (role, bytes) in roles {
            self.session.state().keep_file(&format!("{role}.json"), &bytes);
        }
        self.listed = Some(trusted);
        Ok(listing)
    }

    /// The file of this name, after [`Client::refresh`], with whatever roles it takes to find it.
    /// Unlike [`Client::files`], it takes any name that the repository gives.
    ///
    /// # Errors
    /// The metadata of a delegated role cannot be had or does not verify.
    pub fn find(&mut self, name: &str, now: Timestamp) -> Result<Option<Target>, Refusal> {
        let found = ready(self.updater.get_target_info(name, now));
        let found = found.map_err(|error| self.session.refusal(&error))?;
        Ok(found.map(|file| Target { name: name.to_owned(), file }))
    }

    /// Gets a file, and verifies its length and digest.
    ///
    /// # Errors
    /// It cannot be had, or is another.
    pub fn fetch(&self, file: &File) -> Result<Vec<u8>, Refusal> {
        self.fetch_target(&file.target)
    }

    /// Gets a file that was found by its name, and verifies its length and digests.
    ///
    /// # Errors
    /// It cannot be had, or is another.
    pub fn fetch_target(&self, target: &Target) -> Result<Vec<u8>, Refusal> {
        ready(self.updater.download_target(&target.file, &target.name))
            .map_err(|error| self.session.refusal(&error))
    }

    /// The newest root that is trusted, as it is signed.
    #[must_use]
    pub fn root(&self) -> &[u8] {
        self.updater.trusted().root_bytes()
    }

    /// The role that expires first, and when.
    #[must_use]
    pub fn expires(&self) -> (String, Timestamp) {
        let mut first = ("root".to_owned(), self.trusted().root().expires);
        for (role, _, expires) in self.roles() {
            if expires < first.1 {
                first = (role, expires);
            }
        }
        first
    }

    /// The version of every role that is trusted, by its name.
    #[must_use]
    pub fn versions(&self) -> BTreeMap<String, u64> {
        self.roles().map(|(role, version, _)| (role, version)).collect()
    }

    /// What it took so far.
    #[must_use]
    pub fn cost(&self) -> Cost {
        self.session.state().cost
    }

    /// Roots that were verified and not remembered before, by version. They are good even if a
    /// refresh was refused, and must be kept: they may have taken keys away.
    #[must_use]
    pub fn new_roots(&self) -> Vec<(u64, Vec<u8>)> {
        let state = self.session.state();
        let roots = state.new_roots.iter();
        roots
            .filter_map(|version| Some((*version, state.memory.roots.get(version)?.clone())))
            .collect()
    }

    /// Other metadata that was verified and not remembered before, by its name in [`Memory`].
    #[must_use]
    pub fn new_files(&self) -> Vec<(String, Vec<u8>)> {
        let state = self.session.state();
        let names = state.new_files.iter();
        names
            .filter_map(|name| Some((name.clone(), state.memory.files.get(name)?.clone())))
            .collect()
    }

    /// What is to be remembered after a refresh that was not refused.
    #[must_use]
    pub fn memory(&self) -> Memory {
        self.session.state().memory.clone()
    }

    /// What was seen: of the root always, of the rest when the last refresh was not refused.
    #[must_use]
    pub fn seen(&self) -> Seen {
        self.session.state().memory.seen.clone()
    }

    fn trusted(&self) -> &TrustedMetadataSet {
        self.listed.as_ref().unwrap_or_else(|| self.updater.trusted())
    }

    /// Every role that is trusted, with its version and when it expires.
    fn roles(&self) -> impl Iterator<Item = (String, u64, Timestamp)> {
        let trusted = self.trusted();
        let root = trusted.root();
        let root = ("root".to_owned(), root.version, root.expires);
        let timestamp =
            trusted.timestamp().map(|role| ("timestamp".to_owned(), role.version, role.expires));
        let snapshot =
            trusted.snapshot().map(|role| ("snapshot".to_owned(), role.version, role.expires));
        let targets = loaded(trusted).into_iter();
        let targets = targets.map(|(name, role)| (name.to_owned(), role.version, role.expires));
        [Some(root), timestamp, snapshot].into_iter().flatten().chain(targets)
    }
}

/// The library's client, which trusts `root` and leaves what it verified in the session.
fn updater(session: &Arc<Session>, root: &[u8]) -> Result<Updater, Refusal> {
    let updater =
        Updater::new(Door(Arc::clone(session)), root).map_err(|error| Refusal::of(&error))?;
    let pinned = updater.trusted().root().version;
    let updater = updater.with_store(Door(Arc::clone(session)));
    // The library keeps the pinned root too, which is the caller's.
    session.state().forget_root(pinned);
    Ok(updater)
}

/// Every future of the library is ready at once, because what it waits for is.
fn ready<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return value;
        }
    }
}
