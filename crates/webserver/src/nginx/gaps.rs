//! What rules do not reach on nginx, wherever they stand.

use std::collections::BTreeSet;

use stopgap_model::reason::{ConfigPlace, WebGap};

use super::passages::passages;
use super::span::Span;
use super::tree::{Setter, Tree};

/// What rules do not reach.
pub(crate) fn gaps(tree: &Tree<'_>, server: &str, upstream: &str) -> Vec<WebGap> {
    let mut gaps = Vec::new();
    if !server.is_empty() {
        gaps.extend(passages(tree).into_iter().map(|passage| passage.gap));
    }
    if !upstream.is_empty() {
        let set = set_by_both(tree, upstream, false).into_iter();
        gaps.extend(set.map(|at| WebGap::SetsHeader { at }));
    }
    gaps
}

/// Where a request header that a rule is about is passed on all the same, as the configuration itself sets
/// it to something of the request.
pub(crate) fn leaks(tree: &Tree<'_>, upstream: &str) -> Vec<WebGap> {
    let set = set_by_both(tree, upstream, true).into_iter();
    set.map(|at| WebGap::PassesHeader { at }).collect()
}

/// Where the configuration itself sets a header that a line of ours sets; `varies`: to something that
/// depends on the request.
fn set_by_both(tree: &Tree<'_>, upstream: &str, varies: bool) -> Vec<ConfigPlace> {
    let ours: BTreeSet<String> = upstream.lines().filter_map(header).collect();
    let theirs = tree.headers.iter().filter(|one| one.varies == varies && ours.contains(&one.name));
    // A file that is included twice has each header once.
    let spans: BTreeSet<Span> = theirs.map(|header| header.at).collect();
    spans.into_iter().filter_map(|span| tree.place(span)).collect()
}

/// The header that a line of ours sets, in lower case.
fn header(line: &str) -> Option<String> {
    let mut words = line.split_ascii_whitespace();
    let setter = Setter::of(words.next()?.as_bytes())?;
    setter.header(words.next()?.trim_matches(['"', '\'']))
}
