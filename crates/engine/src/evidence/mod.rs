//! What is known of how the installed rules hold on the sites of web servers: it is kept, asked for where it is
//! not known, and reported beside the states.

mod known;
mod late;
mod reporting;

use std::collections::BTreeSet;

use stopgap_model::evidence::Sighting;
use stopgap_model::{MitigationId, ServerId};

use crate::engine::Engine;
use crate::progress::Progress;
use crate::trouble::Trouble;

impl Engine<'_> {
    /// Marks, before a change, what was seen of its mitigations as seen earlier: also if the program is
    /// killed half-way, it does not count for how things are.
    pub(crate) fn outdate_evidence(
        &self,
        server: &ServerId,
        mitigations: &[&MitigationId],
        progress: &mut Progress,
    ) {
        if progress.learned.evidence.outdate(server, mitigations) {
            self.keep_evidence(progress);
        }
    }

    /// Keeps what was seen of a change that was committed, in the place of what was seen before it.
    pub(crate) fn replace_evidence(
        &self,
        server: &ServerId,
        mitigations: &[&MitigationId],
        seen: Vec<Sighting>,
        progress: &mut Progress,
    ) {
        let went = progress.learned.evidence.forget_earlier(server, mitigations);
        let is_news = went || !seen.is_empty();
        progress.learned.evidence.add(seen);
        if is_news {
            self.keep_evidence(progress);
        }
    }

    /// Keeps what was seen without a change.
    fn add_evidence(&self, seen: Vec<Sighting>, progress: &mut Progress) {
        if !seen.is_empty() {
            progress.learned.evidence.add(seen);
            self.keep_evidence(progress);
        }
    }

    /// Writes the evidence. If it cannot be written, everything else is done all the same, and that is told
    /// once.
    fn keep_evidence(&self, progress: &mut Progress) {
        let is_told = |trouble: &Trouble| matches!(trouble, Trouble::NotKept(_));
        if let Err(why) = self.store.keep_evidence(&progress.learned.evidence)
            && !progress.troubles.iter().any(is_told)
        {
            progress.troubles.push(Trouble::NotKept(why));
        }
    }

    /// Keeps what prevented this cycle from changing a server, until a cycle has come further. If the cycle was
    /// not for everything, what is known of the servers that were not attempted stays.
    pub(crate) fn remember_hindrances(&self, is_whole: bool, progress: &mut Progress) {
        let tried: BTreeSet<&ServerId> =
            progress.timings.iter().map(|timing| &timing.server).collect();
        let before = &progress.learned.evidence.hindrances;
        let stay = before.iter().filter(|it| !is_whole && !tried.contains(&it.server)).cloned();
        let now = stay.chain(progress.learned.hindrances((self.now)())).collect();
        if *before != now {
            progress.learned.evidence.hindrances = now;
            self.keep_evidence(progress);
        }
    }
}
