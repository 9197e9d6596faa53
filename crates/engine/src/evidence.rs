//! What is known of how the rules in place hold on the sites of web servers, and what is asked where
//! nothing is known: a server that was down when the rules were written is probed when it runs again.

use std::collections::{BTreeMap, BTreeSet};
use std::thread;
use std::time::Duration;

use stopgap_host::{Answer, Live, Stop};
use stopgap_model::evidence::{self, Evidence, Missing, Sighting, Site, Verdict, Wanted};
use stopgap_model::report::{MitigationReport, State};
use stopgap_model::{Action, Digest, Fact, Mitigation, MitigationId, ServerId};
use stopgap_plan::{Altered, Order, Standing, WebPlaced, summary};
use stopgap_rules::Meaning;
use stopgap_store::KeptEvidence;

use crate::Engine;
use crate::baseline::Baseline;
use crate::cycle::Done;
use crate::probing::{Probing, What, answered_so};
use crate::stop::Watch;
use crate::trouble::Trouble;

/// How long the sites of one server are asked at most in which nothing is changed.
const LATE_TIME: Duration = Duration::from_secs(8);
/// How often a site is asked in which an attack is not blocked: a process of before may have answered.
const TRIES: u32 = 3;
/// How long is waited before it is asked again.
const PAUSE: Duration = Duration::from_secs(1);
/// The most sites that one sentence names.
const MAX_NAMED: usize = 3;

/// What one probe on one site of a server is known by.
type Key = (Site, MitigationId, Digest, String);

/// What is known of each probe on each site of one server.
struct Known<'k> {
    now: BTreeMap<Key, &'k Sighting>,
    /// From before something was changed there.
    earlier: BTreeMap<Key, &'k Sighting>,
}

impl<'k> Known<'k> {
    fn of(server: &ServerId, kept: &'k KeptEvidence) -> Self {
        let of_it = kept.sightings.iter().filter(|it| it.server.as_ref() == Some(server));
        let (earlier, now): (Vec<_>, Vec<_>) =
            of_it.map(|it| (key(it), it)).partition(|(_, it)| it.earlier);
        Self { now: now.into_iter().collect(), earlier: earlier.into_iter().collect() }
    }

    fn is_seen(&self, sighting: &Sighting) -> bool {
        self.now.get(&key(sighting)).is_some_and(|it| it.verdict.is_evidence())
    }

    /// All of a mitigation: what is known as it is, and of what is not, what was seen before.
    fn of_mitigation(&self, id: &MitigationId) -> Vec<Sighting> {
        let of_it = |(key, _): &(&Key, &&Sighting)| key.1 == *id;
        let now = self.now.iter().filter(of_it);
        let is_newer = |key: &Key| self.now.get(key).is_some_and(|it| it.is_judged());
        let earlier = self.earlier.iter().filter(of_it).filter(|(key, _)| !is_newer(key));
        now.chain(earlier).map(|(_, it)| (*it).clone()).collect()
    }
}

fn key(sighting: &Sighting) -> Key {
    let Sighting { site, mitigation, hash, probe, .. } = sighting;
    (site.clone(), mitigation.clone(), *hash, probe.clone())
}

impl Engine<'_> {
    /// Before a change: what was seen of the mitigations that it is about tells how it was, and not how it
    /// is, even if this program is killed half-way.
    pub(crate) fn outdate_evidence(
        &self,
        server: &ServerId,
        mitigations: &[&MitigationId],
        done: &mut Done,
    ) {
        if done.known.evidence.outdate(server, mitigations) {
            self.keep_evidence(done);
        }
    }

    /// After a change that stays: this was seen, and what was seen before it is of no account any more.
    pub(crate) fn replace_evidence(
        &self,
        server: &ServerId,
        mitigations: &[&MitigationId],
        seen: Vec<Sighting>,
        done: &mut Done,
    ) {
        let went = done.known.evidence.forget_earlier(server, mitigations);
        let is_news = went || !seen.is_empty();
        done.known.evidence.add(seen);
        if is_news {
            self.keep_evidence(done);
        }
    }

    /// After a look: this was seen.
    fn add_evidence(&self, seen: Vec<Sighting>, done: &mut Done) {
        if !seen.is_empty() {
            done.known.evidence.add(seen);
            self.keep_evidence(done);
        }
    }

    /// That it cannot be written keeps nothing from being done, and is told once.
    fn keep_evidence(&self, done: &mut Done) {
        let is_told = |trouble: &Trouble| matches!(trouble, Trouble::NotKept(_));
        if let Err(why) = self.store.keep_evidence(&done.known.evidence)
            && !done.troubles.iter().any(is_told)
        {
            done.troubles.push(Trouble::NotKept(why));
        }
    }

    /// What kept this cycle from changing a server is told until a cycle has come further. Where not
    /// all of it was looked at, what is known of the servers that were not tried stays.
    pub(crate) fn remember_hindrances(&self, is_whole: bool, done: &mut Done) {
        let tried: BTreeSet<&ServerId> = done.timings.iter().map(|timing| &timing.server).collect();
        let before = &done.known.evidence.hindrances;
        let stay = before.iter().filter(|it| !is_whole && !tried.contains(&it.server)).cloned();
        let now = stay.chain(done.known.hindrances((self.now)())).collect();
        if *before != now {
            done.known.evidence.hindrances = now;
            self.keep_evidence(done);
        }
    }

    /// Sends what was not seen yet to the sites of servers that run, and changes nothing.
    pub(crate) fn probe_late(
        &self,
        standing: &[Standing],
        order: &Order,
        watch: &Watch<'_>,
        done: &mut Done,
    ) {
        let Some(live) = self.host.live().filter(|_| watch.policy().enabled()) else { return };
        let stop = || watch.ends_waiting(&[]);
        for standing in standing {
            let id = standing.server.id();
            if standing.server.running != Fact::Known(true) || done.asked.contains(&id) {
                continue;
            }
            let known = Known::of(&id, &done.known.evidence);
            let is_asked = |sighting: &Sighting| {
                let only = order.only.as_ref();
                let is_meant = only.is_none_or(|only| only.contains(&sighting.mitigation));
                is_meant && !known.is_seen(sighting)
            };
            let probing = Probing::of_standing(self.catalog, standing).only(is_asked);
            if probing.pairs() == 0 {
                continue;
            }
            let seen = self.look_at(live, probing, &known, &stop);
            if stop() {
                return;
            }
            self.add_evidence(seen, done);
        }
    }

    /// What the sites answer now, where nobody knows what they answered without the rules.
    fn look_at(
        &self,
        live: &dyn Live,
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
            if wrong.is_empty() || round == TRIES || stop() {
                break;
            }
            probing = probing.only(|sighting| wrong.contains(&key(sighting)));
            thread::sleep(PAUSE.min(live.settling()));
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
        let kept = kept.now.get(&key(&probing.unseen(pair)));
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

    /// Tells beside the state of each mitigation how it was seen to hold, and where something has changed
    /// since, how it was before that. One whose attack is not blocked
    /// somewhere is not `applied`. Of servers in `asked` what shows nothing is told by whoever asked.
    pub(crate) fn tell_evidence(
        &self,
        reports: &mut [MitigationReport],
        (standing, altered): (&[Standing], &[Altered]),
        kept: &KeptEvidence,
        asked: &BTreeSet<ServerId>,
    ) {
        let serves = |standing: &Standing| standing.server.dormant.is_none();
        let is_served = standing.iter().any(serves) || altered.iter().any(|it| !it.dormant);
        for altered in altered.iter().filter(|it| !(is_served && it.dormant)) {
            tell_earlier(reports, altered, kept);
        }
        for standing in standing {
            // One that nothing starts serves nobody, where another one does.
            if is_served && !serves(standing) {
                continue;
            }
            let known = Known::of(&standing.server.id(), kept);
            let probing = Probing::of_standing(self.catalog, standing);
            let wanted = (0..probing.pairs()).map(|pair| probing.unseen(pair));
            let mut by_mitigation: BTreeMap<MitigationId, Vec<Sighting>> = BTreeMap::new();
            for sighting in wanted {
                by_mitigation.entry(sighting.mitigation.clone()).or_default().push(sighting);
            }
            let placed: BTreeSet<&MitigationId> =
                standing.rules.iter().map(|placed| &placed.mitigation).collect();
            for report in reports.iter_mut().filter(|report| placed.contains(&report.id)) {
                let wanted = by_mitigation.get(&report.id).map(Vec::as_slice).unwrap_or_default();
                let evidence = self.evidence_of(standing, &report.id, wanted, &known);
                self.tell_wrong(report, standing, &evidence);
                if !asked.contains(&standing.server.id()) {
                    note(report, standing, &evidence);
                }
                report.evidence.sightings.extend(evidence.sightings);
                report.evidence.missing.extend(evidence.missing);
            }
        }
        for report in reports.iter_mut() {
            let is_in_place = matches!(report.state, State::Applied | State::Partial);
            if let Some(remark) = report.evidence.remark().filter(|_| is_in_place) {
                report.reason = format!("{}; {remark}", report.reason);
            }
        }
    }

    fn evidence_of(
        &self,
        standing: &Standing,
        id: &MitigationId,
        wanted: &[Sighting],
        known: &Known<'_>,
    ) -> Evidence {
        let server = standing.server.id();
        if wanted.is_empty() {
            let sightings = known.of_mitigation(id);
            let is_offered = |placed: &&WebPlaced| {
                placed.mitigation == *id
                    && self.catalog.get(id).is_some_and(|it| it.mitigation.hash == placed.hash)
            };
            // Of a revision that is not offered any more the probes are not known.
            let Some(_) = standing.rules.iter().find(is_offered) else {
                return Evidence { sightings, missing: Vec::new() };
            };
            let has_probes = self
                .catalog
                .get(id)
                .is_some_and(|offer| offer.mitigation.probes.iter().any(|probe| probe.live));
            let why = match has_probes {
                true => format!("no site of {server} can be asked"),
                false => "it has no live probe".to_owned(),
            };
            let missing = Missing {
                server,
                sites: 0,
                of: 0,
                begun: false,
                named: Vec::new(),
                why: Some(why),
            };
            return Evidence { sightings, missing: vec![missing] };
        }
        let keys: BTreeSet<Key> = wanted.iter().map(key).collect();
        let mut sightings = known.of_mitigation(id);
        sightings.retain(|it| keys.contains(&key(it)));
        let asked: BTreeSet<&Site> = wanted.iter().map(|it| &it.site).collect();
        let unseen = wanted.iter().filter(|it| !known.is_seen(it));
        let unseen: BTreeSet<&Site> = unseen.map(|it| &it.site).collect();
        let named = unseen.iter().take(MAX_NAMED).map(ToString::to_string).collect();
        let (sites, of) = (unseen.len(), asked.len());
        let begun = wanted.iter().any(|it| known.is_seen(it));
        let missing = Missing { server, sites, of, begun, named, why: None };
        let missing = (sites > 0).then_some(missing);
        Evidence { sightings, missing: missing.into_iter().collect() }
    }

    /// An action whose attack was seen not to be blocked on a site is in place in part only.
    fn tell_wrong(&self, report: &mut MitigationReport, standing: &Standing, evidence: &Evidence) {
        let Some(offer) = self.catalog.get(&report.id) else { return };
        let wrong = evidence.now().filter(|it| it.verdict == Verdict::NotBlocked);
        let wrong: Vec<&Sighting> = wrong.collect();
        let mut changed = false;
        for action in &mut report.actions {
            let is_placed = standing.rules.iter().any(|placed| placed.action == action.id);
            let asked = offer.mitigation.actions.iter().find(|it| it.id == action.id);
            let Some(asked) = asked.filter(|_| is_placed && action.state.in_place()) else {
                continue;
            };
            let of_it = wrong.iter().filter(|it| is_about(asked, &offer.mitigation, it));
            let of_it: Vec<&&Sighting> = of_it.collect();
            let Some(first) = of_it.first() else { continue };
            let more = of_it.iter().map(|it| &it.site).collect::<BTreeSet<_>>().len() - 1;
            let more = match more {
                0 => String::new(),
                more => format!(" and {}", evidence::more_sites(more)),
            };
            let is = first.after.as_ref().unwrap_or(&Answer::Nothing);
            action.state = State::Partial;
            action.reason = format!(
                "it stands on {}, but the probe \"{}\" is not blocked by {}{more}: it was answered \
                 {is} at {}; reload the server, see what answers there, and check again",
                standing.server.id(),
                first.probe,
                first.site,
                first.at.strftime("%Y-%m-%d %H:%M UTC"),
            );
            changed = true;
        }
        if changed {
            let states: Vec<State> = report.actions.iter().map(|action| action.state).collect();
            report.state = State::of_actions(&states);
            report.reason = summary(report.state, &report.actions);
        }
    }
}

/// Where what stands is not what was written, or is not known, what was last seen of what was written is told
/// as that. Nobody is asked for more there.
fn tell_earlier(reports: &mut [MitigationReport], altered: &Altered, kept: &KeptEvidence) {
    let known = Known::of(&altered.server, kept);
    for report in reports {
        let of_it = altered.rules.iter().filter(|placed| placed.mitigation == report.id);
        let hashes: BTreeSet<Digest> = of_it.map(|placed| placed.hash).collect();
        if hashes.is_empty() {
            continue;
        }
        let was = known.of_mitigation(&report.id).into_iter();
        let was = was.filter(|it| it.is_judged() && hashes.contains(&it.hash));
        let was = was.map(|it| Sighting { earlier: true, ..it });
        report.evidence.sightings.extend(was);
    }
}

/// What shows nothing stands beside each action that it is about, once.
fn note(report: &mut MitigationReport, standing: &Standing, evidence: &Evidence) {
    let notes = evidence::notes(evidence.now(), MAX_NAMED);
    for action in &mut report.actions {
        if standing.rules.iter().any(|placed| placed.action == action.id) {
            let new = notes.iter().filter(|note| !action.notes.contains(note));
            let new: Vec<String> = new.cloned().collect();
            action.notes.extend(new);
        }
    }
}

/// Whether an action is what is to block the probe of a sighting.
fn is_about(action: &Action, mitigation: &Mitigation, sighting: &Sighting) -> bool {
    let probe = mitigation.probes.iter().find(|probe| probe.name == sighting.probe);
    let meaning = Meaning::of(action).ok().flatten();
    let blocks = probe.zip(meaning).is_some_and(|(probe, it)| it.blocks(&probe.request));
    blocks && sighting.wanted == Wanted::Blocked
}
