//! What Apache answers by itself before it asks whether access is granted: its own redirects, and its
//! cache.

use std::collections::BTreeSet;

use stopgap_model::own_answer::{Answers, OwnAnswer};

use super::lines::Directive;
use super::walk::{Host, Tree};

/// The directives that say something of it.
pub(super) const DIRECTIVES: [&str; 9] = [
    "redirect",
    "redirectmatch",
    "redirectpermanent",
    "redirecttemp",
    "rewriterule",
    "allowencodedslashes",
    "cacheenable",
    "cachequickhandler",
    "cacheignorecachecontrol",
];

/// What a virtual host, or the main server, says of it.
#[derive(Debug, Default)]
pub(super) struct Own {
    /// The redirects: each status, where it is said first, and whether a virtual host has it from the main
    /// server.
    redirects: Vec<(u16, (usize, usize), bool)>,
    encoded_slashes: Option<bool>,
    cache: Option<(usize, usize)>,
    quick: Option<bool>,
    /// Whether the cache answers whatever a request says of it.
    stubborn: Option<bool>,
}

impl Own {
    /// Takes in a directive of a whole host.
    pub(super) fn take(&mut self, name: &str, directive: &Directive, at: (usize, usize)) {
        let words = directive.words();
        let is = |wanted: &str| words.first().is_some_and(|word| word.eq_ignore_ascii_case(wanted));
        match name {
            "allowencodedslashes" => self.encoded_slashes = Some(!is("off")),
            "cacheenable" => self.cache = self.cache.or(Some(at)),
            "cachequickhandler" => self.quick = Some(!is("off")),
            "cacheignorecachecontrol" => self.stubborn = Some(is("on")),
            _ => {
                let Some(status) = status_of(name, &words) else { return };
                let passes_on = name != "rewriterule";
                let is_known = |known: &(u16, _, bool)| (known.0, known.2) == (status, passes_on);
                if !self.redirects.iter().any(is_known) {
                    self.redirects.push((status, at, passes_on));
                }
            }
        }
    }

    /// Where its cache answers before anything is asked.
    fn quick_cache(&self, main: &Self) -> Option<(usize, usize)> {
        let cache = self.cache.or(main.cache);
        cache.filter(|_| self.quick.or(main.quick).unwrap_or(true))
    }
}

/// The status that a directive answers with, if it does.
fn status_of(name: &str, words: &[String]) -> Option<u16> {
    match name {
        "redirectpermanent" => Some(301),
        "redirecttemp" => Some(302),
        "rewriterule" => rewritten(words),
        _ => Some(redirected(words.first()?)),
    }
}

/// The status of a `Redirect` that begins with this word.
fn redirected(first: &str) -> u16 {
    match first.to_ascii_lowercase().as_str() {
        "permanent" => 301,
        "seeother" => 303,
        "gone" => 410,
        // The status may be left out.
        other => other.parse().unwrap_or(302),
    }
}

/// The status of a `RewriteRule`, if it ends in one.
fn rewritten(words: &[String]) -> Option<u16> {
    let flags = words.get(2).map(|flags| flags.trim_matches(['[', ']']).to_ascii_lowercase());
    for flag in flags.iter().flat_map(|flags| flags.split(',')) {
        match flag.trim().split_once('=') {
            Some(("r" | "redirect", status)) => return Some(redirected(status)),
            None => match flag.trim() {
                "r" | "redirect" => return Some(302),
                "g" | "gone" => return Some(410),
                "f" | "forbidden" => return Some(403),
                _ => {}
            },
            Some(_) => {}
        }
    }
    // An address of another site is redirected to without being told so.
    let target = words.get(1)?.to_ascii_lowercase();
    (target.starts_with("http://") || target.starts_with("https://")).then_some(302)
}

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
    let told = |(source, at): (usize, usize)| {
        tree.sources.get(source).map(|source| source.told(at)).unwrap_or_default()
    };
    let answer = |answers, by| OwnAnswer { block, answers, by };
    let inherited = main.own.redirects.iter().filter(|(.., passes_on)| block > 0 && *passes_on);
    let redirects = host.own.redirects.iter().chain(inherited).map(|(status, at, _)| {
        let by = format!("the redirect in {}", told(*at));
        answer(Answers::With(BTreeSet::from([*status])), by)
    });
    let mut all: Vec<OwnAnswer> = redirects.collect();
    if !host.own.encoded_slashes.or(main.own.encoded_slashes).unwrap_or(false) {
        let by = "AllowEncodedSlashes, which is off".to_owned();
        all.push(answer(Answers::EncodedSlash, by));
    }
    let stubborn = host.own.stubborn.or(main.own.stubborn).unwrap_or(false);
    if let Some(at) = host.own.quick_cache(&main.own).filter(|_| stubborn) {
        all.push(answer(Answers::Anything, format!("the cache in {}", told(at))));
    }
    all
}

/// Where a cache answers what was attacked before although rules would not: sentences without a full
/// stop.
pub(super) fn gaps(tree: &Tree<'_>) -> Vec<String> {
    let Some(main) = tree.hosts.first() else { return Vec::new() };
    let quick = tree.hosts.iter().filter_map(|host| host.own.quick_cache(&main.own));
    let places: BTreeSet<_> = quick.collect();
    let told = places.into_iter().map(|(source, at)| {
        let at = tree.sources.get(source).map(|source| source.told(at)).unwrap_or_default();
        format!(
            "the cache in {at} answers before any rule is asked: what an attack put there can be read \
             until it expires, unless `CacheQuickHandler off` is set"
        )
    });
    told.collect()
}
