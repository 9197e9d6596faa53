//! What Apache answers by itself before it asks whether access is granted: its own redirects, and its
//! cache.

use std::collections::BTreeSet;

use stopgap_model::own_answer::{Answers, Only, OwnAnswer};

use super::lex::Directive;
use super::rewriting::Rewriting;
use super::walk::{Host, Tree};

/// The directives that say something of it.
pub(super) const DIRECTIVES: [&str; 11] = [
    "redirect",
    "redirectmatch",
    "redirectpermanent",
    "redirecttemp",
    "rewriteengine",
    "rewritecond",
    "rewriterule",
    "allowencodedslashes",
    "cacheenable",
    "cachequickhandler",
    "cacheignorecachecontrol",
];

/// The most redirects of single folders that are known of a host.
const MAX_FOLDERS: usize = 100;

/// A redirect of a host.
#[derive(Debug, PartialEq, Eq)]
struct Redirect {
    answers: Answers,
    only: Only,
    /// Whether a virtual host has it from the main server.
    passes_on: bool,
}

/// What a virtual host, or the main server, says of it.
#[derive(Debug, Default)]
pub(super) struct Own {
    /// The redirects: each, and where it is said first.
    redirects: Vec<(Redirect, (usize, usize))>,
    rewriting: Rewriting,
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
            "rewriteengine" => self.rewriting.switch(is("on")),
            "rewritecond" => self.rewriting.condition(words),
            "rewriterule" => {
                if let Some((status, only)) = self.rewriting.rule(&words) {
                    let answers = Answers::With(BTreeSet::from([status]));
                    self.redirect(Redirect { answers, only, passes_on: false }, at);
                }
            }
            _ => {
                if let Some(answers) = redirected(name, &words) {
                    let only = Only::default();
                    self.redirect(Redirect { answers, only, passes_on: true }, at);
                }
            }
        }
    }

    fn redirect(&mut self, redirect: Redirect, at: (usize, usize)) {
        let is_folder = |one: &Redirect| matches!(one.answers, Answers::Below(..));
        let known = self.redirects.iter();
        let folders = known.filter(|(one, _)| is_folder(one)).count();
        let is_known = self.redirects.iter().any(|(known, _)| *known == redirect);
        if !is_known && (folders < MAX_FOLDERS || !is_folder(&redirect)) {
            self.redirects.push((redirect, at));
        }
    }

    /// Where its cache answers before anything is asked.
    fn quick_cache(&self, main: &Self) -> Option<(usize, usize)> {
        let cache = self.cache.or(main.cache);
        cache.filter(|_| self.quick.or(main.quick).unwrap_or(true))
    }
}

/// What a directive of mod_alias answers: the requests for a folder, or all; `None`: others, which are
/// not known.
fn redirected(name: &str, words: &[String]) -> Option<Answers> {
    let first = words.first()?;
    let (status, path) = match name {
        "redirectpermanent" => (301, first),
        "redirecttemp" => (302, first),
        _ => match status_of(first) {
            Some(status) => (status, words.get(1)?),
            // The status may be left out.
            None => (302, first),
        },
    };
    let is_all = if name == "redirectmatch" { matches_all(path) } else { path == "/" };
    match is_all {
        true => Some(Answers::With(BTreeSet::from([status]))),
        false if name == "redirectmatch" => None,
        false => Some(Answers::Below(path.clone(), status)),
    }
}

/// The status that a word of `Redirect` stands for.
pub(super) fn status_of(word: &str) -> Option<u16> {
    match word.to_ascii_lowercase().as_str() {
        "permanent" => Some(301),
        "temp" => Some(302),
        "seeother" => Some(303),
        "gone" => Some(410),
        other => other.parse().ok(),
    }
}

/// Whether a pattern matches the path of every request, as far as that is known.
pub(super) fn matches_all(pattern: &str) -> bool {
    let rest = pattern.strip_prefix('^').unwrap_or(pattern);
    let (rest, is_whole) = match rest.strip_suffix('$') {
        Some(rest) => (rest, true),
        None => (rest, false),
    };
    let rest = rest.strip_prefix("/?").or(rest.strip_prefix('/')).unwrap_or(rest);
    match rest {
        ".*" | "(.*)" | "(/.*)" => true,
        "" => !is_whole,
        _ => false,
    }
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
    let answer = |answers, by| OwnAnswer { block, only: Only::default(), answers, by };
    let inherited = main.own.redirects.iter().filter(|(one, _)| block > 0 && one.passes_on);
    let redirects = host.own.redirects.iter().chain(inherited).map(|(redirect, at)| {
        let by = format!("the redirect in {}", told(*at));
        OwnAnswer { only: redirect.only.clone(), ..answer(redirect.answers.clone(), by) }
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
