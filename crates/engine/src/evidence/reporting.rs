//! Tells how what is in place was seen to hold, and where that is still to be seen.

use std::collections::{BTreeMap, BTreeSet};

use stopgap_model::evidence::{self, Answer, Evidence, Missing, Sighting, Site, Verdict, Wanted};
use stopgap_model::report::{MitigationReport, State};
use stopgap_model::{Action, Digest, Mitigation, MitigationId, ServerId};
use stopgap_plan::{Altered, Standing, WebPlaced};
use stopgap_rules::ActionSemantics;
use stopgap_store::KeptEvidence;

use super::{Key, Known, key};
use crate::engine::Engine;
use crate::probing::Probing;
use crate::report::summarize;

/// The most sites that one sentence names.
const MAX_NAMED: usize = 3;

impl Engine<'_> {
    /// Tells beside the state of each mitigation how it was seen to hold, and where something has changed
    /// since, how it was before that. One whose attack is not blocked
    /// somewhere is not `applied`. Of servers in `asked` what shows nothing is told by whoever asked.
    pub(crate) fn report_evidence(
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
        let mut sightings = known.of_mitigation(id);
        if wanted.is_empty() {
            return Evidence {
                sightings,
                missing: self.never_asked(standing, id).into_iter().collect(),
            };
        }
        let keys: BTreeSet<Key> = wanted.iter().map(key).collect();
        sightings.retain(|it| keys.contains(&key(it)));
        let asked: BTreeSet<&Site> = wanted.iter().map(|it| &it.site).collect();
        let unseen = wanted.iter().filter(|it| !known.is_seen(it));
        let unseen: BTreeSet<&Site> = unseen.map(|it| &it.site).collect();
        let missing = Missing {
            server: standing.server.id(),
            sites: unseen.len(),
            of: asked.len(),
            begun: wanted.iter().any(|it| known.is_seen(it)),
            named: unseen.iter().take(MAX_NAMED).map(ToString::to_string).collect(),
            why: None,
        };
        let missing = (missing.sites > 0).then_some(missing);
        Evidence { sightings, missing: missing.into_iter().collect() }
    }

    /// Why nothing is ever asked of a mitigation on a server. Of a revision that is not offered any more the
    /// probes are not known.
    fn never_asked(&self, standing: &Standing, id: &MitigationId) -> Option<Missing> {
        let offered = &self.catalog.get(id)?.mitigation;
        let is_offered =
            |placed: &WebPlaced| placed.mitigation == *id && placed.hash == offered.hash;
        if !standing.rules.iter().any(is_offered) {
            return None;
        }
        let server = standing.server.id();
        let why = match offered.probes.iter().any(|probe| probe.live) {
            true => format!("no site of {server} can be asked"),
            false => "it has no live probe".to_owned(),
        };
        let named = Vec::new();
        Some(Missing { server, sites: 0, of: 0, begun: false, named, why: Some(why) })
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
            summarize(report);
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
    let meaning = ActionSemantics::of(action).ok().flatten();
    let blocks = probe.zip(meaning).is_some_and(|(probe, it)| it.blocks(&probe.request));
    blocks && sighting.wanted == Wanted::Blocked
}
