//! The catalog: what the sources of mitigations offer to this server, verified.

use std::collections::BTreeMap;

use crate::digest::Digest;
use crate::id::{ActionId, MitigationId};
use crate::mitigation::Mitigation;
use crate::reason::Reasons;

/// All that a decision chooses from: each mitigation once, in the revision that holds here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalog {
    /// The mitigations.
    pub offers: Vec<Offer>,
    /// What was offered and is not taken.
    pub refused: Vec<Refused>,
}

/// A mitigation as its source offers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The mitigation.
    pub mitigation: Mitigation,
    /// Where it came from, such as `built in` or `feed acme`.
    pub source: String,
    /// The actions that its source has no permission to ask for, each with the reason.
    pub denied: BTreeMap<ActionId, Reasons>,
    /// Why nothing new of it is applied, if so. What is in force stays in force.
    pub hold: Option<Reasons>,
}

/// What a source offers and this server does not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The mitigation's id, by its document or by the name it is offered under.
    pub id: MitigationId,
    /// Its revision; 0 if it cannot be told.
    pub revision: u32,
    /// The digest of what was offered.
    pub hash: Digest,
    /// Its title; empty if it cannot be told.
    pub title: String,
    /// Where it came from.
    pub source: String,
    /// Why it is not taken.
    pub reason: Reasons,
}

impl Catalog {
    /// A catalog of mitigations that all come from `source`, which may ask for anything.
    #[must_use]
    pub fn of(source: &str, mitigations: impl IntoIterator<Item = Mitigation>) -> Self {
        let offer = |mitigation| Offer {
            mitigation,
            source: source.to_owned(),
            denied: BTreeMap::new(),
            hold: None,
        };
        Self { offers: mitigations.into_iter().map(offer).collect(), refused: Vec::new() }
    }

    /// The mitigations.
    pub fn mitigations(&self) -> impl Iterator<Item = &Mitigation> {
        self.offers.iter().map(|offer| &offer.mitigation)
    }

    /// The offer of the mitigation `id`.
    #[must_use]
    pub fn get(&self, id: &MitigationId) -> Option<&Offer> {
        self.offers.iter().find(|offer| offer.mitigation.id == *id)
    }
}
