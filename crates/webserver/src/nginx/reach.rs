//! Which blocks of nginx our text reaches, and which not, because a file cannot be changed or could not be
//! read.

use std::collections::{BTreeMap, BTreeSet};

use stopgap_model::reason::WebGap;
use stopgap_model::web::WebSite;

use super::parts::{Parts, quoted};
use super::sites::sites_of;
use super::tree::{Block, Own, Place, Tree};
use crate::files::Files;
use crate::source::Source;

/// The lines of ours that belong into a block, with the places where they belong.
pub(super) fn lines_in(
    files: &Files,
    parts: &Parts,
    block: &Block,
    source: &Source<'_>,
) -> Vec<(usize, Vec<u8>)> {
    parts.within(block, source, |part| quoted(&part.pattern(files)))
}

/// Whether what belongs into a block is there or can be put there.
pub(super) fn is_reached(files: &Files, tree: &Tree<'_>, parts: &Parts, block: &Block) -> bool {
    if !tree.is_fixed(block.source) {
        return true;
    }
    let Some(source) = tree.source(block.source) else { return false };
    lines_in(files, parts, block, source).into_iter().all(|(from, text)| source.has(from, &text))
}

/// The blocks that something of ours belongs into and that it does not reach.
fn blocks<'t>(
    files: &'t Files,
    tree: &'t Tree<'_>,
    parts: &'t Parts,
) -> impl Iterator<Item = &'t Block> {
    let meant = |block: &&Block| parts.written().any(|(part, _)| part.belongs(block));
    let fixed = tree.blocks.iter().filter(|block| tree.is_fixed(block.source));
    fixed.filter(meant).filter(|block| !is_reached(files, tree, parts, block))
}

/// What our text does not reach: one for each file.
pub(crate) fn holes(files: &Files, tree: &Tree<'_>, parts: &Parts) -> Vec<WebGap> {
    if parts.written().next().is_none() {
        return Vec::new();
    }
    let mut by_file: BTreeMap<usize, Vec<&Block>> = BTreeMap::new();
    for block in blocks(files, tree, parts) {
        by_file.entry(block.source).or_default().push(block);
    }
    let fixed = by_file.iter().filter_map(|(source, blocks)| {
        let places: BTreeSet<usize> = blocks.iter().map(|block| block.from).collect();
        let at = tree.source(*source)?.place(*places.first()?);
        let why = tree.fixed.get(source)?.clone();
        let is_server = blocks.iter().any(|block| block.place == Place::Server);
        let what = if is_server { "server block" } else { "block" };
        Some(match places.len() {
            1 => WebGap::NotReached { what: format!("the {what}"), at, why },
            count => WebGap::SeveralNotReached { what: what.into(), count, at, why },
        })
    });
    let unread = tree
        .unread
        .iter()
        .map(|(file, fault)| WebGap::FileNotKnown { file: file.clone(), fault: fault.clone() });
    fixed.chain(unread).collect()
}

/// The sites of the server blocks that are not reached.
pub(crate) fn unreached(files: &Files, tree: &Tree<'_>, parts: &Parts) -> Vec<WebSite> {
    let servers: BTreeSet<usize> =
        blocks(files, tree, parts).filter_map(|block| block.server).collect();
    if servers.is_empty() { Vec::new() } else { sites_of(tree, |number| servers.contains(&number)) }
}

/// What of ours stays, or may stay, when all of it is taken out, because a file cannot be changed or is
/// not known.
pub(crate) fn strays(tree: &Tree<'_>) -> Vec<WebGap> {
    let unread = tree
        .unread
        .iter()
        .map(|(file, fault)| WebGap::IncludeMayStay { file: file.clone(), fault: fault.clone() });
    lines_left(tree).0.into_iter().chain(unread).collect()
}

/// The includes of ours that are there in files that cannot be changed, and whether there are others.
pub(crate) fn lines_left(tree: &Tree<'_>) -> (Vec<WebGap>, bool) {
    let (fixed, others): (Vec<&Own>, Vec<&Own>) =
        tree.own.iter().partition(|own| tree.is_fixed(own.source));
    let stay = fixed.into_iter().filter_map(|own| {
        let at = tree.source(own.source)?.place(own.from);
        Some(WebGap::IncludeStays { at, why: tree.fixed.get(&own.source)?.clone() })
    });
    (stay.collect(), !others.is_empty())
}
