//! What Apache answers by itself before it asks whether access is granted: its own redirects, and its
//! cache.

use std::collections::BTreeSet;

use stopgap_model::own_answer::{Answers, Only};

use super::lex::Directive;
use super::redirect::{matches_all, status_of};
use super::rewriting::Rewriting;

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
pub(super) struct Redirect {
    pub(super) answers: Answers,
    pub(super) only: Only,
    /// Whether a virtual host has it from the main server.
    pub(super) passes_on: bool,
}

/// What a virtual host, or the main server, says of it.
#[derive(Debug, Default)]
pub(super) struct Own {
    /// The redirects: each, and where it is said first.
    pub(super) redirects: Vec<(Redirect, (usize, usize))>,
    rewriting: Rewriting,
    pub(super) encoded_slashes: Option<bool>,
    cache: Option<(usize, usize)>,
    quick: Option<bool>,
    /// Whether the cache answers whatever a request says of it.
    pub(super) stubborn: Option<bool>,
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
    pub(super) fn quick_cache(&self, main: &Self) -> Option<(usize, usize)> {
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
