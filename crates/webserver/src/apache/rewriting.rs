//! The redirects that mod_rewrite gives a whole host.

use std::collections::BTreeSet;

use stopgap_model::own_answer::Only;

use super::redirect::{matches_all, status_of};

/// The flags with which a rule has the next rules asked, whether it matches or not.
const GOES_ON: [&str; 7] = ["e", "env", "nc", "nocase", "ne", "noescape", "qsa"];

/// The rules of a host up to here.
#[derive(Debug, Default)]
pub(super) struct Rewriting {
    is_on: bool,
    /// The words of the conditions on the next rule.
    conditions: Vec<Vec<String>>,
    /// Whether a rule may have kept requests from those behind it, so that nothing is known of these.
    keeps_back: bool,
}

impl Rewriting {
    pub(super) fn switch(&mut self, is_on: bool) {
        self.is_on = is_on;
    }

    pub(super) fn condition(&mut self, words: Vec<String>) {
        self.conditions.push(words);
    }

    /// Takes in a rule: the status that it answers every request with to some sites, if it does.
    pub(super) fn rule(&mut self, words: &[String]) -> Option<(u16, Only)> {
        // Conditions are for the next rule alone.
        let conditions = std::mem::take(&mut self.conditions);
        let status = status(words);
        let is_reached = self.is_on && !self.keeps_back;
        let ends = ["r", "redirect", "g", "gone", "f", "forbidden", "l", "last", "end"];
        let goes_on = |(name, _): &(String, Option<String>)| {
            let name = name.as_str();
            GOES_ON.contains(&name) || (status.is_some() && ends.contains(&name))
        };
        self.keeps_back |= !flags(words).iter().all(goes_on);
        if !is_reached || self.keeps_back || !matches_all(words.first()?) {
            return None;
        }
        status.zip(only(&conditions))
    }
}

/// The flags of a rule or of a condition in lower case, each with its value.
fn flags(words: &[String]) -> Vec<(String, Option<String>)> {
    let all = words.get(2..).unwrap_or_default().concat().to_ascii_lowercase();
    let inner = all.trim_matches(['[', ']']);
    let flags = inner.split(',').map(str::trim).filter(|flag| !flag.is_empty());
    let pairs = flags.map(|flag| match flag.split_once('=') {
        Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
        None => (flag.to_owned(), None),
    });
    pairs.collect()
}

/// The status of a rule, if it ends in one.
fn status(words: &[String]) -> Option<u16> {
    for (name, value) in flags(words) {
        match (name.as_str(), value) {
            ("r" | "redirect", Some(status)) => return status_of(&status).or(Some(302)),
            ("r" | "redirect", None) => return Some(302),
            ("g" | "gone", None) => return Some(410),
            ("f" | "forbidden", None) => return Some(403),
            _ => {}
        }
    }
    // A target that is an absolute URL is a redirect without any flag.
    let target = words.get(1)?.to_ascii_lowercase();
    (target.starts_with("http://") || target.starts_with("https://")).then_some(302)
}

/// The sites for which all conditions hold; `None`: it is not known. Known is that a connection has no
/// TLS, and which name is asked for.
fn only(conditions: &[Vec<String>]) -> Option<Only> {
    let mut only = Only::default();
    let mut named = BTreeSet::new();
    for (at, words) in conditions.iter().enumerate() {
        let flags = flags(words);
        let has_other = flags.iter().any(|(name, _)| matches!(name.as_str(), "or" | "ornext"));
        // `[OR]` on the last condition has no other to go on with.
        if has_other && at + 1 == conditions.len() {
            return None;
        }
        match words.get(..2)? {
            [what, wanted] if what.eq_ignore_ascii_case("%{SERVER_NAME}") => {
                named.insert(wanted.strip_prefix('=')?.to_ascii_lowercase());
                if !has_other {
                    let names = std::mem::take(&mut named);
                    let both =
                        |known: BTreeSet<String>| known.intersection(&names).cloned().collect();
                    only.names = Some(only.names.take().map_or_else(|| names.clone(), both));
                }
            }
            [what, wanted] if what.eq_ignore_ascii_case("%{HTTPS}") => {
                let is_off = ["off", "=off", "^off$", "!on", "!=on", "!^on$"]
                    .contains(&wanted.to_ascii_lowercase().as_str());
                if !is_off || has_other || !named.is_empty() {
                    return None;
                }
                only.plain = true;
            }
            _ => return None,
        }
    }
    Some(only)
}
