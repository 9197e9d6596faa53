//! What the `stream` block of nginx passes on without reading requests.

use std::collections::BTreeMap;

use stopgap_model::reason::WebGap;
use stopgap_model::web::Listen;

use super::span::Span;
use super::streams::Server;
use super::tree::Tree;
use crate::passage::{Passage, goes_to_http, is_http_port, target};

/// The most variables and groups that one place is looked for through.
const MAX_DEPTH: usize = 4;
/// The most texts that are looked at for one server block.
const MAX_TEXTS: usize = 4096;

/// The server blocks that pass connections on, each once.
pub(crate) fn passages(tree: &Tree<'_>) -> Vec<Passage> {
    let mut by_place: BTreeMap<Span, &Server> = BTreeMap::new();
    for server in &tree.streams.servers {
        by_place.entry(server.at).or_insert(server);
    }
    by_place.into_values().filter_map(|server| passage(tree, server)).collect()
}

fn passage(tree: &Tree<'_>, server: &Server) -> Option<Passage> {
    let (mut places, mut left) = (Vec::new(), MAX_TEXTS);
    let known = server.to.as_deref().map(|to| resolve(tree, to, (0, &mut left), &mut places));
    let may_be_http = server.listens.iter().any(is_http_port) || places.iter().any(goes_to_http);
    let what = "the server block".to_owned();
    let gap = WebGap::PassedOn { what, at: tree.place(server.at)? };
    Some(Passage { gap, may_be_http, leads_to: (known == Some(true)).then_some(places) })
}

/// Adds the places that a text stands for; whether all of them are known. `left`: how many texts may still
/// be looked at.
fn resolve(
    tree: &Tree<'_>,
    text: &str,
    (depth, left): (usize, &mut usize),
    places: &mut Vec<Listen>,
) -> bool {
    if depth > MAX_DEPTH || *left == 0 {
        return false;
    }
    *left -= 1;
    if let Some(several) = tree.streams.places.get(text) {
        let mut all = true;
        for one in several.iter().take(*left + 1) {
            all &= resolve(tree, one, (depth + 1, left), places);
        }
        return all;
    }
    if text.contains('$') {
        return false;
    }
    if !text.is_empty() {
        places.push(target(text, 80));
    }
    true
}
