//! The decisions on one target, in the order in which they are carried out.

use std::collections::BTreeMap;

use stopgap_model::report::State;
use stopgap_model::{Action, ActionId, Digest, MitigationId, Offer};

use crate::affected::{Affects, action_affects, affects};
use crate::context::ActionContext;
use crate::decide::{decide, decide_orphan, id_taken};
use crate::decision::{Decision, Operation};
use crate::input::Input;
use crate::target::{Installed, Target};

/// A mitigation of the catalog, with whether each of its actions is for this machine.
pub(crate) struct Offered<'a> {
    pub(crate) offer: &'a Offer,
    pub(crate) actions: Vec<(&'a Action, Affects)>,
}

impl<'a> Offered<'a> {
    /// All mitigations of the catalog.
    pub(crate) fn all(input: &Input<'a>) -> Vec<Self> {
        let offered = |offer: &'a Offer| {
            let mitigation = &offer.mitigation;
            let affects = affects(mitigation, input.facts);
            let actions = mitigation
                .actions
                .iter()
                .map(|action| (action, action_affects(mitigation, action, input.facts, &affects)));
            Self { offer, actions: actions.collect() }
        };
        input.catalog.offers.iter().map(offered).collect()
    }
}

/// The decisions on one target.
pub(crate) struct Planned<'a, T: Target<'a>> {
    pub(crate) target: T,
    /// Those on actions of the catalog, in its order, then those on orphans.
    pub(crate) entries: Vec<Entry<'a, T::Content>>,
}

/// The decision on one action.
pub(crate) struct Entry<'a, C> {
    /// The mitigation as it is offered; `None`: no action of the catalog stands for it.
    pub(crate) offer: Option<&'a Offer>,
    pub(crate) mitigation: MitigationId,
    pub(crate) action: ActionId,
    /// What is known of it where it is in no catalog; `None`: nothing is to be reported.
    pub(crate) orphan: Option<OrphanOf>,
    pub(crate) decision: Decision<C>,
}

/// What an orphan is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OrphanOf {
    pub(crate) revision: u32,
    pub(crate) hash: Digest,
    /// The kind of its action.
    pub(crate) kind: &'static str,
}

impl<'a, T: Target<'a>> Planned<'a, T> {
    /// Decides on every action that concerns the target.
    pub(crate) fn new(target: T, input: &'a Input<'a>, offered: &'a [Offered<'a>]) -> Self {
        let mut entries = Vec::new();
        let mut taken: BTreeMap<&ActionId, &MitigationId> = BTreeMap::new();
        for Offered { offer, actions } in offered {
            for (action, affects) in actions {
                let takes = target.serves() && target.takes(&action.kind);
                if !takes && target.installed(&action.id).is_none() {
                    continue;
                }
                let context = ActionContext { input, offer, action, affects };
                let mut decision = decide(&target, &context);
                // Of several mitigations with one id of an action, the first one gets it.
                if matches!(decision.operation, Operation::Install(_)) {
                    let first = *taken.entry(&action.id).or_insert(&offer.mitigation.id);
                    if *first != offer.mitigation.id {
                        decision = Decision::leave(State::Conflict, id_taken(&action.id, first));
                    }
                }
                entries.push(Entry {
                    offer: Some(offer),
                    mitigation: offer.mitigation.id.clone(),
                    action: action.id.clone(),
                    orphan: None,
                    decision,
                });
            }
        }
        let orphans = target.all_installed().into_iter().filter(|it| is_orphan(input, it));
        let entry = |installed: Installed<'_>| {
            let Installed { mitigation, revision, hash, action, kind } = installed;
            Entry {
                offer: None,
                mitigation: mitigation.clone(),
                action: action.clone(),
                orphan: Some(OrphanOf { revision, hash, kind }),
                decision: decide_orphan(&target, input, &installed),
            }
        };
        entries.extend(orphans.map(entry));
        Self { target, entries }
    }
}

/// Whether no mitigation of the catalog has the action that something is installed for.
fn is_orphan(input: &Input<'_>, installed: &Installed<'_>) -> bool {
    !knows(input, installed.mitigation, installed.action)
}

/// Whether the catalog has this action of this mitigation.
pub(crate) fn knows(input: &Input<'_>, mitigation: &MitigationId, action: &ActionId) -> bool {
    input
        .catalog
        .get(mitigation)
        .is_some_and(|offer| offer.mitigation.actions.iter().any(|known| known.id == *action))
}
