//! Application pools of IIS that are set not to start.

use stopgap_iis::config::{APPLICATION_HOST, Entry, Place, Pool, pool};
use stopgap_model::reason::PoolReason;
use stopgap_model::{Reason, ServerPath};

use super::iis_rules::desired::DesiredEntry;
use super::{Except, Observed};
use crate::context::ActionContext;
use crate::effective_config::EffectiveConfig;
use crate::installed::{InstalledAction, InstalledState};

/// Whether what is installed are pools that are set not to start.
pub(crate) fn is_pools(record: &InstalledAction) -> bool {
    matches!(record.entries.first().map(|part| &part.entry), Some(Entry::DisabledPool(_)))
}

/// What is there of an action that disables the pools `names`.
pub(crate) fn observe(
    context: &ActionContext<'_>,
    config: &EffectiveConfig<'_>,
    names: &[String],
    record: Option<&InstalledAction>,
) -> Observed {
    let found = names.iter().map(|name| pool(config.snapshot(), name));
    let here: Vec<Pool> = match found.collect::<Result<Vec<_>, _>>() {
        Ok(found) => found.into_iter().flatten().collect(),
        Err(why) => return Observed::Unknown(PoolReason::Unknown { why: why.into() }.into()),
    };
    if here.is_empty() {
        return Observed::NothingHere(PoolReason::NoneHere { pools: names.to_vec() }.into());
    }
    let installed = context.input.installed;
    let has_exchange = context.input.facts.exchange.known().is_some();
    let notes = |pools: &[Pool]| notes(pools, has_exchange);
    let starting: Vec<Pool> = here.iter().filter(|pool| !pool.is_disabled()).cloned().collect();
    let absent = |pools: &[Pool]| Observed::Absent { hints: Vec::new(), notes: notes(pools) };
    match (record, starting.first()) {
        (Some(record), _) if is_of_other_pools(context, record, names) => {
            Observed::another_revision(record.revision, context.mitigation().revision)
        }
        (None, Some(_)) => absent(&starting),
        // What another action of ours has set is held by this one too.
        (None, None) if here.iter().any(|pool| is_ours(installed, &pool.name)) => absent(&here),
        (None, None) => Observed::Covered {
            reasons: PoolReason::SetNotToStartAlready { pools: named(&here) }.into(),
            rules: Vec::new(),
            notes: notes(&here),
        },
        (Some(_), None) => Observed::Intact {
            except: Except::Nowhere,
            more: vec![PoolReason::SetNotToStart { pools: named(&here) }.into()],
            notes: notes(&here),
        },
        (Some(_), Some(pool)) => {
            let pool = pool.name.clone();
            Observed::Drifted(PoolReason::SetToStartAgain { pool }.into())
        }
    }
}

/// Whether another revision set pools, and the action names none now that is here and not already off by
/// somebody else: what is set makes room, and nothing takes its place.
pub(crate) fn sets_none_of(
    context: &ActionContext<'_>,
    config: &EffectiveConfig<'_>,
    names: &[String],
    record: &InstalledAction,
) -> bool {
    let installed = context.input.installed;
    // A pool that is not known may be there.
    let is_for_it = |name: &String| match pool(config.snapshot(), name) {
        Ok(found) => {
            found.is_some_and(|pool| !pool.is_disabled() || is_ours(installed, &pool.name))
        }
        Err(_) => true,
    };
    is_of_other_pools(context, record, names) && !names.iter().any(is_for_it)
}

/// Whether another revision set other pools than the action names now.
fn is_of_other_pools(
    context: &ActionContext<'_>,
    record: &InstalledAction,
    names: &[String],
) -> bool {
    let set = || record.entries.iter().map(|part| part.entry.name());
    let is_set = |name: &String| set().any(|pool| pool.eq_ignore_ascii_case(name));
    let is_named = |pool: &str| names.iter().any(|name| pool.eq_ignore_ascii_case(name));
    record.hash != context.mitigation().hash && !(names.iter().all(is_set) && set().all(is_named))
}

fn named(pools: &[Pool]) -> Vec<String> {
    pools.iter().map(|pool| pool.name.clone()).collect()
}

/// What would be written: every pool that we set, and every one that would start.
pub(crate) fn desired(
    names: &[String],
    installed: &InstalledState,
    config: &EffectiveConfig<'_>,
) -> Vec<DesiredEntry> {
    let found = names.iter().filter_map(|name| pool(config.snapshot(), name).ok().flatten());
    let wanted = found.filter(|pool| !pool.is_disabled() || is_ours(installed, &pool.name));
    let entry = |pool: Pool| DesiredEntry {
        file: ServerPath::new(APPLICATION_HOST),
        place: Place::Server,
        entry: Entry::DisabledPool(pool.name),
    };
    wanted.map(entry).collect()
}

/// The pools that have to the letter what we set, and by no record.
pub(crate) fn set_as_ours(
    names: &[String],
    installed: &InstalledState,
    config: &EffectiveConfig<'_>,
) -> Vec<String> {
    let found = names.iter().filter_map(|name| pool(config.snapshot(), name).ok().flatten());
    let left = found.filter(|pool| pool.to_the_letter && !is_ours(installed, &pool.name));
    left.map(|pool| pool.name).collect()
}

/// Whether a pool is set not to start by an action of ours.
fn is_ours(installed: &InstalledState, name: &str) -> bool {
    let mut parts = installed.actions.values().flat_map(|placed| &placed.entries);
    parts.any(
        |part| matches!(&part.entry, Entry::DisabledPool(pool) if pool.eq_ignore_ascii_case(name)),
    )
}

/// What stops with the pools, and what does not by itself.
fn notes(pools: &[Pool], has_exchange: bool) -> Vec<Reason> {
    let stops = |pool: &Pool| match pool.applications.as_slice() {
        [] => PoolReason::NothingStops { pool: pool.name.clone() },
        applications => {
            PoolReason::Stops { pool: pool.name.clone(), applications: applications.to_vec() }
        }
    };
    let mut notes: Vec<Reason> = pools.iter().map(|pool| stops(pool).into()).collect();
    notes.push(PoolReason::StillRuns.into());
    if has_exchange && pools.iter().any(|pool| pool.name.starts_with("MSExchange")) {
        notes.push(PoolReason::HealthManager.into());
    }
    notes
}
