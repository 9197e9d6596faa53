//! What the sites of a web server are asked for one change, and what they must answer.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use stopgap_host::Answer;
use stopgap_model::evidence::{self, Sighting, Verdict};
use stopgap_model::mitigation::Expect;
use stopgap_model::own_answer::{self, Answers, OwnAnswer};
use stopgap_model::request::Request;
use stopgap_model::rule::Deny;
use stopgap_model::web::{WebServer, WebSite};
use stopgap_model::{
    Action, ActionId, ActionKind, Catalog, Digest, Mitigation, MitigationId, Probe, Reason,
    ServerId, WebKind,
};
use stopgap_plan::{InstalledRule, Step, UnchangedServer, WebChange};
use stopgap_rules::ActionSemantics;

use super::sites::sites_to_ask;

/// The most probes that are sent for one change. With more, each site still gets one and each
/// mitigation too, as far as that goes.
const MAX_PROBES: usize = 1_000;
/// The most probes on sites that are thought of, one check after the other.
const MAX_PAIRS: usize = 4_000;
/// The most probes to a site that are to be blocked, where it closes the connection of whoever connects too
/// often: each of them takes a connection. Those of the field allow ten within some seconds.
const MAX_SPARING: usize = 4;

/// A question: what it is, and to which site. Those about whether a site does its work come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum What {
    /// What the site of this number answers to an ordinary request.
    Health(usize),
    /// A probe that is sent to a site: the number of the pair.
    Probe(usize),
}

/// What a site must answer, besides what it answered before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// What the rules that are put in make of it.
    Rules,
    /// What it answered before, whatever is asked.
    AsBefore,
}

/// What was seen when a server's sites were asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Of each probe on each site.
    pub(crate) sightings: Vec<Sighting>,
    /// What else a person should know of how sites were judged.
    pub(crate) notes: Vec<Reason>,
}

/// A probe that may be sent, and what must become of it.
pub(super) struct Asked<'a> {
    pub(super) mitigation: &'a Mitigation,
    pub(super) probe: &'a Probe,
    /// How it is blocked; `None`: it must be answered as before.
    pub(super) blocked: Option<Answer>,
    /// Whether a rule of ours may have blocked it before the change.
    pub(super) was_blocked: bool,
}

/// What is asked of a server's sites for one change.
pub(crate) struct Probing<'a> {
    pub(super) sites: Vec<&'a WebSite>,
    probes: Vec<Asked<'a>>,
    /// Which probe is sent to which site.
    pub(super) pairs: Vec<(usize, usize)>,
    /// The pairs that are not sent, as their site would have enough.
    spared: BTreeSet<usize>,
    own_answers: &'a [OwnAnswer],
    server: ServerId,
    pub(super) kind: WebKind,
    /// The mitigation that blocks what every site gets from ordinary clients, and how, if one does.
    pub(super) blocks_homepage: Option<(MitigationId, Answer)>,
}

impl<'a> Probing<'a> {
    /// What is asked for a change of a server on which the rules `stood` stand so far.
    pub(crate) fn new(
        catalog: &'a Catalog,
        planned: &'a WebChange,
        stood: &[InstalledRule],
    ) -> Self {
        let installs: BTreeSet<&ActionId> = match &planned.step {
            Step::Rules { installs, .. } => installs.iter().collect(),
            Step::Insert(_) | Step::Remove { .. } | Step::Services(_) => BTreeSet::new(),
        };
        let is_placed = |_: &Mitigation, action: &Action| installs.contains(&action.id);
        let WebChange { server, sites, unreached, own_answers, .. } = planned;
        let mut probing = Self::of(catalog, server, (sites, unreached, own_answers), &is_placed);
        probing.pairs.truncate(MAX_PROBES);
        probing.spared = probing.too_many();
        let standing = meanings_of(&actions_of(catalog, stood));
        let of_mitigations: BTreeSet<&MitigationId> =
            stood.iter().map(|placed| &placed.mitigation).collect();
        for asked in &mut probing.probes {
            let blocks =
                |(meaning, _): &(ActionSemantics, Deny)| meaning.blocks(&asked.probe.request);
            asked.was_blocked = planned.edits.is_empty()
                || of_mitigations.contains(&asked.mitigation.id)
                || standing.iter().any(blocks);
        }
        probing
    }

    /// What can be asked of rules that stand, as far as what is offered is what stands.
    pub(crate) fn of_unchanged(catalog: &'a Catalog, standing: &'a UnchangedServer) -> Self {
        let rules = standing.rules.iter();
        let rules: BTreeSet<(&ActionId, &Digest)> =
            rules.map(|placed| (&placed.action, &placed.hash)).collect();
        let is_placed = |mitigation: &Mitigation, action: &Action| {
            rules.contains(&(&action.id, &mitigation.hash))
        };
        let UnchangedServer { server, sites, unreached, own_answers, .. } = standing;
        Self::of(catalog, server, (sites, unreached, own_answers), &is_placed)
    }

    fn of(
        catalog: &'a Catalog,
        server: &WebServer,
        (sites, unreached, own_answers): (&'a [WebSite], &[WebSite], &'a [OwnAnswer]),
        is_placed: &dyn Fn(&Mitigation, &Action) -> bool,
    ) -> Self {
        let (mut actions, mut probes, mut blocks_homepage) = (Vec::new(), Vec::new(), None);
        for mitigation in catalog.mitigations() {
            let placed: Vec<&Action> =
                mitigation.actions.iter().filter(|action| is_placed(mitigation, action)).collect();
            let meanings = meanings_of(&placed);
            let by = meanings.iter().find(|(meaning, _)| meaning.blocks(&ordinary()));
            if let Some((_, deny)) = by {
                blocks_homepage = Some((mitigation.id.clone(), blocked_answer(*deny, server.kind)));
            }
            probes.extend(probes_of(mitigation, &meanings, server.kind));
            actions.extend(placed);
        }
        let sites = sites_to_ask(sites, actions);
        let mut pairs = pairs(sites.len(), probes.len());
        // What the rules do not reach cannot show what they do; it must answer as before all the same.
        let unreached: BTreeSet<&WebSite> = unreached.iter().collect();
        pairs.retain(|(site, _)| !unreached.contains(sites[*site]));
        let (server, kind, spared) = (server.id(), server.kind, BTreeSet::new());
        Self { sites, probes, pairs, spared, own_answers, server, kind, blocks_homepage }
    }

    /// The same with those probes only, and with those sites to which one is sent. Of many the first.
    pub(crate) fn only(mut self, is_asked: impl Fn(&Sighting) -> bool) -> Self {
        let asked = (0..self.pairs.len()).filter(|&pair| is_asked(&self.unseen(pair)));
        let asked: Vec<(usize, usize)> = asked.take(MAX_PROBES).map(|at| self.pairs[at]).collect();
        let numbers: BTreeSet<usize> = asked.iter().map(|(site, _)| *site).collect();
        let new: BTreeMap<usize, usize> = numbers.iter().copied().zip(0..).collect();
        self.pairs = asked.into_iter().map(|(site, probe)| (new[&site], probe)).collect();
        self.sites = numbers.into_iter().map(|site| self.sites[site]).collect();
        self.spared = self.too_many();
        self
    }

    /// What is to be seen of the probe of a pair.
    pub(crate) fn unseen(&self, pair: usize) -> Sighting {
        self.sighting(pair, Timestamp::UNIX_EPOCH, (None, None), None)
    }

    /// The pairs that are too many for their sites.
    fn too_many(&self) -> BTreeSet<usize> {
        let mut sent = vec![0; self.sites.len()];
        let is_too_many = |&pair: &usize| {
            let site = self.pairs[pair].0;
            let takes_one = self.asked(pair).blocked == Some(Answer::Closed) && self.limits(site);
            sent[site] += usize::from(takes_one);
            takes_one && sent[site] > MAX_SPARING
        };
        (0..self.pairs.len()).filter(is_too_many).collect()
    }

    /// What a site's configuration answers by itself.
    pub(super) fn own(&self, site: usize) -> impl Iterator<Item = &OwnAnswer> {
        let site = self.sites[site];
        self.own_answers.iter().filter(move |own| own.is_of(site))
    }

    /// The page that a site may have given with this status for what is denied with `blocked`: where it
    /// is configured, and whether it is certain.
    pub(super) fn page(&self, site: usize, blocked: &Answer, status: u16) -> Option<(&str, bool)> {
        let Answer::Status(denied) = *blocked else { return None };
        own_answer::page(self.own(site), denied, status)
    }

    /// Whether a site closes the connection of whoever connects too often.
    fn limits(&self, site: usize) -> bool {
        self.own(site).any(|own| own.answers == Answers::TooMany)
    }

    /// Whether any site does, so that all are asked one after the other.
    pub(crate) fn is_sparing(&self) -> bool {
        (0..self.sites.len()).any(|site| self.limits(site))
    }

    /// Why a probe is not sent, if it is not to be; said of its site.
    pub(crate) fn unsent(&self, pair: usize) -> Option<String> {
        self.spared.contains(&pair).then(|| {
            "closes the connection of whoever connects too often, so that few probes are sent"
                .into()
        })
    }

    /// How many sites are asked.
    pub(crate) fn sites(&self) -> usize {
        self.sites.len()
    }

    /// How many probes are sent, those to each site counted.
    pub(crate) fn pairs(&self) -> usize {
        self.pairs.len()
    }

    /// The probes that are sent to a site.
    pub(crate) fn probes_to(&self, site: usize) -> impl Iterator<Item = What> {
        let numbers = self.pairs.iter().enumerate().filter(move |(_, pair)| pair.0 == site);
        let sent = numbers.filter(|(number, _)| !self.spared.contains(number));
        sent.map(|(number, _)| What::Probe(number))
    }

    /// The number of the site that a question goes to.
    pub(crate) fn site_of(&self, what: What) -> usize {
        match what {
            What::Health(site) => site,
            What::Probe(pair) => self.pairs[pair].0,
        }
    }

    /// The number of the probe of a pair.
    pub(crate) fn probe_of(&self, pair: usize) -> usize {
        self.pairs[pair].1
    }

    /// Whether the probe of a pair is to be blocked.
    pub(crate) fn is_to_be_blocked(&self, pair: usize) -> bool {
        self.asked(pair).blocked.is_some()
    }

    pub(crate) fn site(&self, number: usize) -> &WebSite {
        self.sites[number]
    }

    pub(crate) fn request(&self, what: What) -> Request {
        match what {
            What::Health(_) => ordinary(),
            What::Probe(pair) => self.asked(pair).probe.request.clone(),
        }
    }

    /// Whether an answer can be judged where nobody knows what was answered before.
    pub(crate) fn needs_no_before(&self, what: What) -> bool {
        match what {
            What::Health(_) => false,
            What::Probe(pair) => {
                let is_in_place =
                    |own: &OwnAnswer| matches!(own.answers, Answers::InsteadOf { .. });
                let blocked = &self.asked(pair).blocked;
                match blocked {
                    Some(Answer::Status(_)) => !self.own(self.pairs[pair].0).any(is_in_place),
                    blocked => blocked.is_some(),
                }
            }
        }
    }

    /// What was seen of the probe of the pair of this number.
    pub(crate) fn sighting(
        &self,
        pair: usize,
        at: Timestamp,
        (before, after): (Option<&Answer>, Option<&Answer>),
        verdict: Option<Verdict>,
    ) -> Sighting {
        let Asked { mitigation, probe, blocked, .. } = self.asked(pair);
        let (wanted, as_wanted) = match blocked {
            Some(_) => (evidence::Wanted::Blocked, Verdict::Blocked),
            None => (evidence::Wanted::Passed, Verdict::Passed),
        };
        Sighting {
            at,
            server: Some(self.server.clone()),
            site: evidence::Site::from(self.sites[self.pairs[pair].0]),
            mitigation: mitigation.id.clone(),
            hash: mitigation.hash,
            probe: probe.name.clone(),
            request: Sighting::request_line(&probe.request),
            wanted,
            before: before.cloned(),
            after: after.cloned(),
            verdict: verdict.unwrap_or(as_wanted),
            earlier: false,
        }
    }

    pub(super) fn asked(&self, pair: usize) -> &Asked<'a> {
        &self.probes[self.pairs[pair].1]
    }
}

/// The actions of rules, as far as they are offered still.
fn actions_of<'a>(catalog: &'a Catalog, rules: &[InstalledRule]) -> Vec<&'a Action> {
    let rules: BTreeSet<&ActionId> = rules.iter().map(|placed| &placed.action).collect();
    let is_placed = |action: &&Action| rules.contains(&action.id);
    catalog.mitigations().flat_map(|it| &it.actions).filter(is_placed).collect()
}

/// What actions do, and how they block.
fn meanings_of(placed: &[&Action]) -> Vec<(ActionSemantics, Deny)> {
    let meanings = placed.iter().filter_map(|action| {
        let deny = match &action.kind {
            ActionKind::BlockRequest { rule, .. } => rule.deny,
            _ => Deny::Abort,
        };
        // A pattern that cannot be used was refused when the rule was translated.
        Some((ActionSemantics::of(action).ok()??, deny))
    });
    meanings.collect()
}

fn probes_of<'a>(
    mitigation: &'a Mitigation,
    placed: &[(ActionSemantics, Deny)],
    kind: WebKind,
) -> Vec<Asked<'a>> {
    if placed.is_empty() {
        return Vec::new();
    }
    let live = mitigation.probes.iter().filter(|probe| probe.live);
    let asked = |probe: &'a Probe| {
        let by = placed.iter().find(|(meaning, _)| meaning.blocks(&probe.request));
        let blocked = by.map(|(_, deny)| blocked_answer(*deny, kind));
        // What another action of it would block, and this server cannot say, is not asked.
        if blocked.is_none() && probe.expect == Expect::Blocked {
            return None;
        }
        Some(Asked { mitigation, probe, blocked, was_blocked: false })
    };
    live.filter_map(asked).collect()
}

/// How a server of this kind answers what it blocks.
fn blocked_answer(deny: Deny, kind: WebKind) -> Answer {
    match (deny, kind) {
        (Deny::Abort, WebKind::Apache) => Answer::Status(403),
        (Deny::Abort, WebKind::Nginx | WebKind::HaProxy) => Answer::Closed,
        (Deny::Status(status), _) => Answer::Status(status),
    }
}

/// Which probe can be sent to which site: first each site gets one and each probe one, then the others,
/// until all are sent to all, as far as that goes.
fn pairs(sites: usize, probes: usize) -> Vec<(usize, usize)> {
    if sites == 0 || probes == 0 {
        return Vec::new();
    }
    // Counting both on at once comes to the first pair again after `round` steps; the next round is
    // moved by one.
    let round = sites / common_divisor(sites, probes) * probes;
    let most = sites.saturating_mul(probes).min(MAX_PAIRS);
    (0..most).map(|at| (at % sites, (at + at / round) % probes)).collect()
}

fn common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { common_divisor(b, a % b) }
}

/// A request that every site gets from ordinary clients.
fn ordinary() -> Request {
    Request { method: "GET".into(), target: b"/".to_vec(), ..Request::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_more_sites_and_probes_than_can_be_asked_each_gets_its_turn() {
        assert_eq!(pairs(0, 5), []);
        for (sites, probes) in [(2, 2), (3, 20), (20, 3), (4, 6), (1, 9), (25, 40)] {
            let all: BTreeSet<_> = pairs(sites, probes).into_iter().collect();
            assert_eq!(all.len(), sites * probes, "{sites} sites, {probes} probes");
        }
        for (sites, probes) in [(40, 400), (400, 40), (900, 900)] {
            let first = pairs(sites, probes).into_iter().take(sites.max(probes));
            let (asked, sent): (BTreeSet<_>, BTreeSet<_>) = first.unzip();
            assert_eq!((asked.len(), sent.len()), (sites, probes));
        }
        assert_eq!(pairs(2_000, 2_000).len(), MAX_PAIRS);
    }
}
