//! What stands on the server under our name and in no record: the state folder was lost, or is
//! another one, or somebody copied it.
//!
//! What says word for word what we would write, where we would write it, is ours: nobody else writes
//! it, and taking it out undoes nothing of his. Anything else is left to a person, and told until it
//! is gone.

use std::borrow::Cow;
use std::collections::BTreeMap;

use stopgap_iis::config::{File, Named, adopt, entries_called};
use stopgap_model::evidence::Evidence;
use stopgap_model::report::{MitigationReport, State};
use stopgap_model::{Action, ActionId, ActionKind, Digest, Fact, Mitigation, MitigationId, Offer};

use crate::action_of;
use crate::affected::{Affects, action_affects, affects};
use crate::ground::Ground;
use crate::observe::place_text;
use crate::pools::set_as_ours;
use crate::work::{Standing, rewrite};
use crate::{InPlace, Input, OwnFile, Part, Placed, RULE_PREFIX};

/// What stands there word for word as an action of the catalog would have it, and in no record.
pub(crate) fn adopted(input: &Input<'_>, ground: &Ground<'_>) -> BTreeMap<ActionId, Placed> {
    if !matches!(input.facts.iis, Fact::Known(_)) {
        return BTreeMap::new();
    }
    let actions = input.catalog.offers.iter().flat_map(|offer| {
        let mitigation = &offer.mitigation;
        mitigation.actions.iter().map(move |action| (mitigation, action))
    });
    let unrecorded = actions.filter(|(_, action)| !input.in_place.actions.contains_key(&action.id));
    let found = unrecorded.filter_map(|(mitigation, action)| {
        Some((action.id.clone(), adopt_one(ground, mitigation, action)?))
    });
    found.collect()
}

fn adopt_one(ground: &Ground<'_>, mitigation: &Mitigation, action: &Action) -> Option<Placed> {
    let rewrite = rewrite(mitigation, action)?.ok()?;
    let part = |Standing { file, place, entry }: Standing| {
        let bytes = ground.snapshot().file(&file).and_then(File::bytes)?;
        let undo = adopt(bytes, &place, &entry)?;
        Some(Part { file, entry, undo })
    };
    let parts: Vec<Part> =
        rewrite.standing_already(ground).into_iter().map(part).collect::<Option<_>>()?;
    let (revision, hash) = (mitigation.revision, mitigation.hash);
    let (mitigation, action) = (mitigation.id.clone(), action.id.clone());
    (!parts.is_empty()).then_some(Placed { mitigation, revision, hash, action, found: true, parts })
}

/// What is in place by the records, with what was adopted.
pub(crate) fn with<'a>(
    in_place: &'a InPlace,
    adopted: &BTreeMap<ActionId, Placed>,
) -> Cow<'a, InPlace> {
    if adopted.is_empty() {
        return Cow::Borrowed(in_place);
    }
    let mut all = in_place.clone();
    for (action, placed) in adopted {
        for part in &placed.parts {
            let file = all.files.entry(part.file.key());
            let file = file.or_insert_with(|| OwnFile { scaffold: Vec::new(), original: None });
            file.scaffold.extend(part.undo.scaffold().iter().cloned());
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
    ground: &Ground<'_>,
) -> BTreeMap<MitigationId, Vec<String>> {
    let mut all: BTreeMap<MitigationId, Vec<String>> = BTreeMap::new();
    if !matches!(input.facts.iis, Fact::Known(_)) {
        return all;
    }
    for (name, found) in entries_called(ground.snapshot(), RULE_PREFIX) {
        if is_recorded(input.in_place, &name, &found) {
            continue;
        }
        let Some(of) = action_of(&name).and_then(|action| owner(input, action)) else { continue };
        all.entry(of).or_default().push(stray(&name, &found));
    }
    for offer in &input.catalog.offers {
        let pools =
            offer.mitigation.actions.iter().filter_map(|action| idle(input, ground, offer, action));
        let pools: Vec<String> = pools.collect();
        if !pools.is_empty() {
            all.entry(offer.mitigation.id.clone()).or_default().extend(pools);
        }
    }
    all
}

/// What is told of something with our name that no record tells of.
pub(crate) fn stray(name: &str, found: &Named) -> String {
    format!(
        "`{name}` stands there and in no record of this state folder: it has to be taken out by hand ({})",
        place_text(&found.file, &found.place)
    )
}

fn is_recorded(in_place: &InPlace, name: &str, found: &Named) -> bool {
    let mut parts = in_place.actions.values().flat_map(|placed| &placed.parts);
    parts.any(|part| {
        part.entry.name().eq_ignore_ascii_case(name)
            && part.file.key() == found.file.key()
            && *part.undo.place() == found.place
    })
}

/// The mitigation that an action is of; of one that nobody knows, its own name has to do.
fn owner(input: &Input<'_>, action: &str) -> Option<MitigationId> {
    let asks =
        |offer: &&Offer| offer.mitigation.actions.iter().any(|known| known.id.as_str() == action);
    if let Some(offer) = input.catalog.offers.iter().find(asks) {
        return Some(offer.mitigation.id.clone());
    }
    let placed = input.in_place.actions.values().find(|placed| placed.action.as_str() == action);
    placed.map(|placed| placed.mitigation.clone()).or_else(|| action.parse().ok())
}

/// Pools that have what we set, to the letter, for a threat that is over, and that no record tells of.
/// Who set them so, and what they were before, nobody knows: they are not touched.
fn idle(input: &Input<'_>, ground: &Ground<'_>, offer: &Offer, action: &Action) -> Option<String> {
    let ActionKind::DisableAppPool { pools } = &action.kind else { return None };
    let mitigation = &offer.mitigation;
    let is_over = matches!(affects(mitigation, input.facts), Affects::No(_))
        || matches!(action_affects(mitigation, action, input.facts), Affects::No(_));
    let is_quiet = input.in_place.actions.contains_key(&action.id)
        || input.policy.blocked.contains_key(&mitigation.id);
    if !is_over || is_quiet {
        return None;
    }
    let wanted = |name: &String| wanted_off(input, name);
    let left = set_as_ours(pools, input.in_place, ground);
    let left: Vec<String> = left.into_iter().filter(|name| !wanted(name)).collect();
    (!left.is_empty()).then(|| {
        format!(
            "set not to start, as {} does it, and by no record of this state folder: {}; if nobody else wants \
             that, set autoStart to true; if somebody does: stopgap block {}",
            action.id,
            left.join(", "),
            mitigation.id
        )
    })
}

/// Whether another mitigation, whose threat is not over, wants a pool not to start.
fn wanted_off(input: &Input<'_>, name: &str) -> bool {
    let asks = |action: &Action| match &action.kind {
        ActionKind::DisableAppPool { pools } => {
            pools.iter().any(|pool| pool.eq_ignore_ascii_case(name))
        }
        _ => false,
    };
    input.catalog.mitigations().any(|mitigation| {
        let mut actions = mitigation.actions.iter().filter(|action| asks(action));
        !matches!(affects(mitigation, input.facts), Affects::No(_))
            && actions
                .any(|a| !matches!(action_affects(mitigation, a, input.facts), Affects::No(_)))
    })
}

/// Tells of the leftovers beside the states. What nobody knows gets a row of its own.
pub(crate) fn tell(
    leftovers: BTreeMap<MitigationId, Vec<String>>,
    report: &mut Vec<MitigationReport>,
) {
    for (id, left) in leftovers {
        let known = report.iter().position(|report| report.id == id);
        let at = known.unwrap_or_else(|| {
            report.push(unknown(id));
            report.len() - 1
        });
        report[at].leftovers = left;
    }
}

/// A row for what has our name and belongs to nothing that is known.
fn unknown(id: MitigationId) -> MitigationReport {
    MitigationReport {
        id,
        revision: 0,
        hash: Digest::of(b""),
        in_force: None,
        title: "(not in this catalog)".into(),
        state: State::Unknown,
        blocked: false,
        reason: "nothing in this catalog or in this state folder's records is called so".into(),
        source: "found on the server".into(),
        rules: Vec::new(),
        evidence: Evidence::default(),
        in_place: Vec::new(),
        leftovers: Vec::new(),
        actions: Vec::new(),
    }
}
