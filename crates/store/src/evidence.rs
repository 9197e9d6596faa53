//! What was seen of the sites of this host, and what kept a change from being made there. One file: when
//! it is lost or damaged, what is in it is lost and nothing else, and the next check looks again.

use std::collections::BTreeSet;

use stopgap_model::evidence::{Sighting, Site, Verdict};
use stopgap_model::{MitigationId, ServerId};

use crate::error::{StoreError, unreadable};
use crate::evidence_file;
use crate::kept_evidence::KeptEvidence;
use crate::layout::EVIDENCE;
use crate::store::Store;
use crate::text::boundary;

/// The most sightings that are kept; of more, the latest. All of those of five servers.
const MAX_SIGHTINGS: usize = 20_000;
/// The most hindrances that are kept.
const MAX_HINDRANCES: usize = 1_000;
/// The longest text of a sighting, in bytes; a longer one is cut.
const MAX_TEXT: usize = 200;
/// The longest reason of a hindrance, in bytes; a longer one is cut.
const MAX_REASON: usize = 4_000;
/// The largest file that is read back, in bytes.
const MAX_FILE: u64 = 32 * 1024 * 1024;

/// What one probe on one site is known by.
type Key<'s> = (&'s Option<ServerId>, &'s Site, &'s MitigationId, &'s str);

fn key(sighting: &Sighting) -> Key<'_> {
    let Sighting { server, site, mitigation, probe, .. } = sighting;
    (server, site, mitigation, probe)
}

fn is_of(sighting: &Sighting, server: &ServerId, mitigations: &[&MitigationId]) -> bool {
    sighting.server.as_ref() == Some(server) && mitigations.contains(&&sighting.mitigation)
}

impl KeptEvidence {
    /// These were seen now: what was seen of the same probes on the same sites before counts no more. What shows
    /// nothing takes nothing away of what was seen to be wrong.
    pub fn add(&mut self, mut seen: Vec<Sighting>) {
        let is_wrong = |known: &&Sighting| known.verdict.is_wrong() && !known.earlier;
        let wrong = self.sightings.iter().filter(is_wrong);
        let wrong: BTreeSet<Key<'_>> = wrong.map(key).collect();
        seen.retain(|it| it.is_judged() || !wrong.contains(&key(it)));
        let new: BTreeSet<Key<'_>> = seen.iter().map(key).collect();
        let judged = seen.iter().filter(|it| it.is_judged());
        let judged: BTreeSet<Key<'_>> = judged.map(key).collect();
        self.sightings.retain(|known| {
            let newer = if known.earlier { &judged } else { &new };
            !newer.contains(&key(known))
        });
        self.sightings.extend(seen);
    }

    /// A change of these mitigations on a server is begun: what was seen there tells how it was before.
    /// Answers whether that is news.
    pub fn outdate(&mut self, server: &ServerId, mitigations: &[&MitigationId]) -> bool {
        let is_news = |it: &Sighting| !it.earlier && is_of(it, server, mitigations);
        let news: Vec<Sighting> = self.sightings.iter().filter(|it| is_news(it)).cloned().collect();
        if news.is_empty() {
            return false;
        }
        self.sightings.retain(|it| !is_news(it));
        // What shows nothing does not take the place of what was seen before it.
        let judged = || news.iter().filter(|it| it.is_judged());
        let newer: BTreeSet<Key<'_>> = judged().map(key).collect();
        self.sightings.retain(|it| !newer.contains(&key(it)));
        self.sightings.extend(judged().map(|it| Sighting { earlier: true, ..it.clone() }));
        true
    }

    /// A change of these mitigations on a server is made: what was seen before it is of no account any more.
    /// Answers whether that is news.
    pub fn forget_earlier(&mut self, server: &ServerId, mitigations: &[&MitigationId]) -> bool {
        let before = self.sightings.len();
        self.sightings.retain(|it| !(it.earlier && is_of(it, server, mitigations)));
        self.sightings.len() != before
    }

    /// As much of it as is kept.
    fn bounded(&self) -> Self {
        let mut sightings = self.sightings.clone();
        if sightings.len() > MAX_SIGHTINGS {
            sightings.sort_by_key(|sighting| std::cmp::Reverse(sighting.at));
            sightings.truncate(MAX_SIGHTINGS);
        }
        let mut hindrances = self.hindrances.clone();
        hindrances.truncate(MAX_HINDRANCES);
        sightings.iter_mut().for_each(cut);
        hindrances.iter_mut().for_each(|it| cut_at(&mut it.why, MAX_REASON));
        Self { sightings, hindrances }
    }
}

/// Cuts the texts that come from outside, but the names by which a sighting is known.
fn cut(sighting: &mut Sighting) {
    cut_at(&mut sighting.request, MAX_TEXT);
    if let Verdict::NotReached(why) | Verdict::NotJudged(why) = &mut sighting.verdict {
        cut_at(why, MAX_TEXT);
    }
}

fn cut_at(text: &mut String, most: usize) {
    if text.len() > most {
        text.truncate(boundary(text, most));
        text.push('…');
    }
}

impl Store {
    /// What was seen. What cannot be read was not.
    #[must_use]
    pub fn evidence(&self) -> KeptEvidence {
        let Ok(Some(bytes)) = self.dir.read(EVIDENCE, MAX_FILE) else {
            return KeptEvidence::default();
        };
        evidence_file::read(&bytes).unwrap_or_default()
    }

    /// Keeps what was seen, instead of what is kept.
    ///
    /// # Errors
    /// It cannot be written. Then nothing of it is kept, where that can be had: what is not true any
    /// more must not be told.
    pub fn keep_evidence(&self, evidence: &KeptEvidence) -> Result<(), StoreError> {
        let mut kept = evidence.bounded();
        let bytes = loop {
            let bytes = evidence_file::write(&kept);
            let bytes = bytes.map_err(|error| unreadable(EVIDENCE, &error))?;
            if bytes.len() as u64 <= MAX_FILE {
                break bytes;
            }
            // Names may be long. What is left out is seen again by the next check.
            kept.sightings.truncate(kept.sightings.len() / 2);
            kept.hindrances.truncate(kept.hindrances.len() / 2);
        };
        self.dir.write_atomic(EVIDENCE, &bytes).map_err(|error| {
            let _ = self.dir.remove_file(EVIDENCE);
            error.into()
        })
    }
}
