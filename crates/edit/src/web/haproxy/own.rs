//! What HAProxy answers by itself: before our rules are asked, or in the place of what they say.

use std::collections::BTreeSet;

use stopgap_model::own_answer::{Answers, OwnAnswer};

use super::read::Tree;

/// A line that answers by itself: what, and where it stands.
pub(super) type Line = (Answers, &'static str, (usize, usize));

/// The statuses that have a page of their own (`http_err_codes` in HAProxy's `http.c`).
const WITH_PAGE: [u16; 17] =
    [400, 401, 403, 404, 405, 407, 408, 410, 413, 421, 422, 425, 429, 500, 502, 503, 504];

/// What a line says that holds wherever it stands.
pub(super) fn of_line(words: &[String]) -> Vec<(Answers, &'static str)> {
    let word = |at: usize| words.get(at).map_or("", String::as_str);
    let status = |at: usize| word(at).parse().ok();
    let has = |part: &str| words.iter().any(|word| word.contains(part));
    match word(0) {
        "monitor-uri" => vec![(Answers::Target(word(1).to_owned()), "monitor-uri")],
        "errorfile" | "errorloc" | "errorloc302" | "errorloc303" => status(1)
            .map(|status| (Answers::InsteadOf(status), "the page for errors"))
            .into_iter()
            .collect(),
        "errorfiles" => {
            let told: Vec<u16> =
                words.iter().skip(2).filter_map(|word| word.parse().ok()).collect();
            let all = if told.is_empty() { WITH_PAGE.to_vec() } else { told };
            all.into_iter()
                .map(|status| (Answers::InsteadOf(status), "the page for errors"))
                .collect()
        }
        "tcp-request" if word(2) == "reject" && (has("_rate") || has("conn_cur")) => {
            vec![(Answers::TooMany, "the limit of connections")]
        }
        "rate-limit" => vec![(Answers::TooMany, "the limit of connections")],
        _ => Vec::new(),
    }
}

/// What a rule for requests answers that comes before ours, as those of defaults do.
pub(super) fn of_earlier_rule(words: &[String]) -> Option<(Answers, &'static str)> {
    let action = words.get(1)?.as_str();
    let said = |names: &[&str], otherwise: u16| {
        let mut pairs = words.windows(2).skip(1);
        let told = pairs
            .find_map(|pair| names.contains(&pair[0].as_str()).then(|| pair[1].parse().ok()))?;
        told.or(Some(otherwise))
    };
    let with = |status: u16| Answers::With(BTreeSet::from([status]));
    let answers = match action {
        "redirect" => with(said(&["code"], 302).unwrap_or(302)),
        "return" => with(said(&["status"], 200).unwrap_or(200)),
        "deny" => with(said(&["deny_status", "status"], 403).unwrap_or(403)),
        "tarpit" => with(said(&["deny_status", "status"], 500).unwrap_or(500)),
        "auth" => with(401),
        "use-service" | "cache-use" => Answers::Anything,
        _ if action.starts_with("lua.") => Answers::Anything,
        // What allows a request has it pass our rules by.
        _ => return None,
    };
    let what = match action {
        "redirect" => "the redirect",
        "cache-use" => "the cache",
        "use-service" => "the service",
        _ => "the rule",
    };
    Some((answers, what))
}

/// All of it, by frontends as the sites count them.
pub(crate) fn own_answers(tree: &Tree<'_>) -> Vec<OwnAnswer> {
    let frontends = tree.frontends.iter().filter(|one| one.is_http() && !one.disabled);
    let all = frontends.enumerate().flat_map(|(block, frontend)| {
        frontend.own().iter().map(move |(answers, what, (source, at))| {
            let place = tree.sources.get(*source).map(|source| source.told(*at));
            let by = format!("{what} in {}", place.unwrap_or_default());
            OwnAnswer { block, answers: answers.clone(), by }
        })
    });
    all.collect()
}
