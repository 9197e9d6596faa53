//! Finds which of several new mitigations a web server refuses, so that the others need not wait for it.

use std::collections::BTreeSet;

use stopgap_host::Host;
use stopgap_model::{ActionId, MitigationId, ServerPath};
use stopgap_plan::{InstalledRule, Step, WebChange, rule_text};

use crate::learned::Learned;
use crate::read_web::read_web;

/// Returns the first of the new mitigations with which the configuration does not pass the server's own test,
/// found by halving; `None` if only one is new, or if no single one is to blame. `passes` returns whether the
/// server takes these files; `None` if that is not known.
pub(super) fn culprit(
    host: &dyn Host,
    planned: &WebChange,
    learned: &Learned,
    passes: impl Fn(&[(ServerPath, Vec<u8>)]) -> Option<bool>,
) -> Option<MitigationId> {
    let Step::Rules { rules, installs, .. } = &planned.step else { return None };
    let installs: BTreeSet<&ActionId> = installs.iter().collect();
    let is_new = |placed: &InstalledRule| installs.contains(&placed.action);
    let mut new: Vec<&MitigationId> =
        rules.iter().filter(|placed| is_new(placed)).map(|placed| &placed.mitigation).collect();
    new.dedup();
    if new.len() < 2 {
        return None;
    }
    let mut config = read_web(host, planned.server.clone());
    learned.leave_out_in(&mut config);
    let layout = config.files.layout().ok().filter(|_| config.incomplete.is_none())?;
    let passes_with = |some: &dyn Fn(&MitigationId) -> bool| {
        let kept = rules.iter().filter(|placed| !is_new(placed) || some(&placed.mitigation));
        let kept: Vec<InstalledRule> = kept.cloned().collect();
        passes(&layout.place(&rule_text(planned.server.kind, &kept)).ok()?.staged)
    };
    // The first `good` mitigations pass together, the first `bad` do not.
    let (mut good, mut bad) = (0, new.len());
    while bad - good > 1 {
        let middle = good.midpoint(bad);
        let (first, _) = new.split_at_checked(middle)?;
        match passes_with(&|id| first.contains(&id))? {
            true => good = middle,
            false => bad = middle,
        }
    }
    let culprit = *new.get(good)?;
    // A server that refuses even the first one may refuse any rule of ours.
    let is_by_one = good > 0 || passes_with(&|id| id != culprit)?;
    is_by_one.then(|| culprit.clone())
}
