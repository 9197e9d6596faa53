//! What IIS rules do to requests: verdicts computed by hand.

#![allow(clippy::unwrap_used, reason = "helpers of tests may say plainly what they expect")]

mod actions;
mod matching;
mod undecided;

use stopgap_iis::rewrite::{
    Action, Condition, Entry, Evaluator, Grouping, MatchType, Outcome, PatternSyntax, RedirectType,
    RewriteMap, Rule, UrlMatch, Verdict,
};
use stopgap_model::Request;
use stopgap_model::reason::IisReason;

fn rule(url: &str, action: Action) -> Rule {
    Rule {
        name: String::new(),
        enabled: true,
        syntax: PatternSyntax::EcmaScript,
        stop_processing: false,
        url: UrlMatch { pattern: url.into(), ignore_case: true, negate: false },
        grouping: Grouping::MatchAll,
        track_all_captures: false,
        conditions: Vec::new(),
        server_variables: Vec::new(),
        action,
    }
}

fn abort(url: &str) -> Rule {
    rule(url, Action::AbortRequest)
}

fn rewrite(url: &str, to: &str) -> Rule {
    rule(url, Action::Rewrite { url: to.into(), append_query: true })
}

fn redirect(url: &str, to: &str, kind: RedirectType, append_query: bool) -> Rule {
    rule(url, Action::Redirect { url: to.into(), append_query, kind })
}

fn respond(url: &str, status: u16) -> Rule {
    let (reason, description) = (String::new(), String::new());
    rule(url, Action::CustomResponse { status, substatus: 0, reason, description })
}

/// A rule with a condition more.
fn when(mut rule: Rule, input: &str, pattern: &str) -> Rule {
    rule.conditions.push(Condition {
        input: input.into(),
        match_type: MatchType::Pattern,
        pattern: pattern.into(),
        ignore_case: true,
        negate: false,
    });
    rule
}

/// A rule with a condition more that must not hold.
fn unless(rule: Rule, input: &str, pattern: &str) -> Rule {
    let mut rule = when(rule, input, pattern);
    rule.conditions.last_mut().unwrap().negate = true;
    rule
}

fn asks_the_disk(rule: Rule, match_type: MatchType) -> Rule {
    let mut rule = when(rule, "{REQUEST_FILENAME}", "");
    rule.conditions.last_mut().unwrap().match_type = match_type;
    rule
}

fn any(rule: Rule) -> Rule {
    Rule { grouping: Grouping::MatchAny, ..rule }
}

fn stop(rule: Rule) -> Rule {
    Rule { stop_processing: true, ..rule }
}

fn syntax(rule: Rule, syntax: PatternSyntax) -> Rule {
    Rule { syntax, ..rule }
}

fn exact_case(mut rule: Rule) -> Rule {
    rule.url.ignore_case = false;
    rule.conditions.iter_mut().for_each(|condition| condition.ignore_case = false);
    rule
}

fn not_url(mut rule: Rule) -> Rule {
    rule.url.negate = true;
    rule
}

fn maps() -> Vec<RewriteMap> {
    let entries = [("old", "new"), ("a b", "c")].map(|(k, v)| (k.to_owned(), v.to_owned()));
    let map = |name: &str, default: &str, ignore_case| RewriteMap {
        name: name.into(),
        default: default.into(),
        ignore_case,
        entries: entries.to_vec(),
    };
    vec![map("Moved", "", true), map("Strict", "none", false)]
}

/// A request line, and header lines behind ` | `.
fn request(text: &str) -> Request {
    let mut lines = text.split(" | ");
    let mut request = Request::from_line(lines.next().unwrap()).unwrap();
    lines.for_each(|line| request.add_header_line(line).unwrap());
    request
}

fn outcome(rules: &[(&str, Rule)], line: &str) -> Outcome {
    let names: Vec<String> = (1..=rules.len()).map(|number| number.to_string()).collect();
    let entries = rules.iter().zip(&names).map(|((base, rule), name)| Entry {
        name,
        rule: Ok(rule),
        base,
        forbidden: None,
    });
    Evaluator::new(entries, maps()).evaluate(&request(line))
}

/// An outcome in a few signs: what becomes of the request, `by` which rule, and which are undecided.
fn short(outcome: &Outcome) -> String {
    let mut text = match &outcome.verdict {
        Verdict::Allowed => "allowed".to_owned(),
        Verdict::Blocked { status: None } => "abort".to_owned(),
        Verdict::Blocked { status: Some(status) } => status.to_string(),
        Verdict::Rewritten { url } => format!("=> {url}"),
        Verdict::Redirected { status, url } => format!("{status} {url}"),
    };
    if let Some(by) = &outcome.by {
        text += &format!(" by {by}");
    }
    for undecided in &outcome.undecided {
        text += &format!(" ?{}", undecided.rule);
    }
    text
}

/// Rules of the site, and requests with what becomes of them.
type Table<'a> = Vec<(Vec<Rule>, &'a [(&'a str, &'a str)])>;

fn check(base: &str, table: Table<'_>) {
    for (at, (rules, cases)) in table.into_iter().enumerate() {
        let rules: Vec<_> = rules.into_iter().map(|rule| (base, rule)).collect();
        for (line, expected) in cases {
            let outcome = outcome(&rules, line);
            assert_eq!(short(&outcome), *expected, "row {at}: {line}: {outcome:?}");
        }
    }
}
