//! What the sites of a web server answer, before and after a change.

use std::collections::BTreeSet;

use stopgap_host::{Answer, Live};
use stopgap_model::mitigation::Expect;
use stopgap_model::request::Request;
use stopgap_model::rule::Deny;
use stopgap_model::web::{Listen, WebSite};
use stopgap_model::{ActionKind, Catalog, Mitigation, MitigationId, Probe, WebKind};
use stopgap_plan::{Step, WebChange};
use stopgap_rules::Meaning;

/// The most probes that are sent for one change. With more, each site still gets one and each
/// mitigation too, as far as that goes.
const MAX_PROBES: usize = 1_000;

/// What went wrong, as a sentence without a full stop, and because of which mitigation if that is
/// known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) why: String,
    pub(crate) of: Option<MitigationId>,
}

impl Failure {
    pub(crate) fn of(why: impl Into<String>) -> Self {
        Self { why: why.into(), of: None }
    }
}

/// A probe that may be sent, and what must become of it.
#[derive(Clone)]
struct Asked<'a> {
    mitigation: &'a Mitigation,
    probe: &'a Probe,
    /// How it is blocked; `None`: it must be answered as before.
    blocked: Option<Answer>,
}

/// What is asked of a server's sites for one change.
pub(crate) struct Probing<'a> {
    sites: Vec<&'a WebSite>,
    probes: Vec<Asked<'a>>,
    /// Which probe is sent to which site.
    pairs: Vec<(usize, usize)>,
    kind: WebKind,
    /// The mitigation that blocks what every site gets from ordinary clients, if one does.
    blunt: Option<MitigationId>,
}

/// What the sites answered before a change.
pub(crate) struct Baseline {
    /// To an ordinary request, by site.
    health: Vec<Answer>,
    /// To each probe, by pair.
    probes: Vec<Answer>,
}

impl<'a> Probing<'a> {
    pub(crate) fn new(catalog: &'a Catalog, planned: &'a WebChange) -> Self {
        let can_be_asked = |site: &&WebSite| !matches!(site.listen, Listen::Unasked(_));
        let sites: Vec<&WebSite> = planned.sites.iter().filter(can_be_asked).collect();
        let (mut probes, mut blunt) = (Vec::new(), None);
        for mitigation in catalog.mitigations() {
            let Some(placed) = placed_of(mitigation, &planned.step) else { continue };
            if placed.iter().any(|(meaning, _)| meaning.blocks(&ordinary())) {
                blunt = Some(mitigation.id.clone());
            }
            probes.extend(probes_of(mitigation, &placed, planned.server.kind));
        }
        let pairs = pairs(sites.len(), probes.len());
        Self { sites, probes, pairs, kind: planned.server.kind, blunt }
    }

    /// Asks everything before the change.
    pub(crate) fn baseline(&self, live: &dyn Live) -> Baseline {
        let health = self.sites.iter().map(|site| live.ask(site, &ordinary())).collect();
        let probes = self
            .pairs
            .iter()
            .map(|&(site, probe)| live.ask(self.sites[site], &self.probes[probe].probe.request));
        Baseline { health, probes: probes.collect() }
    }

    /// Asks everything again: each site must answer as before, each probe as it should. Answers what
    /// a person should know of sites that show nothing, sentences without a full stop.
    pub(crate) fn judge(&self, live: &dyn Live, before: &Baseline) -> Result<Vec<String>, Failure> {
        self.health(live, before)?;
        let mut notes = BTreeSet::new();
        for (&(at, probe), before_it) in self.pairs.iter().zip(&before.probes) {
            let (site, asked) = (self.sites[at], &self.probes[probe]);
            let health = before.health.get(at).unwrap_or(&Answer::Nothing);
            // A site that turns every request away cannot show what a rule does.
            if !is_an_answer(health) {
                let says = answer_text(health);
                notes.insert(format!("not probed on {site}, which answers every request {says}"));
                continue;
            }
            let found = live.ask(site, &asked.probe.request);
            if asked.is_led_away(self.kind, before_it, &found) {
                let says = answer_text(&found);
                notes.insert(format!(
                    "not probed on {site}: it answers {says} before any rule is asked, so that \
                     nothing reaches an application"
                ));
                continue;
            }
            asked.judge(site, before_it, &found)?;
        }
        Ok(notes.into_iter().collect())
    }

    /// Asks everything again: all must be answered as before.
    pub(crate) fn as_before(&self, live: &dyn Live, before: &Baseline) -> Result<(), Failure> {
        self.health(live, before)?;
        for (&(site, probe), before_it) in self.pairs.iter().zip(&before.probes) {
            if before.health.get(site).is_some_and(is_an_answer) {
                let unblocked = Asked { blocked: None, ..self.probes[probe].clone() };
                let found = live.ask(self.sites[site], &unblocked.probe.request);
                unblocked.judge(self.sites[site], before_it, &found)?;
            }
        }
        Ok(())
    }

    /// Asks each site for its health again.
    pub(crate) fn health(&self, live: &dyn Live, before: &Baseline) -> Result<(), Failure> {
        for (site, before) in self.sites.iter().zip(&before.health) {
            let now = live.ask(site, &ordinary());
            let was_well = is_an_answer(before) || *before == Answer::Closed;
            if was_well && now != *before {
                let (was, is) = (answer_text(before), answer_text(&now));
                let why = format!("{site} answered {was} before and now {is}");
                return Err(Failure { why, of: self.blunt.clone() });
            }
        }
        Ok(())
    }
}

impl Asked<'_> {
    /// Whether a site leads a request that is to be blocked elsewhere, before and after: Apache
    /// redirects by a `RewriteRule` of a virtual host before it asks whether access is granted.
    fn is_led_away(&self, kind: WebKind, before: &Answer, found: &Answer) -> bool {
        let leads = matches!(found, Answer::Status(status) if (300..400).contains(status));
        kind == WebKind::Apache && self.blocked.is_some() && leads && before == found
    }

    fn judge(&self, site: &WebSite, before: &Answer, found: &Answer) -> Result<(), Failure> {
        let wrong = |why: String| Err(Failure { why, of: Some(self.mitigation.id.clone()) });
        let name = &self.probe.name;
        match &self.blocked {
            Some(blocked) if found == blocked => Ok(()),
            Some(_) => {
                let is = answer_text(found);
                wrong(format!("the probe \"{name}\" is not blocked by {site}: it answers {is}"))
            }
            None if found == before => Ok(()),
            None => {
                let (was, is) = (answer_text(before), answer_text(found));
                wrong(format!(
                    "the probe \"{name}\" must pass {site}: it answered {was} before and now {is}"
                ))
            }
        }
    }
}

/// What the actions of `mitigation` that the step puts in do; `None`: it puts in none.
fn placed_of(mitigation: &Mitigation, step: &Step) -> Option<Vec<(Meaning, Deny)>> {
    let Step::Rules { put_in, .. } = step else { return None };
    let placed = mitigation.actions.iter().filter(|action| put_in.contains(&action.id));
    let meanings: Vec<(Meaning, Deny)> = placed
        .filter_map(|action| {
            let deny = match &action.kind {
                ActionKind::BlockRequest { rule, .. } => rule.deny,
                _ => Deny::Abort,
            };
            // A pattern that cannot be used was refused when the rule was translated.
            Some((Meaning::of(action).ok()??, deny))
        })
        .collect();
    (!meanings.is_empty()).then_some(meanings)
}

fn probes_of<'a>(
    mitigation: &'a Mitigation,
    placed: &[(Meaning, Deny)],
    kind: WebKind,
) -> Vec<Asked<'a>> {
    let live = mitigation.probes.iter().filter(|probe| probe.live);
    let asked = |probe: &'a Probe| {
        let by = placed.iter().find(|(meaning, _)| meaning.blocks(&probe.request));
        let blocked = by.map(|(_, deny)| blocked_answer(*deny, kind));
        // What another action of it would block, and this server cannot say, is not asked.
        if blocked.is_none() && probe.expect == Expect::Blocked {
            return None;
        }
        Some(Asked { mitigation, probe, blocked })
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

/// Which probe is sent to which site: all to all, as far as that goes; then each site gets one and
/// each probe one.
fn pairs(sites: usize, probes: usize) -> Vec<(usize, usize)> {
    if sites == 0 || probes == 0 {
        return Vec::new();
    }
    if sites.saturating_mul(probes) <= MAX_PROBES {
        return (0..sites).flat_map(|site| (0..probes).map(move |probe| (site, probe))).collect();
    }
    let most = sites.max(probes).min(MAX_PROBES);
    (0..most).map(|at| (at % sites, at % probes)).collect()
}

/// A request that every site gets from ordinary clients.
fn ordinary() -> Request {
    Request { method: "GET".into(), target: b"/".to_vec(), ..Request::default() }
}

/// Whether a site that answers so does its work.
fn is_an_answer(answer: &Answer) -> bool {
    // 400 and 421 are what a site says that turns every request away before any rule.
    matches!(answer, Answer::Status(status) if *status < 500 && !matches!(status, 400 | 421))
}

fn answer_text(answer: &Answer) -> String {
    match answer {
        Answer::Status(status) => format!("with {status}"),
        Answer::Closed => "by closing the connection".into(),
        Answer::Nothing => "with nothing in time".into(),
        Answer::Unreachable(why) => format!("not at all ({why})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_more_sites_and_probes_than_can_be_asked_each_gets_its_turn() {
        assert_eq!(pairs(2, 2), [(0, 0), (0, 1), (1, 0), (1, 1)]);
        assert_eq!(pairs(0, 5), []);
        let many = pairs(40, 400);
        assert_eq!(many.len(), 400);
        assert!((0..40).all(|site| many.iter().any(|pair| pair.0 == site)));
        assert!((0..400).all(|probe| many.iter().any(|pair| pair.1 == probe)));
        assert_eq!(pairs(2_000, 2_000).len(), MAX_PROBES);
    }
}
