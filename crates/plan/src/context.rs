//! One action of the catalog, with all that a decision on it is made from.

use stopgap_model::{Action, ActionId, Mitigation, MitigationId, Offer, Reasons};

use crate::affected::Affects;
use crate::input::Input;

/// An action of a mitigation that is offered.
#[derive(Clone, Copy)]
pub(crate) struct ActionContext<'a> {
    pub(crate) input: &'a Input<'a>,
    pub(crate) offer: &'a Offer,
    pub(crate) action: &'a Action,
    /// Whether the action is for this machine.
    pub(crate) affects: &'a Affects,
}

/// What tells one action from all others: two mitigations may use one id for different actions.
pub(crate) type ActionKey<'a> = (&'a MitigationId, &'a ActionId);

impl<'a> ActionContext<'a> {
    pub(crate) fn key(&self) -> ActionKey<'a> {
        (&self.offer.mitigation.id, &self.action.id)
    }

    pub(crate) fn mitigation(&self) -> &'a Mitigation {
        &self.offer.mitigation
    }

    /// Why the action is for this machine, or is not, or why that is not known.
    pub(crate) fn why(&self) -> &'a Reasons {
        match self.affects {
            Affects::Yes(why)
            | Affects::No(why)
            | Affects::Unknown(why)
            | Affects::CannotIdentify(why)
            | Affects::Undeclared(why) => why,
        }
    }
}
