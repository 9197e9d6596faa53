//! What one publication consists of, and in which order it is written so that a client that looks
//! at any moment finds a whole feed.

use std::collections::BTreeMap;

use jiff::Timestamp;
use stopgap_sign::{Envelope, Role, Roles, SigningKey, snapshot, timestamp};

use crate::error::PublishError;
use crate::publisher::{Root, expires};
use crate::repository::{Repository, path};
use crate::settings::Days;

/// The metadata of a publication.
#[derive(Debug)]
pub(crate) struct Release {
    pub(crate) targets: Envelope,
    pub(crate) snapshot: Envelope,
    pub(crate) timestamp: Envelope,
}

/// What snapshot and timestamp are made from.
pub(crate) struct Online<'a> {
    /// The root that this publication brings.
    pub(crate) root: &'a Root,
    /// The roles of the root that clients of the place have now.
    pub(crate) before: Option<&'a Roles>,
    pub(crate) keys: &'a [SigningKey],
    pub(crate) days: Days,
    pub(crate) now: Timestamp,
}

impl Online<'_> {
    /// Makes the snapshot, unless the last one still holds, and a new timestamp.
    ///
    /// `own` is what was published before, `place` what the place has: no version of either is
    /// gone below.
    pub(crate) fn release(
        &self,
        targets: Envelope,
        own: &Repository,
        place: &Repository,
    ) -> Result<Release, PublishError> {
        let snapshot = self.snapshot(&targets, own, place)?;
        let last = self.last(Role::Timestamp, own, place)?.map_or(0, |last| last.version());
        let expiry = self.days.expiry(Role::Timestamp, self.now);
        let bytes = snapshot.to_bytes();
        let signed = timestamp(next(last)?, expiry, snapshot.version(), &bytes);
        let timestamp = self.sign(Role::Timestamp, signed)?;
        Ok(Release { targets, snapshot, timestamp })
    }

    fn snapshot(
        &self,
        targets: &Envelope,
        own: &Repository,
        place: &Repository,
    ) -> Result<Envelope, PublishError> {
        let last = self.last(Role::Snapshot, own, place)?;
        if let Some(last) = &last {
            let names_it = last.signed["meta"]["targets.json"]["version"] == targets.version();
            let known = self.known_to_all(Role::Snapshot, last);
            let expiry = expires(Role::Snapshot, last)?;
            if names_it && known && self.days.is_fresh(Role::Snapshot, expiry, self.now) {
                return Ok(last.clone());
            }
        }
        let versions = BTreeMap::from([("targets.json".to_owned(), targets.version())]);
        let version = next(last.map_or(0, |last| last.version()))?;
        let expiry = self.days.expiry(Role::Snapshot, self.now);
        self.sign(Role::Snapshot, snapshot(version, expiry, &versions))
    }

    /// The newest of a role. What lies in the place counts only if it was signed by keys that are
    /// still good: a stolen key must not drive the versions up for ever.
    fn last(
        &self,
        role: Role,
        own: &Repository,
        place: &Repository,
    ) -> Result<Option<Envelope>, PublishError> {
        let own = own.newest(role)?;
        // What is torn or strange there is written over.
        let placed = place.newest(role).ok().flatten();
        let keys = self.root.roles.of(role);
        let placed = placed.filter(|envelope| keys.are_met_by(envelope));
        Ok(own.into_iter().chain(placed).max_by_key(Envelope::version))
    }

    /// Signs with every key at hand that clients know before or after.
    fn sign(&self, role: Role, signed: serde_json::Value) -> Result<Envelope, PublishError> {
        let mut known = self.root.roles.of(role).keys.clone();
        known.extend(self.before.iter().flat_map(|roles| roles.of(role).keys.iter().cloned()));
        let keys = self.keys.iter().filter(|key| known.contains(&key.public()));
        let envelope = Envelope::signed_by(signed, keys);
        let needed = self.root.roles.of(role);
        if needed.are_met_by(&envelope) {
            return Ok(envelope);
        }
        let have = envelope.count(&needed.keys);
        let message = format!(
            "{have} of {} signatures for {}: its keys are not in keys/online",
            needed.threshold,
            role.as_str()
        );
        Err(PublishError::refused(message, "bring the key files there, or make new ones: rotate"))
    }

    fn known_to_all(&self, role: Role, envelope: &Envelope) -> bool {
        let mut all = self.before.into_iter().chain([&self.root.roles]);
        all.all(|roles| roles.of(role).are_met_by(envelope))
    }

    /// Whether clients that do not yet have the new root take this release.
    pub(crate) fn is_good_before(&self, release: &Release) -> bool {
        let all = [
            (Role::Targets, release.targets.clone()),
            (Role::Snapshot, release.snapshot.clone()),
            (Role::Timestamp, release.timestamp.clone()),
        ];
        self.before.is_some_and(|roles| are_good_by(roles, &all))
    }
}

impl Release {
    /// The files of the metadata in the order of writing.
    ///
    /// The timestamp makes the rest visible, so it comes behind it. A new root comes last where
    /// everything is good by the old one too, for then there is no moment at which a client has
    /// a root without what it vouches for. Else it comes first: what is there already may be good
    /// by the new root.
    pub(crate) fn in_order(
        &self,
        roots: &[(u64, Vec<u8>)],
        root_last: bool,
    ) -> Vec<(String, Vec<u8>)> {
        let roots =
            roots.iter().map(|(version, bytes)| (path(Role::Root, *version), bytes.clone()));
        let rest = [
            (Role::Targets, &self.targets),
            (Role::Snapshot, &self.snapshot),
            (Role::Timestamp, &self.timestamp),
        ];
        let rest =
            rest.map(|(role, envelope)| (path(role, envelope.version()), envelope.to_bytes()));
        if root_last {
            rest.into_iter().chain(roots).collect()
        } else {
            roots.chain(rest).collect()
        }
    }
}

/// Whether the keys of `roles` have signed all of these.
pub(crate) fn are_good_by(roles: &Roles, metadata: &[(Role, Envelope)]) -> bool {
    metadata.iter().all(|(role, envelope)| roles.of(*role).are_met_by(envelope))
}

fn next(version: u64) -> Result<u64, PublishError> {
    version.checked_add(1).ok_or_else(|| {
        PublishError::refused(
            "the last version is the highest that there can be",
            "rotate the role's keys",
        )
    })
}
