//! Probes a server of which nothing is known: it was down when its rules were written, and runs again.

use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;

use stopgap_host::{ServerControl, Stop};
use stopgap_model::Fact;
use stopgap_model::evidence::{Sighting, Verdict};
use stopgap_plan::{Order, UnchangedServer};

use super::known::{Key, Known, key};
use crate::engine::Engine;
use crate::probing::{Baseline, Probing, What, answered_so};
use crate::progress::Progress;
use crate::stop::Watch;

/// How long the sites of one server are asked at most in which nothing is changed.
const LATE_TIME: Duration = Duration::from_secs(8);
/// How often a site is asked in which an attack is not blocked: a process of before may have answered.
const TRIES: u32 = 3;
/// How long is waited before it is asked again.
const PAUSE: Duration = Duration::from_secs(1);

impl Engine<'_> {
    /// Sends what was not seen yet to the sites of servers that run, and changes nothing.
    pub(crate) fn probe_late(
        &self,
        unchanged: &[UnchangedServer],
        order: &Order,
        watch: &Watch<'_>,
        progress: &mut Progress,
    ) {
        let Some(live) = self.host.control().filter(|_| watch.policy().enabled()) else { return };
        let stop = || watch.ends_waiting(&[]);
        for unchanged in unchanged {
            let id = unchanged.server.id();
            if unchanged.server.running != Fact::Known(true) || progress.asked.contains(&id) {
                continue;
            }
            // What was seen once is not asked again: sites may limit how often they are asked.
            let known = Known::of(&id, &progress.learned.evidence);
            let is_asked = |sighting: &Sighting| {
                let only = order.only.as_ref();
                let is_meant = only.is_none_or(|only| only.contains(&sighting.mitigation));
                is_meant && !known.is_seen(sighting)
            };
            let probing = Probing::of_unchanged(self.catalog, unchanged).only(is_asked);
            if probing.pairs() == 0 {
                continue;
            }
            let seen = self.look_at(live, probing, &known, &stop);
            if stop() {
                return;
            }
            self.add_evidence(seen, progress);
        }
    }

    /// What the sites answer now, where nobody knows what they answered without the rules.
    fn look_at(
        &self,
        live: &dyn ServerControl,
        probing: Probing<'_>,
        known: &Known<'_>,
        stop: &Stop<'_>,
    ) -> Vec<Sighting> {
        let mut seen: Vec<Sighting> = Vec::new();
        let mut probing = probing;
        for round in 1..=TRIES {
            let before = Baseline::take(&probing, live, LATE_TIME.min(self.probe_time), stop);
            let found =
                (0..probing.pairs()).map(|pair| self.judged(&probing, (known, &before), pair));
            let found: Vec<Sighting> = found.collect();
            let wrong: BTreeSet<Key> =
                found.iter().filter(|it| it.verdict.is_wrong()).map(key).collect();
            let again: BTreeSet<Key> = found.iter().map(key).collect();
            seen.retain(|known| !again.contains(&key(known)));
            seen.extend(found);
            // An old process may have answered, or an application that is just being started.
            if wrong.is_empty() || round == TRIES || stop() {
                break;
            }
            probing = probing.only(|sighting| wrong.contains(&key(sighting)));
            thread::sleep(PAUSE.min(live.settle_time()));
        }
        seen
    }

    /// What the answer to one probe shows. What was answered before the rule may be known from the change.
    fn judged(
        &self,
        probing: &Probing<'_>,
        (kept, now): (&Known<'_>, &Baseline<'_>),
        pair: usize,
    ) -> Sighting {
        let site = probing.site_of(What::Probe(pair));
        let known = now.known(probing, What::Health(site));
        let answer = now.answer(What::Probe(pair));
        let unasked = || match known.ordinary.first() {
            Some(health) if !now.can_be_probed(site) => format!("answers every request {health}"),
            _ => "does not answer in time".to_owned(),
        };
        let about = (known.ordinary, now.is_limited(site));
        let verdict = match answer {
            Some(answer) => probing.shown_alone(pair, about, answer),
            None => Verdict::NotJudged(probing.unsent(pair).unwrap_or_else(unasked)),
        };
        let kept = kept.now(&probing.unseen(pair));
        let before = kept.and_then(|it| it.before.as_ref());
        let was_as_before = kept.is_some_and(|it| it.after == it.before);
        let is_as_before = was_as_before && answer.is_some() && before == answer;
        let verdict = match (verdict, answer) {
            (Verdict::Blocked, Some(answer)) if is_as_before => {
                Verdict::NotJudged(answered_so(answer))
            }
            (verdict, _) => verdict,
        };
        probing.sighting(pair, (self.now)(), (before, answer), Some(verdict))
    }
}
