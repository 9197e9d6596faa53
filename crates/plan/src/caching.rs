//! Whether a rule costs a scope the cache of the kernel.

use stopgap_iis::config::{Effective, Entry, Placement};
use stopgap_iis::rewrite::{Rule, uncached_variables};

use crate::ground::Ground;
use crate::work::Rewrite;

/// What to tell of a rule whose variables turn off kernel-mode caching for a scope that had it.
pub(crate) fn note(
    rewrite: &Rewrite<'_>,
    placement: &Placement,
    ground: &Ground<'_>,
) -> Option<String> {
    let Entry::Rule(rule) = &rewrite.rule else { return None };
    let variables = uncached_variables(rule);
    if variables.is_empty() {
        return None;
    }
    let levels = ground.levels(rewrite.scope).ok()?;
    let had_it =
        |effective: &Effective| effective.kernel_cache && !effective.rules.iter().any(costs);
    let cached = levels.iter().any(|level| ground.at(level).as_ref().as_ref().is_ok_and(had_it));
    let scope = placement.targets.first().map(|target| target.path.as_str()).unwrap_or_default();
    let scope = if scope.is_empty() { "the whole server" } else { scope };
    let asked: Vec<String> = variables.iter().map(|name| format!("{{{name}}}")).collect();
    cached.then(|| {
        format!(
            "it looks at {}, which turns off kernel-mode output caching for {scope}",
            asked.join(", ")
        )
    })
}

/// Whether a rule that is there turns it off already.
fn costs(found: &stopgap_iis::config::EffectiveRule) -> bool {
    let costs = |rule: &Rule| rule.enabled && !uncached_variables(rule).is_empty();
    found.item.as_ref().is_ok_and(costs)
}
