//! What rules do not reach on Apache, or what is not asked of.

use std::collections::BTreeSet;

use stopgap_model::reason::WebGap;

use super::tree::Tree;

/// What this text does not reach, or what is not asked of: the hosts of macros that are not known; and
/// where `Satisfy Any` stands, a request that is let in by the old directives (`Allow from`) is not asked
/// of `Require`, unless a rule says `Satisfy All` itself.
pub(crate) fn gaps(tree: &Tree<'_>, text: &str) -> Vec<WebGap> {
    let uses = tree.unknown_uses.iter().filter_map(|(at, name)| {
        Some(WebGap::UnknownHosts { name: name.clone(), at: tree.place(*at)? })
    });
    let mut gaps: Vec<WebGap> = uses.collect();
    if !text.contains("Satisfy All") {
        let any = tree.satisfy_any.iter().filter_map(|at| tree.place(*at));
        gaps.extend(any.map(|at| WebGap::SatisfyAny { at }));
    }
    // A rule that blocks is an `<If>`; to change headers no request has to be kept from anything.
    if text.contains("<If") {
        gaps.extend(quick_caches(tree));
    }
    gaps
}

/// Where a cache answers what was attacked before although rules would not.
fn quick_caches(tree: &Tree<'_>) -> Vec<WebGap> {
    let Some(main) = tree.hosts.first() else { return Vec::new() };
    let caches = tree.hosts.iter().filter_map(|host| host.own.quick_cache(&main.own));
    let caches: BTreeSet<_> = caches.collect();
    let places = caches.into_iter().filter_map(|at| tree.place(at));
    places.map(|at| WebGap::QuickCache { at }).collect()
}
