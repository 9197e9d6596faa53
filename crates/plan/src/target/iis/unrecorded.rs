//! What stands on the server under our name and in no record: the state folder was lost, or is
//! another one, or somebody copied it.
//!
//! What says word for word what we would write, where we would write it, is ours: nobody else writes
//! it, and taking it out undoes nothing of his. Anything else is left to a person, and told until it
//! is gone.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use stopgap_iis::config::{File, Named, Place, adopt, entries_called};
use stopgap_model::reason::{IisRuleReason, PoolReason, Reason};
use stopgap_model::{Action, ActionId, ActionKind, Fact, Mitigation, MitigationId, Offer};

use crate::affected::Affects;
use crate::effective_config::EffectiveConfig;
use crate::input::Input;
use crate::installed::{InstalledAction, InstalledEntry, InstalledState, ManagedFile};
use crate::planned::Offered;
use crate::rule_name::{RULE_PREFIX, action_of};
use crate::target::iis_pools::set_as_ours;
use crate::target::iis_rules::desired::{DesiredEntry, desired_rule};
use crate::target::iis_rules::place_text::place_text;

/// What stands there word for word as an action of the catalog would have it, and in no record.
pub(crate) fn adopted(
    input: &Input<'_>,
    config: &EffectiveConfig<'_>,
) -> BTreeMap<ActionId, InstalledAction> {
    if !matches!(input.facts.iis, Fact::Known(_)) {
        return BTreeMap::new();
    }
    let actions = input.catalog.offers.iter().flat_map(|offer| {
        let mitigation = &offer.mitigation;
        mitigation.actions.iter().map(move |action| (mitigation, action))
    });
    let unrecorded =
        actions.filter(|(_, action)| !input.installed.actions.contains_key(&action.id));
    let found = unrecorded.filter_map(|(mitigation, action)| {
        Some((action.id.clone(), adopt_one(config, mitigation, action)?))
    });
    found.collect()
}

fn adopt_one(
    config: &EffectiveConfig<'_>,
    mitigation: &Mitigation,
    action: &Action,
) -> Option<InstalledAction> {
    let rule = desired_rule(mitigation, action)?.ok()?;
    let part = |DesiredEntry { file, place, entry }: DesiredEntry| {
        let bytes = config.snapshot().file(&file).and_then(File::bytes)?;
        let undo = adopt(bytes, &place, &entry)?;
        Some(InstalledEntry { file, entry, undo })
    };
    let entries: Vec<InstalledEntry> =
        rule.standing_already(config).into_iter().map(part).collect::<Option<_>>()?;
    let (revision, hash) = (mitigation.revision, mitigation.hash);
    let (mitigation, action) = (mitigation.id.clone(), action.id.clone());
    (!entries.is_empty()).then_some(InstalledAction {
        mitigation,
        revision,
        hash,
        action,
        found: true,
        entries,
    })
}

/// What is in place by the records, with what was adopted.
pub(crate) fn with_adopted<'a>(
    installed: &'a InstalledState,
    adopted: &BTreeMap<ActionId, InstalledAction>,
) -> Cow<'a, InstalledState> {
    if adopted.is_empty() {
        return Cow::Borrowed(installed);
    }
    let mut all = installed.clone();
    for (action, placed) in adopted {
        for part in &placed.entries {
            let file = all.files.entry(part.file.key());
            let file = file.or_insert_with(|| ManagedFile { wrappers: Vec::new(), original: None });
            file.wrappers.extend(part.undo.wrappers().iter().cloned());
            // What was there before it is not known.
            file.original = None;
        }
        all.actions.insert(action.clone(), placed.clone());
    }
    Cow::Owned(all)
}

/// What is left over, by the mitigation that it belongs to or, where nobody knows one, by the name.
pub(crate) fn leftovers(
    input: &Input<'_>,
    config: &EffectiveConfig<'_>,
    offered: &[Offered<'_>],
) -> BTreeMap<MitigationId, Vec<Reason>> {
    let mut all: BTreeMap<MitigationId, Vec<Reason>> = BTreeMap::new();
    if !matches!(input.facts.iis, Fact::Known(_)) {
        return all;
    }
    let recorded = recorded(input.installed);
    for (name, found) in entries_called(config.snapshot(), RULE_PREFIX) {
        let key = (name.to_ascii_lowercase(), found.file.key(), &found.place);
        if recorded.contains(&key) {
            continue;
        }
        let Some(of) = action_of(&name).and_then(|action| owner(input, action)) else { continue };
        all.entry(of).or_default().push(stray(&name, &found));
    }
    for Offered { offer, actions } in offered {
        let pools = actions.iter().filter_map(|action| idle(input, config, offered, offer, action));
        let pools: Vec<Reason> = pools.collect();
        all.entry(offer.mitigation.id.clone()).or_default().extend(pools);
    }
    all.retain(|_, left| !left.is_empty());
    all
}

/// What is reported of something with our name that no record tells of.
fn stray(name: &str, found: &Named) -> Reason {
    let at = place_text(&found.file, &found.place);
    IisRuleReason::Stray { rule: name.to_owned(), at }.into()
}

/// Name, file and place of all that the records tell of.
fn recorded(installed: &InstalledState) -> BTreeSet<(String, String, &Place)> {
    let parts = installed.actions.values().flat_map(|placed| &placed.entries);
    parts
        .map(|part| (part.entry.name().to_ascii_lowercase(), part.file.key(), part.undo.place()))
        .collect()
}

/// The mitigation that an action is of; of one that nobody knows, its own name has to do.
fn owner(input: &Input<'_>, action: &str) -> Option<MitigationId> {
    let asks =
        |offer: &&Offer| offer.mitigation.actions.iter().any(|known| known.id.as_str() == action);
    if let Some(offer) = input.catalog.offers.iter().find(asks) {
        return Some(offer.mitigation.id.clone());
    }
    let placed = input.installed.actions.values().find(|placed| placed.action.as_str() == action);
    placed.map(|placed| placed.mitigation.clone()).or_else(|| action.parse().ok())
}

/// Pools that have what we set, to the letter, for a threat that is over, and that no record tells of.
/// Who set them so, and what they were before, nobody knows: they are not touched.
fn idle(
    input: &Input<'_>,
    config: &EffectiveConfig<'_>,
    offered: &[Offered<'_>],
    offer: &Offer,
    (action, affects): &(&Action, Affects),
) -> Option<Reason> {
    let ActionKind::DisableAppPool { pools } = &action.kind else { return None };
    let mitigation = &offer.mitigation;
    let is_quiet = input.installed.actions.contains_key(&action.id)
        || input.policy.blocked.contains_key(&mitigation.id);
    if !matches!(affects, Affects::No(_)) || is_quiet {
        return None;
    }
    let left = set_as_ours(pools, input.installed, config).into_iter();
    let pools: Vec<String> = left.filter(|name| !is_wanted_off(offered, name)).collect();
    let (action, mitigation) = (action.id.to_string(), mitigation.id.to_string());
    let is_left = !pools.is_empty();
    is_left.then(|| PoolReason::Idle { action, pools, mitigation }.into())
}

/// Whether another mitigation, whose threat is not over, wants a pool not to start.
fn is_wanted_off(offered: &[Offered<'_>], name: &str) -> bool {
    let mut actions = offered.iter().flat_map(|offered| &offered.actions);
    actions.any(|(action, affects)| match &action.kind {
        ActionKind::DisableAppPool { pools } => {
            !matches!(affects, Affects::No(_))
                && pools.iter().any(|pool| pool.eq_ignore_ascii_case(name))
        }
        _ => false,
    })
}
