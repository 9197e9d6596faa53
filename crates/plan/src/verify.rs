//! Whether a configuration does to a mitigation's probes what it should.
//!
//! A configuration is judged before it is written and again after it was read back, by the rules
//! that are in effect for each probe, other people's rules included.

use std::collections::{BTreeMap, BTreeSet};

use stopgap_iis::config::{Collection, Effective, Level, dropped_by, entries_named};
use stopgap_iis::rewrite::{
    Evaluator, Outcome, ResponseEvaluator, Undecided, Verdict, canonical_path,
};
use stopgap_model::reason::{ProbeReason, Reason};
use stopgap_model::request::Request;
use stopgap_model::{ActionId, Fact, HostFacts, Mitigation, Probe, Response};
use stopgap_rules::{ActionSemantics, Headers, url_decode};

use crate::effective_config::{EffectiveConfig, Foreign};
use crate::rule_name::{action_of, is_ours, rule_name};

/// Which probes are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probes {
    /// All of them.
    All,
    /// Those whose decoded target has no line break.
    WithoutLineBreaks,
}

impl Probes {
    fn has(self, probe: &Probe) -> bool {
        self == Self::All
            || !url_decode(&probe.request.target).iter().any(|byte| matches!(byte, b'\r' | b'\n'))
    }
}

/// Judges a configuration for `mitigation` where what carries out `placed` is meant to be in place.
/// Answers what a person should know of the judgement: rules of others that could not be evaluated.
///
/// # Errors
/// The first probe that does not end as it should.
pub fn verify(
    mitigation: &Mitigation,
    placed: &[ActionId],
    facts: &HostFacts,
    config: &EffectiveConfig<'_>,
    probes: Probes,
) -> Result<Vec<Reason>, ProbeReason> {
    let mut meanings = Vec::new();
    for action in mitigation.actions.iter().filter(|action| placed.contains(&action.id)) {
        let faulty = |error| ProbeReason::Faulty { why: format!("{}: {error}", action.id) };
        meanings.extend(ActionSemantics::of(action).map_err(faulty)?);
    }
    // Rules of others that do the same have no names to look for: of them all is asked everywhere.
    let is_there = |meaning: &&ActionSemantics| {
        let name = rule_name(&meaning.action);
        let all = [Collection::GlobalRules, Collection::Rules, Collection::OutboundRules];
        all.iter().any(|of| !entries_named(config.snapshot(), *of, &name).is_empty())
    };
    let ours = meanings.iter().filter(is_there).map(|meaning| meaning.action.clone()).collect();
    let (with, remarks) = (BTreeMap::new(), Vec::new());
    let mut judging = Judging { mitigation, config, ours, with, remarks };
    for site in sites(&meanings, facts) {
        for probe in mitigation.probes.iter().filter(|probe| probes.has(probe)) {
            let here: Vec<&ActionSemantics> = meanings
                .iter()
                .filter(|m| m.is_for_site(site) && m.is_for_path(&probe.request))
                .collect();
            judging.judge(site, probe, &here)?;
        }
    }
    Ok(judging.remarks)
}

/// The sites that the actions are meant for.
fn sites<'a>(meanings: &[ActionSemantics], facts: &'a HostFacts) -> Vec<&'a str> {
    let Fact::Known(iis) = &facts.iis else { return Vec::new() };
    let wanted = |name: &str| meanings.iter().any(|meaning| meaning.is_for_site(name));
    iis.sites.iter().map(|site| site.name.as_str()).filter(|name| wanted(name)).collect()
}

struct Judging<'a> {
    mitigation: &'a Mitigation,
    config: &'a EffectiveConfig<'a>,
    /// The actions that rules of ours carry out.
    ours: BTreeSet<ActionId>,
    /// The rules at a place with ours for the mitigation.
    with: BTreeMap<(String, String), (Evaluator, Option<ResponseEvaluator>)>,
    /// What to know of the judgement, each thing once.
    remarks: Vec<Reason>,
}

impl Judging<'_> {
    fn judge(
        &mut self,
        site: &str,
        probe: &Probe,
        meanings: &[&ActionSemantics],
    ) -> Result<(), ProbeReason> {
        let request = &probe.request;
        let path = String::from_utf8_lossy(&canonical_path(request)).into_owned();
        let level = self.config.level_of(site, &path);
        let found = self.config.at(&level);
        // Where the configuration is not known or refused by IIS, a probe says nothing of ours. The
        // report tells of such places, and `breaks` of one that was sound before.
        let Ok(effective) = found.as_ref() else { return Ok(()) };
        let here = self.with_effect(meanings, &level, effective);
        let meanings = here.as_slice();
        let foreign = self.config.foreign(&level, effective);
        let (requests, responses) = self.ready(&level, effective);
        let outcome = requests.evaluate(request);
        no_error_of_iis(&outcome)?;
        // What must become of it, with the rules that are placed, the reference says.
        if meanings.iter().any(|meaning| meaning.blocks(request)) {
            self.remark_on(&outcome.undecided.clone());
            return blocked(outcome, probe, site);
        }
        // What others' rules do to a benign request is theirs; ours must not change it.
        let alone = foreign.requests.evaluate(request);
        if outcome.verdict != alone.verdict {
            let by = outcome.by;
            if by.as_deref().is_some_and(|by| self.is_blocked_as_meant(by, site, request)) {
                return Ok(());
            }
            let (probe, site) = (probe.name.clone(), site.to_owned());
            return Err(ProbeReason::Blocked { probe, site, by });
        }
        let asked = Asked { probe, site, meanings };
        asked.request(outcome.headers, alone.headers)?;
        match (&probe.response, responses) {
            (Some(response), Some(responses)) => asked.response(response, responses, &foreign),
            _ => Ok(()),
        }
    }

    /// Whether a rule of this name is of another action of the mitigation, which stands already and is to
    /// block the request.
    fn is_blocked_as_meant(&self, by: &str, site: &str, request: &Request) -> bool {
        let mut actions = self.mitigation.actions.iter();
        let action = actions.find(|action| Some(action.id.as_str()) == action_of(by));
        let meaning = action.and_then(|action| ActionSemantics::of(action).ok().flatten());
        meaning.is_some_and(|meaning| {
            meaning.is_for_site(site) && meaning.is_for_path(request) && meaning.blocks(request)
        })
    }

    /// The actions whose rule has its effect at a place. Where ours is kept from it is a gap, which is
    /// reported, and no fault of the rest.
    fn with_effect<'m>(
        &self,
        meanings: &[&'m ActionSemantics],
        level: &Level,
        effective: &Effective,
    ) -> Vec<&'m ActionSemantics> {
        let works = |action: &ActionId| {
            !self.ours.contains(action) || !is_gap(action, self.config, level, effective)
        };
        meanings.iter().filter(|meaning| works(&meaning.action)).copied().collect()
    }

    /// Remarks once on each rule that could not be decided and counts as not matching.
    fn remark_on(&mut self, undecided: &[Undecided]) {
        for Undecided { rule, reason } in undecided {
            let (rule, why) = (rule.clone(), reason.to_string());
            let remark = ProbeReason::UndecidedRule { rule, why }.into();
            if !self.remarks.contains(&remark) {
                self.remarks.push(remark);
            }
        }
    }

    /// The rules at a place, made ready once.
    fn ready(
        &mut self,
        level: &Level,
        effective: &Effective,
    ) -> (&Evaluator, Option<&ResponseEvaluator>) {
        let (mitigation, config) = (self.mitigation, self.config);
        let key = (level.site.clone(), level.path.clone());
        let (requests, responses) = self.with.entry(key).or_insert_with(|| {
            let in_question = |name: &str| !is_ours(name) || is_of(name, mitigation);
            let answers = mitigation.probes.iter().any(|probe| probe.response.is_some());
            let responses = answers.then(|| effective.response_evaluator(in_question).ok());
            let actions = mitigation.actions.iter().map(|action| action.id.as_str());
            let rules = config.rules_of_others_and(level, effective, actions);
            (effective.evaluator_of(rules), responses.flatten())
        });
        (requests, responses.as_ref())
    }
}

/// An error that IIS answers with is no protection, and no place to put a rule.
fn no_error_of_iis(outcome: &Outcome) -> Result<(), ProbeReason> {
    let (Some(note), Verdict::Blocked { status: Some(500) }) = (&outcome.note, &outcome.verdict)
    else {
        return Ok(());
    };
    let by = outcome.by.as_ref().map(|name| format!("the rule `{name}`: ")).unwrap_or_default();
    Err(ProbeReason::Faulty { why: format!("{by}{note}") })
}

/// Whether a probe is blocked that must be.
fn blocked(outcome: Outcome, probe: &Probe, site: &str) -> Result<(), ProbeReason> {
    match outcome {
        Outcome { verdict: Verdict::Blocked { .. }, .. } => Ok(()),
        Outcome { by, ended_by, .. } => {
            let (probe, site) = (probe.name.clone(), site.to_owned());
            Err(ProbeReason::GetsThrough { probe, site, by: by.or(ended_by) })
        }
    }
}

/// One probe, where it passes.
struct Asked<'a> {
    probe: &'a Probe,
    site: &'a str,
    meanings: &'a [&'a ActionSemantics],
}

impl Asked<'_> {
    /// Whether the application sees the headers that the reference says.
    fn request(&self, with: Option<Headers>, without: Option<Headers>) -> Result<(), ProbeReason> {
        let sent = &self.probe.request;
        let mut expected =
            Request { headers: without.unwrap_or_else(|| sent.headers.clone()), ..sent.clone() };
        for meaning in self.meanings {
            expected.headers = meaning.request_headers(&expected).unwrap_or(expected.headers);
        }
        let found = with.unwrap_or_else(|| sent.headers.clone());
        self.compare(&found, &expected.headers)
    }

    /// Whether the client sees the headers that the reference says.
    fn response(
        &self,
        sent: &Response,
        responses: &ResponseEvaluator,
        foreign: &Foreign,
    ) -> Result<(), ProbeReason> {
        let request = &self.probe.request;
        let outcome = responses.evaluate(request, sent);
        if let Some(fault) = outcome.fault {
            return Err(ProbeReason::Faulty { why: fault.to_string() });
        }
        let mut expected = sent.clone();
        if let Ok(foreign) = &foreign.responses {
            expected.headers = foreign.evaluate(request, sent).headers;
        }
        for meaning in self.meanings {
            expected.headers =
                meaning.response_headers(request, &expected).unwrap_or(expected.headers);
        }
        self.compare(&outcome.headers, &expected.headers)
    }

    fn compare(&self, found: &Headers, expected: &Headers) -> Result<(), ProbeReason> {
        let mut names: Vec<&str> = found.iter().chain(expected).map(|(n, _)| n.as_str()).collect();
        names.extend(self.meanings.iter().filter_map(|meaning| meaning.header()));
        let differs = |name: &&&str| value(found, name) != value(expected, name);
        let Some(name) = names.iter().find(differs) else { return Ok(()) };
        let text = |headers: &Headers| match value(headers, name) {
            bytes if bytes.is_empty() => "nothing".to_owned(),
            bytes => format!("`{}`", String::from_utf8_lossy(&bytes)),
        };
        Err(ProbeReason::Header {
            probe: self.probe.name.clone(),
            site: self.site.to_owned(),
            header: (**name).to_owned(),
            found: text(found).into(),
            expected: text(expected).into(),
        })
    }
}

/// A header's values as one; an absent header is not told from an empty one.
fn value(headers: &Headers, name: &str) -> Vec<u8> {
    let values = headers.iter().filter(|(found, _)| found.eq_ignore_ascii_case(name));
    values.map(|(_, value)| value.as_slice()).collect::<Vec<_>>().join(b", ".as_slice())
}

/// Whether no rule of ours for an action holds at a place because the module does not run there, or the
/// place drops what it inherits.
fn is_gap(
    action: &ActionId,
    config: &EffectiveConfig<'_>,
    level: &Level,
    effective: &Effective,
) -> bool {
    if !effective.module {
        return true;
    }
    let holds = !config.rules_of(level, effective, action.as_str()).is_empty()
        || !config.outbound_of(level, effective, action.as_str()).is_empty();
    let dropped = |of| dropped_by(config.snapshot(), level, of, &rule_name(action)).is_some();
    !holds && (dropped(Collection::Rules) || dropped(Collection::OutboundRules))
}

/// Whether a rule of this name carries out an action of the mitigation: perhaps one of several
/// places of its.
fn is_of(name: &str, mitigation: &Mitigation) -> bool {
    mitigation.actions.iter().any(|a| Some(a.id.as_str()) == action_of(name))
}
