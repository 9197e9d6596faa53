//! Application pools that are not to start.

use stopgap_iis::config::{APPLICATION_HOST, Entry, Place, Pool, pool};
use stopgap_model::ServerPath;

use crate::ground::Ground;
use crate::work::Standing;
use crate::{InPlace, Placed};

/// What is on the server for an action that disables pools.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PoolState {
    /// None of the pools is there; which were asked for.
    NoneHere,
    /// Some are to be set not to start, or another action of ours has set them so.
    Starting(Vec<Pool>),
    /// All are set so, and not by us.
    OffAlready(Vec<Pool>),
    /// All are set so, by us.
    Off(Vec<Pool>),
    /// We set them so, and something changed it; what.
    Changed(String),
    /// It is not known; why.
    Unknown(String),
}

/// Looks at the pools of an action.
pub(crate) fn observe_pools(
    names: &[String],
    record: Option<&Placed>,
    in_place: &InPlace,
    ground: &Ground<'_>,
) -> PoolState {
    let mut here = Vec::new();
    for name in names {
        match pool(ground.snapshot(), name) {
            Ok(found) => here.extend(found),
            Err(why) => return PoolState::Unknown(why.to_string()),
        }
    }
    if here.is_empty() {
        return PoolState::NoneHere;
    }
    let starting: Vec<Pool> = here.iter().filter(|pool| !pool.is_disabled()).cloned().collect();
    match (record, starting.first()) {
        (None, Some(_)) => PoolState::Starting(starting),
        // What another action of ours has set is held by this one too.
        (None, None) if here.iter().any(|pool| is_ours(in_place, &pool.name)) => {
            PoolState::Starting(here)
        }
        (None, None) => PoolState::OffAlready(here),
        (Some(_), None) => PoolState::Off(here),
        (Some(_), Some(pool)) => {
            PoolState::Changed(format!("the pool {} was set to start again", pool.name))
        }
    }
}

/// What is to stand on the server: every pool that we set, and every one that would start.
pub(crate) fn standings(
    names: &[String],
    in_place: &InPlace,
    ground: &Ground<'_>,
) -> Vec<Standing> {
    let found = names.iter().filter_map(|name| pool(ground.snapshot(), name).ok().flatten());
    let wanted = found.filter(|pool| !pool.is_disabled() || is_ours(in_place, &pool.name));
    let standing = |pool: Pool| Standing {
        file: ServerPath::new(APPLICATION_HOST),
        place: Place::Server,
        entry: Entry::DisabledPool(pool.name),
    };
    wanted.map(standing).collect()
}

/// The pools that have to the letter what we set, and by no record.
pub(crate) fn set_as_ours(
    names: &[String],
    in_place: &InPlace,
    ground: &Ground<'_>,
) -> Vec<String> {
    let found = names.iter().filter_map(|name| pool(ground.snapshot(), name).ok().flatten());
    let left = found.filter(|pool| pool.to_the_letter && !is_ours(in_place, &pool.name));
    left.map(|pool| pool.name).collect()
}

/// Whether a pool is set not to start by an action of ours.
fn is_ours(in_place: &InPlace, name: &str) -> bool {
    let mut parts = in_place.actions.values().flat_map(|placed| &placed.parts);
    parts.any(
        |part| matches!(&part.entry, Entry::DisabledPool(pool) if pool.eq_ignore_ascii_case(name)),
    )
}

/// What stops with the pools, and what does not by itself; `watched` where Exchange is installed.
pub(crate) fn notes(pools: &[Pool], watched: bool) -> Vec<String> {
    let mut notes: Vec<String> = pools
        .iter()
        .map(|pool| match pool.applications.as_slice() {
            [] => format!("no application runs in {}", pool.name),
            applications => format!("with {} stop: {}", pool.name, applications.join(", ")),
        })
        .collect();
    notes.push(
        "the configuration is the whole of it: a pool that runs now goes on until it is stopped by \
         hand, with appcmd stop apppool /apppool.name:NAME"
            .to_owned(),
    );
    if watched && pools.iter().any(|pool| pool.name.starts_with("MSExchange")) {
        notes.push(
            "Exchange's health manager (the services MSExchangeHM and MSExchangeHMRecovery) starts \
             pools that it finds stopped: it works against this as long as it runs"
                .to_owned(),
        );
    }
    notes
}
