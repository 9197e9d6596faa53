//! Whether a rule costs a scope the cache of the kernel.

use stopgap_iis::config::{Effective, EffectiveRule, Entry, Placement};
use stopgap_iis::rewrite::{Rule, uncached_variables};
use stopgap_model::Reason;
use stopgap_model::reason::IisRuleReason;

use super::desired::DesiredRule;
use crate::effective_config::EffectiveConfig;

/// What to know of a rule whose variables turn off kernel-mode caching for a scope that had it.
pub(crate) fn note(
    wanted: &DesiredRule<'_>,
    placement: &Placement,
    config: &EffectiveConfig<'_>,
) -> Option<Reason> {
    let Entry::Rule(rule) = &wanted.rule else { return None };
    let variables = uncached_variables(rule);
    if variables.is_empty() {
        return None;
    }
    let levels = config.levels(wanted.scope).ok()?;
    let had_it =
        |effective: &Effective| effective.kernel_cache && !effective.rules.iter().any(costs);
    if !levels.iter().any(|level| config.at(level).as_ref().as_ref().is_ok_and(had_it)) {
        return None;
    }
    let scope = placement.targets.first().map(|target| target.path.as_str()).unwrap_or_default();
    let scope = if scope.is_empty() { "the whole server" } else { scope }.to_owned();
    let variables = variables.iter().map(|name| format!("{{{name}}}")).collect();
    Some(IisRuleReason::TurnsOffCache { variables, scope }.into())
}

/// Whether a rule that is there turns it off already.
fn costs(found: &EffectiveRule) -> bool {
    let costs = |rule: &Rule| rule.enabled && !uncached_variables(rule).is_empty();
    found.item.as_ref().is_ok_and(costs)
}
