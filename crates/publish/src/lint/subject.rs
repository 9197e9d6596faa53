//! What the checks look at: the document, and what its actions do.

use stopgap_model::Mitigation;
use stopgap_rules::ActionSemantics;

use super::place::Places;

/// A document that can be read, with the places of what it says.
pub(super) struct Subject<'a> {
    pub(super) mitigation: &'a Mitigation,
    pub(super) places: &'a Places<'a>,
}

/// What one action does.
pub(super) struct CompiledAction {
    /// Which action of the document.
    pub(super) action: usize,
    pub(super) meaning: ActionSemantics,
}
