//! Foreign IIS rules against what a mitigation wants: recognised by what they do.

mod known_rules;
mod logic;

use stopgap_iis::rewrite::{
    Action, Condition, Coverage, Grouping, MatchType, PatternSyntax, Rule, UrlMatch, subsumes,
    subsumes_conditions,
};
use stopgap_model::rule::{
    BlockRule, Case, Condition as When, DEFAULT_BODY_LIMIT, Decode, Deny, Field, Operator, Test,
};

const DECODED: &str = "{UrlDecode:{REQUEST_URI}}";
const RAW: &str = "{REQUEST_URI}";
const COOKIE: &str = "{HTTP_COOKIE}";

/// An aborting rule with these conditions.
fn rule(conditions: &[(&str, &str)]) -> Rule {
    Rule {
        name: "foreign".into(),
        enabled: true,
        syntax: PatternSyntax::EcmaScript,
        stop_processing: true,
        url: UrlMatch { pattern: ".*".into(), ignore_case: true, negate: false },
        grouping: Grouping::MatchAll,
        track_all_captures: false,
        conditions: conditions.iter().map(|(input, pattern)| condition(input, pattern)).collect(),
        server_variables: Vec::new(),
        action: Action::AbortRequest,
    }
}

fn condition(input: &str, pattern: &str) -> Condition {
    Condition {
        input: input.into(),
        match_type: MatchType::Pattern,
        pattern: pattern.into(),
        ignore_case: true,
        negate: false,
    }
}

fn changed(mut rule: Rule, change: impl FnOnce(&mut Rule)) -> Rule {
    change(&mut rule);
    rule
}

fn on_path(rule: Rule, pattern: &str) -> Rule {
    changed(rule, |rule| rule.url.pattern = pattern.into())
}

fn test(field: Field, decode: &[Decode], operator: Operator) -> When {
    When::Test(Test { field, decode: decode.to_vec(), operator, case: Case::Ignore })
}

fn has(text: &str) -> Operator {
    Operator::Contains(text.into())
}

fn finds(pattern: &str) -> Operator {
    Operator::Matches(pattern.into())
}

fn decoded_uri(operator: Operator) -> When {
    test(Field::Uri, &[Decode::Url], operator)
}

fn uri(operator: Operator) -> When {
    test(Field::Uri, &[], operator)
}

fn query(operator: Operator) -> When {
    test(Field::Query, &[], operator)
}

fn header(name: &str, operator: Operator) -> When {
    test(Field::Header(name.into()), &[], operator)
}

fn abort(when: When) -> BlockRule {
    BlockRule { when, deny: Deny::Abort, body_limit: DEFAULT_BODY_LIMIT }
}

/// The catalog's M1.
fn m1() -> When {
    When::All(vec![decoded_uri(has("autodiscover")), decoded_uri(has("powershell"))])
}

/// The catalog's second rule for CVE-2021-26855.
fn be_resource() -> When {
    header("cookie", finds(r"X-BEResource=.[^/\r\n]*/.[^~\r\n]*~."))
}

fn short(coverage: &Coverage) -> String {
    match coverage {
        Coverage::Same => "same".into(),
        Coverage::Superset(why) => format!("more: {why}"),
        Coverage::ExceptLineFeeds(_) => "except line feeds".into(),
        Coverage::Subset(why) => format!("less: {why}"),
        Coverage::Unrelated(why) => format!("unrelated: {why}"),
        Coverage::NotKnown(why) => format!("not known: {why}"),
    }
}

fn check(table: &[(Rule, When, &str)]) {
    let mut wrong = Vec::new();
    for (at, (rule, wanted, expected)) in table.iter().enumerate() {
        let found = short(&subsumes(rule, &abort(wanted.clone())));
        if found != *expected {
            let conditions: Vec<_> =
                rule.conditions.iter().map(|c| (c.input.as_str(), c.pattern.as_str())).collect();
            wrong.push(format!(
                "{at} {conditions:?} {}\n    {found}\n    {expected}",
                rule.url.pattern
            ));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
