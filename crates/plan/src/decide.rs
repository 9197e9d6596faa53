//! One action: what is wanted, what is here, and what takes it from the one to the other.

use stopgap_model::report::State;
use stopgap_model::{Action, Mitigation, Offer};

use crate::affected::{Affects, action_affects, affects};
use crate::case::{Case, affected};
use crate::decision::{Decision, Wish, is_held, quoted, stays};
use crate::foreign::{Others, others};
use crate::found::stray;
use crate::ground::Ground;
use crate::observe::named;
use crate::work::{Rewrite, rewrite};
use crate::{Input, Placed};

/// Decides on `action` of the mitigation that is offered.
pub(crate) fn decide(
    input: &Input<'_>,
    ground: &Ground<'_>,
    offer: &Offer,
    action: &Action,
) -> Decision {
    let Offer { mitigation, .. } = offer;
    let record = input.in_place.actions.get(&action.id);
    // No mitigation takes over, changes or takes back what another one put there.
    if let Some(of) = record.map(|record| &record.mitigation).filter(|of| **of != mitigation.id) {
        let why = format!("an action {} of another mitigation is in place: {of}", action.id);
        return Decision::leave(State::Conflict, why);
    }
    // What an administrator wants gone goes, whatever is known of the server.
    if let (Some(_), Some(by)) = (record, taken_back(input, mitigation)) {
        return hold_back(input, mitigation, record, taken_back_decision(input, record, by));
    }
    let answer = match affects(mitigation, input.facts) {
        Affects::Yes(why) => match action_affects(mitigation, action, input.facts) {
            Affects::Yes(_) => Affects::Yes(why),
            other => other,
        },
        other => other,
    };
    let decision = match answer {
        Affects::Yes(why) => {
            affected(&Case { input, ground, offer, mitigation, action, why: &why, record })
        }
        // Who takes a declaration back says that the product is gone.
        Affects::No(why) | Affects::Undeclared(why) => {
            let why = no_longer_needed(ground, mitigation, action, record, why);
            not_affected(input, offer, record, why)
        }
        Affects::Unknown(why) => Decision::leave(State::Unknown, stays(why, record)).at(record),
        Affects::CannotIdentify(why) => {
            Decision::leave(State::Unsupported, stays(why, record)).at(record)
        }
    };
    hold_back(input, mitigation, record, decision)
}

/// Leaves a wish undone that this cycle was not asked for, and every wish while a file of an earlier
/// change is still to be put back.
fn hold_back(
    input: &Input<'_>,
    mitigation: &Mitigation,
    record: Option<&Placed>,
    mut decision: Decision,
) -> Decision {
    let concerns = record.is_some() || decision.wish != Wish::Leave;
    if let (Some(why), true) = (input.failures.stuck_iis(), concerns) {
        return Decision::leave(State::Failed, why).at(record);
    }
    let asked = input.order.only.as_ref().is_none_or(|only| only.contains(&mitigation.id))
        || input.order.take_back.contains(&mitigation.id);
    if !asked {
        decision.wish = Wish::Leave;
    }
    decision
}

pub(crate) fn taken_back(input: &Input<'_>, mitigation: &Mitigation) -> Option<String> {
    let block = input.policy.blocked.get(&mitigation.id);
    if input.order.take_back.contains(&mitigation.id) {
        return Some("removed by an administrator".into());
    }
    // `remove` leaves this word behind, so that a removal that was cut short is finished.
    block.filter(|block| block.take_back).map(|block| format!("removed by {}", block.by))
}

fn not_affected(
    input: &Input<'_>,
    offer: &Offer,
    record: Option<&Placed>,
    why: String,
) -> Decision {
    if record.is_none() {
        return Decision::leave(State::NotAffected, why);
    }
    if let Some(off) = input.policy.switched_off() {
        let reason = format!("in place though no longer needed ({why}): switched off {off}");
        return Decision::leave(State::Applied, reason).at(record);
    }
    // For whom a revision is, is as new as the rest of it.
    if let Some(hold) = offer.hold.as_ref().filter(|_| is_held(offer, record)) {
        let reason = format!("in place, and it stays: {hold}; by what is held back, {why}");
        return Decision::leave(State::Applied, reason).at(record);
    }
    to_take_out(input, record, why)
}

/// Our rule is there and is to go. That the last try failed is said.
pub(crate) fn to_take_out(input: &Input<'_>, record: Option<&Placed>, why: String) -> Decision {
    let failure = record.and_then(|record| input.failures.actions.get(&record.action));
    let (state, reason) = match failure {
        Some(error) => {
            (State::Failed, format!("it could not be taken back: {error}; it is to go: {why}"))
        }
        None => (State::Applied, format!("to be taken back: {why}")),
    };
    let wish = Wish::TakeOut { why };
    Decision { wish, ..Decision::leave(state, reason).at(record) }
}

/// Rules of others against a threat that is over can go; that is theirs to do.
fn no_longer_needed(
    ground: &Ground<'_>,
    mitigation: &Mitigation,
    action: &Action,
    record: Option<&Placed>,
    why: String,
) -> String {
    let Some(Ok(rewrite)) = rewrite(mitigation, action) else { return why };
    if let (None, Some(left)) = (record, leftover(&rewrite, ground)) {
        return format!("{why}; no longer needed: {left}");
    }
    match others(&rewrite, ground) {
        Others::Cover { names, .. } => {
            format!("{why}; no longer needed, and not ours: {}", quoted(&names))
        }
        Others::FallShort(_) => why,
    }
}

/// A rule of our name that no record tells of and that is not what we would write there: it may be
/// somebody's, so nobody but a person takes it out.
pub(crate) fn leftover(rewrite: &Rewrite<'_>, ground: &Ground<'_>) -> Option<String> {
    let found = named(rewrite, ground).into_iter().next()?;
    Some(stray(rewrite.name(), &found))
}

pub(crate) fn taken_back_decision(
    input: &Input<'_>,
    record: Option<&Placed>,
    by: String,
) -> Decision {
    match record {
        None => Decision::leave(State::Blocked, by),
        Some(_) => to_take_out(input, record, by),
    }
}
