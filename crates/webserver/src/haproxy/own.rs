//! What HAProxy answers by itself: before our rules are asked, or in the place of what they say.

use std::collections::BTreeSet;

use stopgap_model::own_answer::Answers;

/// A line that answers by itself.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) answers: Answers,
    pub(super) what: &'static str,
    /// Whether it is for connections without TLS alone.
    pub(super) plain: bool,
    /// The file, and where it stands.
    pub(super) at: (usize, usize),
}

/// What lines of a section answer by themselves, and those of the defaults that it has.
#[derive(Debug, Clone, Default)]
pub(super) struct Own {
    pub(super) lines: Vec<Line>,
    /// Whether a rule of the defaults lets requests pass all rules behind it.
    lets_pass: bool,
}

impl Own {
    /// Takes in a line that stands anywhere.
    pub(super) fn take(&mut self, at: (usize, usize), words: &[String]) {
        let lines = of_line(words).into_iter();
        self.lines.extend(lines.map(|(answers, what)| Line { answers, what, plain: false, at }));
    }

    /// Takes in a rule for requests that comes before ours, as those of defaults do. What it says counts
    /// if it is for every request.
    pub(super) fn take_earlier_rule(&mut self, at: (usize, usize), words: &[String]) {
        self.lets_pass |= words.get(1).is_some_and(|action| action == "allow");
        let (false, Some(plain)) = (self.lets_pass, is_for_plain(words)) else { return };
        let line = of_earlier_rule(words).map(|(answers, what)| Line { answers, what, plain, at });
        self.lines.extend(line);
    }
}

/// Whether a rule is for connections without TLS alone; `None`: it has another condition.
fn is_for_plain(words: &[String]) -> Option<bool> {
    let Some(at) = words.iter().position(|word| word == "if" || word == "unless") else {
        return Some(false);
    };
    let condition: String = words.iter().skip(at).map(String::as_str).collect();
    matches!(condition.as_str(), "if!{ssl_fc}" | "unless{ssl_fc}").then_some(true)
}

/// The statuses that have a page of their own (`http_err_codes` in HAProxy's `http.c`).
const WITH_PAGE: [u16; 17] =
    [400, 401, 403, 404, 405, 407, 408, 410, 413, 421, 422, 425, 429, 500, 502, 503, 504];

/// What a line says that holds wherever it stands.
fn of_line(words: &[String]) -> Vec<(Answers, &'static str)> {
    let word = |at: usize| words.get(at).map_or("", String::as_str);
    let status = |at: usize| word(at).parse().ok();
    // What a file says is not read.
    let page = |denied, page| (Answers::InsteadOf { denied, page }, "the page for errors");
    let has = |part: &str| words.iter().any(|word| word.contains(part));
    match word(0) {
        "monitor-uri" => vec![(Answers::Target(word(1).to_owned()), "monitor-uri")],
        "errorfile" => status(1).map(|denied| page(denied, None)).into_iter().collect(),
        "errorloc" | "errorloc302" => {
            status(1).map(|denied| page(denied, Some(302))).into_iter().collect()
        }
        "errorloc303" => status(1).map(|denied| page(denied, Some(303))).into_iter().collect(),
        "errorfiles" => {
            let listed: Vec<u16> =
                words.iter().skip(2).filter_map(|word| word.parse().ok()).collect();
            let all = if listed.is_empty() { WITH_PAGE.to_vec() } else { listed };
            all.into_iter().map(|denied| page(denied, None)).collect()
        }
        "tcp-request" if word(2) == "reject" && (has("_rate") || has("conn_cur")) => {
            vec![(Answers::TooMany, "the limit of connections")]
        }
        "rate-limit" => vec![(Answers::TooMany, "the limit of connections")],
        _ => Vec::new(),
    }
}

/// What a rule for requests answers.
fn of_earlier_rule(words: &[String]) -> Option<(Answers, &'static str)> {
    // A status that is not said has a value of its own for each action.
    let action = words.get(1)?.as_str();
    let said = |names: &[&str], otherwise: u16| {
        let mut pairs = words.windows(2).skip(1);
        let value = pairs.find_map(|pair| match pair {
            [name, value] if names.contains(&name.as_str()) => Some(value),
            _ => None,
        })?;
        value.parse().ok().or(Some(otherwise))
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
