//! What is decided on one action.

use stopgap_iis::config::Entry;
use stopgap_model::policy::Drift;
use stopgap_model::report::State;
use stopgap_model::{Mitigation, Offer};

use crate::observe::place_text;
use crate::work::Standing;
use crate::{Input, Placed};

/// The decision on one action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decision {
    /// The state as it is, before anything is done.
    pub(crate) state: State,
    /// Why: a sentence without a full stop.
    pub(crate) reason: String,
    /// Where it is or would be; empty if nowhere.
    pub(crate) place: String,
    /// What a person should know beside the reason.
    pub(crate) notes: Vec<String>,
    /// The names of the rules found that carry it out.
    pub(crate) rules: Vec<String>,
    /// The names of those rules of ours that stand on another web server than IIS.
    pub(crate) on_web: Vec<String>,
    /// What is to be done.
    pub(crate) wish: Wish,
}

/// What is to be done for one action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wish {
    /// Nothing.
    Leave,
    /// Put this in; first take out what is there of ours.
    PutIn { standings: Vec<Standing> },
    /// Take ours out; why.
    TakeOut { why: String },
}

impl Decision {
    pub(crate) fn leave(state: State, reason: impl Into<String>) -> Self {
        let (reason, place) = (reason.into(), String::new());
        let (notes, rules, on_web) = (Vec::new(), Vec::new(), Vec::new());
        Self { state, reason, place, notes, rules, on_web, wish: Wish::Leave }
    }

    pub(crate) fn at(mut self, record: Option<&Placed>) -> Self {
        if let Some(record) = record {
            self.place = places_of(record);
            self.rules = rules_of(record);
        }
        self
    }

    /// Whether something of ours carries it out, or did.
    pub(crate) fn is_ours(&self) -> bool {
        !self.rules.is_empty()
    }

    pub(crate) fn noting(mut self, notes: Vec<String>) -> Self {
        self.notes.extend(notes);
        self
    }
}

/// Where what carries out an action stands, for a person.
pub(crate) fn places_of(record: &Placed) -> String {
    texts(record.parts.iter().map(|part| place_text(&part.file, part.undo.place())))
}

pub(crate) fn places(standings: &[Standing]) -> String {
    texts(standings.iter().map(|standing| place_text(&standing.file, &standing.place)))
}

fn texts(places: impl Iterator<Item = String>) -> String {
    let mut all: Vec<String> = Vec::new();
    for place in places {
        if !all.contains(&place) {
            all.push(place);
        }
    }
    all.join("; ")
}

/// The names of the rules that carry out an action.
pub(crate) fn rules_of(record: &Placed) -> Vec<String> {
    let rules = record
        .parts
        .iter()
        .filter(|part| matches!(part.entry, Entry::Rule(_) | Entry::Outbound(_)));
    rules.map(|part| part.entry.name().to_owned()).collect()
}

/// On any doubt what is in force stays in force, and that is said.
pub(crate) fn stays(why: String, record: Option<&Placed>) -> String {
    if record.is_some() { format!("{why}; what is in place stays") } else { why }
}

/// Whether nothing new is applied of what `offer` offers. Putting right what is in force is nothing
/// new: the same revision, once taken, stays in force.
pub(crate) fn is_held(offer: &Offer, record: Option<&Placed>) -> bool {
    let in_force = record.is_some_and(|record| record.hash == offer.mitigation.hash);
    offer.hold.is_some() && !in_force
}

/// Why nothing of `mitigation` is put in now, if it is not; `hold` is why its source holds it back,
/// where that holds for what is wanted.
pub(crate) fn forbidden(
    input: &Input<'_>,
    mitigation: &Mitigation,
    hold: Option<&str>,
    state: State,
    why: &str,
) -> Option<Decision> {
    let asked = input.order.reapply.contains(&mitigation.id);
    let only_told = state == State::Drifted && input.policy.drift == Drift::Report && !asked;
    let (quiet, reason) = if let Some(block) = input.policy.blocked.get(&mitigation.id) {
        (State::Blocked, format!("blocked by {}", block.by))
    } else if let Some(off) = input.policy.switched_off() {
        (State::Pending, format!("switched off {off}"))
    } else if let Some(hold) = hold {
        (State::Pending, format!("{hold}, so nothing new is applied"))
    } else if only_told {
        let reason = "reported only, as the policy says; to put it right: stopgap reapply";
        return Some(Decision::leave(state, format!("{why}; {reason} {}", mitigation.id)));
    } else {
        return None;
    };
    // What is there, or was changed under us, is still told; only what is not there is at rest.
    let told = if matches!(state, State::Drifted | State::Applied) { state } else { quiet };
    let reason = match told {
        State::Blocked => reason,
        State::Pending => format!("{reason}; {why}"),
        _ => format!("{why}; {reason}"),
    };
    Some(Decision::leave(told, reason))
}

/// Names for a person.
pub(crate) fn quoted(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}
