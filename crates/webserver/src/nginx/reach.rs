//! What of nginx our text does not reach, because a file cannot be changed or is not known.

use std::collections::{BTreeMap, BTreeSet};

use stopgap_model::problem::escaped;
use stopgap_model::web::WebSite;

use super::place::{Parts, is_reached};
use super::sites::sites_of;
use super::tree::{Block, Own, Place, Tree};
use crate::files::Files;

/// The blocks that something of ours belongs into and that it does not reach.
fn blocks<'t>(
    files: &'t Files,
    tree: &'t Tree<'_>,
    parts: &'t Parts,
) -> impl Iterator<Item = &'t Block> {
    let meant = |block: &&Block| parts.written().any(|(part, _)| part.belongs(block));
    let fixed = tree.blocks.iter().filter(|block| tree.fixed.contains_key(&block.source));
    fixed.filter(meant).filter(|block| !is_reached(files, tree, parts, block))
}

/// One sentence for each file, without a full stop.
pub(crate) fn holes(files: &Files, tree: &Tree<'_>, parts: &Parts) -> Vec<String> {
    if parts.written().next().is_none() {
        return Vec::new();
    }
    let mut by_file: BTreeMap<usize, Vec<&Block>> = BTreeMap::new();
    for block in blocks(files, tree, parts) {
        by_file.entry(block.source).or_default().push(block);
    }
    let fixed = by_file.iter().filter_map(|(source, blocks)| {
        let places: BTreeSet<usize> = blocks.iter().map(|block| block.from).collect();
        let at = tree.sources.get(*source)?.told(*places.first()?);
        let is_server = blocks.iter().any(|block| block.place == Place::Server);
        let what = if is_server { "server block" } else { "block" };
        let what = match places.len() {
            1 => format!("the {what} in {at} is not reached"),
            count => format!("{count} {what}s are not reached, the first in {at}"),
        };
        Some(format!("{what}: {}", tree.fixed.get(source)?))
    });
    let unread = tree.unread.iter().map(|(path, why)| {
        format!(
            "what {} says is not known, so nothing in it is reached: {why}",
            escaped(path.as_str())
        )
    });
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
pub(crate) fn strays(tree: &Tree<'_>) -> Vec<String> {
    let unread = tree.unread.iter().map(|(path, why)| {
        let path = escaped(path.as_str());
        format!("an include of ours in {path}, if there is one, stays: {why}; it takes in nothing")
    });
    lines_left(tree).0.into_iter().chain(unread).collect()
}

/// The includes of ours that are there in files that cannot be changed, and whether there are others.
pub(crate) fn lines_left(tree: &Tree<'_>) -> (Vec<String>, bool) {
    let (fixed, others): (Vec<&Own>, Vec<&Own>) =
        tree.own.iter().partition(|own| tree.fixed.contains_key(&own.source));
    let told = fixed.into_iter().filter_map(|own| {
        let (source, why) = (tree.sources.get(own.source)?, tree.fixed.get(&own.source)?);
        let at = source.told(own.from);
        Some(format!(
            "the include of ours in {at} stays: {why}; it takes in nothing, and can be taken out by hand"
        ))
    });
    (told.collect(), !others.is_empty())
}
