//! What the policy, the administrator's commands and the source of a mitigation permit.

use stopgap_model::policy::Drift;
use stopgap_model::reason::{PolicyReason, Reason};
use stopgap_model::report::State;
use stopgap_model::{Mitigation, MitigationId, Offer, Reasons};

use crate::decision::Status;
use crate::input::Input;

/// Why an administrator wants a mitigation gone, if he does.
pub(crate) fn removed(input: &Input<'_>, id: &MitigationId) -> Option<Reason> {
    if input.order.take_back.contains(id) {
        return Some(PolicyReason::Removed { by: "an administrator".into() }.into());
    }
    // `remove` leaves this decision behind, so that a removal that was cut short is finished.
    let block = input.policy.blocked.get(id).filter(|block| block.take_back)?;
    Some(PolicyReason::Removed { by: block.by.clone() }.into())
}

/// Whether this cycle is to do anything about a mitigation.
pub(crate) fn is_asked(input: &Input<'_>, id: &MitigationId) -> bool {
    input.order.only.as_ref().is_none_or(|only| only.contains(id))
        || input.order.take_back.contains(id)
}

/// Why the source of an offer is not trusted with anything new, if so. To repair what is installed of this
/// very revision is nothing new.
pub(crate) fn frozen(offer: &Offer, is_installed: bool) -> Option<&Reasons> {
    offer.hold.as_ref().filter(|_| !is_installed)
}

/// Why something of ours that no action of the catalog stands for is to be withdrawn, if it is. A revision
/// that has dropped an action withdraws it; that a mitigation is not in the catalog withdraws nothing.
pub(crate) fn withdraws_orphan(input: &Input<'_>, id: &MitigationId) -> Option<Reason> {
    if let Some(why) = removed(input, id) {
        return Some(why);
    }
    let is_blocked = input.policy.blocked.contains_key(id);
    // Who blocks a mitigation wants nothing done about it; what is installed stays.
    if !is_asked(input, id) || !input.policy.enabled() || is_blocked {
        return None;
    }
    let offer = input.catalog.get(id).filter(|offer| offer.hold.is_none())?;
    Some(why_not_offered(&offer.mitigation))
}

/// Why a mitigation of the catalog has not, or no longer, an action of its own that is installed.
pub(crate) fn why_not_offered(mitigation: &Mitigation) -> Reason {
    match &mitigation.withdrawn {
        Some(why) => PolicyReason::Withdrawn { why: why.clone() }.into(),
        None => PolicyReason::ActionDropped.into(),
    }
}

/// What is reported where something that is wanted may not be installed; `None`: it may. `state` is how it
/// is there without that, for the reasons `why`.
pub(crate) fn forbids(
    input: &Input<'_>,
    offer: &Offer,
    is_installed: bool,
    state: State,
    why: &Reasons,
) -> Option<Status> {
    let id = &offer.mitigation.id;
    let is_asked = input.order.reapply.contains(id);
    let is_only_reported =
        state == State::Drifted && input.policy.drift == Drift::Report && !is_asked;
    let (quiet, reason) = if let Some(block) = input.policy.blocked.get(id) {
        (State::Blocked, PolicyReason::Blocked { by: block.by.clone() })
    } else if let Some(by) = input.policy.switched_off() {
        (State::Pending, PolicyReason::SwitchedOff { by })
    } else if let Some(why) = frozen(offer, is_installed) {
        (State::Pending, PolicyReason::Frozen { why: why.clone() })
    } else if is_only_reported {
        let mitigation = id.to_string();
        let why = why.clone().and(PolicyReason::ReportedOnly { mitigation });
        return Some(Status::new(state, why));
    } else {
        return None;
    };
    // What is there, or was changed, is still reported; only what is not there is at rest.
    Some(match (state, quiet) {
        (State::Drifted | State::Applied, _) => Status::new(state, why.clone().and(reason)),
        (_, State::Blocked) => Status::new(quiet, reason),
        _ => Status::new(quiet, Reasons::from(reason).and(why.clone())),
    })
}
