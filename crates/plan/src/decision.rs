//! What is decided on one action.

use stopgap_edit::iis::Entry;
use stopgap_model::Offer;
use stopgap_model::report::State;

use crate::Placed;
use crate::observe::place_text;
use crate::work::Standing;

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
        let (notes, rules) = (Vec::new(), Vec::new());
        Self { state, reason, place, notes, rules, wish: Wish::Leave }
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

/// Names for a person.
pub(crate) fn quoted(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}
