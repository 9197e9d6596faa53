//! Reports how the installed rules were seen to hold, and where that is still to be seen.

use std::collections::{BTreeMap, BTreeSet};

use stopgap_model::evidence::{self, Answer, Evidence, Missing, Sighting, Site, Verdict, Wanted};
use stopgap_model::reason::ProbeReason;
use stopgap_model::report::{MitigationReport, State};
use stopgap_model::{
    Action, ActionId, Digest, Mitigation, MitigationId, Reason, Reasons, ServerId,
};
use stopgap_plan::{AlteredServer, UnchangedServer};
use stopgap_rules::ActionSemantics;
use stopgap_store::KeptEvidence;

use super::known::{Key, Known, key};
use crate::engine::Engine;
use crate::probing::Probing;
use crate::report::summarize;

/// The most sites that one sentence names.
const MAX_NAMED: usize = 3;

/// The offered mitigations by their ids.
type Offered<'c> = BTreeMap<&'c MitigationId, &'c Mitigation>;

impl Engine<'_> {
    /// Adds to each report how its mitigation was seen to hold, and where something has changed since, how it
    /// was before that. A mitigation whose attack is not blocked somewhere is not `applied`. What shows
    /// nothing on a server in `asked` is reported by whoever asked.
    pub(crate) fn report_evidence(
        &self,
        reports: &mut [MitigationReport],
        (unchanged, altered): (&[UnchangedServer], &[AlteredServer]),
        kept: &KeptEvidence,
        asked: &BTreeSet<ServerId>,
    ) {
        let serves = |unchanged: &UnchangedServer| unchanged.server.dormant.is_none();
        // A server that nothing starts serves nobody, where another one does.
        let is_served = unchanged.iter().any(serves) || altered.iter().any(|it| !it.dormant);
        for altered in altered.iter().filter(|it| !(is_served && it.dormant)) {
            report_earlier(reports, altered, kept);
        }
        let offered: Offered<'_> = self.catalog.mitigations().map(|it| (&it.id, it)).collect();
        for unchanged in unchanged.iter().filter(|unchanged| !is_served || serves(unchanged)) {
            let installed = Installed::new(self, unchanged, kept, &offered);
            let was_asked = asked.contains(&unchanged.server.id());
            for report in reports.iter_mut().filter(|it| installed.mitigations.contains(&it.id)) {
                let evidence = installed.evidence_of(&report.id);
                installed.report_unblocked(report, &evidence);
                if !was_asked {
                    installed.note(report, &evidence);
                }
                report.evidence.sightings.extend(evidence.sightings);
                report.evidence.missing.extend(evidence.missing);
            }
        }
        for report in reports.iter_mut() {
            let is_installed = matches!(report.state, State::Applied | State::Partial);
            if let Some(remark) = report.evidence.remark().filter(|_| is_installed) {
                report.reason.push(ProbeReason::NotYetProbed { how: remark });
            }
        }
    }
}

/// The rules that are installed on one web server, with all that is known of how they hold. Everything is
/// found by name: with thousands of rules, a search for each would take too long.
struct Installed<'s> {
    server: ServerId,
    mitigations: BTreeSet<&'s MitigationId>,
    revisions: BTreeSet<(&'s MitigationId, &'s Digest)>,
    actions: BTreeSet<&'s ActionId>,
    offered: &'s Offered<'s>,
    known: Known<'s>,
    /// What can be seen of each probe on each site, by mitigation.
    wanted: BTreeMap<MitigationId, Vec<Sighting>>,
}

impl<'s> Installed<'s> {
    fn new(
        engine: &Engine<'_>,
        unchanged: &'s UnchangedServer,
        kept: &'s KeptEvidence,
        offered: &'s Offered<'s>,
    ) -> Self {
        let server = unchanged.server.id();
        let probing = Probing::of_unchanged(engine.catalog, unchanged);
        let mut wanted: BTreeMap<MitigationId, Vec<Sighting>> = BTreeMap::new();
        for sighting in (0..probing.pairs()).map(|pair| probing.unseen(pair)) {
            wanted.entry(sighting.mitigation.clone()).or_default().push(sighting);
        }
        let rules = || unchanged.rules.iter();
        Self {
            mitigations: rules().map(|rule| &rule.mitigation).collect(),
            revisions: rules().map(|rule| (&rule.mitigation, &rule.hash)).collect(),
            actions: rules().map(|rule| &rule.action).collect(),
            offered,
            known: Known::of(&server, kept),
            wanted,
            server,
        }
    }

    fn evidence_of(&self, id: &MitigationId) -> Evidence {
        let mut sightings = self.known.of_mitigation(id);
        let Some(wanted) = self.wanted.get(id) else {
            let missing = self.never_asked(id).into_iter().collect();
            return Evidence { sightings, missing };
        };
        let keys: BTreeSet<Key> = wanted.iter().map(key).collect();
        sightings.retain(|it| keys.contains(&key(it)));
        let asked: BTreeSet<&Site> = wanted.iter().map(|it| &it.site).collect();
        let unseen = wanted.iter().filter(|it| !self.known.is_seen(it));
        let unseen: BTreeSet<&Site> = unseen.map(|it| &it.site).collect();
        let missing = Missing {
            server: self.server.clone(),
            sites: unseen.len(),
            of: asked.len(),
            begun: wanted.iter().any(|it| self.known.is_seen(it)),
            named: unseen.iter().take(MAX_NAMED).map(ToString::to_string).collect(),
            why: None,
        };
        let missing = (missing.sites > 0).then_some(missing);
        Evidence { sightings, missing: missing.into_iter().collect() }
    }

    /// Returns why nothing is ever asked of a mitigation on the server. Of a revision that is not offered any
    /// more the probes are not known.
    fn never_asked(&self, id: &MitigationId) -> Option<Missing> {
        let offered = self.offered.get(id)?;
        if !self.revisions.contains(&(id, &offered.hash)) {
            return None;
        }
        let server = self.server.clone();
        let why = match offered.probes.iter().any(|probe| probe.live) {
            true => format!("no site of {server} can be asked"),
            false => "it has no live probe".to_owned(),
        };
        let named = Vec::new();
        Some(Missing { server, sites: 0, of: 0, begun: false, named, why: Some(why) })
    }

    /// Reports an action as `partial` whose attack was seen not to be blocked on a site.
    fn report_unblocked(&self, report: &mut MitigationReport, evidence: &Evidence) {
        let Some(offered) = self.offered.get(&report.id) else { return };
        let unblocked = evidence.now().filter(|it| it.verdict == Verdict::NotBlocked);
        let unblocked: Vec<&Sighting> = unblocked.collect();
        if unblocked.is_empty() {
            return;
        }
        let mut is_news = false;
        for action in &mut report.actions {
            let is_installed = self.actions.contains(&action.id) && action.state.in_place();
            let asked = offered.actions.iter().find(|it| it.id == action.id);
            let Some(asked) = asked.filter(|_| is_installed) else { continue };
            let of_it = unblocked.iter().filter(|it| is_about(asked, offered, it));
            let of_it: Vec<&Sighting> = of_it.copied().collect();
            if let Some(reason) = self.unblocked_reason(&of_it) {
                action.state = State::Partial;
                action.reason = reason;
                is_news = true;
            }
        }
        if is_news {
            summarize(report);
        }
    }

    /// Returns why an action is `partial`, given the attacks on it that were not blocked.
    fn unblocked_reason(&self, unblocked: &[&Sighting]) -> Option<Reasons> {
        let first = unblocked.first()?;
        let sites: BTreeSet<&Site> = unblocked.iter().map(|it| &it.site).collect();
        let answer = first.after.as_ref().unwrap_or(&Answer::Nothing).to_string();
        let reason = ProbeReason::StandsButNotBlocked {
            server: self.server.to_string(),
            probe: first.probe.clone(),
            site: first.site.to_string(),
            more: sites.len() - 1,
            answer: answer.into(),
            at: first.at.strftime("%Y-%m-%d %H:%M UTC").to_string().into(),
        };
        Some(reason.into())
    }

    /// Adds what shows nothing to the notes of each action that it is about, once.
    fn note(&self, report: &mut MitigationReport, evidence: &Evidence) {
        let notes = evidence::notes(evidence.now(), MAX_NAMED).into_iter();
        let notes: Vec<Reason> = notes.map(Reason::from).collect();
        for action in &mut report.actions {
            if self.actions.contains(&action.id) {
                let new = notes.iter().filter(|note| !action.notes.contains(note));
                let new: Vec<Reason> = new.cloned().collect();
                action.notes.extend(new);
            }
        }
    }
}

/// Reports what was last seen of rules that are not there as they were written, or are not known to be, as
/// seen earlier. Nobody is asked for more there.
fn report_earlier(reports: &mut [MitigationReport], altered: &AlteredServer, kept: &KeptEvidence) {
    let known = Known::of(&altered.server, kept);
    let mut hashes: BTreeMap<&MitigationId, BTreeSet<Digest>> = BTreeMap::new();
    for rule in &altered.rules {
        hashes.entry(&rule.mitigation).or_default().insert(rule.hash);
    }
    for report in reports {
        let Some(hashes) = hashes.get(&report.id) else { continue };
        let was = known.of_mitigation(&report.id).into_iter();
        let was = was.filter(|it| it.is_judged() && hashes.contains(&it.hash));
        let was = was.map(|it| Sighting { earlier: true, ..it });
        report.evidence.sightings.extend(was);
    }
}

/// Returns whether an action is what is to block the probe of a sighting.
fn is_about(action: &Action, mitigation: &Mitigation, sighting: &Sighting) -> bool {
    let probe = mitigation.probes.iter().find(|probe| probe.name == sighting.probe);
    let semantics = ActionSemantics::of(action).ok().flatten();
    let blocks = probe.zip(semantics).is_some_and(|(probe, it)| it.blocks(&probe.request));
    blocks && sighting.wanted == Wanted::Blocked
}
