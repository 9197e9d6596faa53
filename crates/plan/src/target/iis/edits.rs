//! The change of IIS's files that the decisions come to. It is looked at before anything is written: what
//! would not do its work there is not installed.

use std::collections::{BTreeMap, BTreeSet};

use stopgap_model::policy::Drift;
use stopgap_model::reason::{ChangeReason, Reason};
use stopgap_model::report::State;
use stopgap_model::{ActionId, Fact, FileEdit, Mitigation, Offer, Reasons};

use super::Iis;
use super::assemble::{Assembled, Assembly};
use crate::breaks::breaks;
use crate::decision::Operation;
use crate::effective_config::EffectiveConfig;
use crate::input::Input;
use crate::installed::{InstalledAction, InstalledEntry};
use crate::permission::frozen;
use crate::planned::{Entry, Planned};
use crate::rest::rests_on_iis;
use crate::step::Step;
use crate::target::iis_rules::desired::DesiredEntry;
use crate::verify::{Probes, verify};

type IisEntry<'a> = Entry<'a, Vec<DesiredEntry>>;

/// The change of IIS's files: each file once, and what that consists of.
pub(crate) struct IisChange {
    pub(crate) edits: Vec<FileEdit>,
    pub(crate) steps: Vec<Step>,
}

/// The change that the decisions come to. A decision that cannot be carried out becomes another one.
pub(crate) fn change<'a>(
    input: &Input<'_>,
    config: &EffectiveConfig<'_>,
    planned: &mut Planned<'a, Iis<'a>>,
) -> IisChange {
    let Planned { target, entries } = planned;
    judge_what_is_installed(input, config, target, entries);
    // Each round but the last takes the operation from at least one entry.
    loop {
        let Some(mut change) = assembled(input, entries) else { continue };
        if drop_what_would_not_work(input, config, entries, &change) {
            continue;
        }
        change.steps.extend(records_of(input, target.adopted, entries));
        if rests(input, entries, &change) {
            change = IisChange { edits: Vec::new(), steps: Vec::new() };
        }
        return change;
    }
}

/// Assembles the edits. An action whose edit is refused is given up, and nothing of it may stay in the
/// edits: `None` asks for another round.
fn assembled(input: &Input<'_>, entries: &mut [IisEntry<'_>]) -> Option<IisChange> {
    let mut assembly = Assembly::new(input.snapshot, input.installed);
    for entry in entries.iter() {
        assembly.clear(&entry.action, &entry.decision.operation);
    }
    for entry in entries.iter() {
        if let Some(offer) = entry.offer {
            assembly.add(&offer.mitigation, &entry.action, &entry.decision.operation);
        }
    }
    let Assembled { edits, steps, refused } = assembly.finish();
    if refused.is_empty() {
        return Some(IisChange { edits, steps });
    }
    for (id, error) in refused {
        let why = error.to_string();
        for entry in entries.iter_mut().filter(|entry| entry.action == id) {
            give_up_edit(entry, &why);
        }
    }
    None
}

/// The files do not take what an entry asks for.
fn give_up_edit(entry: &mut IisEntry<'_>, why: &str) {
    let error = Reasons::from(ChangeReason::NotWritable { why: why.to_owned() });
    let decision = &mut entry.decision;
    match (&decision.operation, entry.offer) {
        (Operation::Remove(why), None) => {
            let why = why.clone();
            decision.status.state = State::Failed;
            decision.status.reasons = ChangeReason::NotWithdrawn { error, why }.into();
            decision.operation = Operation::None;
        }
        _ => decision.give_up(error),
    }
}

/// A record for each thing that was found as we would write it and that stays, so that it is known
/// whatever the catalog says later. Nothing on the server is changed for that.
fn records_of(
    input: &Input<'_>,
    adopted: &BTreeMap<ActionId, InstalledAction>,
    entries: &[IisEntry<'_>],
) -> Vec<Step> {
    let is_kept = |entry: &&IisEntry<'_>| {
        let id = &entry.mitigation;
        let is_asked = input.order.only.as_ref().is_none_or(|only| only.contains(id));
        let is_installed = matches!(entry.decision.status.state, State::Applied | State::Partial);
        let may_record = input.policy.enabled() && !input.policy.blocked.contains_key(id);
        is_asked && may_record && is_installed && entry.decision.operation.is_none()
    };
    let kept = entries.iter().filter(is_kept).filter_map(|entry| adopted.get(&entry.action));
    kept.map(|placed| Step::Insert(Box::new(placed.clone()))).collect()
}

/// Looks at the configuration as it would be. A mitigation that would not do there what its
/// probes say, or would break a site, is not installed at all; answers whether one was dropped.
fn drop_what_would_not_work(
    input: &Input<'_>,
    before: &EffectiveConfig<'_>,
    entries: &mut [IisEntry<'_>],
    change: &IisChange,
) -> bool {
    let inserted = inserted_by(change);
    if inserted.is_empty() {
        return false;
    }
    let mut planned = input.snapshot.clone();
    for edit in &change.edits {
        match planned.with_file(&edit.path, edit.after.clone().unwrap_or_default()) {
            Ok(changed) => planned = changed,
            // The edits do not fit into the bounds of a snapshot: none of them can be judged.
            Err(_) => return give_up_all(entries, &ChangeReason::TooLarge.into()),
        }
    }
    let after = EffectiveConfig::new(&planned);
    let mut is_dropped = false;
    for (mitigation, entries) in by_mitigation(entries) {
        let placed = ids(entries, |entry| inserted.contains(&entry.action));
        if placed.is_empty() {
            continue;
        }
        let judged = verify(mitigation, &placed, input.facts, &after, Probes::All);
        // What breaks a place names it, which a probe cannot.
        let why = match (breaks(before, &after, mitigation, &placed), judged) {
            (None, Ok(remarks)) => {
                note(entries, &placed, &remarks);
                continue;
            }
            (Some(broken), _) => broken,
            (None, Err(misbehaviour)) => misbehaviour.into(),
        };
        let why = ChangeReason::WouldNotWork { why: why.into() };
        is_dropped |= give_up_all(entries, &why.into());
    }
    is_dropped
}

/// The actions whose rules a change puts in.
fn inserted_by(change: &IisChange) -> BTreeSet<&ActionId> {
    let inserted = change.steps.iter().filter_map(|step| match step {
        Step::Insert(placed) => Some(&placed.action),
        Step::Remove { .. } | Step::Rules { .. } | Step::Services(_) => None,
    });
    inserted.collect()
}

/// The entries on actions of the catalog, mitigation by mitigation.
fn by_mitigation<'e, 'a: 'e>(
    entries: &'e mut [IisEntry<'a>],
) -> impl Iterator<Item = (&'a Mitigation, &'e mut [IisEntry<'a>])> {
    // What the mitigation has dropped is none of its actions, though it may come right behind them.
    let groups = entries.chunk_by_mut(|one, next| {
        one.mitigation == next.mitigation && one.offer.is_some() == next.offer.is_some()
    });
    groups.filter_map(|group| {
        let offer: &'a Offer = group.first()?.offer?;
        Some((&offer.mitigation, group))
    })
}

fn ids(entries: &[IisEntry<'_>], is_meant: impl Fn(&IisEntry<'_>) -> bool) -> Vec<ActionId> {
    let meant = entries.iter().filter(|entry| is_meant(entry));
    meant.map(|entry| entry.action.clone()).collect()
}

/// What a person should know of a judgement stands beside what was judged.
fn note(entries: &mut [IisEntry<'_>], placed: &[ActionId], remarks: &[Reason]) {
    for entry in entries.iter_mut().filter(|entry| placed.contains(&entry.action)) {
        entry.decision.status.note(remarks.iter().cloned());
    }
}

fn give_up_all(entries: &mut [IisEntry<'_>], why: &Reasons) -> bool {
    let installs =
        |entry: &&mut IisEntry<'_>| matches!(entry.decision.operation, Operation::Install(_));
    let mut is_dropped = false;
    for entry in entries.iter_mut().filter(installs) {
        entry.decision.give_up(why.clone());
        is_dropped = true;
    }
    is_dropped
}

/// A rule that stands as we wrote it but no longer does its work is reported as drift, and installed anew:
/// in front of what stands before it now. What another revision installed is not judged: the probes of this
/// one say nothing of it.
fn judge_what_is_installed(
    input: &Input<'_>,
    config: &EffectiveConfig<'_>,
    target: &Iis<'_>,
    entries: &mut [IisEntry<'_>],
) {
    if !matches!(input.facts.iis, Fact::Known(_)) {
        return;
    }
    for (mitigation, entries) in by_mitigation(entries) {
        let placed = ids(entries, |entry| {
            let status = &entry.decision.status;
            matches!(status.state, State::Applied | State::Partial)
                && !status.rules.is_empty()
                && entry.decision.operation.is_none()
                && target.is_of_this_revision(mitigation, &entry.action)
        });
        if placed.is_empty() {
            continue;
        }
        let why = match verify(mitigation, &placed, input.facts, config, Probes::All) {
            Ok(remarks) => {
                note(entries, &placed, &remarks);
                continue;
            }
            Err(why) => Reasons::from(Reason::from(why)),
        };
        for entry in entries.iter_mut().filter(|entry| placed.contains(&entry.action)) {
            let status = &mut entry.decision.status;
            status.state = State::Drifted;
            status.reasons = ChangeReason::StandsWithoutEffect { why: why.clone() }.into();
            if target.adopted.contains_key(&entry.action) {
                status.reasons.push(ChangeReason::KnownByText);
            }
            entry.decision.operation = anew(input, entry);
        }
    }
}

/// The same installed again, unless somebody forbids it.
fn anew(input: &Input<'_>, entry: &IisEntry<'_>) -> Operation<Vec<DesiredEntry>> {
    let id = &entry.mitigation;
    let (Some(offer), Some(record)) = (entry.offer, input.installed.actions.get(&entry.action))
    else {
        return Operation::None;
    };
    let is_only_reported = input.policy.drift == Drift::Report && !input.order.reapply.contains(id);
    let is_asked = input.order.only.as_ref().is_none_or(|only| only.contains(id));
    let is_blocked = !input.policy.enabled() || input.policy.blocked.contains_key(id);
    let is_frozen = frozen(offer, record.hash == offer.mitigation.hash).is_some();
    if is_only_reported || !is_asked || is_blocked || is_frozen {
        return Operation::None;
    }
    let again = |part: &InstalledEntry| DesiredEntry {
        file: part.file.clone(),
        place: part.undo.place().clone(),
        entry: part.entry.clone(),
    };
    Operation::Install(record.entries.iter().map(again).collect())
}

/// Whether this very change failed when it was last tried and nobody asks for it by name; what it is about is
/// reported as resting then.
fn rests(input: &Input<'_>, entries: &mut [IisEntry<'_>], change: &IisChange) -> bool {
    let Some(resting) = rests_on_iis(input, &change.edits, &change.steps) else { return false };
    for entry in entries.iter_mut() {
        if let Some(rest) = resting.get(&entry.action) {
            entry.decision.status.reasons.push(rest.reason(&entry.mitigation));
            entry.decision.operation = Operation::None;
        }
    }
    true
}
