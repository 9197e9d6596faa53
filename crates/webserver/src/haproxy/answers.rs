//! What HAProxy answers by itself, by frontend.

use stopgap_model::own_answer::{Only, OwnAnswer};

use super::tree::Tree;

/// All of it, by frontends as the sites count them.
pub(crate) fn own_answers(tree: &Tree<'_>) -> Vec<OwnAnswer> {
    let frontends = tree.frontends.iter().filter(|one| one.is_http() && !one.disabled);
    let all = frontends.enumerate().flat_map(|(block, frontend)| {
        frontend.own().lines.iter().filter_map(move |line| {
            let by = format!("{} in {}", line.what, tree.place(line.at)?);
            let only = Only { plain: line.plain, names: None };
            Some(OwnAnswer { block, only, answers: line.answers.clone(), by })
        })
    });
    all.collect()
}
