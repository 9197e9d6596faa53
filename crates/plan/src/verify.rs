//! Whether a configuration does to a mitigation's probes what it should.
//!
//! A configuration is judged before it is written and again after it was read back, by the rules
//! that are in effect for each probe, other people's rules included.

use std::collections::BTreeMap;

use stopgap_edit::iis::{Snapshot, effective_rules_named};
use stopgap_model::request::Request;
use stopgap_model::{ActionId, ActionKind, Fact, HostFacts, Mitigation, Scope};
use stopgap_rules::iis::{Evaluator, Outcome, Verdict};
use stopgap_rules::{CompiledRule, url_decode};

use crate::RULE_PREFIX;
use crate::observe::is_below;

/// A probe that does not end as it should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Misbehaviour {
    /// A request that must be blocked gets through.
    #[error("the probe \"{probe}\" on {site} is not blocked{}", by_text(.by))]
    GetsThrough {
        /// The probe's name.
        probe: String,
        /// The site.
        site: String,
        /// The rule that decided, if one did.
        by: Option<String>,
    },
    /// A request that passed before does not pass any more.
    #[error("the probe \"{probe}\" on {site} must pass and is blocked{}", by_text(.by))]
    Blocked {
        /// The probe's name.
        probe: String,
        /// The site.
        site: String,
        /// The rule that decided, if one did.
        by: Option<String>,
    },
    /// The configuration cannot be judged.
    #[error("{0}")]
    Faulty(String),
}

fn by_text(by: &Option<String>) -> String {
    by.as_ref().map(|name| format!(": the rule `{name}` decides")).unwrap_or_default()
}

/// Judges `snapshot` for `mitigation` where the rules of `placed` are meant to be in place.
///
/// # Errors
/// The first probe that does not end as it should.
pub fn verify(
    mitigation: &Mitigation,
    placed: &[ActionId],
    facts: &HostFacts,
    snapshot: &Snapshot,
) -> Result<(), Misbehaviour> {
    let mut rules = Vec::new();
    for action in mitigation.actions.iter().filter(|action| placed.contains(&action.id)) {
        if let ActionKind::BlockRequest { scope, rule } = &action.kind {
            let compiled = CompiledRule::new(rule)
                .map_err(|error| Misbehaviour::Faulty(format!("{}: {error}", action.id)))?;
            rules.push((scope.as_ref(), compiled));
        }
    }
    let mut ground = Ground { snapshot, judges: BTreeMap::new() };
    for site in sites(&rules, facts) {
        for probe in &mitigation.probes {
            let request = &probe.request;
            let mut here = rules.iter().filter(|(scope, _)| in_scope(site, request, *scope));
            // What must become of it, with the rules that are placed, the reference says.
            let must_block = here.any(|(_, rule)| rule.blocks(request));
            ground.judge(mitigation, site, &probe.name, request, must_block)?;
        }
    }
    Ok(())
}

/// The sites that a rule is meant for.
fn sites<'a>(rules: &[(Option<&Scope>, CompiledRule)], facts: &'a HostFacts) -> Vec<&'a str> {
    let Fact::Known(iis) = &facts.iis else { return Vec::new() };
    let wanted = |name: &str| rules.iter().any(|(scope, _)| is_for(*scope, name));
    iis.sites.iter().map(|site| site.name.as_str()).filter(|name| wanted(name)).collect()
}

fn is_for(scope: Option<&Scope>, site: &str) -> bool {
    scope.is_none_or(|scope| scope.site.eq_ignore_ascii_case(site))
}

fn in_scope(site: &str, request: &Request, scope: Option<&Scope>) -> bool {
    let Some(Scope { path: root, .. }) = scope else { return true };
    let path = String::from_utf8_lossy(&url_decode(request.path())).into_owned();
    is_for(scope, site)
        && (root.is_empty() || path.eq_ignore_ascii_case(root) || is_below(&path, root))
}

struct Ground<'a> {
    snapshot: &'a Snapshot,
    judges: BTreeMap<(String, String), Judge>,
}

/// The evaluators for one place: with our rules for one mitigation, and without any of ours.
struct Judge {
    with: Evaluator,
    without: Evaluator,
}

impl Ground<'_> {
    fn judge(
        &mut self,
        mitigation: &Mitigation,
        site: &str,
        probe: &str,
        request: &Request,
        must_block: bool,
    ) -> Result<(), Misbehaviour> {
        let path = String::from_utf8_lossy(&url_decode(request.path())).into_owned();
        let judge = self.at(mitigation, site, &path)?;
        let outcome = judge.with.evaluate(request);
        // An error that IIS answers with is no protection, and no place to put a rule.
        if let Some(note) = outcome.note {
            return Err(Misbehaviour::Faulty(note));
        }
        let (probe, site) = (probe.to_owned(), site.to_owned());
        if must_block {
            return match outcome {
                Outcome { verdict: Verdict::Blocked { .. }, .. } => Ok(()),
                Outcome { by, .. } => Err(Misbehaviour::GetsThrough { probe, site, by }),
            };
        }
        // What others' rules do to a benign request is theirs; ours must not change it.
        if outcome.verdict == judge.without.evaluate(request).verdict {
            Ok(())
        } else {
            Err(Misbehaviour::Blocked { probe, site, by: outcome.by })
        }
    }

    fn at(
        &mut self,
        mitigation: &Mitigation,
        site: &str,
        path: &str,
    ) -> Result<&Judge, Misbehaviour> {
        let key = (site.to_owned(), path.to_owned());
        if !self.judges.contains_key(&key) {
            let in_question = |name: &str| !is_ours(name) || is_of(name, mitigation);
            let effective = effective_rules_named(self.snapshot, site, path, &in_question)
                .map_err(|fault| Misbehaviour::Faulty(fault.to_string()))?;
            let judge = Judge {
                with: effective.evaluator(|_| true),
                without: effective.evaluator(|name| !is_ours(name)),
            };
            self.judges.insert(key.clone(), judge);
        }
        self.judges.get(&key).ok_or_else(|| Misbehaviour::Faulty("no rules".into()))
    }
}

fn is_ours(name: &str) -> bool {
    name.starts_with(RULE_PREFIX)
}

fn is_of(name: &str, mitigation: &Mitigation) -> bool {
    let action = name.strip_prefix(RULE_PREFIX);
    mitigation.actions.iter().any(|a| Some(a.id.as_str()) == action)
}
