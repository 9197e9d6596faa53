//! What is known of each probe on each site of one server.

use std::collections::BTreeMap;

use stopgap_model::evidence::{Sighting, Site};
use stopgap_model::{Digest, MitigationId, ServerId};
use stopgap_store::KeptEvidence;

/// What identifies one probe on one site of a server.
pub(super) type Key = (Site, MitigationId, Digest, String);

/// What is known of each probe on each site of one server, by mitigation.
pub(super) struct Known<'k>(BTreeMap<&'k MitigationId, OfMitigation<'k>>);

#[derive(Default)]
struct OfMitigation<'k> {
    now: BTreeMap<Key, &'k Sighting>,
    /// From before something was changed there.
    earlier: BTreeMap<Key, &'k Sighting>,
}

impl<'k> Known<'k> {
    pub(super) fn of(server: &ServerId, kept: &'k KeptEvidence) -> Self {
        let mut known: BTreeMap<&MitigationId, OfMitigation<'_>> = BTreeMap::new();
        for sighting in kept.sightings.iter().filter(|it| it.server.as_ref() == Some(server)) {
            let of_it = known.entry(&sighting.mitigation).or_default();
            let when = if sighting.earlier { &mut of_it.earlier } else { &mut of_it.now };
            when.insert(key(sighting), sighting);
        }
        Self(known)
    }

    /// Returns what is known now of the probe of a sighting on its site.
    pub(super) fn now(&self, sighting: &Sighting) -> Option<&'k Sighting> {
        self.0.get(&sighting.mitigation)?.now.get(&key(sighting)).copied()
    }

    /// Returns whether the probe of a sighting was seen to be blocked or not on its site.
    pub(super) fn is_seen(&self, sighting: &Sighting) -> bool {
        self.now(sighting).is_some_and(|it| it.verdict.is_evidence())
    }

    /// Returns all that is known of a mitigation: what is known as it is, and of what is not, what was seen
    /// before.
    pub(super) fn of_mitigation(&self, id: &MitigationId) -> Vec<Sighting> {
        let Some(OfMitigation { now, earlier }) = self.0.get(id) else { return Vec::new() };
        let is_newer = |key: &Key| now.get(key).is_some_and(|it| it.is_judged());
        let earlier = earlier.iter().filter(|(key, _)| !is_newer(key));
        now.iter().chain(earlier).map(|(_, it)| (*it).clone()).collect()
    }
}

pub(super) fn key(sighting: &Sighting) -> Key {
    let Sighting { site, mitigation, hash, probe, .. } = sighting;
    (site.clone(), mitigation.clone(), *hash, probe.clone())
}
