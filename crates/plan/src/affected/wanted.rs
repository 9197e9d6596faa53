//! The affected versions of a product.

use stopgap_model::reason::{AffectedReason, Product};
use stopgap_model::{Affected, Version};

use super::answer::Affects;

/// The affected versions of a product.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) affected: &'a Affected,
    /// Only the versions below this one, for an action that narrows them.
    pub(super) below: Option<&'a Version>,
}

impl Wanted<'_> {
    /// The answer for one version of a product.
    pub(super) fn of_version(&self, product: Product, version: &Version) -> Affects {
        let ranges = &self.affected.ranges;
        if let Some(limit) = self.below.filter(|limit| version >= *limit) {
            let limit = limit.to_string();
            return Affects::No(AffectedReason::NotBelow { product, limit }.into());
        }
        if ranges.is_empty() || ranges.iter().any(|range| range.contains(version)) {
            return Affects::Yes(AffectedReason::Affected { product }.into());
        }
        // The fix that this server has: the nearest fixed version at or below its own.
        let fix = ranges.iter().map(|range| &range.fixed).filter(|fixed| *fixed <= version).max();
        Affects::No(match fix {
            Some(fixed) => AffectedReason::HasFix { product, fixed: fixed.to_string() }.into(),
            None => AffectedReason::TooOld { product }.into(),
        })
    }
}
