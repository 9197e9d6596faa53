//! What Apache answers by itself, by virtual host.

use stopgap_model::own_answer::{Answers, Only, OwnAnswer};

use super::tree::{Host, Tree};

/// All of it, by hosts as the sites count them.
pub(crate) fn own_answers(tree: &Tree<'_>) -> Vec<OwnAnswer> {
    let Some(main) = tree.hosts.first() else { return Vec::new() };
    tree.hosts
        .iter()
        .enumerate()
        .flat_map(|(block, host)| of_host(tree, main, block, host))
        .collect()
}

fn of_host(tree: &Tree<'_>, main: &Host, block: usize, host: &Host) -> Vec<OwnAnswer> {
    let answer = |answers, by| OwnAnswer { block, only: Only::default(), answers, by };
    let inherited = main.own.redirects.iter().filter(|(one, _)| block > 0 && one.passes_on);
    let redirects = host.own.redirects.iter().chain(inherited).filter_map(|(redirect, at)| {
        let by = format!("the redirect in {}", tree.place(*at)?);
        Some(OwnAnswer { only: redirect.only.clone(), ..answer(redirect.answers.clone(), by) })
    });
    let mut all: Vec<OwnAnswer> = redirects.collect();
    if !host.own.encoded_slashes.or(main.own.encoded_slashes).unwrap_or(false) {
        let by = "AllowEncodedSlashes, which is off".to_owned();
        all.push(answer(Answers::EncodedSlash, by));
    }
    let stubborn = host.own.stubborn.or(main.own.stubborn).unwrap_or(false);
    let cache = host.own.quick_cache(&main.own).filter(|_| stubborn);
    if let Some(at) = cache.and_then(|at| tree.place(at)) {
        all.push(answer(Answers::Anything, format!("the cache in {at}")));
    }
    all
}
